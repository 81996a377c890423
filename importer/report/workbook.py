"""failed_rows.xlsx: the rows to mend, faulty cells in colour with the problem on them, real dropdown lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from importer.fields import BY_NAME, Dropdown, Kind
from importer.issues import Severity, sentence
from importer.journal import RunHeader
from importer.models import REPORT_COLUMNS, RowOutcome
from importer.report.origin import PROPERTY
from importer.report.placing import Placing

MOST_ROWS = 100_000  # more than a person mends by hand; failed_rows.csv has all
LISTS_SHEET = "Lists"
_MOST_CELL = 32_767  # Excel's own limit of a cell
_MOST_COMMENT = 1_000


class FailedWorkbook:
    """Written row by row; memory stays flat."""

    def __init__(self, placing: Placing, header: RunHeader) -> None:
        self._placing = placing
        self._header = header
        self._row = 0

    def __enter__(self) -> Self:
        import xlsxwriter  # noqa: PLC0415 - only reports need it

        header = self._header
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book: Any = xlsxwriter.Workbook(str(self._placing.__enter__()), options)
        self._book.set_custom_property(PROPERTY, header.run_id)
        self._sheet: Any = self._book.add_worksheet("Rows to mend")
        self._text = self._book.add_format({"num_format": "@", "valign": "top"})
        self._bad = self._book.add_format(
            {"num_format": "@", "valign": "top", "bg_color": "#FFD9D1", "font_color": "#9C1C0C"}
        )
        self._own = self._book.add_format({"num_format": "@", "valign": "top", "font_color": "#64748B"})
        bold = self._book.add_format({"num_format": "@", "bold": True, "bg_color": "#E2E8F0", "bottom": 1})
        names = (*header.headers, *REPORT_COLUMNS)
        for column, name in enumerate(names):
            self._sheet.write_string(0, column, name[:_MOST_CELL], bold)
        for column, name in enumerate(names):
            wide = 60 if name == "_problems" else min(max(len(name) + 2, 14), 32)
            self._sheet.set_column(
                column, column, wide, self._own if column >= len(header.headers) else self._text
            )
        self._sheet.freeze_panes(1, 0)
        self._columns = {name: column for column, name in enumerate(header.headers)}
        return self

    def add(self, outcome: RowOutcome, behind: Sequence[object]) -> None:
        """One row; cells with an error get its sentence as a comment."""
        if self._row >= MOST_ROWS:
            return
        self._row += 1
        faults = self._faults(outcome)
        for column, cell in enumerate(outcome.cells):
            said = faults.get(column)
            if cell or said:
                self._sheet.write_string(
                    self._row, column, cell[:_MOST_CELL], self._bad if said else self._text
                )
            if said:
                self._sheet.write_comment(self._row, column, said[:_MOST_COMMENT], {"x_scale": 2.2})
        width = len(self._header.headers)
        problems = REPORT_COLUMNS.index("_problems")
        for at, value in enumerate(behind):
            text = (
                " | ".join(sentence(outcome.number, i) for i in outcome.issues) if at == problems else value
            )
            if text not in ("", None):
                self._sheet.write_string(self._row, width + at, str(text)[:_MOST_CELL], self._own)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._sheet.autofilter(
                0, 0, max(self._row, 1), len(self._header.headers) + len(REPORT_COLUMNS) - 1
            )
            fields = {column.index: column.field for column in self._header.mapping.columns if column.field}
            add_dropdowns(self._book, self._sheet, fields, self._header.titles, rows=max(self._row, 1))
        self._book.close()
        self._placing.__exit__(kind, error, trace)

    def _faults(self, outcome: RowOutcome) -> dict[int, str]:
        """What is wrong by column of the sheet."""
        said: dict[int, list[str]] = {}
        for issue in outcome.issues:
            column = self._columns.get(issue.column)
            if column is not None and issue.severity is Severity.ERROR:
                said.setdefault(column, []).append(sentence(outcome.number, issue))
        return {column: "\n".join(lines) for column, lines in said.items()}


def add_dropdowns(
    book: Any,
    sheet: Any,
    fields: Mapping[int, str],
    titles: Mapping[str, Sequence[str]],
    *,
    rows: int,
    first: int = 1,
) -> None:
    """Give the columns of dropdown fields (column -> field) Excel's own lists, kept on a hidden sheet.

    A list typed into the validation itself may have 255 characters, and no title with a comma; a range has
    no such limits. Where several titles may stand in a cell, another text is only warned of.
    """
    places = _write_lists(book, titles)
    for column, name in fields.items():
        field = BY_NAME.get(name)
        if field is None or field.dropdown is None or field.dropdown not in places:
            continue
        several = field.kind is Kind.TITLES
        sheet.data_validation(
            first, column, rows, column,
            {
                "validate": "list",
                "source": places[field.dropdown],
                "error_type": "information" if several else "warning",
                "error_title": "Not in the account",
                "error_message": f"The account has no such {field.label.lower()}.",
                "input_title": field.label[:32],
                "input_message": "Several may stand here, with commas between." if several else "Choose from the list.",
            },
        )  # fmt: skip


def _write_lists(book: Any, titles: Mapping[str, Sequence[str]]) -> dict[Dropdown, str]:
    """Write the account's titles to a hidden sheet; answers with where each list lies."""
    sheet = book.add_worksheet(LISTS_SHEET)
    sheet.hide()
    lists = [(dropdown, titles[dropdown]) for dropdown in Dropdown if titles.get(dropdown)]
    for row in range(max((len(found) for _, found in lists), default=0)):
        for column, (_, found) in enumerate(lists):
            if row < len(found):
                sheet.write_string(row, column, found[row][:_MOST_CELL])
    letters = "ABCDEFGH"
    return {
        dropdown: f"={LISTS_SHEET}!${letters[column]}$1:${letters[column]}${len(found)}"
        for column, (dropdown, found) in enumerate(lists)
    }
