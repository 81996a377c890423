"""The same sheet again tomorrow, with `--changed`: what the CRM took costs no request, everything else goes again."""

import random

import pytest

from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.sandbox.lead_edits import LeadEdit, edit_lead
from tests.support import leads, read_csv, write_csv

HEADER = ("Phone", "First Name", "City", "Stage", "Remarks")
ASHA, RAVI, MEENA = "+919845000001", "+919845000002", "+919845000003"
ROWS = [
    (ASHA, "Asha", "Mumbai", "New", "called"),
    (RAVI, "Ravi", "Nashik", "New", ""),
    (MEENA, "Meena", "Delhi", "", "call back"),
]


def write(importer, rows, header=HEADER, name="leads.csv"):
    return write_csv(importer.folder / name, [header, *rows])


def send(importer, rows=ROWS, *options, header=HEADER):
    return importer("run", write(importer, rows, header), "--yes", "--rate", "500", *options)


def send_again(importer, rows=ROWS, *options, header=HEADER):
    return send(importer, rows, "--changed", *options, header=header)


def count_requests(crm):
    return len(crm.sandbox.store.ledger())


def get_statuses(ended):
    return {row["_phone"]: row["_status"] for row in ended.results}


def test_same_sheet_needs_no_request(importer, crm):
    """Each row says by which run it went in; it counts as in and is not among the failed rows."""
    first = send(importer)
    before, requests = leads(crm), count_requests(crm)
    second = send_again(importer)
    assert second.code == 0, second.err
    assert (leads(crm), count_requests(crm)) == (before, requests)
    assert second.summary["counts"]["unchanged"] == second.summary["went_in"] == second.summary["rows"] == 3
    assert second.summary["requests"] == 0
    assert second.summary["problems"] == {"row.sent_before": 3}
    assert second.failed == []
    assert {row["_codes"] for row in second.results} == {"row.sent_before"}
    assert all(first.folder.name in row["_problems"] for row in second.results)
    assert [row["_note"] for row in second.results] == ["sent", "", "sent"]


def test_without_the_option_every_row_is_sent(importer, crm):
    """Nothing is left out that nobody asked to leave out."""
    send(importer)
    before = count_requests(crm)
    assert send(importer).summary["counts"]["accepted"] == 3
    assert count_requests(crm) == before + 3


@pytest.mark.parametrize("name", ["sorted", "columns moved", "other folder"])
def test_resorted_sheet_is_the_same_sheet(importer, crm, monkeypatch, name):
    """Rows are known by their phones, values by their fields, and the memory is the account's."""
    send(importer)
    rows, header = ROWS, HEADER
    if name == "sorted":
        rows = random.Random(1).sample(ROWS, 3)
    elif name == "columns moved":
        header, rows = HEADER[::-1], [row[::-1] for row in ROWS]
    else:
        (importer.folder / "elsewhere").mkdir()
        monkeypatch.chdir(importer.folder / "elsewhere")
    before = count_requests(crm)
    ended = send_again(importer, rows, header=header)
    assert ended.code == 0
    assert count_requests(crm) == before


# what is new in the sheet of today -> the row that goes again
CHANGES = {
    "a cell": (RAVI, "Ravi", "Goa", "New", ""),
    "a note": (RAVI, "Ravi", "Nashik", "New", "wants a flat"),
    "a stage": (RAVI, "Ravi", "Nashik", "Won", ""),
    "a name": (RAVI, "Ravi Rao", "Nashik", "New", ""),
    "a lead": ("+919845000009", "Divya", "Kochi", "New", ""),
}


@pytest.mark.parametrize("row", CHANGES.values(), ids=CHANGES.keys())
def test_only_what_is_new_is_sent(importer, crm, row):
    """One request for one changed row, and the next day it needs none either."""
    send(importer)
    before = count_requests(crm)
    today = [row, ROWS[0], ROWS[2]]
    ended = send_again(importer, today)
    assert get_statuses(ended) == {row[0]: "accepted", ASHA: "unchanged", MEENA: "unchanged"}
    assert count_requests(crm) == before + 1
    assert send_again(importer, today).summary["counts"]["unchanged"] == 3


def test_cell_that_was_emptied_leaves_the_field_alone(importer, crm):
    """An empty cell sends nothing, so it is no change."""
    send(importer)
    assert send_again(importer, [(RAVI, "Ravi", "", "New", "")]).summary["counts"]["unchanged"] == 1


# the options of today -> what the rows cost: a write, or a look-up that finds the same values
OTHER_WAYS = {
    "mapping": (["--column", "City=source"], "accepted"),
    "default": (["--default", "source=Expo"], "accepted"),
    "existing": (["--existing", "unedited"], "unchanged"),
    "policy": (["--policy", "city=fill"], "unchanged"),
}


@pytest.mark.parametrize(("options", "status"), OTHER_WAYS.values(), ids=OTHER_WAYS.keys())
def test_changed_mapping_or_policy_asks_the_crm_again(importer, crm, options, status):
    """The CRM did not take these rows in this way."""
    send(importer)
    before = count_requests(crm)
    ended = send_again(importer, ROWS, *options)
    assert set(get_statuses(ended).values()) == {status}
    assert "row.sent_before" not in ended.summary["problems"]
    assert count_requests(crm) == before + 3


def test_same_policy_needs_no_request(importer, crm):
    """The rows that a protecting run has written are known, too."""
    send(importer, ROWS, "--existing", "careful")
    before = count_requests(crm)
    assert send_again(importer, ROWS, "--existing", "careful").summary["counts"]["unchanged"] == 3
    assert count_requests(crm) == before


def test_rows_that_did_not_go_in_go_again(importer, crm):
    """Refused today, with the values that the CRM took the day before: whatever it has now, nobody knows."""
    send(importer)
    crm.sandbox.faults.restart(FaultPlan(phones={RAVI: [InjectedFault.REFUSED]}))
    assert get_statuses(send(importer))[RAVI] == "refused"
    ended = send_again(importer)
    assert get_statuses(ended) == {ASHA: "unchanged", RAVI: "accepted", MEENA: "unchanged"}
    assert send_again(importer).summary["counts"]["unchanged"] == 3


def test_row_whose_answer_was_lost_goes_again_with_its_old_values(importer, crm):
    """Pune went in, Goa may have gone in: Pune is not what the CRM has for certain."""
    send(importer)
    crm.sandbox.faults.restart(FaultPlan(phones={RAVI: [InjectedFault.ERROR_AFTER] * 5}))
    changed = [ROWS[0], (RAVI, "Ravi", "Goa", "New", ""), ROWS[2]]
    assert get_statuses(send_again(importer, changed))[RAVI] == "unknown"
    assert leads(crm)[RAVI]["city"] == "Goa"
    assert get_statuses(send_again(importer))[RAVI] == "accepted"
    assert leads(crm)[RAVI]["city"] == "Nashik"


def test_row_whose_note_is_in_doubt_goes_again_without_it(importer, crm):
    """The row went in at the second attempt. Whether its note did, nobody knows: the report says so each time."""
    crm.sandbox.faults.restart(FaultPlan(phones={ASHA: [InjectedFault.ERROR_AFTER]}))
    assert get_statuses(send(importer))[ASHA] == "accepted"
    ended = send_again(importer)
    assert get_statuses(ended) == {ASHA: "accepted", RAVI: "unchanged", MEENA: "unchanged"}
    assert ended.results[0]["_note"] == "unknown"
    assert leads(crm)[ASHA]["notes"] == ["called"]


def test_row_that_a_plan_held_back_goes_again(importer, crm):
    """A person made it Goa, the sheet says Agra: until a row goes in, Nashik is not what the CRM has."""
    unedited = ("--existing", "unedited")
    send(importer, ROWS, *unedited)
    edit_lead(crm.sandbox.store, LeadEdit(phone=RAVI, fields={"city": "Goa"}))
    planned = importer("plan", write(importer, [(RAVI, "Ravi", "Agra", "New", "")]), *unedited)
    assert importer("apply", planned.folder.name, "--yes").code == 1
    before = count_requests(crm)
    assert "row.sent_before" not in send_again(importer, ROWS[1:2], *unedited).summary["problems"]
    assert count_requests(crm) == before + 1


def test_lead_that_does_not_show_what_was_sent_goes_again(importer, crm):
    """`verify` has found that the CRM lost it."""
    sent = send(importer)
    edit_lead(crm.sandbox.store, LeadEdit(phone=RAVI, delete=True))
    assert send_again(importer).summary["counts"]["unchanged"] == 3
    assert importer("verify", sent.folder.name).code == 1
    assert get_statuses(send_again(importer)) == {ASHA: "unchanged", RAVI: "accepted", MEENA: "unchanged"}
    assert RAVI in leads(crm)


def test_check_shows_what_a_run_would_leave_out_and_writes_nothing(importer, crm, state_dir):
    """Also where nothing was sent yet: no folder is made."""
    sheet = write(importer, ROWS)
    assert importer("check", sheet, "--changed").summary["counts"]["accepted"] == 3
    assert not list(state_dir.glob("*")) if state_dir.exists() else True
    send(importer)
    (memory,) = state_dir.glob("*/memory.sqlite")
    before = memory.read_bytes(), sorted(path.name for path in memory.parent.iterdir())
    checked = importer("check", sheet, "--changed")
    assert (memory.read_bytes(), sorted(path.name for path in memory.parent.iterdir())) == before
    assert checked.code == 0
    assert checked.summary["counts"]["unchanged"] == 3
    assert "importer run" not in checked.err
    assert [row["_note"] for row in checked.results] == ["sent", "", "sent"]


def test_plan_looks_up_only_what_is_new(importer, crm):
    """What was sent before needs no look-up, and applying the plan sends the rest."""
    send(importer)
    before = count_requests(crm)
    today = [*ROWS[:2], (MEENA, "Meena", "Agra", "", "call back")]
    planned = importer("plan", write(importer, today), "--changed")
    assert get_statuses(planned) == {ASHA: "unchanged", RAVI: "unchanged", MEENA: "accepted"}
    assert count_requests(crm) == before + 1
    applied = importer("apply", planned.folder.name, "--yes")
    assert applied.code == 0, applied.err
    assert leads(crm)[MEENA]["city"] == "Agra"
    results = read_csv(planned.folder / "results.csv")
    assert [row["_status"] for row in results] == ["unchanged", "unchanged", "accepted"]


def test_settings_file_asks_for_it(importer, crm):
    """For the sheet of every night."""
    send(importer)
    (importer.folder / "importer.toml").write_text("changed = true\n")
    assert send(importer).summary["counts"]["unchanged"] == 3


def test_rows_of_one_phone_are_compared_as_they_were_sent(importer, crm):
    """Merged: the duplicate of an unchanged row is in the CRM, too."""
    rows = [*ROWS, (RAVI, "Ravi", "Goa", "Won", "second call")]
    send(importer, rows)
    ended = send_again(importer, rows)
    assert ended.code == 0
    assert ended.summary["counts"] | {"unchanged": 3, "duplicate": 1} == ended.summary["counts"]
    assert ended.summary["went_in"] == 4
    assert ended.failed == []


def test_leads_that_left_the_sheet_are_counted_and_left_alone(importer, crm):
    """Said on the terminal, in summary.json and on the page, with the run that had them. Nothing is sent for them."""
    first = send(importer)
    before = leads(crm)
    ended = send_again(importer, ROWS[:1])
    assert leads(crm) == before
    vanished = ended.summary["vanished"]
    assert (vanished["run_id"], vanished["file"], vanished["leads"]) == (
        first.folder.name, str(importer.folder / "leads.csv"), 2,
    )  # fmt: skip
    page = (ended.folder / "report.html").read_text("utf-8")
    for shown in (ended.out, page):
        assert f"2 leads of run {first.folder.name} (leads.csv, " in shown
        assert "They stay in the CRM as they are." in shown
    assert send_again(importer, ROWS[:1]).summary["vanished"]["leads"] == 0


# name of today's file, rows, options -> how many leads the sheet does not have any more, None if nothing is compared
SHEETS_OF_TODAY = {
    "a date in the name": ("leads (2) 2026-12-01.csv", ROWS[:2], (), 1),
    "another name": ("walkins.csv", ROWS[:2], (), None),
    "a part of the sheet": ("leads.csv", ROWS, ("--limit", "1"), None),
    "a row that is rejected today": ("leads.csv", [*ROWS[:2], (MEENA, "Meena", "Delhi", "Nil", "")], (), 0),
    "a phone beside another one": ("leads.csv", [(f"{ASHA} / {RAVI}", "Asha", "", "", ""), ROWS[2]], (), 0),
}


@pytest.mark.parametrize(
    ("name", "rows", "options", "left"), SHEETS_OF_TODAY.values(), ids=SHEETS_OF_TODAY.keys()
)
def test_sheet_is_compared_with_the_last_one_of_its_name(importer, crm, name, rows, options, left):
    """What is not the same sheet, or not all of it, says nothing about leads that are missing."""
    send(importer)
    ended = importer("check", write(importer, rows, name=name), "--changed", *options)
    vanished = ended.summary["vanished"]
    assert (vanished and vanished["leads"]) == left


def test_fixed_rows_are_no_smaller_sheet(importer, crm):
    """failed_rows and a retry hold a part of the sheet."""
    sent = send(importer, [*ROWS, ("123", "Divya", "", "", "")])
    fixed = importer("run", sent.folder / "failed_rows.csv", "--yes", "--changed")
    assert fixed.summary["vanished"] is None
