"""Files that importer wrote itself, fed back in: their `_` columns are set aside, their guards taken off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from importer.guard import unguarded
from importer.loader.kinds import FileKind
from importer.loader.opening import Table
from importer.models import REPORT_COLUMNS, ROWS_SHEET, SourceRows, is_report_header


def is_ours(headers: Sequence[str]) -> bool:
    """Whether a report of ours has these columns, also where people have moved, added or deleted some."""
    return is_report_header(headers)


def theirs(headers: Sequence[str]) -> list[int]:
    """The columns that are not ours, by index."""
    return [index for index, header in enumerate(headers) if header not in REPORT_COLUMNS]


def as_typed(table: Table) -> tuple[tuple[str, ...], Iterator[SourceRows]]:
    """The headers and rows of the sheet that our report was made from, cells as they were first typed.

    The cells of our workbook need no guard. A CSV file of ours that was saved as a workbook still has its own.
    """
    clean = str if table.kind is not FileKind.CSV and table.sheet == ROWS_SHEET else unguarded
    kept = theirs(table.headers)

    def typed(block: SourceRows) -> SourceRows:
        cells = [tuple([clean(row[index]) for index in kept]) for row in block.cells]
        return SourceRows(block.numbers, cells, block.faults)

    return tuple(clean(table.headers[index]) for index in kept), map(typed, table.blocks)
