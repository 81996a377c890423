"""Files that importer wrote itself, fed back in: their `_` columns are set aside, their guards taken off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from importer.guard import unguarded
from importer.loader.opening import Table
from importer.models import REPORT_COLUMNS, SourceRow


def is_ours(headers: Sequence[str]) -> bool:
    """Whether the last columns are the ones that only our reports have."""
    return tuple(headers[-len(REPORT_COLUMNS) :]) == REPORT_COLUMNS


def as_typed(table: Table) -> tuple[tuple[str, ...], Iterator[SourceRow]]:
    """The headers and rows of the sheet that our report was made from, cells as they were first typed."""
    width = len(table.headers) - len(REPORT_COLUMNS)
    clean = unguarded if table.kind == "csv" else str  # a workbook's cells are text and need no guard

    def typed(row: SourceRow) -> SourceRow:
        return msgspec.structs.replace(row, cells=tuple(map(clean, row.cells[:width])))

    return tuple(map(clean, table.headers[:width])), map(typed, table.rows)
