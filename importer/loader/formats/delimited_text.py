"""Read CSV and similar text record by record: fast where the text is valid, and never losing lines where it is not."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from importer.issues import LOST_CHARACTER, Issue, IssueCode, find_unreadable_cells
from importer.loader.formats.dialect import MARK_UNDECODABLE, UNDECODABLE_BYTE, Dialect
from importer.messages import format_count
from importer.models.row import BLOCK_ROWS, SourceRow, SourceRows

MAX_CELL_CHARS = 100_000
_MAX_RECORD_LINES = 2000  # a cell of more lines begins with a stray quotation mark
_MIN_PHONE_DIGITS = 7  # a landline without its STD code has no fewer


def read_records(path: Path, dialect: Dialect) -> Iterator[SourceRows]:
    """Yield all records of a file in blocks, numbered from 1, each with as many cells as it has.

    A record that cannot be read correctly has an issue. The records after it are read as usual.
    """
    with path.open(encoding=dialect.encoding.codec, errors=MARK_UNDECODABLE, newline="") as file:
        list(islice(file, dialect.skipped_lines))
        chunks = iter(lambda: list(islice(file, BLOCK_ROWS)), [])
        yield from (block for block, _ in parse_chunks(chunks, dialect))


def parse_chunks(
    chunks: Iterator[list[str]], dialect: Dialect, previous: Sequence[str] = ()
) -> Iterator[tuple[SourceRows, bool]]:
    """Yield the records in blocks, numbered from 1, each with whether its last record ends where its chunk of lines does.

    `previous` are the cells of the record before the first line. The blocks depend on where the chunks end: a report
    repeats the lines of a regular block as they are.
    """
    number = 1
    lines: list[str] = []
    while True:
        new_lines = next(chunks, [])
        lines += new_lines
        if not lines:
            return
        text = "".join(lines)
        is_suspect = _may_have_faults(lines, text, has_invalid_bytes=dialect.encoding.has_invalid_bytes)
        is_regular = not is_suspect and _has_only_outer_quotes(text, dialect)
        if is_regular and (cells := _parse_single_line_records(lines, dialect, is_end=not new_lines)):
            reusable = _find_reusable_lines(lines, dialect)
            block = SourceRows(range(number, number + len(cells)), cells, lines=reusable)
            lines = []
        else:
            records = list(_parse_records(lines, dialect, previous, is_end=not new_lines))
            block = SourceRows.from_rows(
                _to_source_row(record, number + at, lines, is_suspect=is_suspect)
                for at, record in enumerate(records)
            )
            lines = lines[records[-1].next_line :] if records else lines
        if len(block):
            number, previous = number + len(block), block.cells[-1]
            yield block, not lines


class _Record(NamedTuple):
    """A parsed record; `first_line` and `next_line` are indexes: its own first line, and the line after it."""

    cells: list[str]
    first_line: int
    next_line: int
    issues: tuple[Issue, ...] = ()


def _to_source_row(record: _Record, number: int, lines: list[str], *, is_suspect: bool) -> SourceRow:
    """Return the record with all its issues. Valid records of one line in a valid block need no check."""
    cells, first, after, issues = record
    if is_suspect or issues or after - first > 1:
        issues += _find_issues(cells, lines[first:after])
        cells = list(map(_clean_cell, cells))
        issues = issues or find_unreadable_cells(cells)
    return SourceRow(number, tuple(cells), issues)


def _find_reusable_lines(lines: list[str], dialect: Dialect) -> list[str]:
    """Return the lines without their ends if a report can contain them unchanged, else nothing.

    For this they are separated by commas, and quotation marks are the usual ones and only around cells.
    """
    if dialect.delimiter != "," or dialect.has_space_before_quotes or dialect.quote != '"':
        return []
    return [line.rstrip("\r\n") for line in lines]


def _has_only_outer_quotes(text: str, dialect: Dialect) -> bool:
    """Return whether each quotation mark opens or closes a cell, or is doubled inside one: `5",` is neither."""
    outside = set(f"\n{text}\n".split(dialect.quote)[::2])  # most are the same comma
    allowed = frozenset((dialect.delimiter, "\r", "\n", *(" " * dialect.has_space_before_quotes)))
    return allowed.issuperset("".join([part[:1] + part[-1:] for part in outside]))


def _parse_single_line_records(lines: list[str], dialect: Dialect, *, is_end: bool) -> list[list[str]] | None:
    """Parse lines that are one record each, as nearly always; return None where one is not."""
    if not is_end and not lines[-1].endswith(("\n", "\r")):
        return None
    try:
        records = list(_make_reader(lines, dialect))
    except csv.Error:
        return None
    return records if len(records) == len(lines) else None


def _parse_records(
    lines: list[str], dialect: Dialect, previous: Sequence[str], *, is_end: bool
) -> Iterator[_Record]:
    """Yield each record that is complete in `lines`; `previous` are the cells of the record before them.

    A quotation mark that is not closed where it should be makes its own line faulty. The lines after it are read
    again as records of their own.
    """
    start = 0
    while start < len(lines):
        reader = _make_reader(lines[start:] if start else lines, dialect)
        base, seen = start, 0
        try:
            for cells in reader:
                after = reader.line_num
                if not dialect.is_own_report and _has_misplaced_quote(
                    lines[base + seen : base + after], cells, previous, dialect
                ):
                    break
                yield _Record(cells, base + seen, base + after)
                seen = after
                previous = cells
            else:
                return
        except csv.Error:
            line_count = reader.line_num - seen
            is_complete = base + reader.line_num < len(lines) or is_end
            if not is_complete and line_count < _MAX_RECORD_LINES:
                return  # the record goes on in the next lines of the file
        yield _to_stray_quote_record(lines, base + seen, dialect)
        start = base + seen + 1


def _make_reader(lines: list[str], dialect: Dialect) -> Any:
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        skipinitialspace=dialect.has_space_before_quotes,
        strict=True,
    )


def _to_stray_quote_record(lines: list[str], at: int, dialect: Dialect) -> _Record:
    """Return the line as a record that is rejected for its stray quotation mark, also when it is imported again."""
    line, quote = lines[at].rstrip("\r\n"), dialect.quote
    excerpt = line[max(0, line.find(quote)) :][:40]
    cells = line.replace(quote, f"{quote}{LOST_CHARACTER}", 1).split(dialect.delimiter)
    return _Record(cells, at, at + 1, (Issue("row", IssueCode.STRAY_QUOTE, "", excerpt),))


def _has_misplaced_quote(
    lines: list[str], cells: list[str], previous: Sequence[str], dialect: Dialect
) -> bool:
    """Return whether a quotation mark joins or splits what it should not."""
    if len(lines) > 1:
        return _has_swallowed_records(lines, cells, previous, dialect)
    return dialect.quote in lines[0] and _has_split_cell(lines[0], dialect)


def _has_split_cell(line: str, dialect: Dialect) -> bool:
    """Return whether a comma between two quotation marks splits a cell: `Lake"View, Pune",9845012345`.

    The first mark is inside a cell, so it does not open one, and the second one ends a later cell. A mark after a
    digit means inches: `32" TV`.
    """
    is_open = False
    for cell in _split_raw_cells(line.rstrip("\r\n"), dialect):
        if cell.startswith(dialect.quote) or cell.count(dialect.quote) > 1:
            is_open = False
        elif is_open and cell.endswith(dialect.quote):
            return True
        elif dialect.quote in cell:
            before, after = cell.split(dialect.quote)
            is_open = bool(after) and not before[-1:].isdigit()
    return False


def _split_raw_cells(line: str, dialect: Dialect) -> list[str]:
    """Return the cells of a line as they are written, with their quotation marks."""
    quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    space = " *" if dialect.has_space_before_quotes else ""
    quoted = f"{space}{quote}(?:[^{quote}]|{quote}{quote})*{quote}"
    return [
        found[1].lstrip(" ") for found in re.finditer(f"({quoted}|[^{delimiter}]*)(?:{delimiter}|$)", line)
    ]


def _has_swallowed_records(
    lines: list[str], cells: list[str], previous: Sequence[str], dialect: Dialect
) -> bool:
    """Return whether a record of several lines is really several records after a stray quotation mark.

    A line of a note hardly ever reads like the previous record: as many cells, and digits where that one has a
    phone. Where the lines together do not make a record of the usual width, the number of cells is enough. A note
    that looks like a lead all the same is rejected with its row number. That is better than leads lost in a note.
    """
    if len(lines) > _MAX_RECORD_LINES:
        return True
    delimiter = dialect.delimiter
    has_previous = len(previous) > 1  # the first record of a file has none
    widths = {len(previous)} if has_previous else {len(cells), lines[0].count(delimiter) + 1}
    for line in lines[1:]:
        if line.count(delimiter) == 0 or len(own_cells := _parse_line(line, dialect)) not in widths:
            continue
        phones = [index for index, cell in enumerate(previous) if has_previous and _may_be_phone(cell)]
        if (has_previous and len(cells) != len(previous)) or any(
            _may_be_phone(own_cells[index]) for index in phones or range(len(own_cells))
        ):
            return True
    return False


def _parse_line(line: str, dialect: Dialect) -> list[str]:
    """Return the cells of a line read as a record of its own; none for the end of a note that ends in a line break."""
    try:
        return next(csv.reader([line], delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True), [])
    except csv.Error:
        is_end_of_cell = line.lstrip(" ").startswith(dialect.quote + dialect.delimiter)
        return [] if is_end_of_cell else line.split(dialect.delimiter)


def _may_be_phone(cell: str) -> bool:
    return sum(map(str.isdigit, cell)) >= _MIN_PHONE_DIGITS


def _may_have_faults(lines: list[str], text: str, *, has_invalid_bytes: bool) -> bool:
    """Return whether these lines need a check cell by cell. This quick test is all that valid files pay for."""
    return (
        has_invalid_bytes or "\0" in text or LOST_CHARACTER in text or max(map(len, lines)) > MAX_CELL_CHARS
    )


def _clean_cell(cell: str) -> str:
    """Return the cell with a mark for each undecodable byte; its row is rejected, also when it is imported again.

    A cell that is too long is cut, but so that it is still too long when it is imported again unchanged.
    """
    return cell[: MAX_CELL_CHARS + 1].replace(UNDECODABLE_BYTE, LOST_CHARACTER)


def _find_issues(cells: list[str], lines: list[str]) -> tuple[Issue, ...]:
    """Return an issue for NUL characters, undecodable bytes and a cell that is too long in one record."""
    text = "".join(lines)
    issues = []
    if "\0" in text:
        issues.append(Issue("row", IssueCode.NUL))
    if UNDECODABLE_BYTE in text:
        bad = next(cell for cell in [*cells, text] if UNDECODABLE_BYTE in cell)
        issues.append(Issue("row", IssueCode.UNDECODABLE, "", _clean_cell(bad)))
    too_long = next((cell for cell in cells if len(cell) > MAX_CELL_CHARS), None)
    if too_long is not None:
        issues.append(
            Issue("row", IssueCode.TOO_LONG, "", _clean_cell(too_long[:40]), format_count(len(too_long)))
        )
    return tuple(issues)
