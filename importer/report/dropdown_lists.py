"""Add real Excel dropdown lists with the account's values to a workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from importer.fields import FIELDS_BY_NAME, Dropdown, Field, Kind
from importer.messages import report_messages
from importer.models.status import LISTS_SHEET

MAX_CELL_UNITS = 32_767
"""The longest text of a cell that Excel holds, in UTF-16 units."""

_LIST_COLUMNS = "ABCDEFGH"  # one for each dropdown of the account
_MAX_TITLE = 32  # characters of the heading of an input message: Excel's own limit


def add_dropdowns(
    book: Any,
    sheet: Any,
    fields: Mapping[int, str],
    titles: Mapping[str, Sequence[str]],
    *,
    rows: int,
    first: int = 1,
) -> None:
    """Give the columns of dropdown fields (column -> field) Excel lists, from row `first` to row `rows`.

    The lists are on a hidden sheet. A list typed into the validation itself may have 255 characters, and no value with a
    comma; a range of cells has no such limits.
    """
    ranges = _write_lists(book, titles)
    for column, name in fields.items():
        field = FIELDS_BY_NAME.get(name)
        if field is None or field.dropdown is None or field.dropdown not in ranges:
            continue
        sheet.data_validation(first, column, rows, column, _build_validation(field, ranges[field.dropdown]))


def _build_validation(field: Field, source: str) -> dict[str, str]:
    """Return the validation of a column. Where a cell may hold several values, Excel only informs of another text."""
    is_list = field.kind is Kind.TITLES
    return {
        "validate": "list",
        "source": source,
        "error_type": "information" if is_list else "warning",
        "error_title": report_messages.NOT_IN_ACCOUNT,
        "error_message": report_messages.format_not_in_account(field.label),
        "input_title": field.label[:_MAX_TITLE],
        "input_message": report_messages.CHOOSE_SEVERAL if is_list else report_messages.CHOOSE_FROM_LIST,
    }


def _write_lists(book: Any, titles: Mapping[str, Sequence[str]]) -> dict[Dropdown, str]:
    """Write the account's values to a hidden sheet, by row as `constant_memory` needs it; return the range of each list."""
    sheet = book.add_worksheet(LISTS_SHEET)
    sheet.hide()
    lists = [(dropdown, titles[dropdown]) for dropdown in Dropdown if titles.get(dropdown)]
    for row in range(max((len(values) for _, values in lists), default=0)):
        for column, (_, values) in enumerate(lists):
            if row < len(values):
                sheet.write_string(row, column, values[row][:MAX_CELL_UNITS])
    return {
        dropdown: f"={LISTS_SHEET}!${_LIST_COLUMNS[column]}$1:${_LIST_COLUMNS[column]}${len(values)}"
        for column, (dropdown, values) in enumerate(lists)
    }
