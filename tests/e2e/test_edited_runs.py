"""A run that was edited in its journal is planned, sent and compared with earlier runs as it is now."""

import pytest

from importer.credentials import Credentials, Secret
from importer.journal.run_journal import Journal
from importer.models.status import RunState
from importer.pipeline.context import RunContext
from importer.pipeline.edit_rows import CellEdit, RowEditor
from importer.pipeline.plan import plan_unsent
from importer.pipeline.resume import lock_its_account, lock_journal
from importer.settings import resolve_settings
from tests.support import KEY, leads, write_csv

ASHA, RAVI, MEENA = "+919845000001", "+919845000002", "+919845000003"
HEADER = ("Phone", "First Name", "City", "Stage")
ROWS = [
    HEADER,
    (ASHA, "Asha", "Mumbai", "New"),
    (RAVI, "Ravi", "Pune", "Warm led"),
    ("12", "Meena", "Goa", ""),
]
CITY, STAGE = 2, 3


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "leads.csv", ROWS)


def read_methods(crm):
    return [entry["method"] for entry in crm.sandbox.store.ledger()]


def make_context(importer, crm):
    return RunContext(
        settings=resolve_settings({"reports": str(importer.reports)}),
        credentials=Credentials(crm.base_url, Secret(KEY)),
    )


def edit(importer, crm, folder, *edits):
    """Edit cells as the window does: it needs no key."""
    context = make_context(importer, crm).replace(credentials=None)
    with Journal.open(folder) as journal:
        return RowEditor(journal, context).edit_cells(edits, [])


def read_statuses(ended):
    return [row["_status"] for row in ended.results]


def test_edited_check_is_applied(importer, crm, sheet):
    """The edited rows go in with their new values, without the file; what the file had is in the report."""
    checked = importer("check", sheet)
    sheet.unlink()
    edit(importer, crm, checked.folder, CellEdit(3, STAGE, "Won"), CellEdit(4, 0, MEENA))
    applied = importer("apply", checked.folder.name, "--yes")
    assert applied.code == 0, applied.err
    assert leads(crm)[RAVI]["lead_stage_name"] == "Won"
    assert leads(crm)[MEENA]["city"] == "Goa"
    assert [row["_codes"] for row in checked.results] == [
        "",
        "lead_stage_name.edited",
        "customer_phone.edited",
    ]


def test_plan_after_an_edit_looks_up_only_new_phones(importer, crm, sheet):
    """The answers of the plan are kept; the old plan is not sent."""
    planned = importer("plan", sheet)
    assert read_methods(crm) == ["GET"]
    edit(importer, crm, planned.folder, CellEdit(4, 0, MEENA), CellEdit(2, CITY, "Thane"))
    context = make_context(importer, crm)
    with (
        Journal.open(planned.folder) as journal,
        lock_journal(journal),
        lock_its_account(journal, context) as opened,
    ):
        assert journal.run_end.state is RunState.CHECKED
        plan_unsent(journal, opened)
    assert [entry["phone"] for entry in crm.sandbox.store.ledger()] == [ASHA, MEENA]
    assert importer("apply", planned.folder.name, "--yes").code == 1
    assert {phone: lead["city"] for phone, lead in leads(crm).items()} == {ASHA: "Thane", MEENA: "Goa"}


def test_edit_of_an_unchanged_row_is_sent_and_its_undo_is_unchanged_again(importer, crm, sheet):
    """With --changed, each edited row is compared with what was sent before."""
    importer("run", sheet, "--yes")
    checked = importer("check", sheet, "--changed")
    assert read_statuses(checked) == ["unchanged", "invalid", "invalid"]
    edit(importer, crm, checked.folder, CellEdit(2, CITY, "Thane"))
    importer("report", checked.folder.name)
    assert read_statuses(checked) == ["accepted", "invalid", "invalid"]
    edit(importer, crm, checked.folder, CellEdit(2, CITY, "Mumbai"))
    importer("report", checked.folder.name)
    assert read_statuses(checked) == ["unchanged", "invalid", "invalid"]
    assert checked.results[0]["_codes"] == "row.sent_before"
