"""Cuts a large text file into ranges of bytes that are read apart, and still read as the whole file is.

The reader of the whole file takes BLOCK_ROWS lines at a time. So a range begins where such a block does. Whether a
record begins there too is a guess: the line in front of it and the line behind it are records by themselves. The chain
check of `reader/range_chain.py` decides: a range counts only if the one before has ended exactly where it begins.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from importer.loader.formats.delimited_text import parse_chunks
from importer.loader.formats.dialect import MARK_UNDECODABLE, Dialect
from importer.models.row import BLOCK_ROWS, SourceRows

_CODECS = frozenset(
    {"utf-8", "utf-8-sig", "cp1252"}
)  # a line end is one byte, which no other character contains
_SCANNED_BYTES = 1 << 20
_MIN_FIRST_BLOCKS = 4  # the first range decides on the headers
_MAX_LINE_BYTES = 1 << 16  # a longer line in front of a cut is not looked at
_LINES_BEHIND = BLOCK_ROWS + 1
"""The reader takes BLOCK_ROWS, and more only where the place of the cut was a wrong guess."""
_MAX_BYTES_BEHIND = 4 << 20


class TextRange(msgspec.Struct, frozen=True):
    """A range of bytes to read: from `start` to the first block that ends at `stop` or later.

    `previous` are the cells of the record before it. None: those of the line that ends at `start`. `records_before` are
    counted in the numbers of its rows.
    """

    start: int
    stop: int
    previous: tuple[str, ...] | None = None
    records_before: int = 0


class RangeEnd(msgspec.Struct, frozen=True):
    """What reading a range has shown: where its last record ends, its cells, and how many records there were.

    `previous` is what was taken for the cells of the record before the range. `read_to` is how far the file was read to find
    out: some lines behind the range show what follows it.
    """

    offset: int
    records: int
    last_cells: tuple[str, ...]
    previous: tuple[str, ...]
    read_to: int


class RangeBytes(msgspec.Struct, frozen=True):
    """The bytes of a file around a range, from `start`: with them, the range can be read without the file.

    `is_end` says that the file ends with them.
    """

    start: int
    content: bytes
    is_end: bool

    @property
    def stop(self) -> int:
        """The offset behind the last byte."""
        return self.start + len(self.content)

    def show(self, end: RangeEnd) -> bool:
        """Return whether reading these bytes has shown what reading the file shows: it took none behind them."""
        return self.is_end or end.read_to < self.stop


def find_cuts(path: Path, dialect: Dialect, range_bytes: int) -> list[int]:
    """Return the offsets at which to cut the file into ranges of about so many bytes; none where that cannot be.

    A file with line ends of the old Mac has none, since its lines cannot be counted by line feeds.
    """
    if dialect.encoding.codec not in _CODECS or dialect.is_own_report:
        return []
    cuts: list[int] = []
    with path.open("rb") as file:
        lines = offset = 0
        target = range_bytes
        while chunk := _read_whole_line_ends(file):
            if chunk.count(b"\r") != chunk.count(b"\r\n"):
                return []
            for end in _list_block_ends(chunk, lines - dialect.skipped_lines, target - offset):
                at = offset + end
                if at >= target and _is_between_records(path, at, dialect):
                    cuts.append(at)
                    target = at + range_bytes
            lines, offset = lines + chunk.count(b"\n"), offset + len(chunk)
    return cuts if not cuts or cuts[-1] < offset else cuts[:-1]


def _read_whole_line_ends(file: BinaryIO) -> bytes:
    chunk = file.read(_SCANNED_BYTES)
    return chunk + file.read(1) if chunk.endswith(b"\r") else chunk


def _list_block_ends(chunk: bytes, lines: int, start: int) -> Iterator[int]:
    """Yield the indexes in a chunk, from `start`, at which a block of lines ends. `lines` were in front of the chunk."""
    at = max(0, start)
    if at >= len(chunk):
        return
    lines += chunk.count(b"\n", 0, at)
    wanted = max(_MIN_FIRST_BLOCKS, lines // BLOCK_ROWS + 1) * BLOCK_ROWS
    while (found := chunk.find(b"\n", at)) >= 0:
        at, lines = found + 1, lines + 1
        if lines == wanted:
            yield at
            wanted += BLOCK_ROWS


def _is_between_records(path: Path, offset: int, dialect: Dialect) -> bool:
    """Return whether the lines in front of an offset and behind it are records by themselves, with as many cells."""
    with path.open("rb") as file:
        before = _parse_bytes(_read_line_before(file, offset), dialect)
        file.seek(offset)
        behind = _parse_bytes(file.readline(_MAX_LINE_BYTES), dialect)
    return len(before) > 1 and len(before) == len(behind)


def _read_line_before(file: BinaryIO, offset: int) -> bytes:
    """Return the line that ends at an offset; its end alone if it is too long."""
    start = max(0, offset - _MAX_LINE_BYTES)
    file.seek(start)
    return file.read(offset - start).rstrip(b"\r\n").rpartition(b"\n")[2]


def _parse_bytes(line: bytes, dialect: Dialect) -> tuple[str, ...]:
    """Return the cells of a line that is a record by itself, else nothing."""
    text = line.decode(dialect.encoding.codec.removesuffix("-sig"), MARK_UNDECODABLE)
    try:
        reader = csv.reader(
            [text],
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            skipinitialspace=dialect.has_space_before_quotes,
            strict=True,
        )
        return tuple(next(reader, ()))
    except csv.Error:
        return ()


def read_range_bytes(path: Path, part: TextRange) -> RangeBytes:
    """Return the bytes of a range, with those in front of it and behind it that the reader looks at."""
    start = max(0, part.start - _MAX_LINE_BYTES)
    with path.open("rb") as file:
        file.seek(start)
        content = bytearray(file.read(part.stop - start))
        most = len(content) + _MAX_BYTES_BEHIND
        for line in islice(iter(lambda: file.readline(_MAX_BYTES_BEHIND), b""), _LINES_BEHIND):
            content += line
            if len(content) > most:
                break
        return RangeBytes(start, bytes(content), is_end=not file.read(1))


class RangeReader:
    """Reads the records of one range. `end` is set when they have all been taken."""

    def __init__(self, path: Path, dialect: Dialect, part: TextRange) -> None:
        self._path = path
        self._dialect = dialect
        self._part = part
        self._offset = part.start
        self.last_number = part.records_before
        self._end: RangeEnd | None = None

    @property
    def read_to(self) -> int:
        """How far the file was read."""
        return self._offset

    @property
    def end(self) -> RangeEnd | None:
        """What reading the range has shown so far, None before all of its records have been taken."""
        if self._end is None:
            return None
        return msgspec.structs.replace(self._end, read_to=self._offset)

    def read(self) -> Iterator[SourceRows]:
        """Yield the records in blocks, then one more block, which shows what follows the range."""
        with self._path.open("rb") as file:
            previous = self._find_previous(file)
            last = previous
            for block, is_whole in parse_chunks(self._read_chunks(file), self._dialect, previous):
                yield self._number_block(block)
                if self._end is not None:
                    return
                self.last_number, last = self.last_number + len(block), tuple(block.cells[-1])
                if is_whole and self._offset >= self._part.stop:
                    self._end = self._build_end(last, previous)
        self._end = self._end or self._build_end(last, previous)

    def _number_block(self, block: SourceRows) -> SourceRows:
        before = self._part.records_before
        if not before:
            return block
        return msgspec.structs.replace(block, numbers=[number + before for number in block.numbers])

    def _build_end(self, last: tuple[str, ...], previous: tuple[str, ...]) -> RangeEnd:
        records = self.last_number - self._part.records_before
        return RangeEnd(self._offset, records, last, previous, self._offset)

    def _find_previous(self, file: BinaryIO) -> tuple[str, ...]:
        if self._part.previous is not None or not self._part.start:
            return self._part.previous or ()
        return _parse_bytes(_read_line_before(file, self._part.start), self._dialect)

    def _read_chunks(self, file: BinaryIO) -> Iterator[list[str]]:
        """Yield the lines of the range and of what follows, BLOCK_ROWS at a time, and count their bytes."""
        codec, skipped = self._dialect.encoding.codec, 0
        if self._part.start:
            codec = codec.removesuffix("-sig")  # a byte order mark is only at the start of the file
        else:
            skipped = self._dialect.skipped_lines
        file.seek(self._part.start)
        while lines := list(islice(file, BLOCK_ROWS + skipped)):
            content = b"".join(lines)
            self._offset += len(content)
            text = content.decode(codec, MARK_UNDECODABLE)
            yield list(io.StringIO(text, newline=""))[skipped:]
            codec, skipped = codec.removesuffix("-sig"), 0
