"""Opening a file: what it is, where its header stands, and its rows one after another."""

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
from importer.loader.formats.delimited_text import find_dialect, read_records
from importer.loader.formats.file_kind import FileKind, detect_file_kind
from importer.loader.formats.limits import MAX_COLUMNS, MAX_TOP_ROWS
from importer.loader.formats.merged_cells import with_merged
from importer.loader.formats.workbook_reader import open_sheet
from importer.loader.table.footers import is_footer, is_tail
from importer.loader.table.header_row import (
    LOOKED_AT,
    HeaderFound,
    find_header,
    format_column_name,
    header_at,
)
from importer.models.mapping import Notice
from importer.models.row import SourceRow, SourceRows
from importer.models.status import is_report_header

COPY_NAME = "sheet"
_NAMED_FOOTERS = 20
_SHARE_OF_A_COLUMN = 0.2
_ROWS_OF_A_COLUMN = 2  # in a small file too, one row alone is a stray comma


class OpenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the user said of the file; None is found out."""

    sheet: str | None = None
    header_row: int | None = None
    encoding: str | None = None
    delimiter: str | None = None


class Table(msgspec.Struct, kw_only=True):
    """An opened sheet. `blocks` of rows stream; `notices` grow while they do (footers are met at the end).

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
        dialect = find_dialect(path, encoding=options.encoding, delimiter=options.delimiter)
        if options.sheet is not None and not dialect.ours:
            raise UsageError("--sheet: a text file has no sheets.", "Leave --sheet out.")
        notices = [Notice("read", f"{dialect.label}.")]
        records = read_records(path, dialect)
        name, merged = "", None
    else:
        sheet = open_sheet(path, kind, options.sheet)
        name, notices, merged = sheet.name, sheet.notices, sheet.merged
        records = sheet.blocks
    table = _table(records, kind, notices, options, name)
    if merged is not None:
        table.blocks = with_merged(table.blocks, merged, table.headers, notices)
    return table


def copy_to_private_file(source: Path | BinaryIO, folder: Path) -> tuple[Path, str]:
    """Copy a file, or a stream, to a file that only this user can read; answers with it and its SHA-256.

    The copy is what is read, so that a change of the file in mid-run cannot shift rows.
    """
    copy = folder / COPY_NAME
    digest = hashlib.sha256()
    try:
        with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in _chunks(source):
                digest.update(chunk)
                file.write(chunk)
    except OSError as error:
        raise NothingSentError(
            f"Cannot copy the file to {folder}: {error.strerror}.", "Make room on the disk."
        ) from error
    return copy, digest.hexdigest()


def _chunks(source: Path | BinaryIO) -> Iterator[bytes]:
    """The content of a file or stream."""
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream:
            while chunk := _bytes_of(stream.read(1 << 20)):
                yield chunk
    except (
        OSError,
        ValueError,
    ) as error:  # the latter for a name that can be none, and a stream that was closed
        said = (isinstance(error, OSError) and error.strerror) or error
        raise UnreadableFileError(
            f"Cannot read {source if isinstance(source, Path) else 'standard input'}: {said}.",
            "Check that it is a file, and that you may read it.",
        ) from error


def _bytes_of(chunk: bytes | str | None) -> bytes:
    """What was read, where it is bytes. None is a pipe that does not block: no end, for the rest is still to come."""
    if chunk is None:
        raise ValueError("it does not wait for what is still to come")
    if isinstance(chunk, str):
        raise ValueError("it gives text, not bytes")  # noqa: TRY004 - told as what else a stream may do
    return chunk


def _table(
    records: Iterator[SourceRows], kind: FileKind, notices: list[Notice], options: OpenOptions, name: str
) -> Table:
    looked_at = min(MAX_TOP_ROWS, max(LOOKED_AT, options.header_row or 0))
    begun: list[SourceRow] = []
    while len(begun) < looked_at and (block := next(records, None)) is not None:
        begun += block
    top = begun[:looked_at]
    if not any(cell.strip() for record in top for cell in record.cells):
        raise UnreadableFileError("The sheet is empty.", "Name another with --sheet, or export it again.")
    found = _header(top, options)
    if found.index is None:
        first = 0
        notices.append(
            Notice("read", "No header was found: the columns are called Column A, Column B and so on.")
        )
    else:
        first = found.index + found.lines
        notices.append(Notice("read", f"Header in row {top[found.index].number}."))
    headers = _with_unnamed(found.names, top[first:], kind)
    if len(headers) > MAX_COLUMNS:
        raise UnreadableFileError(
            f"The sheet has {len(headers):,} columns: more than any list of leads.",
            "Copy the columns that matter into a new sheet, save that, and import it.",
        )
    shaper = _RowShaper(len(headers), found.names)
    blocks = _shaped_blocks(chain([SourceRows.from_rows(begun[first:])], records), shaper, notices)
    return Table(headers=headers, blocks=blocks, notices=notices, kind=kind, sheet=name)


def _header(top: list[SourceRow], options: OpenOptions) -> HeaderFound:
    rows = [record.cells for record in top]
    if options.header_row is None or is_report_header(cell.strip() for cell in rows[0]):
        return find_header(rows)
    numbers = [record.number for record in top]
    index = numbers.index(options.header_row) if options.header_row in numbers else len(rows)
    return header_at(rows, index, asked=options.header_row)


def _with_unnamed(names: tuple[str, ...], below: list[SourceRow], kind: FileKind) -> tuple[str, ...]:
    """The headers, with a name for each column that has none but holds something.

    In a CSV file a few rows that are wider than the header are rows that a stray comma has split.
    """
    rows = [record.cells for record in below if not record.issues]
    width = max([len(names), *map(len, rows)])
    held = [sum(1 for cells in rows if len(cells) > index and cells[index].strip()) for index in range(width)]
    enough = max(_ROWS_OF_A_COLUMN, len(rows) * _SHARE_OF_A_COLUMN) if kind is FileKind.CSV else 1
    while width > len(names) and held[width - 1] < enough:
        width -= 1
    padded = [*names, *[""] * (width - len(names))]
    return tuple(
        name or (format_column_name(index) if held[index] else "") for index, name in enumerate(padded)
    )


def _shaped_blocks(
    blocks: Iterable[SourceRows], shaper: _RowShaper, notices: list[Notice]
) -> Iterator[SourceRows]:
    """Data rows as wide as the header; blank rows are passed over, and so, said openly, are footers and headers."""
    for block in blocks:
        if shaper.is_even(block):
            yield block
        else:
            yield SourceRows.from_rows(row for row in map(shaper.row, block) if row is not None)
    for numbers, what in (
        (shaper.footers, "totals or report footers below the leads, not read as leads."),
        (shaper.headers, "the header once more, not read as leads."),
    ):
        if numbers:
            notices.append(Notice("ignored", f"{_listed(numbers)}: {what}"))


def _listed(numbers: Sequence[int]) -> str:
    more = " ..." if len(numbers) > _NAMED_FOOTERS else ""
    return f"Row{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:_NAMED_FOOTERS]))}{more}"


class _RowShaper:
    """Makes rows as wide as the header, and knows those that are no leads.

    Cells that have no column are kept in the last one, parted by marks: so nothing of the row is dropped, and
    it is refused again where it comes back unmended.
    """

    def __init__(self, width: int, header: Sequence[str]) -> None:
        self.footers: list[int] = []
        self.headers: list[int] = []
        self._after_footer = False
        self._width = width
        self._short = width - 4  # only a row of few cells can be no lead
        self._blank = ("",) * width
        self._header = (*header, *self._blank[len(header) :])

    def is_even(self, block: SourceRows) -> bool:
        """Whether nothing is to be done with any of these rows, as with nearly all of a sound file.

        Their faults were found where they were read.
        """
        if self._after_footer or set(map(len, block.cells)) != {self._width} or self._has_header(block):
            return False
        few = [cells for cells in block.cells if cells.count("") >= self._short]
        return not any(_is_blank(cells) or is_footer(cells) for cells in few)

    def _has_header(self, block: SourceRows) -> bool:
        # A list equals lists alone, and the readers of blocks make lists.
        header = list(self._header) if isinstance(block.cells[0], list) else self._header
        return header in block.cells

    def row(self, row: SourceRow) -> SourceRow | None:
        """The row made even; None for one that is no lead."""
        cells, faults = row.cells, row.issues
        count, width = len(cells), self._width
        if count != width:
            if count > width and (extra := [cell for cell in cells[width:] if cell.strip()]):
                faults = (*faults, Issue("row", IssueCode.RAGGED, "", extra[0], str(len(extra))))
                cells = (*cells[: width - 1], LOST_CHARACTER.join([cells[width - 1], *extra]))
            else:
                cells = (*cells[:width], *self._blank[count:])
        if cells == self._header and not _is_blank(cells):
            self.headers.append(row.number)
            return None
        if not faults and cells.count("") >= self._short:
            if _is_blank(cells):
                return None
            if is_footer(cells) or (self._after_footer and is_tail(cells)):
                self.footers.append(row.number)
                self._after_footer = True
                return None
        self._after_footer = False
        return SourceRow(row.number, cells, faults)


def _is_blank(cells: Sequence[str]) -> bool:
    return not any(map(str.strip, cells))
