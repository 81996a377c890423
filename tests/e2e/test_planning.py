"""A plan and its application, from the command to the leads of the CRM."""

from contextlib import contextmanager

import msgspec
import pytest

from importer.cli.terminal_observer import TerminalObserver
from importer.errors import DiskWriteError
from importer.journal.planning_journal import PlanningJournal
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.status import RunState
from importer.pipeline import send_and_report
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.sandbox.lead_edits import LeadEdit, edit_lead
from tests.support import leads, read_csv, write_csv

NEW, KNOWN, SAME = "+919845000001", "+919845000002", "+919845000003"
HEADER = ("Phone", "First Name", "City", "Stage", "Remarks")


@pytest.fixture
def sheet(importer, crm):
    """A CRM with two leads, and a sheet with these and a new one."""
    save(crm, KNOWN, first_name="Ravi", city="Pune", lead_stage_name="Won")
    save(crm, SAME, first_name="Meena", city="Delhi")
    rows = [
        (NEW, "Asha", "Mumbai", "New", "called"),
        (KNOWN, "Ravi", "Nashik", "New", ""),
        (SAME, "Meena", "Delhi", "", ""),
    ]
    return write_csv(importer.folder / "leads.csv", [HEADER, *rows])


def save(crm, phone, **fields):
    crm.sandbox.store.save(None, phone, fields, None)


def read_methods(crm):
    return [entry["method"] for entry in crm.sandbox.store.ledger()]


def test_plan_reads_only_and_says_what_would_change(importer, crm, sheet):
    """One look-up a phone, no write, and each row has its action and its changes."""
    before = leads(crm)
    planned = importer("plan", sheet)
    assert planned.code == 0
    assert leads(crm) == before
    assert read_methods(crm) == ["GET"] * 3
    assert planned.summary["state"] == "planned"


def test_apply_sends_exactly_the_plan(importer, crm, sheet):
    """Only what changes is sent: the unchanged lead gets no request."""
    planned = importer("plan", sheet)
    applied = importer("apply", planned.folder.name, "--yes")
    assert applied.code == 0, applied.err
    found = leads(crm)
    assert found[KNOWN] == {"first_name": "Ravi", "city": "Nashik", "lead_stage_name": "New"}
    assert found[SAME] == {"first_name": "Meena", "city": "Delhi"}
    assert found[NEW]["notes"] == ["called"]
    assert read_methods(crm).count("POST") == 2


def test_answers_are_remembered_when_a_plan_is_sent(importer, crm, sheet):
    """As by a run: the next sheet with these columns is read in the same way. A plan alone remembers nothing."""
    planned = importer("plan", sheet, "--column", "Remarks=city", "--column", "City=")
    maps = planned.folder.parent / "maps"
    assert not maps.exists()
    importer("apply", planned.folder.name, "--yes")
    (saved,) = maps.iterdir()
    assert 'Remarks = "city"' in saved.read_text("utf-8")


# sheet row over a better lead -> mode -> what the CRM has after it
CASES = [
    ("overwrite", {"first_name": "Ravi", "city": "Nashik", "lead_stage_name": "New"}),
    ("fill", {"first_name": "Ravi", "city": "Pune", "lead_stage_name": "Won"}),
    ("keep", {"first_name": "Ravi", "city": "Pune", "lead_stage_name": "Won"}),
    ("careful", {"first_name": "Ravi", "city": "Pune", "lead_stage_name": "Won"}),
    ("unedited", {"first_name": "Ravi", "city": "Pune", "lead_stage_name": "Won"}),
]


@pytest.mark.parametrize(("mode", "after"), CASES, ids=[mode for mode, _ in CASES])
def test_run_protects_what_the_policy_protects(importer, crm, sheet, mode, after):
    """Each lead is read right before it is written; a new lead is created with any mode."""
    ended = importer("run", sheet, "--existing", mode, "--yes")
    assert ended.code == 0, ended.err
    found = leads(crm)
    assert found[KNOWN] == after
    assert found[NEW]["city"] == "Mumbai"


def test_policy_of_one_field_and_of_a_stage(importer, crm, sheet):
    """The city is set, the stage never goes back from Won."""
    ended = importer("run", sheet, "--policy", "lead_stage_name=forward", "--yes")
    assert ended.code == 0
    assert leads(crm)[KNOWN] == {"first_name": "Ravi", "city": "Nashik", "lead_stage_name": "Won"}


def test_person_who_edits_between_plan_and_apply_is_not_overwritten(importer, crm, sheet):
    """An edit of a planned field holds the row back, with both values. An edit of another field does not."""
    planned = importer("plan", sheet)
    edit = {"phone": KNOWN, "fields": {"city": "Goa"}}
    other = {"phone": KNOWN, "fields": {"source": "Web"}}
    post_edit(crm, other)
    post_edit(crm, edit)
    applied = importer("apply", planned.folder.name, "--yes", "--max-age", "0")
    assert applied.code == 1
    assert leads(crm)[KNOWN]["city"] == "Goa"
    assert leads(crm)[NEW]["city"] == "Mumbai"
    row = next(row for row in read_results(planned) if row["_phone"] == KNOWN)
    assert row["_status"] == "conflict"
    assert '"Goa"' in row["_problems"]
    assert '"Nashik"' in row["_problems"]


def test_edit_of_another_field_is_no_conflict_and_survives(importer, crm, sheet):
    """Only the fields that the plan writes or relied on are compared."""
    planned = importer("plan", sheet)
    post_edit(crm, {"phone": KNOWN, "fields": {"source": "Web", "address": {"text": "12 MG Road"}}})
    applied = importer("apply", planned.folder.name, "--yes", "--max-age", "0")
    assert applied.code == 0, applied.err
    assert leads(crm)[KNOWN]["source"] == "Web"
    assert leads(crm)[KNOWN]["city"] == "Nashik"


def test_edit_between_look_up_and_write_of_a_protecting_run(importer, crm, sheet):
    """The window is one request wide: what was decided is still sent, and no other field."""
    edit = LeadEdit(phone=KNOWN, fields={"source": "Web"})
    crm.sandbox.faults.restart(FaultPlan(edits={KNOWN: [edit]}))
    importer("run", sheet, "--policy", "city=fill", "--yes")
    assert leads(crm)[KNOWN]["source"] == "Web"


def test_lead_that_was_deleted_meanwhile_does_not_rise_again(importer, crm, sheet):
    """A planned update never creates: the row is held back, and says why."""
    planned = importer("plan", sheet)
    post_edit(crm, {"phone": KNOWN, "delete": True})
    applied = importer("apply", planned.folder.name, "--yes")
    assert applied.code == 1
    assert KNOWN not in leads(crm)
    row = next(row for row in read_results(planned) if row["_phone"] == KNOWN)
    assert (row["_status"], row["_codes"]) == ("conflict", "row.lead_gone")


def test_additional_number_of_a_lead_never_makes_a_second_lead(importer, crm):
    """The CRM shows the lead for the number, but an upsert does not match it: without a plan there would be two."""
    save(crm, KNOWN, first_name="Ravi", added_phones=[NEW])
    sheet = write_csv(importer.folder / "leads.csv", [("Phone", "City"), (NEW, "Mumbai")])
    planned = importer("plan", sheet)
    assert importer("apply", planned.folder.name, "--yes").code == 1
    assert leads(crm).keys() == {KNOWN}


def test_plan_can_be_applied_once_and_only_when_it_is_complete(importer, crm, sheet):
    """Twice is exit 2 with the date; a sample is exit 2 with what to do."""
    planned = importer("plan", sheet)
    assert importer("apply", planned.folder.name, "--yes").code == 0
    again = importer("apply", planned.folder.name, "--yes")
    assert (again.code, "already applied" in again.err) == (2, True)
    sample = importer("plan", sheet, "--look-up", "sample:1")
    assert importer("apply", sample.folder.name, "--yes").code == 2
    resumed = importer("resume", sample.folder.name)
    assert (resumed.code, "importer apply" in resumed.err) == (2, True)


def test_plan_that_was_killed_before_its_phones_were_noted_looks_up_all(importer, crm, sheet):
    """A resume would have planned without any answer, and called every lead one that cannot be told."""
    checked = importer("check", sheet)
    with Journal.open(checked.folder) as journal:
        journal.run.write_end(RunEnd(state=RunState.RUNNING, is_planning=True))
    resumed = importer("resume", checked.folder.name)
    assert (resumed.code, read_methods(crm)) == (0, ["GET"] * 3)
    assert checked.summary["plan"]["cannot_tell"] == 0


def test_plan_that_an_error_interrupted_is_resumed_as_a_plan(importer, crm, sheet, monkeypatch):
    """Nothing was agreed to yet: a resume that sent the rows would be an import without a plan."""
    with monkeypatch.context() as broken:
        broken.setattr(TerminalObserver, "on_look_up_progress", raise_error)
        failed = importer("plan", sheet)
    resumed = importer("resume", failed.folder.name)
    assert (resumed.code, set(read_methods(crm))) == (0, {"GET"})
    assert importer("apply", failed.folder.name, "--yes").code == 0


def raise_error(*_):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("state", "undone_by", "sentence"),
    [(RunState.PLANNED, "", "importer apply"), (RunState.STOPPED, "undo-1", "undone")],
    ids=["planned", "undone"],
)
def test_resume_heeds_what_another_command_did_while_it_waited(
    importer, crm, sheet, monkeypatch, state, undone_by, sentence
):
    """A plan that another command completed is not agreed to, and a run that was undone stays so."""
    checked = importer("check", sheet)
    with Journal.open(checked.folder) as journal:
        journal.end(RunEnd(state=RunState.STOPPED, is_planning=state is RunState.PLANNED))

    @contextmanager
    def wait_for_other(*_, **__):
        with Journal.open(checked.folder) as journal:
            journal.run.change_metadata(undone_by=undone_by)
            journal.end(RunEnd(state=state))
        yield

    monkeypatch.setattr("importer.pipeline.resume.lock_run", wait_for_other)
    resumed = importer("resume", checked.folder.name)
    assert (resumed.code, sentence in resumed.err) == (2, True), resumed.err
    assert "POST" not in read_methods(crm)


def test_plan_after_an_apply_has_nothing_to_do(importer, crm, sheet):
    """The same sheet again: no row is created or updated."""
    planned = importer("plan", sheet)
    importer("apply", planned.folder.name, "--yes")
    again = importer("plan", sheet)
    assert again.summary["plan"] == {
        "create": 0, "update": 0, "unchanged": 3, "conflict": 0, "cannot_tell": 0,
    }  # fmt: skip
    applied = importer("apply", again.folder.name, "--yes")
    assert applied.code == 0


def test_policy_of_a_map_protects_a_field(importer, crm, sheet):
    """[policy] in a map counts for every sheet that is read with it, and an option goes before it."""
    path = importer.folder / "map.toml"
    path.write_text('[policy]\nlead_stage_name = "forward"\ncity = "fill"\n', "utf-8")
    ended = importer("run", sheet, "--map", path, "--policy", "city=overwrite", "--yes")
    assert ended.code == 0, ended.err
    assert leads(crm)[KNOWN] == {"first_name": "Ravi", "city": "Nashik", "lead_stage_name": "Won"}
    path.write_text('[policy]\ncity = "never"\n', "utf-8")
    wrong = importer("run", sheet, "--map", path, "--yes")
    assert (wrong.code, "[policy]" in wrong.err) == (2, True)
    assert importer("run", sheet, "--policy", "town=fill", "--yes").code == 2


@pytest.mark.parametrize("command", ["run", "plan"])
def test_row_adds_some_labels_and_removes_others(importer, crm, command):
    """Two requests: first what is removed, then all the rest with the note."""
    save(crm, KNOWN, labels=["VIP"])
    rows = [("Phone", "Add", "Remove", "Note"), (KNOWN, "Hot", "VIP", "called")]
    sheet = write_csv(importer.folder / "leads.csv", rows)
    columns = ("--column", "Add=add_labels", "--column", "Remove=remove_labels")
    ended = importer(command, sheet, "--yes", *columns)
    if command == "plan":
        ended = importer("apply", ended.folder.name, "--yes")
    assert ended.code == 0, ended.err
    assert leads(crm)[KNOWN] == {"labels": ["Hot"], "notes": ["called"]}
    posts = [entry["note"] for entry in crm.sandbox.store.ledger() if entry["method"] == "POST"]
    assert posts == [None, "called"]


def test_note_is_not_doubled_where_the_second_request_of_a_row_is_repeated(importer, crm):
    """The answer to the request with the note is lost: the row goes on without it."""
    save(crm, KNOWN, labels=["VIP"])
    rows = [("Phone", "Add", "Remove", "Note"), (KNOWN, "Hot", "VIP", "called")]
    sheet = write_csv(importer.folder / "leads.csv", rows)
    crm.sandbox.faults.restart(FaultPlan(at={2: InjectedFault.DROP_AFTER}))
    importer("run", sheet, "--yes", "--column", "Add=add_labels", "--column", "Remove=remove_labels")
    assert leads(crm)[KNOWN] == {"labels": ["Hot"], "notes": ["called"]}


def test_unedited_knows_what_the_last_import_wrote(importer, crm, sheet):
    """Our own value may be replaced; a person's edit since holds the row back, with both values."""
    importer("run", sheet, "--yes")
    newer = write_csv(importer.folder / "newer.csv", [("Phone", "City"), (KNOWN, "Thane"), (SAME, "Noida")])
    post_edit(crm, {"phone": SAME, "fields": {"city": "Gurugram"}})
    ended = importer("run", newer, "--existing", "unedited", "--yes")
    assert ended.code == 1
    assert leads(crm)[KNOWN]["city"] == "Thane"
    assert leads(crm)[SAME]["city"] == "Gurugram"
    assert [row["_status"] for row in ended.results] == ["accepted", "conflict"]


def test_two_rows_of_one_lead_are_held_back_and_nothing_is_asked_again(importer, crm):
    """Apply sends no request for rows that the plan does not send."""
    save(crm, KNOWN, first_name="Ravi", added_phones=[NEW])
    rows = [("Phone", "City"), (KNOWN, "Thane"), (NEW, "Noida")]
    planned = importer("plan", write_csv(importer.folder / "leads.csv", rows))
    assert planned.code == 1
    before = len(read_methods(crm))
    applied = importer("apply", planned.folder.name, "--yes", "--max-age", "0")
    assert applied.code == 1
    assert len(read_methods(crm)) == before
    assert [row["_codes"] for row in read_results(planned)] == ["row.same_lead"] * 2
    assert [row["_status"] for row in planned.failed] == ["conflict"] * 2


def test_sample_of_rows_that_share_a_lead_needs_no_plan_for_each(importer, crm):
    """A row has no plan where one of its phones is not in the sample. Once, that ended the command with an error."""
    save(crm, KNOWN, first_name="Ravi", added_phones=[NEW])
    rows = [("Phone", "Phone 2", "City"), (KNOWN, SAME, "Thane"), (NEW, "", "Noida")]
    planned = importer("plan", write_csv(importer.folder / "leads.csv", rows), "--look-up", "sample:2")
    assert planned.code == 1, planned.err
    assert [row["_codes"] for row in read_results(planned)] == ["", "row.same_lead"]


@pytest.mark.parametrize(("look_up", "phones"), [("none", 0), ("sample:2", 2)])
def test_sample_names_its_error_and_is_not_offered_for_apply(importer, crm, sheet, look_up, phones):
    """A plan of some rows cannot be sent, so no line says so."""
    planned = importer("plan", sheet, "--look-up", look_up)
    assert planned.code == 0
    assert planned.summary["lookups"].get("phones", 0) == phones
    assert "importer apply" not in planned.out + planned.err
    assert ("chosen at random" in planned.out) is (phones > 0)
    assert "± 0)" not in planned.out


def test_apply_that_failed_before_its_first_write_can_be_made_again(importer, crm, sheet, monkeypatch):
    """Killed or refused between its note in the journal and the sending: the plan must not be lost."""
    planned = importer("plan", sheet)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "begin_sending", refuse_to_write)
        assert importer("apply", planned.folder.name, "--yes").code == 2
    assert importer("apply", planned.folder.name, "--yes").code == 0
    assert leads(crm)[KNOWN]["city"] == "Nashik"


def test_apply_that_was_killed_before_it_settled_what_it_does_not_send(importer, crm, monkeypatch):
    """Resume must not send a row that the plan holds back."""
    save(crm, KNOWN, first_name="Ravi", added_phones=[NEW])
    rows = [("Phone", "City"), (KNOWN, "Thane"), (NEW, "Noida")]
    planned = importer("plan", write_csv(importer.folder / "leads.csv", rows))
    with Journal.open(planned.folder) as journal:
        journal.run.change_metadata(applied_at="2026-11-30T10:00:00+05:30")
        journal.end(RunEnd(state=RunState.RUNNING))
    resumed = importer("resume", planned.folder.name)
    assert resumed.code == 1
    assert "POST" not in read_methods(crm)
    assert [row["_status"] for row in read_results(planned)] == ["conflict"] * 2


@pytest.mark.parametrize(
    ("owner", "name"),
    [(PlanningJournal, "begin_writes"), (send_and_report, "write_reports")],
    ids=["while sending", "in the reports"],
)
def test_disk_that_fails_after_the_first_write_is_not_called_nothing_sent(
    importer, crm, sheet, monkeypatch, owner, name
):
    """Rows may have gone in: exit 3, and the command that continues."""
    planned = importer("plan", sheet)
    monkeypatch.setattr(owner, name, refuse_to_write)
    applied = importer("apply", planned.folder.name, "--yes")
    assert applied.code == 3
    assert "importer resume" in applied.err


def test_plan_is_not_retried_but_applied(importer, crm, sheet):
    """`retry` would send the rows that the plan holds back."""
    planned = importer("plan", sheet, "--no-create")
    assert planned.code == 1
    retried = importer("retry", planned.folder.name, "--yes")
    assert (retried.code, "importer apply" in retried.err) == (2, True)
    assert "POST" not in read_methods(crm)


def refuse_to_write(*_):
    raise DiskWriteError("The disk is full.", "Free some space.")


def post_edit(crm, edit):
    edit_lead(crm.sandbox.store, msgspec.convert(edit, LeadEdit))


def read_results(ended):
    return read_csv(ended.folder / "results.csv")


def test_plan_without_a_valid_row_says_what_to_fix(importer, crm):
    """There is nothing to look up and nothing to apply, which is no error of importer."""
    planned = importer("plan", write_csv(importer.folder / "leads.csv", [HEADER, ("12", "Asha", "", "", "")]))
    assert planned.code == 1, planned.err
    assert (planned.summary["state"], planned.summary["to_fix"]) == ("planned", 1)
    assert "apply" not in planned.out
