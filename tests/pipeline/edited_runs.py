"""Judged runs that a test edits, and the same sheets judged from the start."""

from pathlib import Path

from importer.credentials import Credentials, Secret
from importer.fields import Dropdown
from importer.journal.run_journal import Journal
from importer.models.mapping import Title
from importer.models.row import SourceRow
from importer.models.status import RunState
from importer.pipeline.context import RunContext
from importer.pipeline.edit_rows import RowEditor
from importer.pipeline.run import judge_sheet
from importer.reader.source import InMemoryReader, Sheet
from importer.settings import resolve_settings
from tests.support import KEY, make_account

FIELDS = {
    "Phone": "customer_phone", "Alt No.": "add_phones", "First Name": "first_name", "City": "city",
    "Stage": "lead_stage_name", "Labels": "add_labels", "Budget": "deal_value",
}  # fmt: skip
HEADERS = tuple(FIELDS)
TITLES = {
    Dropdown.STAGE: (
        Title("New", position=1.0),
        Title("Warm lead", position=2.0),
        Title("Gone", active=False),
    ),
    Dropdown.LABEL: (Title("VIP"), Title("Hot")),
}
PHONE, ALT, NAME, CITY, STAGE, LABELS, BUDGET = range(7)


def make_context(folder: Path, **options: object) -> RunContext:
    return RunContext(
        settings=resolve_settings({"reports": str(folder), "column": FIELDS, **options}),
        credentials=Credentials("http://127.0.0.1:1/superfone", Secret(KEY)),
        titles=TITLES,
        account=make_account(folder),
    )


def judge_rows(folder: Path, run_id: str, rows, *, issues=None, **options: object) -> Journal:
    """Judge rows (number -> cells) into a journal that waits to be sent."""
    found = [
        SourceRow(number, tuple(cells), (issues or {}).get(number, ()))
        for number, cells in sorted(rows.items())
    ]
    sheet = Sheet(InMemoryReader(HEADERS, found), file="leads.csv", sha256="0" * 64)
    context = make_context(folder, run_id=run_id, **options)
    journal = judge_sheet("check", sheet, context)
    assert journal.run_end.state is RunState.CHECKED
    return journal


def open_editor(folder: Path, journal: Journal) -> RowEditor:
    return RowEditor(journal, make_context(folder))


def read_rows(journal: Journal):
    """Return all that the journal says about its rows, by number: cells, verdict, phone, payload, issues, survivor."""
    found = journal.file.sql.execute(
        "SELECT number, cells, verdict, phone, payload, issues, survivor_row FROM rows"
    )
    return {number: rest for number, *rest in found}
