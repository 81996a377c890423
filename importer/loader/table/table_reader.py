"""Open a file: find out what it is and where its header is, and read its rows one after another."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from importer.errors import UnreadableFileError, UsageError
from importer.loader.formats.delimited_text import read_records
from importer.loader.formats.dialect import Dialect, find_dialect
from importer.loader.formats.file_kind import FileKind, detect_file_kind
from importer.loader.formats.sheet_metadata import MergedArea, MergedCellFiller
from importer.loader.formats.vcard_reader import read_contacts
from importer.loader.formats.workbook_reader import ALL_SHEETS, Workbook
from importer.loader.table.further_tables import TablePlacer, find_further_tables
from importer.loader.table.header_row import (
    MAX_SEARCHED_ROWS,
    HeaderRow,
    find_header_row,
    take_header_row,
    trim_names,
)
from importer.loader.table.row_shaper import RowShaper, UsualWidth, is_blank
from importer.loader.table.rows_above import read_rows_above
from importer.loader.table.tables_beside import TableBeside, find_tables_beside, get_sheet_of_table
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind, format_column_name
from importer.models.row import BLOCK_ROWS, SourceRow, SourceRows, split_into_blocks
from importer.models.status import is_report_header

_MAX_COLUMNS = 2_000  # the widest CRM exports have 800
_MAX_HEADER_SEARCH_ROWS = 10_000  # the furthest down that --header-row can look
_MIN_COLUMN_SHARE = 0.2  # of the rows, for a column without a name in a CSV file
_MIN_COLUMN_ROWS = 2  # in a small file too, one row alone is a stray comma
_TOP_ROWS = 30  # a person sees in them where the header is
_READ_AHEAD_ROWS = 2 * BLOCK_ROWS  # rows that decide on the headers; sheets with several tables are shorter


class OpenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the user said about the file; None is found out.

    `sheets` are names, numbers or `all`; without one, the first visible sheet is read. With `surveys_sheets` every visible
    one is opened, so that a person can choose.
    """

    sheets: tuple[str, ...] = ()
    surveys_sheets: bool = False
    header_row: int | None = None
    encoding: str | None = None
    delimiter: str | None = None


class TableSteps(NamedTuple):
    """What makes the records of a text file the rows of its table."""

    shaper: RowShaper
    placer: TablePlacer

    @property
    def are_untouched(self) -> bool:
        """Whether no row was skipped so far and none begins another table: what follows does not depend on the rows."""
        return self.shaper.is_untouched and self.placer.is_untouched

    def read(self, records: Iterable[SourceRows], notices: list[Notice]) -> Iterator[SourceRows]:
        """Yield the rows of the records; at the end, add notices."""
        return self.placer.place_blocks(self.shaper.fit_blocks(records, notices), notices)


class Table(msgspec.Struct, kw_only=True):
    """An opened sheet. `blocks` of rows stream; `notices` grow while they do, since footers come at the end.

    `sheet` is its name in the workbook. `beside` are the tables that are side by side in the sheet, with this one.
    `top_rows` are the first rows as they are in the file, with what is above the header in row `header_number`, 0 for none.
    `steps` are what the records go through.
    """

    headers: tuple[str, ...]
    blocks: Iterator[SourceRows]
    notices: list[Notice]
    kind: FileKind
    sheet: str = ""
    beside: tuple[TableBeside, ...] = ()
    top_rows: tuple[SourceRow, ...] = ()
    header_number: int = 0
    steps: TableSteps | None = None

    @property
    def rows(self) -> Iterator[SourceRow]:
        """The rows that are left, one after another."""
        return chain.from_iterable(self.blocks)


class SourceFile:
    """A file of any format that we read, and which of its sheets are read: one of no name in a text file.

    Raises UnreadableFileError or UsageError, with advice.
    """

    def __init__(self, path: Path, options: OpenOptions) -> None:
        self._path = path
        self._options = options
        self._kind = detect_file_kind(path)
        self._book = None if self._kind in (FileKind.CSV, FileKind.VCF) else Workbook(path, self._kind)
        self.sheets: tuple[str, ...] = ("",)
        self.takes_all = False
        if self._book is not None:
            chosen = (ALL_SHEETS,) if options.surveys_sheets else options.sheets
            self.takes_all = ALL_SHEETS in chosen
            known = self._book.named_sheets
            sheets = [one if one in known else get_sheet_of_table(one) for one in chosen]
            self.sheets = tuple(self._book.choose_sheets(sheets))
        self._places: dict[str, tuple[str, TableBeside]] = {}

    @property
    def is_text(self) -> bool:
        """Whether it is a text file with cells between delimiters."""
        return self._kind is FileKind.CSV

    @property
    def all_sheets(self) -> tuple[str, ...]:
        """The sheets of the workbook, also those that are not read."""
        return () if self._book is None else tuple(self._book.named_sheets)

    def open(self, name: str) -> Table:
        """Open one of the sheets, or of the tables side by side that an opened sheet has shown."""
        sheet, place = self._places.get(name, (name, None))
        table = self._open_place(sheet, place)
        self._places |= {one.name: (sheet, one) for one in table.beside}
        return table

    def _open_place(self, sheet: str, place: TableBeside | None) -> Table:
        if self._book is not None:
            return _open_sheet(self._book, self._kind, sheet, self._options, place)
        if self._kind is FileKind.VCF:
            return _open_contacts(self._path, self._options)
        return _open_text_file(self._path, self._options, self.dialect, place)

    @cached_property
    def dialect(self) -> Dialect:
        """How a text file is written. The whole file is read for its encoding."""
        options = self._options
        return find_dialect(self._path, encoding=options.encoding, delimiter=options.delimiter)


def open_table(path: Path, options: OpenOptions) -> Table:
    """Open a file, or the first of the sheets that are chosen. Raises UnreadableFileError or UsageError, with advice."""
    file = SourceFile(path, options)
    return file.open(file.sheets[0])


def _open_sheet(
    book: Workbook, kind: FileKind, name: str, options: OpenOptions, place: TableBeside | None
) -> Table:
    sheet = book.open_sheet(name)
    return build_table(sheet.blocks, kind, sheet.notices, options, place, sheet.name, sheet.merged)


def _open_contacts(path: Path, options: OpenOptions) -> Table:
    contacts = read_contacts(path, options.encoding)
    blocks = split_into_blocks(contacts.rows)
    return Table(headers=contacts.headers, blocks=blocks, notices=contacts.notices, kind=FileKind.VCF)


def _open_text_file(path: Path, options: OpenOptions, dialect: Dialect, place: TableBeside | None) -> Table:
    named = {*map(get_sheet_of_table, options.sheets)}
    if named - {"", ALL_SHEETS} and not dialect.is_own_report:
        raise UsageError(*file_messages.SHEET_OF_TEXT_FILE)
    notices = [Notice(NoticeKind.READ, dialect.description)]
    return build_table(read_records(path, dialect), FileKind.CSV, notices, options, place)


def build_table(
    records: Iterator[SourceRows],
    kind: FileKind,
    notices: list[Notice],
    options: OpenOptions,
    place: TableBeside | None,
    sheet: str = "",
    merged: deque[MergedArea] | None = None,
) -> Table:
    """Return the table below the header, with its rows as wide as the header, and the tables below that one.

    Of several tables side by side it is the one at `place`, or the first.
    """
    begun = _read_ahead(records, options)
    header = _find_header(begun, options)
    beside = () if place else _find_tables_beside(sheet, begun, header, options)
    if beside:
        place = beside[0]
    if place:
        begun, records = [*map(place.cut_row, begun)], place.cut_blocks(records)
        header = _find_header(begun, options)
    notices.append(_describe_header(header, begun))
    above, rows = begun[: header.index or 0], begun[(header.index or 0) + header.lines :]
    leads_above, found = read_rows_above(above, header.names, rows, is_chosen=options.header_row is not None)
    notices += found
    shaper, placer = _plan_rows(header, rows, kind)
    blocks = shaper.fit_blocks(chain([SourceRows.from_rows([*leads_above, *rows])], records), notices)
    if merged is not None:
        headers, first = placer.list_sheet_headers(shaper.width), place.first if place else 0
        blocks = MergedCellFiller(merged, headers, first).fill(blocks, notices)
    blocks = placer.place_blocks(blocks, notices)
    return Table(
        headers=tuple(placer.headers),
        blocks=blocks,
        notices=notices,
        kind=kind,
        sheet=sheet,
        beside=beside,
        steps=TableSteps(shaper, placer),
        top_rows=tuple(begun[:_TOP_ROWS]),
        header_number=0 if header.index is None else begun[header.index].number,
    )


def _find_tables_beside(
    sheet: str, begun: Sequence[SourceRow], header: HeaderRow, options: OpenOptions
) -> tuple[TableBeside, ...]:
    """Return the tables side by side, whose first header is `header`; none in a report of ours."""
    if header.index is None or is_report_header(header.names):
        return ()
    rows = [row.cells for row in begun[header.index :]]
    return find_tables_beside(sheet, rows, is_header_chosen=options.header_row is not None)


def _read_ahead(records: Iterator[SourceRows], options: OpenOptions) -> list[SourceRow]:
    """Return the first rows, which decide on the headers. Raises UnreadableFileError where they are all blank."""
    count = max(_READ_AHEAD_ROWS, min(_MAX_HEADER_SEARCH_ROWS, options.header_row or 0))
    begun: list[SourceRow] = []
    while len(begun) < count and (block := next(records, None)) is not None:
        begun += block
    if all(is_blank(row.cells) for row in begun):
        raise UnreadableFileError(*file_messages.EMPTY_SHEET)
    return begun


def _find_header(begun: Sequence[SourceRow], options: OpenOptions) -> HeaderRow:
    """Return the header that `--header-row` names, else the one that is found among the first rows.

    A known header below many leads is the header of the sheet where no other is found.
    """
    rows = [row.cells for row in begun]
    if options.header_row is not None and not is_report_header(cell.strip() for cell in rows[0]):
        numbers = [row.number for row in begun]
        index = numbers.index(options.header_row) if options.header_row in numbers else len(rows)
        return take_header_row(rows, index, row_number=options.header_row)
    header = find_header_row(rows[:MAX_SEARCHED_ROWS])
    if header.index is None and (tables := find_further_tables(rows)):
        return HeaderRow(tables[0].start, tables[0].headers, tables[0].lines)
    return header


def _describe_header(header: HeaderRow, begun: Sequence[SourceRow]) -> Notice:
    if header.index is None:
        return Notice(NoticeKind.READ, file_messages.NO_HEADER)
    number = begun[header.index].number
    text = file_messages.HEADER_OF_TWO_LINES if header.lines > 1 else file_messages.HEADER_FOUND
    return Notice(NoticeKind.READ, text.format(number=number, next_number=number + 1))


def _plan_rows(header: HeaderRow, rows: Sequence[SourceRow], kind: FileKind) -> tuple[RowShaper, TablePlacer]:
    """Return what gives the rows below the header their width and their columns: one table or several."""
    names = trim_names(header.names)
    tables = find_further_tables([row.cells for row in rows[:_READ_AHEAD_ROWS]], {names})
    ends = [*(table.start for table in tables), len(rows)]
    headers, below = {names: header.names}, {names: [*rows[: ends[0]]]}
    for table, end in zip(tables, ends[1:], strict=True):
        headers.setdefault(table.names, table.headers)
        below.setdefault(table.names, []).extend(rows[table.start + table.lines : end])
    named = {key: _name_unnamed_columns(headers[key], below[key], kind) for key in headers}
    width = max(map(len, named.values()))
    placer = TablePlacer(names, named.pop(names))
    for key, columns in named.items():
        placer.add_table(key, columns)
    if len(placer.headers) > _MAX_COLUMNS:
        raise UnreadableFileError(*file_messages.TOO_MANY_COLUMNS.format(count=len(placer.headers)))
    usual = UsualWidth(rows[:_READ_AHEAD_ROWS] if kind is FileKind.CSV and not named else ())
    return RowShaper(width, usual), placer


def _name_unnamed_columns(names: tuple[str, ...], below: list[SourceRow], kind: FileKind) -> tuple[str, ...]:
    """Return the headers, with a name for each column that has none but has values.

    In a CSV file, a few rows that are wider than the header are rows that a stray comma has split.
    """
    rows = [record.cells for record in below if not record.issues]
    width = max([len(names), *map(len, rows)])
    values = [
        sum(1 for cells in rows if len(cells) > index and cells[index].strip()) for index in range(width)
    ]
    enough = max(_MIN_COLUMN_ROWS, len(rows) * _MIN_COLUMN_SHARE) if kind is FileKind.CSV else 1
    while width > len(names) and values[width - 1] < enough:
        width -= 1
    padded = [*names, *[""] * (width - len(names))]
    return tuple(
        name or (format_column_name(index) if values[index] else "") for index, name in enumerate(padded)
    )
