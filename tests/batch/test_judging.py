"""Whether a job is judged again: what was sent stays, and what was not sent follows the file and the options."""

from __future__ import annotations

import pytest

from importer.batch.judging import Judging, decide_judging
from importer.fields import Dropdown
from importer.journal.run_metadata import PeekedRun, RunEnd, RunMetadata
from importer.models.mapping import Mapping, Title
from importer.models.status import RunState
from importer.settings import get_inheritable, resolve_settings

OPTIONS = get_inheritable(resolve_settings({"sheet": ("A",), "region": "AE"}))
TITLES = {Dropdown.STAGE: (Title("New", id="1"),)}
SAME = {"sha256": "0" * 64, "account": "a" * 16, "options": OPTIONS, "titles": TITLES}
CHANGES = [
    {"sha256": "1" * 64},
    {"account": "b" * 16},
    {"options": OPTIONS | {"region": "IN"}},
    {"titles": {Dropdown.STAGE: (Title("New", id="1"), Title("Won", id="2"))}},
]


def make_run(state, *, is_planning=False):
    metadata = RunMetadata(
        run_id="a", command="run", file="a.csv", started_at="2026-11-30T10:00:00+05:30", base_url="https://crm.example",
        headers=(), mapping=Mapping(columns=()), sha256=SAME["sha256"], account=SAME["account"], titles=TITLES,
        options={**OPTIONS, "sheet": ["A"]},
    )  # fmt: skip
    return PeekedRun(metadata, RunEnd(state=state, is_planning=is_planning), "")


def test_job_without_a_run_is_judged():
    assert decide_judging(None, **SAME) is Judging.JUDGE


@pytest.mark.parametrize("state", [RunState.CHECKED, RunState.PLANNED])
def test_unsent_run_is_kept_while_nothing_has_changed(state):
    """The same command again does not read 4,000 files again."""
    assert decide_judging(make_run(state), **SAME) is Judging.KEEP
    for change in CHANGES:
        assert decide_judging(make_run(state), **{**SAME, **change}) is Judging.JUDGE


@pytest.mark.parametrize(
    "state", [RunState.RUNNING, RunState.STOPPED, RunState.INTERRUPTED, RunState.FINISHED]
)
def test_sent_run_is_never_judged_again(state):
    """Another content is refused: nobody could say which rows of it went in. All else holds for later files."""
    assert decide_judging(make_run(state), **SAME) is Judging.KEEP
    content, *others = CHANGES
    assert decide_judging(make_run(state), **{**SAME, **content}) is Judging.REFUSE
    assert {decide_judging(make_run(state), **{**SAME, **change}) for change in others} == {Judging.KEEP}


def test_plan_whose_look_ups_were_stopped_has_sent_nothing():
    """Its file may change."""
    run = make_run(RunState.STOPPED, is_planning=True)
    assert decide_judging(run, **{**SAME, "sha256": "1" * 64}) is Judging.JUDGE
