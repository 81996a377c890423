"""Open a file: find out what it is and where its header is, and read its rows one after another."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec

from importer.errors import NothingSentError, UnreadableFileError, UsageError
from importer.loader.formats.delimited_text import read_records
from importer.loader.formats.dialect import find_dialect
from importer.loader.formats.file_kind import FileKind, detect_file_kind
from importer.loader.formats.not_a_sheet import check_is_no_link
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
from importer.loader.table.tables_beside import check_no_table_beside
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind, format_column_name
from importer.models.row import BLOCK_ROWS, SourceRow, SourceRows, split_into_blocks
from importer.models.status import is_report_header

COPY_NAME = "sheet"
_MAX_COLUMNS = 2_000  # the widest CRM exports have 800
_MAX_HEADER_SEARCH_ROWS = 10_000  # the furthest down that --header-row can look
_MIN_COLUMN_SHARE = 0.2  # of the rows, for a column without a name in a CSV file
_MIN_COLUMN_ROWS = 2  # in a small file too, one row alone is a stray comma
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


class Table(msgspec.Struct, kw_only=True):
    """An opened sheet. `blocks` of rows stream; `notices` grow while they do, since footers come at the end.

    `sheet` is its name in the workbook.
    """

    headers: tuple[str, ...]
    blocks: Iterator[SourceRows]
    notices: list[Notice]
    kind: FileKind
    sheet: str = ""

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
            self.sheets = tuple(self._book.choose_sheets(chosen))

    @property
    def all_sheets(self) -> tuple[str, ...]:
        """The sheets of the workbook, also those that are not read."""
        return () if self._book is None else tuple(self._book.named_sheets)

    def open(self, name: str) -> Table:
        """Open one of the sheets."""
        if self._book is not None:
            return _open_sheet(self._book, self._kind, name, self._options)
        if self._kind is FileKind.VCF:
            return _open_contacts(self._path, self._options)
        return _open_text_file(self._path, self._options)


def open_table(path: Path, options: OpenOptions) -> Table:
    """Open a file, or the first of the sheets that are chosen. Raises UnreadableFileError or UsageError, with advice."""
    file = SourceFile(path, options)
    return file.open(file.sheets[0])


def _open_sheet(book: Workbook, kind: FileKind, name: str, options: OpenOptions) -> Table:
    sheet = book.open_sheet(name)
    return _build_table(sheet.blocks, kind, sheet.notices, options, sheet.name, sheet.merged)


def _open_contacts(path: Path, options: OpenOptions) -> Table:
    contacts = read_contacts(path, options.encoding)
    blocks = split_into_blocks(contacts.rows)
    return Table(headers=contacts.headers, blocks=blocks, notices=contacts.notices, kind=FileKind.VCF)


def _open_text_file(path: Path, options: OpenOptions) -> Table:
    dialect = find_dialect(path, encoding=options.encoding, delimiter=options.delimiter)
    if options.sheets not in ((), (ALL_SHEETS,)) and not dialect.is_own_report:
        raise UsageError(*file_messages.SHEET_OF_TEXT_FILE)
    notices = [Notice(NoticeKind.READ, dialect.description)]
    return _build_table(read_records(path, dialect), FileKind.CSV, notices, options)


def copy_to_private_file(source: Path | BinaryIO, folder: Path) -> tuple[Path, str]:
    """Copy a file, or a stream, to a file that only this user can read. Return its path and its SHA-256.

    The copy is what is read, so that a change of the file during the run cannot shift rows.
    """
    copy = folder / COPY_NAME
    digest = hashlib.sha256()
    try:
        with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in _read_chunks(source):
                digest.update(chunk)
                file.write(chunk)
    except OSError as error:
        raise NothingSentError(
            *file_messages.CANNOT_COPY.format(folder=folder, reason=error.strerror)
        ) from error
    return copy, digest.hexdigest()


def _read_chunks(source: Path | BinaryIO) -> Iterator[bytes]:
    """Yield the content of a file or stream. Raises UnreadableFileError where it cannot be read."""
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream:
            while chunk := _check_is_bytes(stream.read(1 << 20)):
                yield chunk
    # ValueError: a file name with a NUL, a stream that was closed, or one that does not return bytes.
    except (OSError, ValueError) as error:
        check_is_no_link(str(source))
        reason = (isinstance(error, OSError) and error.strerror) or error
        name = source if isinstance(source, Path) else file_messages.STANDARD_INPUT
        raise UnreadableFileError(
            *file_messages.CANNOT_READ_SOURCE.format(source=name, reason=reason)
        ) from error


def _check_is_bytes(chunk: bytes | str | None) -> bytes:
    """Return what was read. Raises ValueError for text, and for None: a pipe that does not wait for the rest."""
    if chunk is None:
        raise ValueError(file_messages.STREAM_WOULD_BLOCK)
    if isinstance(chunk, str):
        raise ValueError(file_messages.STREAM_OF_TEXT)  # noqa: TRY004 - reported like other faults of a stream
    return chunk


def _build_table(
    records: Iterator[SourceRows],
    kind: FileKind,
    notices: list[Notice],
    options: OpenOptions,
    sheet: str = "",
    merged: deque[MergedArea] | None = None,
) -> Table:
    """Return the table below the header, with its rows as wide as the header, and the tables below that one."""
    begun = _read_ahead(records, options)
    header = _find_header(begun, options)
    notices.append(_describe_header(header, begun))
    if header.index is not None:
        check_no_table_beside(begun[header.index].cells, [row.cells for row in begun[header.index + 1 :]])
    above, rows = begun[: header.index or 0], begun[(header.index or 0) + header.lines :]
    leads_above, found = read_rows_above(above, header.names, rows, is_chosen=options.header_row is not None)
    notices += found
    shaper, placer = _plan_rows(header, rows, kind)
    blocks = shaper.fit_blocks(chain([SourceRows.from_rows([*leads_above, *rows])], records), notices)
    if merged is not None:
        blocks = MergedCellFiller(merged, placer.list_sheet_headers(shaper.width)).fill(blocks, notices)
    blocks = placer.place_blocks(blocks, notices)
    return Table(headers=tuple(placer.headers), blocks=blocks, notices=notices, kind=kind, sheet=sheet)


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
