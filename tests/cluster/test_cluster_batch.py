"""A batch over workers: it ends as without them, whatever happens to a worker, and no note is sent twice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import threading
import time
from contextlib import closing

import pytest

from importer.batch import account_work, judge_job
from importer.batch.account_work import ListsRequest
from importer.cluster import cluster_accounts
from importer.cluster.cluster_accounts import ClusterPlaces
from importer.cluster.cluster_ranges import ClusterRangePlaces
from importer.cluster.range_task import decode_call
from importer.cluster.remote_journal import RemoteJournal
from importer.errors import DiskWriteError
from importer.journal.delivery_log import DeliveryLog
from importer.reader.source import open_file
from tests.cluster.worker_threads import WorkerKilledError, WorkerThreads
from tests.support import read_csv, write_csv

CLUSTER = ("--cluster", "tcp://127.0.0.1:8786")
ALL_KINDS = 'existing = "careful"\nverify = true\ntask = "FOLLOW_UP_CALL"\ndue = "tomorrow 11:00"\nhours = "00:00-24:00"\ndays = "mon-sun"\nwait = 0\n'


def write_sheets(agency, rows=12, defaults=""):
    for name in agency.accounts.sandboxes:
        lines = [[f"98450{n:05}", f"Person {n}", f"note {n}"] for n in range(rows)]
        (agency.folder / name).mkdir(exist_ok=True)
        write_csv(agency.folder / name / "a.csv", [["Phone", "Name", "Note"], *lines])
    agency.write_manifest(defaults=defaults)


def count_notes(agency, name):
    """Return how often each note is in an account."""
    notes = [note for lead in agency.accounts.sandboxes[name].store.all_leads() for note in lead["notes"]]
    return {note: notes.count(note) for note in notes}


def check_all_in_once(agency, rows, *, in_doubt=False):
    """Each row is in once, and each note: a note in doubt is not sent again, and its row says so."""
    agency.check_conservation()
    for job in agency.summary["jobs"]:
        name = job["account"]
        lines = read_csv(agency.reports / job["folder"] / "results.csv")
        unsure = [line for line in lines if line["_note"] == "unknown"]
        assert len(agency.accounts.list_phones(name)) == rows
        assert set(count_notes(agency, name).values()) == {1}
        assert len(count_notes(agency, name)) >= rows - len(unsure)
        assert in_doubt or not unsure


def read_outcome(agency):
    """Return the result columns of each run that do not tell the time."""
    return {
        job["account"]: [
            {
                key: row[key]
                for key in ("_status", "_codes", "_http_status", "_plan", "_verified", "_task")
                if key in row
            }
            for row in read_csv(agency.reports / job["folder"] / "results.csv")
        ]
        for job in agency.summary["jobs"]
    }


@pytest.mark.parametrize("defaults", ["", ALL_KINDS], ids=["upserts", "look-ups, plans, tasks and checks"])
def test_batch_over_workers_ends_as_one_without_them(agency, monkeypatch, defaults):
    """Also with look-ups, plans, tasks and verification: each kind of sending is the same code on a worker."""
    write_sheets(agency, defaults=defaults)
    ended = agency(*CLUSTER)
    assert ended.code == 0, ended
    over_workers = read_outcome(agency)
    check_all_in_once(agency, 12)
    shutil.rmtree(agency.reports)
    monkeypatch.setenv("IMPORTER_STATE_DIR", str(agency.folder / "other-state"))
    for sandbox in agency.accounts.sandboxes.values():
        for lead in list(sandbox.store.all_leads()):
            sandbox.store.delete(lead["id"])
    assert agency().code == 0
    assert read_outcome(agency) == over_workers


def test_plan_is_made_and_applied_by_workers(agency):
    """--plan looks up on workers; the command without it sends what the plan says."""
    write_sheets(agency)
    assert agency(*CLUSTER, "--plan").code == 0
    assert agency.list_states() == {name: ["planned"] for name in ("acme", "birla", "coral")}
    assert not agency.accounts.list_phones("acme")
    assert agency(*CLUSTER).code == 0
    check_all_in_once(agency, 12)


def kill_at_request(monkeypatch, at, *, account="acme", releases=False):
    """Let the worker of an account vanish at its Nth commit: no more calls, no release."""
    seen = []
    record, release = RemoteJournal.record, RemoteJournal.release

    def record_or_die(journal, batch):
        if threading.current_thread().name.startswith("journal") and batch.results and not seen and at.pop():
            seen.append(journal)
            raise WorkerKilledError
        return record(journal, batch)

    def release_unless_dead(journal):
        if journal in seen:
            journal._is_released.set()
            raise WorkerKilledError
        release(journal)

    monkeypatch.setattr(RemoteJournal, "record", record_or_die)
    monkeypatch.setattr(RemoteJournal, "release", release_unless_dead)
    return seen


def test_rows_of_a_lost_worker_are_taken_over(agency, monkeypatch, pools):
    """Another worker waits for the lease, then goes on: nothing is lost, no note is sent twice, and the command says so."""
    write_sheets(agency, rows=60)
    seen = kill_at_request(monkeypatch, [True, False, False])
    ended = agency(*CLUSTER)
    assert ended.code == 0, ended
    assert seen
    assert "is gone. Another one goes on" in ended.err
    check_all_in_once(agency, 60, in_doubt=True)
    avoided = [avoid for request, avoid in pools[0].submitted if avoid]
    assert avoided


def test_job_that_kills_each_worker_ends(agency, monkeypatch):
    """After ten workers it stops, and the other accounts are finished."""
    monkeypatch.setattr("importer.batch.send_job._MAX_LOST_WORKERS", 3)
    write_sheets(agency)
    run = WorkerThreads.run

    def die(pool, work, request, place):
        if getattr(request, "base_url", "").endswith("/acme/superfone"):
            raise WorkerKilledError
        return run(pool, work, request, place)

    monkeypatch.setattr(WorkerThreads, "run", die)
    ended = agency(*CLUSTER)
    assert ended.code == 3
    assert agency.list_states() == {"acme": ["interrupted"], "birla": ["finished"], "coral": ["finished"]}
    monkeypatch.setattr(WorkerThreads, "run", run)
    assert agency(*CLUSTER).code == 0
    check_all_in_once(agency, 12)


def test_task_that_is_given_twice_sends_once(agency, monkeypatch):
    """The cluster may run a task again although its worker lives: the second one is refused."""
    write_sheets(agency, rows=30)
    run, refused = WorkerThreads.run, []

    def run_twice(pool, work, request, place):
        if not hasattr(request, "sending"):
            return run(pool, work, request, place)

        def run_again():
            try:
                run(pool, work, request, place._replace(address="the other"))
            except cluster_accounts.LeaseLostError as error:
                refused.append(error)

        other = threading.Timer(0.1, run_again)
        other.start()
        found = run(pool, work, request, place)
        other.join()
        return found

    monkeypatch.setattr(WorkerThreads, "run", run_twice)
    assert agency(*CLUSTER).code == 0
    check_all_in_once(agency, 30)
    assert len(refused) == 3


def test_full_disk_of_the_coordinator_stops_the_run_with_its_own_reason(agency, monkeypatch):
    """The worker only hears that the journal failed; the report says why."""
    write_sheets(agency, rows=30)
    record = DeliveryLog.record

    def fail(log, batch):
        if batch.results and "acme" in str(log._file.folder):
            raise DiskWriteError("The disk is full.", "Free some space.")
        return record(log, batch)

    monkeypatch.setattr(DeliveryLog, "record", fail)
    ended = agency(*CLUSTER)
    assert ended.code == 3
    jobs = {job["account"]: job for job in agency.summary["jobs"]}
    assert "The disk is full." in json.dumps(jobs["acme"])
    assert jobs["birla"]["state"] == "finished"
    monkeypatch.undo()


def test_ctrl_c_drains_the_workers_and_the_same_command_goes_on(agency):
    """The wish travels with each answer to a worker."""
    write_sheets(agency, rows=60)
    count = 0
    answer = agency.accounts.answer

    async def interrupt(scope, receive, send):
        nonlocal count
        count += scope["method"] == "POST"
        if count == 20:
            os.kill(os.getpid(), signal.SIGINT)
            count += 1
        await answer(scope, receive, send)

    agency.accounts.answer = interrupt
    assert agency(*CLUSTER).code == 130
    agency.check_conservation()
    assert agency(*CLUSTER).code == 0
    check_all_in_once(agency, 60)


def test_lost_scheduler_stops_the_batch(agency, monkeypatch, pools):
    """The command says what to do, and the same command brings it home."""
    write_sheets(agency)
    run = WorkerThreads.run

    def lose(pool, work, request, place):
        if hasattr(request, "sending"):
            pool.is_connected = False
            raise WorkerKilledError
        return run(pool, work, request, place)

    monkeypatch.setattr(WorkerThreads, "run", lose)
    ended = agency(*CLUSTER)
    assert ended.code == 3
    assert "The scheduler of the cluster cannot be reached" in json.dumps(agency.summary)
    monkeypatch.setattr(WorkerThreads, "run", run)
    assert agency(*CLUSTER).code == 0
    check_all_in_once(agency, 12)


def test_check_over_workers_needs_no_key_here(agency, monkeypatch, pools):
    """The workers have the keys, so they fetch the lists. Nothing is sent."""
    write_sheets(agency)
    monkeypatch.setattr(account_work, "find_credentials", only_on_workers(account_work.find_credentials))
    assert agency(*CLUSTER, "--check").code == 0
    assert pools
    assert not agency.accounts.list_phones("acme")


def only_on_workers(work):
    def check(*values):
        assert threading.current_thread().name.startswith("worker")
        return work(*values)

    return check


def test_workers_judge_ranges_of_a_large_sheet(agency, monkeypatch, pools):
    """The reports are those that this computer alone writes, byte by byte. Small sheets do not travel."""
    rows = [
        [f"98450{n:05}" if n % 70 else "98450", f"Person {n}", 'said "yes"\nagain' if n % 90 == 0 else ""]
        for n in range(12_000)
    ]
    write_sheets(agency)
    write_csv(agency.folder / "acme" / "a.csv", [["Phone", "Name", "Note"], *rows])
    monkeypatch.setattr(judge_job, "open_file", open_file)
    monkeypatch.setattr(ClusterRangePlaces, "min_file_bytes", 100_000)
    monkeypatch.setattr(ClusterRangePlaces, "range_bytes", 1)
    assert agency(*CLUSTER, "--check").code == 1
    assert len(pools) == 2
    calls = [decode_call(task.body) for pool in pools for _, task in pool.ranges]
    assert len(calls) >= 2
    assert {call.head.hidden_variables for call in calls if call.head} == {
        ("KEY_ACME", "KEY_BIRLA", "KEY_CORAL")
    }
    over_workers = read_reports(agency)
    shutil.rmtree(agency.reports)
    assert agency("--check").code == 1
    assert read_reports(agency) == over_workers


def read_reports(agency):
    """Return the tables of all runs."""
    return {path.relative_to(agency.reports): path.read_bytes() for path in agency.reports.rglob("*/*/*.csv")}


def test_worker_without_a_key_is_named_before_anything_is_sent(agency, monkeypatch, pools):
    write_sheets(agency)
    monkeypatch.delenv("KEY_BIRLA")
    ended = agency(*CLUSTER)
    assert ended.code == 2
    assert "The worker worker-0 has no key at env:KEY_BIRLA." in ended.err
    assert not agency.accounts.list_phones("acme")


@pytest.fixture
def hung(monkeypatch):
    """Return the tasks that hang before they ask for the lease, for as long as the test runs: those of the first worker."""
    run, wakes, tasks = WorkerThreads.run, threading.Event(), []

    def hang(pool, work, request, place):
        if hasattr(request, "sending") and pool.is_hung(place.address):
            tasks.append(request)
            assert wakes.wait(20), "nobody else took the task"
        return run(pool, work, request, place)

    monkeypatch.setattr(WorkerThreads, "run", hang)
    monkeypatch.setattr(WorkerThreads, "is_hung", lambda pool, address: True, raising=False)
    yield tasks
    wakes.set()


def test_task_of_a_worker_that_never_asks_for_the_lease_goes_to_another_one(agency, monkeypatch, hung, pools):
    """A stopped process, a key file on a dead network drive: Dask notices the first after minutes, the second never."""
    monkeypatch.setattr(cluster_accounts, "_MAX_UNCLAIMED_S", 0.3)
    monkeypatch.setattr(WorkerThreads, "is_hung", lambda pool, address: len(hung) < 3)
    write_sheets(agency)
    ended = agency(*CLUSTER)
    assert ended.code == 0, ended
    assert len(hung) == 3
    assert ended.err.count("is gone. Another one goes on") == 3
    assert any(avoid for _, avoid in pools[0].submitted)
    check_all_in_once(agency, 12)


def test_task_for_workers_that_are_all_gone_goes_to_new_ones(agency, monkeypatch, hung):
    """Dask would keep it for those that it was meant for."""
    monkeypatch.setattr(WorkerThreads, "is_hung", lambda pool, address: len(hung) < 3)
    monkeypatch.setattr(
        WorkerThreads, "can_run", lambda pool, future: int(pool.find_worker(future).partition("-")[2]) > 5
    )
    write_sheets(agency)
    ended = agency(*CLUSTER)
    assert ended.code == 0, ended
    assert len(hung) == 3
    check_all_in_once(agency, 12)


def test_task_that_waits_for_a_free_worker_is_left_where_it_is(agency, monkeypatch, hung):
    """It is in a queue, and another one would be at its end."""
    monkeypatch.setattr(cluster_accounts, "_MAX_UNCLAIMED_S", 0.1)
    monkeypatch.setattr(WorkerThreads, "find_worker", lambda pool, future: "")
    monkeypatch.setattr(WorkerThreads, "is_hung", lambda pool, address: len(hung) < 3)
    write_sheets(agency)
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert agency(*CLUSTER).code == 130
    assert len(hung) == 3


def test_batch_ends_when_all_workers_are_gone(agency, monkeypatch, hung, pools):
    """It does not wait for ever. It says what to do, and the same command brings it home."""
    monkeypatch.setattr(cluster_accounts, "_MAX_WITHOUT_WORKERS_S", 0.3)
    monkeypatch.setattr(WorkerThreads, "places", property(lambda pool: 0 if hung else 8))
    write_sheets(agency)
    ended = agency(*CLUSTER)
    assert ended.code == 3, ended
    assert "The cluster has no workers any more." in json.dumps(agency.summary)
    monkeypatch.setattr(WorkerThreads, "is_hung", lambda pool, address: False)
    monkeypatch.setattr(WorkerThreads, "places", 8)
    assert agency(*CLUSTER).code == 0
    check_all_in_once(agency, 12)


def test_ctrl_c_does_not_wait_for_a_worker_that_has_not_begun(agency, hung):
    """Nothing of the task is under way."""
    write_sheets(agency)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    assert agency(*CLUSTER).code == 130
    assert time.monotonic() - began < 15
    assert not agency.accounts.list_phones("acme")


def test_second_ctrl_c_leaves_the_requests_under_way(agency):
    """Their rows are in doubt, and the same command goes on with the others."""
    write_sheets(agency, rows=60)
    answer, asked = agency.accounts.answer, []

    async def hang(scope, receive, send):
        asked.append(scope["method"])
        if asked.count("POST") > 20:
            if asked.count("POST") == 21:
                for after_s in (0.1, 0.7):
                    threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGINT)).start()
            await asyncio.sleep(20)
        await answer(scope, receive, send)

    agency.accounts.answer = hang
    began = time.monotonic()
    assert agency(*CLUSTER).code == 130
    assert time.monotonic() - began < 15
    agency.check_conservation()
    agency.accounts.answer = answer
    assert agency(*CLUSTER).code == 0
    check_all_in_once(agency, 60, in_doubt=True)


def test_worker_that_is_lost_with_the_lists_stops_its_account_alone(agency, monkeypatch):
    """The lists were asked for a second time, since the first were old: a worker was killed, and the two after it."""
    write_sheets(agency)
    run = WorkerThreads.run

    def die(pool, work, request, place):
        if isinstance(request, ListsRequest) and request.account.name == "acme":
            raise WorkerKilledError
        return run(pool, work, request, place)

    monkeypatch.setattr(WorkerThreads, "run", die)
    assert agency(*CLUSTER).code in (1, 3)
    assert agency.list_states()["birla"] == ["finished"]
    assert "read the lists of this account ended unexpectedly" in json.dumps(agency.summary)


def test_no_list_is_fetched_from_workers_after_the_end():
    """Python would wait for threads of a pool, and work off the accounts that wait."""
    begun, may_end = [], threading.Event()

    class SlowCluster:
        def fetch_lists(self, request):
            begun.append(request)
            may_end.wait()
            return request

    with closing(ClusterPlaces(SlowCluster(), None, None)) as places:
        futures = [places.fetch_lists(number) for number in range(300)]
    may_end.set()
    assert {future.result() for future in futures if not future.cancelled()} == set(begun)
    assert len(begun) < 300
