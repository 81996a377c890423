"""An empty sheet to fill in: a line of notes, a column a field, the account's titles as Excel dropdown lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from importer.atomic_file import AtomicFile
from importer.fields import FIELDS, Field, Kind
from importer.report.failed_workbook import add_dropdowns

_ROWS = 5_000
_LEFT_OUT = frozenset(
    {"full_name", "dial_code", "address.latitude", "address.longitude", "address.initials", "remove_labels"}
)
_HEADER, _FIRST = 1, 2  # rows from 0: the notes stand above the header, where no reader takes them for a lead
_NOTES: dict[Kind, str] = {
    Kind.PHONE: "With country code, like +919800000001",
    Kind.PHONES: "Further numbers, with commas between",
    Kind.EMAILS: "One or more, with commas between",
    Kind.MONEY: "Rupees: 120000 or 1.2 lakh",
    Kind.TITLE: "Choose from the list",
    Kind.TITLES: "From the list; several with commas between",
    Kind.WEBSITE: "Like www.example.in",
}
_NOTES_BY_NAME = {
    "customer_phone": "Needed. With country code, like +919800000001",
    "first_name": "Of the person",
    "last_name": "Of the person",
    "business_name": "Of the firm",
    "city": "Town or city",
    "address.text": "House, street, area",
    "address.additional": "State, PIN code, country",
    "source": "Where the lead came from, in your own words",
    "assignee_user_phone": "A team member's phone, like +919800000001",
    "additional_info": "Kept on the lead, in place of what was there",
    "customer_note": "Added to the lead's timeline",
}


def write_template(path: Path, titles: Mapping[str, Sequence[str]]) -> Path:
    """Write the sheet; answers with where it lies, which is beside `path` where that is open in Excel.

    `titles` are the account's active ones, by dropdown. Raises OSError.
    """
    fields = [field for field in FIELDS if field.name not in _LEFT_OUT]
    file = AtomicFile(path)
    with file as temporary:
        book = xlsxwriter.Workbook(str(temporary), {"strings_to_formulas": False})
        sheet = book.add_worksheet("Leads")
        text = book.add_format({"num_format": "@"})
        bold = book.add_format({"num_format": "@", "bold": True, "bg_color": "#DBEAFE", "bottom": 1})
        dim = book.add_format({"num_format": "@", "italic": True, "font_color": "#64748B", "text_wrap": True})
        sheet.set_row(0, 48)  # three lines of a note
        for column, field in enumerate(fields):
            sheet.set_column(column, column, max(len(field.label) + 4, 18), text)
            sheet.write_string(0, column, _note(field), dim)
            sheet.write_string(_HEADER, column, field.label, bold)
        sheet.freeze_panes(_FIRST, 0)
        sheet.ignore_errors(
            {"number_stored_as_text": f"A{_FIRST + 1}:AZ{_ROWS}"}
        )  # no green corners on phones
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        columns = {column: field.name for column, field in enumerate(fields)}
        add_dropdowns(book, sheet, columns, titles, first=_FIRST, rows=_ROWS)
        try:
            book.close()
        except FileCreateError as error:
            raise error.args[0] from None  # XlsxWriter wraps what the system said
    return file.published


def _note(field: Field) -> str:
    return _NOTES_BY_NAME.get(field.name) or _NOTES[field.kind]
