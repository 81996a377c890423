"""The order of jobs, as a machine of states: accounts at once, the jobs of each in order, none waits for another's failure."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.batch.schedule import Schedule


def make_jobs(counts):
    return [
        SimpleNamespace(account=name, number=number)
        for name, count in counts.items()
        for number in range(count)
    ]


def run(schedule, jobs, choose, is_done):
    """Run all jobs. `choose` says which of the running jobs ends next. Return the jobs as they began, and the most at once."""
    running, begun, most = [], [], 0
    while not schedule.is_finished:
        taken = schedule.take()
        begun += taken
        running += taken
        assert running, "nothing runs and the schedule waits"
        accounts = [job.account for job in running]
        assert len(accounts) == len(set(accounts)), "two jobs of one account at once"
        most = max(most, len(running))
        job = running.pop(choose(len(running)))
        schedule.record_end(job, is_done=is_done(job))
    return begun, most


@given(
    counts=st.dictionaries(st.sampled_from("abcdefg"), st.integers(1, 4), min_size=1),
    at_once=st.integers(1, 4),
    keeps_going=st.booleans(),
    data=st.data(),
)
def test_jobs_of_an_account_run_in_order_and_no_account_waits_for_a_failure(
    counts, at_once, keeps_going, data
):
    """Guarantee "Files of an account in order": whatever ends when and how, each account's jobs begin one by one, in order."""
    jobs = make_jobs(counts)
    failing = {
        (job.account, job.number)
        for job in jobs
        if data.draw(st.booleans(), label=f"{job.account}{job.number} fails")
    }
    schedule = Schedule(jobs, at_once=at_once, keeps_going=keeps_going)
    begun, most = run(
        schedule,
        jobs,
        lambda count: data.draw(st.integers(0, count - 1)),
        lambda job: (job.account, job.number) not in failing,
    )
    assert most <= at_once
    for name, count in counts.items():
        fails_at = min((number for account, number in failing if account == name), default=count - 1)
        expected = count if keeps_going else min(fails_at + 1, count)
        assert [job.number for job in begun if job.account == name] == list(range(expected))


def test_account_keeps_its_place_until_its_last_job():
    """With one place, the second account begins when the first has ended."""
    schedule = Schedule(jobs := make_jobs({"a": 2, "b": 1}), at_once=1, keeps_going=False)
    begun, _ = run(schedule, jobs, lambda _: 0, lambda _: True)
    assert [(job.account, job.number) for job in begun] == [("a", 0), ("a", 1), ("b", 0)]


@pytest.mark.parametrize("keeps_going", [False, True])
def test_stop_begins_nothing_more(keeps_going):
    """Jobs that run are recorded still."""
    schedule = Schedule(make_jobs({"a": 3, "b": 3, "c": 3}), at_once=2, keeps_going=keeps_going)
    first, second = schedule.take()
    schedule.record_end(first, is_done=True)
    schedule.stop()
    assert schedule.take() == []
    assert not schedule.is_finished
    assert schedule.record_end(second, is_done=True)
    assert schedule.is_finished
