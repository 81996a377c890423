"""An empty sheet to fill in: a line of notes, a column a field, the account's titles as Excel dropdown lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from importer.fields import FIELDS, Field, Kind
from importer.report.placing import Placing
from importer.report.workbook import add_dropdowns

_ROWS = 5_000
_LEFT_OUT = frozenset(
    {"full_name", "dial_code", "address.latitude", "address.longitude", "address.initials", "remove_labels"}
)
_NOTES: dict[Kind, str] = {
    Kind.PHONE: "With country code, like +919800000001",
    Kind.PHONES: "Further numbers, with commas between",
    Kind.EMAILS: "One or more, with commas between",
    Kind.MONEY: "Rupees: 120000 or 1.2 lakh",
    Kind.TITLE: "Choose from the list",
    Kind.TITLES: "From the list; several with commas between",
    Kind.WEBSITE: "Like www.example.in",
}


def write_template(path: Path, titles: Mapping[str, Sequence[str]]) -> None:
    """Write the sheet. `titles` are the account's active ones, by dropdown. Raises OSError."""
    import xlsxwriter  # noqa: PLC0415 - only this command and the reports need it

    fields = [field for field in FIELDS if field.name not in _LEFT_OUT]
    with Placing(path) as temporary:
        book = xlsxwriter.Workbook(str(temporary), {"strings_to_formulas": False})
        sheet = book.add_worksheet("Leads")
        text = book.add_format({"num_format": "@"})
        bold = book.add_format({"num_format": "@", "bold": True, "bg_color": "#DBEAFE", "bottom": 1})
        dim = book.add_format({"num_format": "@", "italic": True, "font_color": "#64748B", "text_wrap": True})
        for column, field in enumerate(fields):
            sheet.set_column(column, column, max(len(field.label) + 4, 18), text)
            sheet.write_string(0, column, _note(field), dim)
            sheet.write_string(1, column, field.label, bold)
        sheet.freeze_panes(2, 0)
        columns = {column: field.name for column, field in enumerate(fields)}
        add_dropdowns(book, sheet, columns, titles, first=2, rows=_ROWS)
        book.close()


def _note(field: Field) -> str:
    if field.name == "customer_phone":
        return f"Needed. {_NOTES[Kind.PHONE]}"
    if field.name == "customer_note":
        return "Added to the lead's timeline"
    return _NOTES.get(field.kind, "Text")
