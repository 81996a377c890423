"""Screen 1: which sheets of the file are read, and where their header is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from importer.loader.formats.file_kind import FileKind
from importer.models.mapping import format_column_letters
from importer.reader.protocol import SheetPreview, WorkbookPreview
from importer.ui.row_data import parse_number
from importer.ui.run_steps import forget_check
from importer.ui.templates import show_text
from importer.ui.visit import Form, Visit, show, write

DELIMITERS = (",", ";", "tab", "|")
ENCODINGS = ("utf-8", "cp1252", "utf-16")
_READING_OPTIONS = ("encoding", "delimiter")


def show_sheet(visit: Visit) -> Response:
    """Show the first rows of each sheet as they are in the file."""
    preparation = visit.workspace.preparations.get(visit.run_id)
    workbook = visit.workspace.previews.read_workbook(preparation, visit.workspace.resolve(preparation))
    chosen = _choose_shown_sheet(workbook, visit.query.get("sheet", ""), preparation.options.get("sheet"))
    width = max((len(row.cells) for row in chosen.top_rows), default=0)
    return visit.render(
        "sheet.html",
        step="sheet",
        preparation=preparation,
        sheets=workbook.sheets,
        sheet=chosen,
        read_sheets=preparation.options.get("sheet") or [chosen.name],
        letters=[format_column_letters(at) for at in range(width)],
        is_text=chosen.kind == FileKind.CSV,
        delimiters=DELIMITERS,
        encodings=ENCODINGS,
    )


def _choose_shown_sheet(workbook: WorkbookPreview, asked: str, read: list[str] | None) -> SheetPreview:
    """Return the sheet that was clicked, else the first that is read, else the one with most columns that we know."""
    by_name = {sheet.name: sheet for sheet in workbook.sheets}
    if asked in by_name:
        return by_name[asked]
    if read and read[0] in by_name:
        return by_name[read[0]]
    return max(workbook.sheets, key=lambda sheet: (bool(sheet.sample), len(sheet.headers)))


def change_sheet(visit: Visit) -> Response:
    """Read the file as it was chosen. What follows from another sheet or header is forgotten."""
    preparation = visit.workspace.preparations.get(visit.run_id)
    form = visit.form
    options: dict[str, Any] = {
        k: v for k, v in preparation.options.items() if k not in ("sheet", "header_row", *_READING_OPTIONS)
    }
    if chosen := form.get_all("sheet"):
        workbook = visit.workspace.previews.read_workbook(preparation, visit.workspace.resolve(preparation))
        options["sheet"] = [sheet.name for sheet in workbook.sheets if show_text(sheet.name) in chosen]
    is_chosen = form.get("header_row") != form.get("found_header") or "header_row" in preparation.options
    if is_chosen and (number := parse_number(form.get("header_row"))) is not None:
        options["header_row"] = number
    options |= {name: form.get(name) for name in _READING_OPTIONS if form.get(name)}
    if options != preparation.options:
        forget_check(visit.workspace, preparation.run_id)
        options.pop("column", None)
        preparation = preparation.change(options=options, answers=(), is_settled=False)
        visit.workspace.preparations.save(preparation)
    return visit.redirect(f"/runs/{preparation.run_id}/{_choose_next_page(form)}")


def _choose_next_page(form: Form) -> str:
    """Return where the pressed button leads: to another sheet of the file, to this one read again, or on."""
    if shown := form.get("show"):
        return f"sheet?{urlencode({'sheet': shown})}"
    return "sheet" if form.get("again") else "columns"


ROUTES = [
    show("/runs/{run_id}/sheet", show_sheet),
    write("/runs/{run_id}/sheet", change_sheet),
]
