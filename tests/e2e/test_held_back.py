"""What a protecting run holds back: it reads each lead right before its write, and has no plan to compare with."""

import json

import pytest

from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.status import RunState
from importer.sandbox.faults import FaultPlan
from importer.sandbox.lead_edits import LeadEdit
from tests.journal.records import write_checksums
from tests.support import leads, read_csv, write_csv

ASHA, RAVI, MEENA = "+919845000001", "+919845000002", "+919845000003"
POLICIES = [("--existing", "fill"), ("--policy", "city=fill"), ("--existing", "unedited")]


def save(crm, phone, **fields):
    crm.sandbox.store.save(None, phone, fields, None)


def send(importer, rows, *options):
    """Send the rows one after another: which of two rows of a lead comes first is then certain."""
    sheet = write_csv(importer.folder / "leads.csv", rows)
    return importer("run", sheet, "--yes", "--concurrency", "1", *(options or POLICIES[0]))


def count_posts(crm):
    return sum(entry["method"] == "POST" for entry in crm.sandbox.store.ledger())


@pytest.mark.parametrize("options", POLICIES, ids=" ".join)
def test_two_phones_of_one_lead(importer, crm, options):
    """The first row goes in; the second would write to the same lead, so it is held back and names the first."""
    save(crm, RAVI, first_name="Ravi", added_phones=[ASHA])
    rows = [("Phone", "Source"), (RAVI, "Expo"), (ASHA, "Web")]
    ended = send(importer, rows, *options)
    assert ended.code == 1
    assert [row["_status"] for row in ended.results] == ["accepted", "conflict"]
    assert ended.results[1]["_codes"] == "row.same_lead"
    assert "row 2 " in ended.results[1]["_problems"]
    assert leads(crm)[RAVI]["source"] == "Expo"
    assert count_posts(crm) == 1
    assert ended.failed[0]["_row"] == "3"


def test_two_phones_of_one_lead_are_found_again_by_a_resume(importer, crm):
    """The first row went in before the run was killed: the second is held back afterwards, too."""
    save(crm, RAVI, first_name="Ravi", added_phones=[ASHA])
    ended = send(importer, [("Phone", "Source"), (RAVI, "Expo"), (ASHA, "Web")])
    with Journal.open(ended.folder) as journal:
        journal.file.sql.execute("DELETE FROM results WHERE number = 3")
        journal.file.sql.execute("DELETE FROM plans WHERE number = 3")
        journal.end(RunEnd(state=RunState.RUNNING))
    resumed = importer("resume", ended.folder.name)
    assert resumed.code == 1
    assert [row["_codes"] for row in ended.results] == ["", "row.same_lead"]
    assert count_posts(crm) == 1


def test_lead_that_another_row_reached_by_a_new_look_up_is_not_written_to(importer, crm):
    """A plan whose look-up is fresh was sent whole, with its note, after another row had reached its lead."""
    save(crm, ASHA, first_name="Asha", city="Pune")
    save(crm, RAVI, first_name="Ravi", city="Pune")
    rows = [("Phone", "City", "Remarks"), (ASHA, "Thane", ""), (RAVI, "Noida", "called")]
    planned = importer("plan", write_csv(importer.folder / "leads.csv", rows))
    store = crm.sandbox.store
    store.delete(store.find_by_primary_phone(ASHA)[0])
    lead_id, lead = store.find_by_primary_phone(RAVI)
    store.save(lead_id, RAVI, {**lead, "added_phones": [ASHA]}, None)
    make_look_up_old(planned.folder, ASHA)
    applied = importer("apply", planned.folder.name, "--yes", "--concurrency", "1")
    assert applied.code == 1
    assert leads(crm) == {RAVI: {"first_name": "Ravi", "city": "Pune", "added_phones": [ASHA]}}
    assert {row["_status"] for row in read_csv(planned.folder / "results.csv")} == {"conflict"}


def make_look_up_old(folder, phone):
    with Journal.open(folder) as journal:
        (answer,) = journal.file.sql.execute(
            "SELECT answer FROM lookups WHERE phone = ?", (phone,)
        ).fetchone()
        old = {**json.loads(answer), "at": "2026-01-01T00:00:00+05:30"}
        values = (json.dumps(old), phone)
        journal.file.sql.execute("UPDATE lookups SET answer = ? WHERE phone = ?", values)
        write_checksums(journal.file.sql)


@pytest.mark.parametrize("phone", [RAVI, ASHA], ids=["known lead", "new lead"])
def test_additional_phone_of_another_lead(importer, crm, phone):
    """An upsert would give the number to two leads."""
    save(crm, RAVI, first_name="Ravi")
    save(crm, MEENA, first_name="Meena")
    columns = ("--column", "Phone 2=add_phones")
    ended = send(importer, [("Phone", "Phone 2", "Source"), (phone, MEENA, "Expo")], *POLICIES[0], *columns)
    assert ended.results[0]["_codes"] == "add_phones.other_lead"
    assert count_posts(crm) == 0


def test_lead_that_went_between_look_up_and_write(importer, crm):
    """An update never creates: the lead stays deleted, and the row says why it did not go in."""
    save(crm, RAVI, first_name="Ravi")
    crm.sandbox.faults.restart(FaultPlan(edits={RAVI: [LeadEdit(phone=RAVI, delete=True)]}))
    ended = send(importer, [("Phone", "Source"), (RAVI, "Expo")])
    assert (ended.results[0]["_status"], ended.results[0]["_codes"]) == ("conflict", "row.lead_gone")
    assert leads(crm) == {}


def test_lead_without_the_number_that_was_asked_for(importer, crm, monkeypatch):
    """The CRM answered with some other lead: nothing is written to it."""
    save(crm, RAVI, first_name="Ravi")
    monkeypatch.setattr("importer.sandbox.app.to_api_lead", show_without_phones)
    ended = send(importer, [("Phone", "Source"), (RAVI, "Expo")])
    assert ended.results[0]["_codes"] == "customer_phone.phone_not_shown"
    assert count_posts(crm) == 0


def show_without_phones(lead, account):
    del account
    return {"id": lead["id"], "phones": [{"phone": MEENA, "customer_id": lead["id"]}]}
