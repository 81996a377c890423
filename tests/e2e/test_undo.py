"""An undo, from the command to the leads of the CRM: what it puts back, what it leaves, and what it says."""

import re

import msgspec
import pytest

from importer.cli import answer_review, run_commands
from importer.journal.run_journal import Journal
from importer.pipeline import undo as undo_module
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.sandbox.lead_edits import LeadEdit, edit_lead
from tests.support import leads, read_csv, write_csv

NEW, KNOWN, SAME = "+919845000001", "+919845000002", "+919845000003"
HEADER = ("Phone", "First Name", "Last Name", "City", "Stage", "Remarks", "Label")
BEFORE = {
    KNOWN: {"first_name": "Ravi", "city": "Pune", "lead_stage_name": "Won", "email": ["ravi@rao.example"]},
    SAME: {"first_name": "Meena", "city": "Delhi"},
}


@pytest.fixture
def sheet(importer, crm):
    """A CRM with two leads, and an old sheet with these and a new one."""
    for phone, fields in BEFORE.items():
        crm.sandbox.store.save(None, phone, fields, None)
    rows = [
        (NEW, "Asha", "", "Mumbai", "New", "", ""),
        (KNOWN, "RAVI", "Rao", "Nashik", "New", "called", "VIP"),
        (SAME, "Meena", "", "Agra", "", "", ""),
    ]
    return write_csv(importer.folder / "leads.csv", [HEADER, *rows])


@pytest.fixture
def done(importer, sheet):
    """The run that is undone: a plan that was applied."""
    planned = importer("plan", sheet, "--run-id", "april")
    assert importer("apply", planned.folder.name, "--yes").code == 0
    return planned


def edit(crm, **values):
    edit_lead(crm.sandbox.store, msgspec.convert(values, LeadEdit))


def read_row(ended, phone):
    return next(row for row in read_csv(ended.folder / "results.csv") if row["_phone"] == phone)


def test_undo_puts_back_what_it_can_and_names_the_rest(importer, crm, done):
    """Every field of a known lead is as before, or named with its lead. A created lead stays."""
    undone = importer("undo", "april", "--yes")
    assert undone.code == 1, undone.err
    found = leads(crm)
    assert found[KNOWN] == {**BEFORE[KNOWN], "last_name": "Rao", "notes": ["called"]}
    assert found[SAME] == BEFORE[SAME]
    assert found[NEW]["city"] == "Mumbai"
    assert read_row(undone, KNOWN)["_codes"] == "last_name.was_empty;customer_note.only_added"
    assert read_row(undone, NEW)["_codes"] == "row.created_by_run"
    assert undone.summary["kind"] == "undo"
    assert undone.summary["counts"]["accepted"] == 2
    assert undone.summary["counts"]["invalid"] == 1


def test_counts_of_an_undo_add_up_and_its_reports_speak_of_leads(importer, done):
    """Every lead that the run wrote to has one status. Nothing on the page or in the files is to be imported."""
    undone = importer("undo", "april", "--yes")
    summary = undone.summary
    assert (summary["rows"], sum(summary["counts"].values()), summary["parent"]) == (3, 3, "april")
    assert (summary["failed_rows"], undone.failed) == (0, [])
    page = (undone.folder / "report.html").read_text("utf-8")
    assert "2 of 3 leads of run april are put back. 1 is not." in page
    assert "went in" not in page
    again = importer("run", undone.folder / "results.csv", "--yes")
    assert (again.code, "is a report of an undo" in again.err) == (2, True)
    retried = importer("retry", undone.folder.name, "--yes")
    assert (retried.code, "importer undo april" in retried.err) == (2, True)


@pytest.fixture
def change(crm, request, monkeypatch):
    """Change the city of a lead in the CRM: at once, or when the plan of an undo was made."""

    def type_city():
        edit(crm, phone=KNOWN, fields={"city": "Goa"})

    def type_later():
        apply = undo_module.apply
        monkeypatch.setattr(undo_module, "apply", lambda *given: (type_city(), apply(*given))[1])

    return type_city if request.param == "before the plan" else type_later


# option -> what the CRM has of the edited lead after the undo: its city is a person's
EDITED = [
    ("lead", {"first_name": "RAVI", "city": "Goa", "lead_stage_name": "New"}, "conflict"),
    ("field", {"first_name": "Ravi", "city": "Goa", "lead_stage_name": "Won"}, "accepted"),
    ("force", {"first_name": "Ravi", "city": "Pune", "lead_stage_name": "Won"}, "accepted"),
]


@pytest.mark.parametrize(("edited", "expected", "status"), EDITED, ids=[one[0] for one in EDITED])
@pytest.mark.parametrize("change", ["before the plan", "after the plan"], indirect=True)
def test_what_a_person_changed_since_stays(importer, crm, done, change, edited, expected, status):
    """Also if it was changed between the plan of the undo and its sending."""
    change()
    undone = importer("undo", "april", "--yes", "--edited", edited, "--max-age", "0")
    assert undone.code == 1
    found = leads(crm)[KNOWN]
    assert {name: found[name] for name in expected} == expected
    row = read_row(undone, KNOWN)
    assert row["_status"] == status
    if edited == "lead":
        assert '"Goa"' in row["_problems"]
        assert '"Pune"' in row["_problems"]


def test_later_run_over_a_lead_is_undone_first(importer, crm, done):
    """The lead stays, and the run is named. Once that run was undone, the first one can be undone too."""
    sheet = write_csv(importer.folder / "later.csv", [("Phone", "City"), (SAME, "Thane")])
    importer("run", sheet, "--yes", "--snapshot", "--run-id", "may")
    undone = importer("undo", "april", "--yes")
    assert read_row(undone, SAME)["_codes"] == "row.later_run"
    assert "importer undo may" in read_row(undone, SAME)["_problems"]
    assert leads(crm)[SAME]["city"] == "Thane"
    assert importer("undo", "may", "--yes").code == 0
    assert leads(crm)[SAME]["city"] == "Agra"
    importer("undo", "april", "--yes")
    assert leads(crm)[SAME]["city"] == "Delhi"


def test_undo_of_an_undo_is_the_run_again(importer, crm, done):
    """The undo is a run of its own, with its own way back. Then the run can be undone again."""
    before = leads(crm)
    undone = importer("undo", "april", "--yes")
    redone = importer("undo", undone.folder.name, "--yes")
    assert redone.code == 0, redone.err
    assert leads(crm) == before
    assert importer("undo", "april", "--yes").code == 1
    assert leads(crm)[SAME] == BEFORE[SAME]


def test_undone_run_says_so(importer, crm, done):
    """Exit 2 with the date and with what takes the undo back, and `importer runs` shows it."""
    undone = importer("undo", "april", "--yes")
    posts = count_posts(crm)
    again = importer("undo", "april", "--yes")
    assert again.code == 2
    assert re.search(r"already undone on \d+ \w+ \d{4}, \d+:\d\d [ap]m", again.err)
    assert f"importer undo {undone.folder.name}" in again.err
    assert count_posts(crm) == posts
    listed = importer("runs").out
    assert re.search(rf"april .*\(undone .* by {undone.folder.name}\)", listed)
    assert "undo of april  finished: 2 put back, 1 cannot be put back  -> importer undo" in listed


def test_plain_run_cannot_be_undone_and_says_what_to_do_next_time(importer, crm, sheet):
    """It has not read the leads: nothing is guessed, and nothing is sent."""
    importer("run", sheet, "--yes", "--run-id", "plain")
    before = leads(crm)
    undone = importer("undo", "plain", "--yes")
    assert (undone.code, "--snapshot" in undone.err, undone.folder) == (2, True, None)
    assert leads(crm) == before
    checked = importer("check", sheet)
    assert importer("undo", checked.folder.name, "--yes").code == 2


@pytest.mark.parametrize("option", [("--snapshot",), ("--existing", "append"), ("--policy", "source=fill")])
def test_run_that_reads_before_it_writes_can_be_undone(importer, crm, sheet, option):
    """A plan is not the only way to keep the way back."""
    run = importer("run", sheet, "--yes", "--run-id", "read", *option)
    assert run.code == 0, run.err
    importer("undo", "read", "--yes")
    assert leads(crm)[SAME] == BEFORE[SAME]
    assert leads(crm)[KNOWN]["lead_stage_name"] == "Won"


def test_run_that_was_interrupted_can_be_undone_and_not_resumed(importer, crm, sheet):
    """A person stops a wrong import and takes back what went in. The rest must not follow."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=3))
    stopped = importer("run", sheet, "--yes", "--snapshot", "--concurrency", "1", "--run-id", "half")
    assert stopped.code == 3, stopped.err
    crm.sandbox.faults.restart(FaultPlan())
    importer("undo", "half", "--yes")
    assert leads(crm)[KNOWN].items() >= BEFORE[KNOWN].items()
    resumed = importer("resume", "half")
    assert (resumed.code, "was undone" in resumed.err) == (2, True)


def test_only_some_fields_and_some_rows(importer, crm, done):
    """What is not asked for stays as the run left it, and can be put back later."""
    undone = importer("undo", "april", "--yes", "--only", "city", "--rows", "3")
    assert undone.code == 0, undone.err
    found = leads(crm)
    assert (found[KNOWN]["city"], found[KNOWN]["first_name"], found[SAME]["city"]) == ("Pune", "RAVI", "Agra")
    assert undone.summary["rows"] == 1
    importer("undo", "april", "--yes")
    assert (leads(crm)[KNOWN]["first_name"], leads(crm)[SAME]) == ("Ravi", BEFORE[SAME])


def test_created_leads_get_a_label(importer, crm, done):
    """So that a person finds them in the CRM. The label is added also after an undo without it."""
    importer("undo", "april", "--yes")
    marked = importer("undo", "april", "--yes", "--mark-created", "vip")
    assert marked.code == 0, marked.err
    assert leads(crm)[NEW]["labels"] == ["VIP"]
    assert "1 lead that it created got the label" in marked.err
    assert read_row(marked, NEW)["_codes"] == "row.created_and_marked"
    assert leads(crm)[KNOWN].get("labels") is None


WRONG = [
    (("--only", "town"), 'field "town"'),
    (("--only", "customer_note"), "customer_note"),
    (("--rows", "3-"), "--rows"),
    (("--mark-created", "Blu"), 'label "Blu"'),
    (("--rows", "77"), "changed none of the leads"),
    (("--edited", "all"), "--edited"),
]


@pytest.mark.parametrize(("options", "words"), WRONG, ids=[" ".join(one[0]) for one in WRONG])
def test_wrong_options_are_refused_before_anything_is_read(importer, crm, done, options, words):
    """One sentence, exit 2, no run folder, no request that writes."""
    posts, runs = count_posts(crm), set(importer.reports.iterdir())
    undone = importer("undo", "april", "--yes", *options)
    assert (undone.code, words in undone.err) == (2, True), undone.err
    assert (count_posts(crm), set(importer.reports.iterdir())) == (posts, runs)


def test_script_must_say_yes(importer, crm, done):
    """Without a terminal nobody can agree to the plan."""
    undone = importer("undo", "april")
    assert (undone.code, "--yes" in undone.err) == (2, True)


def test_person_sees_the_plan_and_declines(importer, crm, done, monkeypatch):
    """Nothing is sent. The plan can be sent later."""
    posts = count_posts(crm)
    with monkeypatch.context() as terminal:
        terminal.setattr(run_commands, "should_confirm", lambda *_: True)
        terminal.setattr(answer_review, "read_answer", lambda question: print(question) or "n")
        declined = importer("undo", "april")
    assert declined.code == 2
    assert "City: 2 put back" in declined.out
    assert "Put back 2 leads in the CRM on this machine" in declined.out
    assert count_posts(crm) == posts
    assert importer("apply", declined.folder.name, "--yes").code == 1
    assert leads(crm)[SAME] == BEFORE[SAME]


def test_key_of_another_account_is_refused(importer, crm, done, monkeypatch):
    """The values of one company must not go into the CRM of another."""
    for rows in crm.sandbox.account.lists.values():
        for row in rows:
            row["title"] += " of theirs"
    crm.sandbox.options = msgspec.structs.replace(crm.sandbox.options, api_key="their-key")
    monkeypatch.setenv("SUPERFONE_API_KEY", "their-key")
    posts = count_posts(crm)
    undone = importer("undo", "april", "--yes")
    assert (undone.code, "another account" in undone.err) == (2, True)
    assert count_posts(crm) == posts


def test_purge_removes_the_way_back_and_undo_says_so(importer, done):
    """What the leads were before is personal data. A run that never existed is another matter."""
    assert importer("purge", "--older-than", "0h", "--yes").code == 0
    undone = importer("undo", "april", "--yes")
    assert (undone.code, "was deleted" in undone.err) == (2, True)
    unknown = importer("undo", "june", "--yes")
    assert (unknown.code, "does not exist" in unknown.err) == (2, True)


def test_undo_is_verified_and_sees_an_address_that_the_crm_keeps(importer, crm):
    """A CRM that merges e-mail addresses does not take one away: such an undo is no success."""
    crm.sandbox.options = msgspec.structs.replace(crm.sandbox.options, email="merge")
    crm.sandbox.store.save(None, KNOWN, {"email": ["ravi@rao.example"], "city": "Pune"}, None)
    rows = [("Phone", "E-mail", "City"), (KNOWN, "new@rao.example", "Thane")]
    sheet = write_csv(importer.folder / "leads.csv", rows)
    importer("run", sheet, "--yes", "--snapshot", "--run-id", "merging")
    importer("verify", "merging")
    undone = importer("undo", "merging", "--yes", "--verify", "--edited", "force")
    assert undone.code == 1
    assert read_row(undone, KNOWN)["_verified"] == "differs"
    assert "new@rao.example" in read_row(undone, KNOWN)["_problems"]
    assert leads(crm)[KNOWN]["city"] == "Pune"


def test_value_that_an_undo_put_back_is_not_taken_for_ours(importer, crm, done):
    """The value before the run was a person's: `unedited` must keep it, and `--changed` sends the row again."""
    importer("undo", "april", "--yes")
    again = importer("run", importer.folder / "leads.csv", "--existing", "unedited", "--changed", "--yes")
    assert leads(crm)[SAME]["city"] == "Delhi"
    assert "not from importer" in read_row(again, SAME)["_changes"]


def test_undo_is_no_run_of_the_sheet(importer, crm, done):
    """A check of the sheet does not offer to resume an undo."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=2))
    undone = importer("undo", "april", "--yes", "--concurrency", "1")
    assert undone.code == 3, undone.err
    crm.sandbox.faults.restart(FaultPlan())
    checked = importer("check", importer.folder / "leads.csv")
    assert "resume" not in checked.err + checked.out
    refused = importer("undo", "april", "--yes")
    assert (refused.code, "importer resume" in refused.err) == (2, True)
    assert importer("resume", undone.folder.name).code == 1
    assert leads(crm)[SAME] == BEFORE[SAME]


def count_posts(crm):
    return sum(entry["method"] == "POST" for entry in crm.sandbox.store.ledger())


def test_lead_that_is_gone_is_named_and_does_not_rise_again(importer, crm, done):
    """A person deleted it after the run: an undo creates no lead."""
    edit(crm, phone=SAME, delete=True)
    undone = importer("undo", "april", "--yes")
    assert SAME not in leads(crm)
    assert read_row(undone, SAME)["_codes"] == "row.lead_deleted"


def test_undo_that_was_killed_before_its_first_look_up_is_not_sent_without_a_plan(
    importer, crm, done, monkeypatch
):
    """Its rows are on the disk: `apply` refuses them, and `resume` goes on with the look-ups."""
    with monkeypatch.context() as kill:
        kill.setattr(Journal, "begin_look_ups", lambda *_: 1 / 0)
        killed = importer("undo", "april", "--yes")
    edit(crm, phone=SAME, fields={"city": "Goa"})
    assert importer("apply", killed.folder.name, "--yes").code == 2
    assert importer("resume", killed.folder.name).code == 1
    importer("apply", killed.folder.name, "--yes")
    assert (leads(crm)[SAME]["city"], leads(crm)[KNOWN]["city"]) == ("Goa", "Pune")


def test_task_of_an_undone_run_is_named(importer, crm, sheet):
    """The lead is put back, its task stays in the CRM."""
    options = ("--task", "FOLLOW_UP_CALL", "--due", "tomorrow 11:00")
    run = importer("run", sheet, "--yes", "--snapshot", "--run-id", "call", *options)
    assert run.code == 0, run.err
    undone = importer("undo", "call", "--yes")
    assert "task_due.only_added" in read_row(undone, SAME)["_codes"]
    assert leads(crm)[SAME]["city"] == "Delhi"
