"""Write an empty sheet to fill in: a row of notes, a column for each field, the account's values as dropdown lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from importer.atomic_file import AtomicFile
from importer.fields import FIELDS, TASK_FIELDS, Field
from importer.messages.report_messages import TEMPLATE_NOTES, TEMPLATE_NOTES_BY_KIND
from importer.report.dropdown_lists import add_dropdowns

_ROWS = 5_000  # with dropdown lists
_OMITTED_FIELDS = TASK_FIELDS | {
    "full_name", "dial_code", "address.latitude", "address.longitude", "address.initials", "remove_labels",
}  # fmt: skip
_HEADER_ROW, _FIRST_ROW = (
    1,
    2,
)  # rows from 0: the notes are above the header, so that they are not read as a lead
_NOTE_HEIGHT = 48  # points, for three lines


def write_template(path: Path, titles: Mapping[str, Sequence[str]]) -> Path:
    """Write the sheet and return where it is: beside `path` if that is open in Excel. Raises OSError.

    `titles` are the account's active values, by dropdown.
    """
    fields = [field for field in FIELDS if field.name not in _OMITTED_FIELDS]
    file = AtomicFile(path)
    with file as temporary:
        book = xlsxwriter.Workbook(str(temporary), {"strings_to_formulas": False})
        sheet = book.add_worksheet("Leads")
        _write_header(book, sheet, fields)
        sheet.freeze_panes(_FIRST_ROW, 0)
        # Phones are text on purpose: no green corners.
        sheet.ignore_errors({"number_stored_as_text": f"A{_FIRST_ROW + 1}:AZ{_ROWS}"})
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        columns = {column: field.name for column, field in enumerate(fields)}
        add_dropdowns(book, sheet, columns, titles, first=_FIRST_ROW, rows=_ROWS)
        try:
            book.close()
        except FileCreateError as error:
            raise error.args[0] from None  # XlsxWriter wraps the OSError
    return file.published


def _write_header(book: Any, sheet: Any, fields: Sequence[Field]) -> None:
    """Write the notes and the labels of the fields, and make their columns text."""
    text = book.add_format({"num_format": "@"})
    bold = book.add_format({"num_format": "@", "bold": True, "bg_color": "#DBEAFE", "bottom": 1})
    note = book.add_format({"num_format": "@", "italic": True, "font_color": "#64748B", "text_wrap": True})
    sheet.set_row(0, _NOTE_HEIGHT)
    for column, field in enumerate(fields):
        sheet.set_column(column, column, max(len(field.label) + 4, 18), text)
        sheet.write_string(
            0, column, TEMPLATE_NOTES.get(field.name) or TEMPLATE_NOTES_BY_KIND[field.kind], note
        )
        sheet.write_string(_HEADER_ROW, column, field.label, bold)
