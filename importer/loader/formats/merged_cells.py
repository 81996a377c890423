"""Values merged over several rows, read in each row that they cover: this is how the sheet shows them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from importer.issues import find_unreadable_cells
from importer.loader.table.header_row import format_column_name
from importer.models.mapping import Notice
from importer.models.row import SourceRow, SourceRows


class Area(NamedTuple):
    """Cells merged over several rows; rows as the sheet numbers them, the first column counted from 0."""

    first: int
    last: int
    column: int


def areas_of(ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]] | None) -> Iterator[Area]:
    """Areas from ((first row, first column), (last row, last column)), each counted from 0."""
    for (first, column), (last, _) in sorted(ranges or ()):
        if last > first:
            yield Area(first + 1, last + 1, column)


def with_merged(
    blocks: Iterable[SourceRows], areas: deque[Area], headers: Sequence[str], notices: list[Notice]
) -> Iterator[SourceRows]:
    """The rows with the values of `areas` carried down; at the end `notices` tells of them.

    `areas` go from top to bottom, and are there by the time that their first row is read. One that begins in the
    header carries nothing, a cell that holds something of its own keeps it, and a row with nothing else is blank.
    """
    reaching: dict[int, tuple[int, str]] = {}  # column -> last row, value
    carried: Counter[int] = Counter()
    for block in blocks:
        if reaching or (areas and len(block) and areas[0].first <= block.numbers[-1]):
            yield SourceRows.from_rows(
                [_with_areas(row, areas, len(headers), reaching, carried) for row in block]
            )
        else:
            yield block
    if carried:
        listed = ", ".join(
            f'"{headers[column] or format_column_name(column)}" in {count:,} {"row" if count == 1 else "rows"}'
            for column, count in sorted(carried.items())
        )
        notices.append(
            Notice(
                "read", f"Values merged over several rows were read in each row that they cover: {listed}."
            )
        )


def _with_areas(
    row: SourceRow,
    areas: deque[Area],
    width: int,
    reaching: dict[int, tuple[int, str]],
    carried: Counter[int],
) -> SourceRow:
    """The row as the sheet shows it; `reaching` takes in the areas that begin with it."""
    if reaching:
        row = _covered(row, reaching, carried)
    while areas and areas[0].first <= row.number:
        first, last, column = areas.popleft()
        if first == row.number and column < width and row.cells[column].strip():
            reaching[column] = last, row.cells[column]
    return row


def _covered(row: SourceRow, reaching: dict[int, tuple[int, str]], carried: Counter[int]) -> SourceRow:
    cells = list(row.cells)
    for column, (last, value) in list(reaching.items()):
        if row.number > last:
            del reaching[column]
        elif not cells[column].strip():
            cells[column] = value
            carried[column] += 1
    if tuple(cells) == row.cells:
        return row
    return msgspec.structs.replace(row, cells=tuple(cells), issues=row.issues or find_unreadable_cells(cells))
