"""CSV and its kin, record by record: quick where the file is sound, and never swallowing lines where it is not."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from importer.errors import UnreadableFile, UsageError
from importer.issues import Issue
from importer.loader.encoding import Encoding, find_encoding
from importer.loader.limits import MAX_CELL_CHARS

_DELIMITERS = ",;\t|"
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_CHUNK_LINES = 4096
_MOST_LINES_OF_A_RECORD = 2000
_SAMPLE_LINES = 60

csv.field_size_limit(1 << 26)  # a long cell is refused by us with its row's number, not by the whole file


class Dialect(msgspec.Struct, frozen=True):
    """How a text file is written: `skip` lines stand before the first record (`sep=;`)."""

    encoding: Encoding
    delimiter: str
    skip: int = 0

    @property
    def label(self) -> str:
        """In words: `UTF-8 text, cells parted by commas`."""
        return (
            f"{self.encoding.label} text, cells parted by {_NAMES.get(self.delimiter, repr(self.delimiter))}"
        )


class Record(msgspec.Struct, frozen=True):
    """One record: its 1-based number, its cells as typed (ragged as they come), what is wrong with it."""

    number: int
    cells: list[str]
    faults: tuple[Issue, ...] = ()


def find_dialect(path: Path, *, encoding: str | None, delimiter: str | None) -> Dialect:
    """Encoding and delimiter of a file, as given or found."""
    found = find_encoding(path, encoding)
    if delimiter is not None:
        delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter.lower(), delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise UsageError(f"--delimiter is one character, not {delimiter!r}.", "Such as , ; | or tab.")
    try:
        with path.open(encoding=found.codec, errors="surrogateescape", newline="") as file:
            lines = list(islice(file, _SAMPLE_LINES))
    except (UnicodeDecodeError, UnicodeError) as error:
        raise UnreadableFile(
            f"The file is not {found.label} text: {error}.", "Name the right --encoding."
        ) from None
    if lines and lines[0].lower().startswith("sep=") and len(lines[0].strip()) == 5:
        return Dialect(found, delimiter or lines[0][4], skip=1)
    return Dialect(found, delimiter or _delimiter_of(lines))


def read_records(path: Path, dialect: Dialect) -> Iterator[Record]:
    """Every record of the file. A record that cannot be read rightly has a fault; the next one is read as ever."""
    with path.open(encoding=dialect.encoding.codec, errors="surrogateescape", newline="") as file:
        try:
            yield from _records(file, dialect)
        except UnicodeError as error:
            raise UnreadableFile(
                f"The file is not {dialect.encoding.label} text: {error}.", "Name the right --encoding."
            ) from None


def _records(file: Iterator[str], dialect: Dialect) -> Iterator[Record]:
    number = dialect.skip
    list(islice(file, dialect.skip))
    lines: list[str] = []
    while True:
        fresh = list(islice(file, _CHUNK_LINES))
        lines += fresh
        if not lines:
            return
        odd = _odd_lines(lines, broken=dialect.encoding.broken)
        used = 0
        for cells, first, used, faults in _parse(lines, dialect.delimiter, last=not fresh):
            number += 1
            if odd or faults:
                more = _faults_of(cells, lines[first:used])
                yield Record(number, [_sound(cell) for cell in cells], (*faults, *more))
            else:
                yield Record(number, cells)
        lines = lines[used:]


def _parse(
    lines: list[str], delimiter: str, *, last: bool
) -> Iterator[tuple[list[str], int, int, tuple[Issue, ...]]]:
    """Cells, first line, line after, and faults of each record that is whole in `lines`.

    A quote that opens and is not closed where it should be makes its own line faulty; the lines behind it are
    read again as records of their own.
    """
    start = 0
    while start < len(lines):
        reader = csv.reader(lines[start:] if start else lines, delimiter=delimiter, strict=True)
        base, seen = start, 0
        try:
            for cells in reader:
                after = reader.line_num
                if after - seen > 1 and _swallowed(lines[base + seen : base + after], cells, delimiter):
                    break
                yield cells, base + seen, base + after, ()
                seen = after
            else:
                return
        except csv.Error:
            consumed = reader.line_num - seen
            whole = base + reader.line_num < len(lines) or last
            if not whole and consumed < _MOST_LINES_OF_A_RECORD:
                return  # the record goes on in the next lines of the file
        first = base + seen
        line = lines[first].rstrip("\r\n")
        near = line[max(0, line.find('"')) :][:40]
        yield line.split(delimiter), first, first + 1, (Issue("row", "stray_quote", "", near),)
        start = first + 1


def _swallowed(lines: list[str], cells: list[str], delimiter: str) -> bool:
    """Whether a record of several lines is really several records behind a stray quote.

    Its first line has, alone, as many cells as the lines behind it: that is how records look, and hardly ever
    how the lines of a note do. A note that does is refused with its row's number, which is better than
    records that vanish.
    """
    width = lines[0].count(delimiter)
    alike = [line.count(delimiter) == width for line in lines[1:]]
    return (width >= 1 and all(alike)) or (width >= 2 and len(cells) != width + 1 and any(alike))


def _odd_lines(lines: list[str], *, broken: bool) -> bool:
    """Whether these lines need a closer look: a quick test that sound files pay for, the look only odd ones."""
    return broken or any(len(line) > MAX_CELL_CHARS or "\0" in line for line in lines)


def _sound(cell: str) -> str:
    """The cell with a mark in place of each byte that is no text; its row is refused all the same."""
    return cell.encode("utf-8", "replace").decode()


def _faults_of(cells: list[str], lines: list[str]) -> tuple[Issue, ...]:
    text = "".join(lines)
    faults = []
    if "\0" in text:
        faults.append(Issue("row", "nul"))
    if any("\udc80" <= char <= "\udcff" for char in text):
        bad = next(cell for cell in [*cells, text] if any("\udc80" <= char <= "\udcff" for char in cell))
        faults.append(Issue("row", "undecodable", "", _sound(bad)))
    long = next((cell for cell in cells if len(cell) > MAX_CELL_CHARS), None)
    if long is not None:
        faults.append(Issue("row", "too_long", "", long[:40], f"{len(long):,}"))
    return tuple(faults)


def _delimiter_of(lines: list[str]) -> str:
    """The mark that parts most lines into the same number of cells, the more cells the better."""
    scores = {mark: _score(lines, mark) for mark in _DELIMITERS}
    best = max(scores, key=lambda mark: scores[mark])
    return best if scores[best] > 0 else ","


def _score(lines: list[str], mark: str) -> float:
    try:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=mark) if any(cells))
    except csv.Error:
        return 0.0
    width, lines_of_it = widths.most_common(1)[0] if widths else (1, 0)
    return 0.0 if width < 2 else lines_of_it / sum(widths.values()) * min(width, 12) ** 0.5
