"""Finds tables beside each other, such as `Name, Phone, (nothing), Name, Phone`. Each is read as a table of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from importer.issues import LOST_CHARACTER, Issue, IssueCode
from importer.loader.table.header_row import (
    MAX_SEARCHED_ROWS,
    HeaderRow,
    find_header_row,
    find_phone_columns,
    is_phone_like,
    trim_names,
)
from importer.loader.table.row_shaper import is_blank
from importer.loader.vocabulary import get_known_field, normalize_header
from importer.messages import file_messages
from importer.models.mapping import format_column_name
from importer.models.row import SourceRow, SourceRows

_NAME_FIELDS = frozenset({"full_name", "first_name"})
_ROWS_BELOW = 50  # rows that show whether a column between two tables is empty
_MIN_CELLS_OF_ROW = 2  # one cell alone may be a title, which stands in any column
_MIN_REPEATED_HEADERS = 2  # `Name, Phone, Name, Phone`; a sheet may have `Phone, Phone` for one lead
_TABLE_NAME = re.compile(
    file_messages.TABLE_BESIDE.format(sheet=r"(?:(.*), )?", first="[A-Z]{1,3}", last="[A-Z]{1,3}"), re.DOTALL
)


class TableBeside(NamedTuple):
    """One of several tables side by side: the columns from `first` up to, but without, `end`.

    All columns of the sheet belong to one of its tables. None for `end` means that all further ones belong to this.
    """

    name: str
    first: int
    end: int | None

    def cut(self, cells: Sequence[str]) -> tuple[str, ...]:
        """Return the cells of a row that are in this table."""
        return tuple(cells[self.first : self.end])

    def cut_row(self, row: SourceRow) -> SourceRow:
        """Return the part of a row that is in this table, with the issues that concern this part."""
        cells = self.cut(row.cells)
        return SourceRow(row.number, cells, _select_issues(row.issues, cells) if row.issues else ())

    def cut_blocks(self, blocks: Iterable[SourceRows]) -> Iterator[SourceRows]:
        """Yield the parts of rows that are in this table."""
        for block in blocks:
            yield SourceRows.from_rows(map(self.cut_row, block))


def find_tables_beside(
    sheet: str, rows: Sequence[Sequence[str]], *, is_header_chosen: bool = False
) -> tuple[TableBeside, ...]:
    """Return the tables that are side by side in `rows`, which begin with a header; none where it is one table.

    With `is_header_chosen`, the first row is the header of each table, else each may begin further down.
    """
    rows = rows[: MAX_SEARCHED_ROWS + _ROWS_BELOW]
    runs = [
        run
        for run in _split_columns(rows)
        if _is_table_of_leads(rows, run, is_header_chosen=is_header_chosen)
    ]
    if len(runs) < 2:
        return ()
    ends = [*(run.start for run in runs[1:]), None]
    firsts = [0, *(run.start for run in runs[1:])]
    return tuple(
        TableBeside(_name_table(sheet, run), first, end)
        for run, first, end in zip(runs, firsts, ends, strict=True)
    )


def get_sheet_of_table(name: str) -> str:
    """Return the sheet in the name of a table, as `Leads` of `Leads, columns E to G`; other names as they are."""
    found = _TABLE_NAME.fullmatch(name)
    return (found[1] or "") if found else name


def _name_table(sheet: str, columns: range) -> str:
    first, last = (
        format_column_name(index).removeprefix("Column ") for index in (columns.start, columns.stop - 1)
    )
    return file_messages.TABLE_BESIDE.format(sheet=f"{sheet}, " if sheet else "", first=first, last=last)


def _split_columns(rows: Sequence[Sequence[str]]) -> list[range]:
    """Return runs of columns: the same headers once more, or with an empty column between them."""
    return _split_at_repeated_headers(rows[0]) or [*_split_at_empty_columns(rows[:_ROWS_BELOW])]


def _split_at_repeated_headers(names: Sequence[str]) -> list[range]:
    """Return the columns of each repetition if all headers are repeated in their order, else nothing."""
    filled = [(index, normalize_header(name)) for index, name in enumerate(names) if name.strip()]
    for count in range(_MIN_REPEATED_HEADERS, len(filled) // 2 + 1):
        units = [filled[at : at + count] for at in range(0, len(filled), count)]
        words = [[name for _, name in unit] for unit in units]
        if all(one == words[0] for one in words):
            return [range(unit[0][0], unit[-1][0] + 1) for unit in units]
    return []


def _split_at_empty_columns(rows: Sequence[Sequence[str]]) -> Iterator[range]:
    used = [row for row in rows if sum(1 for cell in row if cell.strip()) >= _MIN_CELLS_OF_ROW]
    filled = {index for row in used for index, cell in enumerate(row) if cell.strip()}
    for is_filled, columns in groupby(range(max(filled, default=-1) + 1), key=filled.__contains__):
        if is_filled:
            first, *others = columns
            yield range(first, (others or [first])[-1] + 1)


def _is_table_of_leads(rows: Sequence[Sequence[str]], columns: range, *, is_header_chosen: bool) -> bool:
    """Whether columns have a name, a phone, and phones below it."""
    cut = [row[columns.start : columns.stop] for row in rows]
    header = (
        HeaderRow(0, trim_names(cut[0])) if is_header_chosen else find_header_row(cut[:MAX_SEARCHED_ROWS])
    )
    if header.index is None or all(get_known_field(name) not in _NAME_FIELDS for name in header.names):
        return False
    phones = find_phone_columns(header.names)
    below = cut[header.index + 1 : header.index + 1 + _ROWS_BELOW]
    return any(is_phone_like(row[index]) for row in below for index in phones if index < len(row))


def _select_issues(issues: Iterable[Issue], cells: Sequence[str]) -> tuple[Issue, ...]:
    """Return the issues of a row that its part in a table may have: none if it is blank, no lost letter of the others."""
    if is_blank(cells):
        return ()
    has_lost = any(LOST_CHARACTER in cell for cell in cells)
    return tuple(issue for issue in issues if has_lost or issue.code != IssueCode.UNDECODABLE)
