"""Find how a text file is written: its encoding, its delimiter, and whether a space comes before quotation marks."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import islice
from pathlib import Path

import msgspec

from importer.errors import UsageError
from importer.loader.formats.encoding import MARK_UNDECODABLE, Encoding, find_bom_codec, find_encoding
from importer.loader.vocabulary import is_known_header
from importer.messages import file_messages
from importer.models.status import is_report_header

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 60
_MAX_COUNTED_WIDTH = 12  # wider rows score no higher

csv.field_size_limit(1 << 26)  # not Python's 131,072: a long cell rejects its row, not the whole file


class Dialect(msgspec.Struct, frozen=True):
    """How a text file is written.

    `skipped_lines` come before the first record (`sep=;`, which Excel hides too). `has_space_before_quotes` means
    that quoted cells begin after a space: `Asha, "Rao, Ltd"`. Our own reports are quoted correctly, so a cell of
    several lines in them is never a stray quote.
    """

    encoding: Encoding
    delimiter: str
    skipped_lines: int = 0
    has_space_before_quotes: bool = False
    is_own_report: bool = False

    @property
    def description(self) -> str:
        """One sentence for people: `UTF-8 text, cells separated by commas`."""
        return file_messages.describe_text_file(self.encoding.label, self.delimiter)


def find_dialect(path: Path, *, encoding: str | None, delimiter: str | None) -> Dialect:
    """Return the dialect of a text file; `encoding` and `delimiter` are what the user gave.

    One of our own reports shows its dialect itself: the options are about the sheet that it was made from.
    Raises UsageError for an encoding or a delimiter that cannot be right.
    """
    found = find_encoding(path, None if _is_own_report_with_bom(path) else encoding)
    given = None if delimiter is None else _parse_delimiter_option(delimiter)
    lines = _read_first_lines(path, found.codec)
    named = _parse_sep_line(lines[0]) if lines else ""
    report_delimiter = _find_report_delimiter(lines)
    chosen = report_delimiter or given or named or _guess_delimiter(lines)
    is_own_report = report_delimiter is not None
    return Dialect(
        found,
        chosen,
        skipped_lines=1 if named else 0,
        has_space_before_quotes=not is_own_report and _has_space_before_quotes(lines, chosen),
        is_own_report=is_own_report,
    )


def _parse_delimiter_option(text: str) -> str:
    r"""Return the character that `--delimiter` names: itself, or `tab` or `\t` for a tab."""
    delimiter = {"tab": "\t", "\\t": "\t"}.get(text.lower(), text)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(*file_messages.INVALID_DELIMITER.format(delimiter=delimiter))
    return delimiter


def _is_own_report_with_bom(path: Path) -> bool:
    """Return whether the file is one of our reports and still has the byte order mark that we wrote."""
    with path.open("rb") as file:
        codec = find_bom_codec(file.read(4))
    return bool(codec) and _find_report_delimiter(_read_first_lines(path, codec)) is not None


def _read_first_lines(path: Path, codec: str) -> list[str]:
    with path.open(encoding=codec, errors=MARK_UNDECODABLE, newline="") as file:
        return list(islice(file, _SAMPLE_LINES))


def _parse_sep_line(line: str) -> str:
    """Return the delimiter of a first line such as `sep=;`, which Excel writes and reads, or ""."""
    text = line.rstrip("\r\n").strip('"')
    return text[4] if len(text) == 5 and text.lower().startswith("sep=") else ""


def _find_report_delimiter(lines: list[str]) -> str | None:
    """Return the delimiter between the `_` columns of one of our reports, or None where there are none."""
    for line in lines:
        for delimiter in _DELIMITERS:
            if is_report_header(cell.strip('"\r\n') for cell in line.split(delimiter)):
                return delimiter
    return None


def _guess_delimiter(lines: list[str]) -> str:
    """Return the delimiter that gives the most known headers in a line, else the most rows of one width."""
    scores = {delimiter: _score_delimiter(lines, delimiter) for delimiter in _DELIMITERS}
    return max(scores, key=lambda delimiter: scores[delimiter])


def _score_delimiter(lines: list[str], delimiter: str) -> tuple[int, float]:
    """Return the most known headers in one line, and how much the lines look like rows of one width."""
    try:
        rows = [cells for cells in csv.reader(lines, delimiter=delimiter) if any(cells)]
    except csv.Error:
        return 0, 0.0
    known = max((sum(map(is_known_header, row)) for row in rows), default=0)
    widths = Counter(map(len, rows))
    width, rows_of_width = widths.most_common(1)[0] if widths else (1, 0)
    return known, 0.0 if width < 2 else rows_of_width / len(rows) * min(width, _MAX_COUNTED_WIDTH) ** 0.5


def _has_space_before_quotes(lines: list[str], delimiter: str) -> bool:
    """Return whether quoted cells begin after a space (`Asha, "Rao, Ltd"`), which few programs write."""
    text = "".join(lines)
    if f'{delimiter} "' not in text or f'{delimiter}"' in text:
        return False
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        widths = {len(cells) for cells in reader}
    except csv.Error:
        return False
    return len(widths - {0}) == 1
