"""What calamine does not say about a sheet: hidden rows, error cells, number formats, and what merged cells cover."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from importer.issues import find_unreadable_cells
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind, format_column_name
from importer.models.row import SourceRow, SourceRows

UNKNOWN_ERROR = "#VALUE!"
"""Shown for an error whose own name is not known."""

_ERROR_NAMES = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}  # fmt: skip
_FUNCTION_CALL = re.compile(r"[A-Z][A-Z0-9.]*\(")  # SUM(A1:A2), but not A1&"x"


class RowMetadata(msgspec.Struct):
    """What else is known about a row, by column (counted from 0).

    `texts` replace cells that have no value: an error or a formula. `number_formats` are format codes. `has_value`
    means that the row certainly has a value: a reader that did not see it has stopped too early.
    """

    is_hidden: bool = False
    has_value: bool = False
    texts: dict[int, str] = {}
    number_formats: dict[int, str] = {}

    @property
    def has_any(self) -> bool:
        """Whether the row differs at all from one without metadata."""
        return bool(self.is_hidden or self.texts or self.number_formats)


def get_error_name(code: int) -> str:
    """Return the name of an error by its number in binary workbooks (MS-XLS 2.5.10 BErr)."""
    return _ERROR_NAMES.get(code, UNKNOWN_ERROR)


def format_formula(formula: str) -> str:
    """Return a formula without a stored value in a form that no cell reader takes for text."""
    if not formula:
        return "=(shared formula)"
    return f"={formula}" if _FUNCTION_CALL.match(formula) else f"=({formula})"


def parse_column_letters(letters: str) -> int:
    """Return the index of a column: `A` is 0, `AA` is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


class MergedArea(NamedTuple):
    """Cells merged over several rows: row numbers as the sheet shows them, and the first column, counted from 0."""

    first: int
    last: int
    column: int


def to_merged_areas(
    ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]] | None,
) -> Iterator[MergedArea]:
    """Yield areas from ((first row, first column), (last row, last column)), each counted from 0."""
    for (first, column), (last, _) in sorted(ranges or ()):
        if last > first:
            yield MergedArea(first + 1, last + 1, column)


class MergedCellFiller:
    """Fills the values of `areas` into the rows below their first one.

    `areas` go from top to bottom, and each is there by the time that its first row is read. An area that begins in
    the header fills nothing, a cell with a value of its own keeps it, and a row that is otherwise blank stays so.
    `first_column` is that of the first header in the sheet.
    """

    def __init__(self, areas: deque[MergedArea], headers: Sequence[str], first_column: int = 0) -> None:
        self._areas = areas
        self._headers = headers
        self._first_column = first_column
        self._open: dict[int, tuple[int, str]] = {}  # column -> last row, value
        self._filled_rows: Counter[int] = Counter()  # column -> rows

    def fill(self, blocks: Iterable[SourceRows], notices: list[Notice]) -> Iterator[SourceRows]:
        """Yield the blocks with the values filled in; at the end, add a notice that names the columns."""
        areas = self._areas
        for block in blocks:
            if self._open or (areas and len(block) and areas[0].first <= block.numbers[-1]):
                yield SourceRows.from_rows(map(self._fill_row, block))
            else:
                yield block
        if self._filled_rows:
            counts = [
                (self._headers[column] or format_column_name(column + self._first_column), count)
                for column, count in sorted(self._filled_rows.items())
            ]
            notices.append(Notice(NoticeKind.READ, file_messages.describe_merged_values(counts)))

    def _fill_row(self, row: SourceRow) -> SourceRow:
        """Return the row as the sheet shows it, and remember the areas that begin in it."""
        if self._open:
            row = self._fill_covered_cells(row)
        areas = self._areas
        while areas and areas[0].first <= row.number:
            first, last, sheet_column = areas.popleft()
            column = sheet_column - self._first_column
            if first == row.number and 0 <= column < len(self._headers) and row.cells[column].strip():
                self._open[column] = last, row.cells[column]
        return row

    def _fill_covered_cells(self, row: SourceRow) -> SourceRow:
        cells = list(row.cells)
        for column, (last, value) in list(self._open.items()):
            if row.number > last:
                del self._open[column]
            elif not cells[column].strip():
                cells[column] = value
                self._filled_rows[column] += 1
        if tuple(cells) == row.cells:
            return row
        issues = row.issues or find_unreadable_cells(cells)
        return msgspec.structs.replace(row, cells=tuple(cells), issues=issues)
