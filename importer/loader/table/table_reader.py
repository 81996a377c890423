"""Open a file: find out what it is and where its header is, and read its rows one after another."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import msgspec

from importer.errors import NothingSentError, UnreadableFileError, UsageError
from importer.issues import LOST_CHARACTER, Issue, IssueCode
from importer.loader.formats.delimited_text import read_records
from importer.loader.formats.dialect import find_dialect
from importer.loader.formats.file_kind import FileKind, detect_file_kind
from importer.loader.formats.sheet_metadata import MergedCellFiller
from importer.loader.formats.workbook_reader import open_sheet
from importer.loader.table.footers import is_footer, is_footer_continuation
from importer.loader.table.header_row import MAX_SEARCHED_ROWS, HeaderRow, find_header_row, take_header_row
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind, format_column_name
from importer.models.row import SourceRow, SourceRows
from importer.models.status import is_report_header

COPY_NAME = "sheet"
_MAX_COLUMNS = 2_000  # the widest CRM exports have 800
_MAX_HEADER_SEARCH_ROWS = 10_000  # the furthest down that --header-row can look
_MIN_COLUMN_SHARE = 0.2  # of the rows, for a column without a name in a CSV file
_MIN_COLUMN_ROWS = 2  # in a small file too, one row alone is a stray comma
_MAX_CELLS_OF_NON_LEAD = 4  # a total, a report footer or a blank row has no more cells with text


class OpenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the user said about the file; None is found out."""

    sheet: str | None = None
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


def open_table(path: Path, options: OpenOptions) -> Table:
    """Open a file of any format that we read. Raises UnreadableFileError or UsageError, with advice."""
    kind = detect_file_kind(path)
    if kind is FileKind.CSV:
        return _open_text_file(path, options)
    sheet = open_sheet(path, kind, options.sheet)
    table = _build_table(sheet.blocks, kind, sheet.notices, options, sheet.name)
    table.blocks = MergedCellFiller(sheet.merged, table.headers).fill(table.blocks, sheet.notices)
    return table


def _open_text_file(path: Path, options: OpenOptions) -> Table:
    dialect = find_dialect(path, encoding=options.encoding, delimiter=options.delimiter)
    if options.sheet is not None and not dialect.is_own_report:
        raise UsageError(*file_messages.SHEET_OF_TEXT_FILE)
    notices = [Notice(NoticeKind.READ, dialect.description)]
    return _build_table(read_records(path, dialect), FileKind.CSV, notices, options, "")


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
    records: Iterator[SourceRows], kind: FileKind, notices: list[Notice], options: OpenOptions, sheet: str
) -> Table:
    """Return the table below the header, with its rows as wide as the header."""
    looked_at = min(_MAX_HEADER_SEARCH_ROWS, max(MAX_SEARCHED_ROWS, options.header_row or 0))
    begun: list[SourceRow] = []
    while len(begun) < looked_at and (block := next(records, None)) is not None:
        begun += block
    top = begun[:looked_at]
    if not any(cell.strip() for record in top for cell in record.cells):
        raise UnreadableFileError(*file_messages.EMPTY_SHEET)
    header = _find_header(top, options)
    first = 0 if header.index is None else header.index + header.lines
    notices.append(_describe_header(header, top))
    headers = _name_unnamed_columns(header.names, top[first:], kind)
    if len(headers) > _MAX_COLUMNS:
        raise UnreadableFileError(*file_messages.TOO_MANY_COLUMNS.format(count=len(headers)))
    shaper = RowShaper(len(headers), header.names)
    blocks = shaper.fit_blocks(chain([SourceRows.from_rows(begun[first:])], records), notices)
    return Table(headers=headers, blocks=blocks, notices=notices, kind=kind, sheet=sheet)


def _find_header(top: list[SourceRow], options: OpenOptions) -> HeaderRow:
    """Return the header that `--header-row` names, else the one that is found among the first rows."""
    rows = [record.cells for record in top]
    if options.header_row is None or is_report_header(cell.strip() for cell in rows[0]):
        return find_header_row(rows)
    numbers = [record.number for record in top]
    index = numbers.index(options.header_row) if options.header_row in numbers else len(rows)
    return take_header_row(rows, index, row_number=options.header_row)


def _describe_header(header: HeaderRow, top: list[SourceRow]) -> Notice:
    if header.index is None:
        return Notice(NoticeKind.READ, file_messages.NO_HEADER)
    return Notice(NoticeKind.READ, file_messages.HEADER_FOUND.format(number=top[header.index].number))


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


class RowShaper:
    """Makes rows as wide as the header, and skips blank rows, footers and repeated headers.

    Values without a column are appended to the last one with a mark between them. So nothing of the row is lost,
    and it is rejected again when it is imported again unchanged.
    """

    def __init__(self, width: int, header: Sequence[str]) -> None:
        self._footer_rows: list[int] = []
        self._repeated_header_rows: list[int] = []
        self._is_after_footer = False
        self._width = width
        self._min_blanks = width - _MAX_CELLS_OF_NON_LEAD
        self._blank = ("",) * width
        self._header = (*header, *self._blank[len(header) :])

    def fit_blocks(self, blocks: Iterable[SourceRows], notices: list[Notice]) -> Iterator[SourceRows]:
        """Yield the data rows, as wide as the header; at the end, add notices that name the skipped rows."""
        for block in blocks:
            if self.is_regular(block):
                yield block
            else:
                yield SourceRows.from_rows(row for row in map(self._fit_row, block) if row is not None)
        if self._footer_rows:
            notices.append(
                Notice(NoticeKind.IGNORED, file_messages.describe_skipped_footers(self._footer_rows))
            )
        if self._repeated_header_rows:
            text = file_messages.describe_repeated_headers(self._repeated_header_rows)
            notices.append(Notice(NoticeKind.IGNORED, text))

    def is_regular(self, block: SourceRows) -> bool:
        """Return whether a block needs no change, as nearly all blocks of a valid file. Its issues are known already."""
        if (
            self._is_after_footer
            or set(map(len, block.cells)) != {self._width}
            or self._contains_header(block)
        ):
            return False
        few = [cells for cells in block.cells if cells.count("") >= self._min_blanks]
        return not any(_is_blank(cells) or is_footer(cells) for cells in few)

    def _contains_header(self, block: SourceRows) -> bool:
        # A list equals lists only, and the readers of blocks make lists.
        header = list(self._header) if isinstance(block.cells[0], list) else self._header
        return header in block.cells

    def _fit_row(self, row: SourceRow) -> SourceRow | None:
        """Return the row as wide as the header; None for one that is skipped."""
        cells, issues = row.cells, row.issues
        count, width = len(cells), self._width
        if count != width:
            if count > width and (extra := [cell for cell in cells[width:] if cell.strip()]):
                issues = (*issues, Issue("row", IssueCode.RAGGED, "", extra[0], str(len(extra))))
                cells = (*cells[: width - 1], LOST_CHARACTER.join([cells[width - 1], *extra]))
            else:
                cells = (*cells[:width], *self._blank[count:])
        if cells == self._header and not _is_blank(cells):
            self._repeated_header_rows.append(row.number)
            return None
        if not issues and cells.count("") >= self._min_blanks:
            if _is_blank(cells):
                return None
            if is_footer(cells) or (self._is_after_footer and is_footer_continuation(cells)):
                self._footer_rows.append(row.number)
                self._is_after_footer = True
                return None
        self._is_after_footer = False
        return SourceRow(row.number, cells, issues)


def _is_blank(cells: Sequence[str]) -> bool:
    return not any(map(str.strip, cells))
