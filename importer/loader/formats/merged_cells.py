"""Fill the values of merged cells into each row that they cover, as the sheet shows them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from importer.issues import find_unreadable_cells
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind, format_column_name
from importer.models.row import SourceRow, SourceRows


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
    """

    def __init__(self, areas: deque[MergedArea], headers: Sequence[str]) -> None:
        self._areas = areas
        self._headers = headers
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
                (self._headers[column] or format_column_name(column), count)
                for column, count in sorted(self._filled_rows.items())
            ]
            notices.append(Notice(NoticeKind.READ, file_messages.describe_merged_values(counts)))

    def _fill_row(self, row: SourceRow) -> SourceRow:
        """Return the row as the sheet shows it, and remember the areas that begin in it."""
        if self._open:
            row = self._fill_covered_cells(row)
        areas = self._areas
        while areas and areas[0].first <= row.number:
            first, last, column = areas.popleft()
            if first == row.number and column < len(self._headers) and row.cells[column].strip():
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
