"""A run that was checked is sent later from its journal, by `importer apply` or by a caller that holds its locks."""

from contextlib import contextmanager

import pytest

from importer.credentials import Credentials, Secret
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.row_plan import PlanAction
from importer.models.status import RunState
from importer.pipeline.context import RunContext
from importer.pipeline.plan import plan_unsent
from importer.pipeline.plan_rows import tally_policies
from importer.pipeline.resume import lock_its_account, lock_journal
from importer.planner.decide import Mode
from importer.planner.policies import Policies
from importer.planner.policy_tally import Sample
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.settings import resolve_settings
from tests.support import KEY, leads, write_csv

ASHA, RAVI, MEENA = "+919845000001", "+919845000002", "+919845000003"
ROWS = [
    ("Phone", "First Name", "City", "Stage"),
    (ASHA, "Asha", "Mumbai", "New"),
    (RAVI, "Ravi", "Pune", "Won"),
    ("12", "", "", ""),
]

NO_ACTIONS = dict.fromkeys(PlanAction, 0)


@pytest.fixture
def checked(importer, crm):
    """A check of two good rows and a bad one, with an option that sending must keep."""
    sheet = write_csv(importer.folder / "leads.csv", ROWS)
    ended = importer("check", sheet, "--default", "source=Trade fair")
    assert ended.code == 1
    sheet.unlink()  # what was checked is sent, not what the file may have become
    return ended


def read_methods(crm):
    return [entry["method"] for entry in crm.sandbox.store.ledger()]


def test_check_is_sent_from_its_journal(importer, crm, checked):
    """The same rows, with the options of the check, in the same folder; a second time is refused."""
    applied = importer("apply", checked.folder.name, "--yes")
    assert applied.code == 1, applied.err
    assert leads(crm)[ASHA]["source"] == leads(crm)[RAVI]["source"] == "Trade fair"
    assert [row["_status"] for row in checked.results] == ["accepted", "accepted", "invalid"]
    assert checked.summary["state"] == "finished"
    again = importer("apply", checked.folder.name, "--yes")
    assert (again.code, "was already sent" in again.err) == (2, True)
    assert read_methods(crm).count("POST") == 2


def test_check_asks_before_it_is_sent(importer, crm, checked):
    """Without a terminal and without --yes nothing is sent."""
    assert importer("apply", checked.folder.name).code == 2
    assert "POST" not in read_methods(crm)


def test_titles_that_are_gone_since_the_check_are_not_sent(importer, crm, checked):
    """As in a resume: the row is rejected, not refused by the CRM."""
    for stage in crm.sandbox.account.lists["lead-stage"]:
        if stage["title"] == "Won":
            stage["status"] = "DISABLED"
    importer("apply", checked.folder.name, "--yes")
    assert leads(crm).keys() == {ASHA}
    assert checked.results[1]["_codes"] == "lead_stage_name.disabled"


def test_run_that_was_sent_while_apply_waited_for_it_is_not_sent_again(importer, crm, checked, monkeypatch):
    """Two windows, one click each: the state counts that the run has once its lock is held."""

    @contextmanager
    def wait_for_other(*_, **__):
        with Journal.open(checked.folder) as journal:
            journal.end(RunEnd(state=RunState.FINISHED))
        yield

    monkeypatch.setattr("importer.pipeline.plan.lock_journal", wait_for_other)
    again = importer("apply", checked.folder.name, "--yes")
    assert (again.code, "was already sent" in again.err) == (2, True)
    assert "POST" not in read_methods(crm)


def test_other_runs_of_the_folder_are_looked_at_once(importer, crm, checked, monkeypatch):
    """They were looked at twice: with 1,000 sheets of an account, these were a million files more."""
    looked_at = []
    monkeypatch.setattr(Journal, "_learn_other_run", lambda *arguments: looked_at.append(arguments[1].name))
    other = importer("check", write_csv(importer.folder / "other.csv", [("Phone",), ("9845000077",)]))
    importer("apply", checked.folder.name, "--yes")
    assert looked_at == [other.folder.name]


def test_check_of_a_file_that_was_sent_in_part_says_so(importer, crm, checked):
    """An earlier run of the file can be resumed instead of sending everything again."""
    sheet = write_csv(importer.folder / "leads.csv", ROWS)
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN))
    stopped = importer("run", sheet, "--yes")
    crm.sandbox.faults.restart(FaultPlan())
    applied = importer("apply", checked.folder.name, "--yes")
    assert f"Run {stopped.folder.name} started to send this file" in applied.out


def test_check_becomes_a_plan_and_another_policy_asks_nothing_again(importer, crm, checked):
    """The look-ups are kept; the policy of the last plan is what apply sends."""
    crm.sandbox.store.save(None, RAVI, {"city": "Goa", "first_name": "R"}, None)
    counted = plan_run(importer, crm, checked, existing="overwrite")
    assert read_methods(crm) == ["GET"] * 2
    assert checked.summary["plan"] == {**NO_ACTIONS, "create": 1, "update": 1}
    assert counted.count(Policies()).actions == checked.summary["plan"]
    assert counted.list_samples("city", Mode.OVERWRITE) == [Sample(3, "Goa", "Pune")]
    plan_run(importer, crm, checked, existing="fill")
    assert read_methods(crm) == ["GET"] * 2
    assert counted.count(Policies(Mode.FILL)).actions == checked.summary["plan"]
    assert checked.summary["state"] == "planned"
    importer("apply", checked.folder.name, "--yes", "--max-age", "300")
    assert leads(crm)[RAVI]["city"] == "Goa"
    assert leads(crm)[RAVI]["lead_stage_name"] == "Won"


def plan_run(importer, crm, checked, **options):
    """Plan a judged run in this process, as the window does. Return the counts by policy."""
    context = RunContext(
        settings=resolve_settings({"reports": str(importer.reports), **options}),
        credentials=Credentials(crm.base_url, Secret(KEY)),
    )
    with (
        Journal.open(checked.folder) as journal,
        lock_journal(journal),
        lock_its_account(journal, context) as opened,
    ):
        plan_unsent(journal, opened)
        assert journal.run_end.state is RunState.PLANNED
        return tally_policies(journal, opened)


def test_rows_of_one_lead_are_conflicts_by_every_policy(importer, crm, checked):
    crm.sandbox.store.save(None, RAVI, {"city": "Goa", "added_phones": [ASHA]}, None)
    counted = plan_run(importer, crm, checked)
    for mode in (Mode.OVERWRITE, Mode.KEEP):
        assert counted.count(Policies(mode)).actions == {**NO_ACTIONS, "conflict": 2}
    assert checked.summary["plan"] == {**NO_ACTIONS, "conflict": 2}
