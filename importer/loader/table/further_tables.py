"""Reads further tables below the first one: their cells go to the columns of the first, by their own headers."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, pairwise, zip_longest
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from importer.loader.table.header_row import (
    LONG_NUMBER,
    MAX_HEADER_ROWS,
    find_further_header,
    find_phone_columns,
    holds_phone,
    trim_names,
)
from importer.loader.table.row_shaper import append_extra_cells, find_extra_cells, is_blank
from importer.loader.vocabulary import get_known_field, normalize_header
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind
from importer.models.row import SourceRow, SourceRows

Columns: TypeAlias = tuple[int | None, ...]
"""For each column of a table, the column of the whole sheet that its cells go to; None if there is none."""


class FurtherTable(NamedTuple):
    """A table below the first one. `start` is the index of its header row, `title` that of the line above.

    `names` are the cells of the header row; `headers` are its headers, with its second line if it has `lines` 2.
    """

    start: int
    names: tuple[str, ...]
    headers: tuple[str, ...]
    lines: int = 1
    title: int | None = None


def find_further_tables(
    rows: Sequence[Sequence[str]], known: Container[tuple[str, ...]] = (), *, count: int | None = None
) -> list[FurtherTable]:
    """Return the tables that begin among the first `count` rows below a header.

    A row that repeats a `known` header begins a table too.
    """
    found: list[FurtherTable] = []
    # Nearly every row has a phone, and no header has.
    for index in [at for at, text in enumerate(map("".join, rows[:count])) if not LONG_NUMBER.search(text)]:
        names = trim_names(rows[index])
        header = find_further_header(rows[index : index + MAX_HEADER_ROWS])
        if names in known:
            found.append(FurtherTable(index, names, names, title=_find_title(rows, index)))
        elif header and not (found and index < found[-1].start + found[-1].lines):
            found.append(FurtherTable(index, names, header.names, header.lines, _find_title(rows, index)))
    return found


def _find_title(rows: Sequence[Sequence[str]], index: int) -> int | None:
    """Return the line above a header that is its title: a single text without a phone."""
    above = next((at for at in range(index - 1, -1, -1) if not is_blank(rows[at])), None)
    if above is None:
        return None
    filled = [cell for cell in rows[above] if cell.strip()]
    return above if len(filled) == 1 and not holds_phone(filled) else None


class TableLog:
    """What the notices say about further tables."""

    def __init__(self) -> None:
        self.titles: list[int] = []
        self.added: list[str] = []
        self._repeated: list[int] = []
        self._further: list[int] = []
        self._renamed: dict[str, str] = {}
        self._unplaced: list[str] = []

    def add_repeated_header(self, number: int) -> None:
        """Note a row that repeats the header of the first table."""
        self._repeated.append(number)

    def add_header(self, number: int, names: Sequence[str], columns: Columns, headers: Sequence[str]) -> None:
        """Note the row of another header, and where its columns go."""
        self._further.append(number)
        for name, column in zip(names, columns, strict=False):
            if column is None:
                self._unplaced += [name] if name and name not in self._unplaced else []
            elif name and normalize_header(name) != normalize_header(headers[column]):
                self._renamed[name] = headers[column]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was noted."""
        return not (self.titles or self.added or self._repeated or self._further)

    def describe(self) -> Iterator[Notice]:
        """Yield a notice for the further tables, the repeated headers and the titles."""
        if self._further:
            text = file_messages.describe_further_tables(self._further, self._renamed, self.added)
            yield Notice(NoticeKind.READ, text)
        if self._unplaced:
            yield Notice(NoticeKind.IGNORED, file_messages.describe_unplaced_headers(self._unplaced))
        if self._repeated:
            yield Notice(NoticeKind.IGNORED, file_messages.REPEATED_HEADERS.format(self._repeated))
        if self.titles:
            yield Notice(NoticeKind.IGNORED, file_messages.TABLE_TITLES.format(self.titles))


class TablePlacer:
    """Puts the cells of further tables under the headers of the whole sheet, row by row.

    `headers` begin with those of the first table. Tables that are found before the first row is read may add theirs.
    In a table that begins later, a row with a value under another header is rejected, and the notice names the header.
    """

    def __init__(self, names: tuple[str, ...], headers: Sequence[str]) -> None:
        self.headers = [*headers]
        self._first: Columns = tuple(range(len(headers)))
        self._columns = self._first
        self._columns_by_names: dict[tuple[str, ...], Columns] = {names: self._first} if any(names) else {}
        self._phones = find_phone_columns(headers)
        self._lines_left = 0
        self._log = TableLog()

    def add_table(self, names: tuple[str, ...], headers: Sequence[str]) -> None:
        """Add the headers of a further table that the sheet does not have yet."""
        columns: list[int | None] = []
        for header, column in zip(headers, place_columns(self.headers, headers), strict=True):
            if column is None:
                self.headers.append(header)
                self._log.added.append(header)
            columns.append(len(self.headers) - 1 if column is None else column)
        self._columns_by_names[names] = tuple(columns)

    def list_sheet_headers(self, width: int) -> Sequence[str]:
        """Return the headers of the columns as they are in the sheet; where tables differ, a column has none."""
        return self.headers if self._is_single else [""] * width

    @property
    def _is_single(self) -> bool:
        return len(self._columns_by_names) <= 1

    @property
    def is_untouched(self) -> bool:
        """Whether all rows so far are of one table, and none of them is a header or a title."""
        return (
            self._is_single and self._columns is self._first and self._log.is_empty and not self._lines_left
        )

    def place_blocks(self, blocks: Iterable[SourceRows], notices: list[Notice]) -> Iterator[SourceRows]:
        """Yield the rows as wide as the sheet, without headers; at the end, add notices that name these."""
        for block, following in _pair_with_next(blocks):
            if self._is_single and self._has_only_leads(block):
                yield block
                continue
            rows = [*block.cells, *following.cells[:MAX_HEADER_ROWS]]
            tables = find_further_tables(rows, self._columns_by_names, count=len(block))
            if self._is_single and not tables:
                yield block
            else:
                yield SourceRows.from_rows(self._place_rows(block, tables))
        notices += self._log.describe()

    def _has_only_leads(self, block: SourceRows) -> bool:
        """Return whether each row of a block has digits below the phone's header. This is all that most blocks pay for."""
        return bool(self._phones) and all(
            map(LONG_NUMBER.search, map(itemgetter(self._phones[0]), block.cells))
        )

    def _place_rows(self, block: SourceRows, tables: Sequence[FurtherTable]) -> Iterator[SourceRow]:
        """Yield the rows of a block under the headers of the sheet, without those that are headers and titles."""
        begins = {table.start: table for table in tables}
        titles = {table.title for table in tables}
        for at, row in enumerate(block):
            if at in begins:
                self._begin_table(begins[at], row.number)
            if at in titles:
                self._log.titles.append(row.number)
            elif self._lines_left:
                self._lines_left -= 1
            else:
                yield self._place_row(row)

    def _begin_table(self, table: FurtherTable, number: int) -> None:
        if table.names not in self._columns_by_names:
            self._columns_by_names[table.names] = place_columns(self.headers, table.headers)
        self._columns = self._columns_by_names[table.names]
        self._lines_left = table.lines
        if self._columns is self._first:
            self._log.add_repeated_header(number)
        else:
            self._log.add_header(number, table.headers, self._columns, self.headers)

    def _place_row(self, row: SourceRow) -> SourceRow:
        """Return the row under the headers of the sheet. Values without a header make it a row to be fixed."""
        cells, extra = [""] * len(self.headers), []
        for cell, column in zip_longest(row.cells, self._columns[: len(row.cells)]):
            if column is None:
                extra.append(cell)
            else:
                cells[column] = cell
        found = find_extra_cells(extra)
        placed = append_extra_cells(tuple(cells), extra) if found else tuple(cells)
        return SourceRow(row.number, placed, row.issues + found)


def place_columns(headers: Sequence[str], names: Sequence[str]) -> Columns:
    """Return which column each name goes to: one with the same header, else one of the same field, else none."""
    free = dict(enumerate(headers))
    columns: list[int | None] = [None] * len(names)
    for get_key in (normalize_header, get_known_field):
        for at, name in enumerate(names):
            key = get_key(name)
            if columns[at] is None and key:
                column = next((index for index in free if get_key(free[index]) == key), None)
                columns[at] = column
                if column is not None:
                    del free[column]
    return tuple(columns)


def _pair_with_next(blocks: Iterable[SourceRows]) -> Iterator[tuple[SourceRows, SourceRows]]:
    return pairwise(chain(blocks, [SourceRows((), ())]))
