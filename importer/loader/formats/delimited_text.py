"""CSV and its kin, record by record: quick where the file is sound, and never swallowing lines where it is not."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from importer.errors import UsageError
from importer.issues import LOST_CHARACTER, Issue, IssueCode, find_unreadable_cells
from importer.loader.formats.encoding import MARK_MISFITS, MISFIT, Encoding, codec_marked, find_encoding
from importer.loader.formats.limits import MAX_CELL_CHARS
from importer.loader.vocabulary import is_known_header
from importer.models.row import BLOCK_ROWS, SourceRow, SourceRows
from importer.models.status import is_report_header

_DELIMITERS = ",;\t|"
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MOST_LINES_OF_A_RECORD = 2000
_SAMPLE_LINES = 60
_DIGITS_OF_A_PHONE = 7
_BETWEEN_CELLS = frozenset(",\r\n")

csv.field_size_limit(1 << 26)  # a long cell is refused by us with its row's number, not by the whole file


class Dialect(msgspec.Struct, frozen=True):
    """How a text file is written.

    `skip` lines stand before the first record (`sep=;`, which Excel does not show either); `spaced` says that
    a space stands between a delimiter and the quotation mark behind it. A report of `ours` is quoted as it
    should be: a cell of several lines in it is what it looks like.
    """

    encoding: Encoding
    delimiter: str
    skip: int = 0
    spaced: bool = False
    ours: bool = False

    @property
    def label(self) -> str:
        """In words: `UTF-8 text, cells parted by commas`."""
        return (
            f"{self.encoding.label} text, cells parted by {_NAMES.get(self.delimiter, repr(self.delimiter))}"
        )


def find_dialect(path: Path, *, encoding: str | None, delimiter: str | None) -> Dialect:
    """Encoding and delimiter of a file, as given or found.

    A report of ours tells its own: what is given was said of the sheet that it was made of.
    """
    found = find_encoding(path, None if _is_marked_report(path) else encoding)
    if delimiter is not None:
        delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter.lower(), delimiter)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise UsageError(f"--delimiter is one character, not {delimiter!r}.", "Such as , ; | or tab.")
    lines = _first_lines(path, found.codec)
    named = _delimiter_named(lines[0]) if lines else ""
    own = _own_delimiter(lines)
    delimiter = own or delimiter or named or _delimiter_of(lines)
    spaced = own is None and _is_spaced(lines, delimiter)
    return Dialect(found, delimiter, skip=1 if named else 0, spaced=spaced, ours=own is not None)


def read_records(path: Path, dialect: Dialect) -> Iterator[SourceRows]:
    """Every record of the file, its cells ragged as they come, numbered from 1.

    A record that cannot be read rightly has a fault; the next one is read as ever.
    """
    with path.open(encoding=dialect.encoding.codec, errors=MARK_MISFITS, newline="") as file:
        yield from _records(file, dialect)


def _records(file: Iterator[str], dialect: Dialect) -> Iterator[SourceRows]:
    number = 1
    list(islice(file, dialect.skip))
    lines: list[str] = []
    before: Sequence[str] = ()
    while True:
        fresh = list(islice(file, BLOCK_ROWS))
        lines += fresh
        if not lines:
            return
        text = "".join(lines)
        odd = _is_odd(lines, text, broken=dialect.encoding.broken)
        if not odd and (plain := _plain_records(lines, dialect, last=not fresh)):
            found = SourceRows(
                range(number, number + len(plain)), plain, lines=_as_in_a_report(lines, text, dialect)
            )
            lines = []
        else:
            records = list(_parse(lines, dialect, before, last=not fresh))
            found = SourceRows.from_rows(
                _row_of(record, number + at, lines, odd=odd) for at, record in enumerate(records)
            )
            lines = lines[records[-1].after :] if records else lines
        if len(found):
            number, before = number + len(found), found.cells[-1]
            yield found


class _Parsed(NamedTuple):
    """A record, its first line and the line after it, by index, and what is wrong with it."""

    cells: list[str]
    first: int
    after: int
    issues: tuple[Issue, ...] = ()


def _row_of(record: _Parsed, number: int, lines: list[str], *, odd: bool) -> SourceRow:
    """The record with all its faults; a closer look is taken where some can be."""
    cells, first, after, faults = record
    if odd or faults or after - first > 1:
        faults += _faults_of(cells, lines[first:after])
        cells = list(map(_sound, cells))
        faults = faults or find_unreadable_cells(cells)
    return SourceRow(number, tuple(cells), faults)


def _as_in_a_report(lines: list[str], text: str, dialect: Dialect) -> list[str]:
    """The lines without their ends, where a report could hold them: parted by commas, quotes only around cells."""
    if dialect.delimiter != "," or dialect.spaced or not _are_around_cells(text):
        return []
    return [line.rstrip("\r\n") for line in lines]


def _are_around_cells(text: str) -> bool:
    """Whether each quotation mark opens or closes a cell, or is one of two within: `5",` does neither."""
    outside = set(f"\n{text}\n".split('"')[::2])  # most are the same comma
    return _BETWEEN_CELLS.issuperset("".join([part[:1] + part[-1:] for part in outside]))


def _plain_records(lines: list[str], dialect: Dialect, *, last: bool) -> list[list[str]] | None:
    """The quick way where every line is a record of its own, as nearly always; None where one is not."""
    if not last and not lines[-1].endswith(("\n", "\r")):
        return None
    reader = csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=dialect.spaced, strict=True)
    try:
        records = list(reader)
    except csv.Error:
        return None
    return records if len(records) == len(lines) else None


def _parse(lines: list[str], dialect: Dialect, before: Sequence[str], *, last: bool) -> Iterator[_Parsed]:
    """Each record that is whole in `lines`.

    A quote that opens and is not closed where it should be makes its own line faulty; the lines behind it are
    read again as records of their own. `before` are the cells of the record before these lines.
    """
    start, delimiter, spaced = 0, dialect.delimiter, dialect.spaced
    while start < len(lines):
        reader = csv.reader(
            lines[start:] if start else lines, delimiter=delimiter, skipinitialspace=spaced, strict=True
        )
        base, seen = start, 0
        try:
            for cells in reader:
                after = reader.line_num
                many = after - seen > 1 and not dialect.ours
                if many and _swallowed(lines[base + seen : base + after], cells, before, delimiter):
                    break
                yield _Parsed(cells, base + seen, base + after)
                seen = after
                before = cells
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
        cells = line.replace('"', f'"{LOST_CHARACTER}', 1).split(delimiter)
        yield _Parsed(cells, first, first + 1, (Issue("row", IssueCode.STRAY_QUOTE, "", near),))
        start = first + 1


def _swallowed(lines: list[str], cells: list[str], before: Sequence[str], delimiter: str) -> bool:
    """Whether a record of several lines is really several records behind a stray quote.

    A line of a note hardly ever reads like the record before: as many cells, and digits where that one has a
    phone. Where the lines together do not make a record of the usual width, the number of cells is enough.
    A note that looks like a lead all the same is refused with its row's number, which is better than leads
    that vanish in a note.
    """
    if len(lines) > _MOST_LINES_OF_A_RECORD:
        return True
    known = len(before) > 1  # the first record of a file has none before it
    widths = {len(before)} if known else {len(cells), lines[0].count(delimiter) + 1}
    for line in lines[1:]:
        if line.count(delimiter) == 0 or len(alone := _alone(line, delimiter)) not in widths:
            continue
        phones = [index for index, cell in enumerate(before) if known and _could_be_phone(cell)]
        if (known and len(cells) != len(before)) or any(
            _could_be_phone(alone[index]) for index in phones or range(len(alone))
        ):
            return True
    return False


def _alone(line: str, delimiter: str) -> list[str]:
    """The cells of a line read as a record of its own."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return line.split(delimiter)


def _could_be_phone(cell: str) -> bool:
    return sum(map(str.isdigit, cell)) >= _DIGITS_OF_A_PHONE


def _is_odd(lines: list[str], text: str, *, broken: bool) -> bool:
    """Whether these lines need a closer look: a quick test that sound files pay for, the look only odd ones."""
    return broken or "\0" in text or LOST_CHARACTER in text or max(map(len, lines)) > MAX_CELL_CHARS


def _sound(cell: str) -> str:
    """The cell with a mark in place of each byte that is no text; its row is refused, also when it comes back.

    Of a cell that is far too long, enough is kept for it to be refused again when it comes back unmended.
    """
    return cell[: MAX_CELL_CHARS + 1].replace(MISFIT, LOST_CHARACTER)


def _faults_of(cells: list[str], lines: list[str]) -> tuple[Issue, ...]:
    text = "".join(lines)
    faults = []
    if "\0" in text:
        faults.append(Issue("row", IssueCode.NUL))
    if MISFIT in text:
        bad = next(cell for cell in [*cells, text] if MISFIT in cell)
        faults.append(Issue("row", IssueCode.UNDECODABLE, "", _sound(bad)))
    long = next((cell for cell in cells if len(cell) > MAX_CELL_CHARS), None)
    if long is not None:
        faults.append(Issue("row", IssueCode.TOO_LONG, "", _sound(long[:40]), f"{len(long):,}"))
    return tuple(faults)


def _is_marked_report(path: Path) -> bool:
    """Whether it is a report of ours whose first bytes say how it is written, as they do until a program drops them."""
    with path.open("rb") as file:
        marked = codec_marked(file.read(4))
    return bool(marked) and _own_delimiter(_first_lines(path, marked)) is not None


def _first_lines(path: Path, codec: str) -> list[str]:
    with path.open(encoding=codec, errors=MARK_MISFITS, newline="") as file:
        return list(islice(file, _SAMPLE_LINES))


def _delimiter_named(line: str) -> str:
    """The delimiter of a first line `sep=;`, which Excel writes and reads."""
    named = line.rstrip("\r\n").strip('"')
    return named[4] if len(named) == 5 and named.lower().startswith("sep=") else ""


def _own_delimiter(lines: list[str]) -> str | None:
    """What parts the `_` columns of a report of ours, or None where there are none."""
    for line in lines:
        for mark in _DELIMITERS:
            if is_report_header(cell.strip('"\r\n') for cell in line.split(mark)):
                return mark
    return None


def _delimiter_of(lines: list[str]) -> str:
    """The mark that parts some line into the most headers that we know, else most lines into as many cells."""
    scores = {mark: _score(lines, mark) for mark in _DELIMITERS}
    return max(scores, key=lambda mark: scores[mark])


def _score(lines: list[str], mark: str) -> tuple[int, float]:
    try:
        rows = [cells for cells in csv.reader(lines, delimiter=mark) if any(cells)]
    except csv.Error:
        return 0, 0.0
    known = max((sum(map(is_known_header, row)) for row in rows), default=0)
    widths = Counter(map(len, rows))
    width, lines_of_it = widths.most_common(1)[0] if widths else (1, 0)
    return known, 0.0 if width < 2 else lines_of_it / len(rows) * min(width, 12) ** 0.5


def _is_spaced(lines: list[str], delimiter: str) -> bool:
    """Whether quoted cells begin behind a space (`Asha, "Rao, Ltd"`), which most programs do not write."""
    text = "".join(lines)
    if f'{delimiter} "' not in text or f'{delimiter}"' in text:
        return False
    try:
        widths = {
            len(cells) for cells in csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        }
    except csv.Error:
        return False
    return len(widths - {0}) == 1
