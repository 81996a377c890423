"""Find how a text file is written: its encoding, its delimiter, and whether a space comes before quotation marks.

The encoding is found strictly: bytes that do not fit are marked, never replaced by a guess.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from itertools import islice
from pathlib import Path

import msgspec

from importer.errors import UsageError
from importer.loader.vocabulary import is_known_header
from importer.messages import file_messages
from importer.models.status import is_report_header

UNDECODABLE_BYTE = "\udcff"
"""Stands in the text for each byte that does not fit the encoding. No valid text contains it."""
MARK_UNDECODABLE = "importer.mark_undecodable"
"""Name of the codec error handler that writes UNDECODABLE_BYTE."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LABELS = {
    "utf-8-sig": "UTF-8",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
}
_CODECS_NOT_FOR_FILES = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7", "iso2022", "hz")
"""First letters of Python's codecs for host names, source code and e-mails. Sheets are not written in them."""
_NEED_BOM = ("utf-16", "utf-32")  # only a byte order mark shows their byte order
_MAX_BAD_PER_GOOD = 10  # with more invalid bytes for each valid non-ASCII character, a file is not UTF-8
_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 60
_MAX_COUNTED_WIDTH = 12  # wider rows score no higher

csv.field_size_limit(1 << 26)  # not Python's 131,072: a long cell rejects its row, not the whole file


class Encoding(msgspec.Struct, frozen=True):
    """The name of a codec, and whether some bytes do not fit it (rows with such bytes are rejected)."""

    codec: str
    has_invalid_bytes: bool = False

    @property
    def label(self) -> str:
        """What people call the encoding."""
        return _LABELS.get(self.codec, self.codec)


def find_encoding(path: Path, given: str | None) -> Encoding:
    """Return the encoding of a file.

    It is `given` by the user, or shown by the first bytes, or UTF-8 where every byte fits, else Windows-1252.
    Raises UsageError where the given one cannot be right.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    bom_codec = find_bom_codec(head)
    codec = _resolve_given(given, bom_codec, head) if given else bom_codec or detect_utf16_without_bom(head)
    if codec:
        return Encoding(codec, has_invalid_bytes=_count_good_and_bad(path, codec)[1] > 0)
    good, bad = _count_good_and_bad(path, "utf-8")
    if bad == 0:
        return Encoding("utf-8")
    # A few bytes that do not fit in a file of proper UTF-8 are damage, not another encoding.
    if good * _MAX_BAD_PER_GOOD > bad:
        return Encoding("utf-8", has_invalid_bytes=True)
    return Encoding("cp1252", has_invalid_bytes=_count_good_and_bad(path, "cp1252")[1] > 0)


def find_bom_codec(head: bytes) -> str:
    """Return the codec that a byte order mark at the start of a file names, or ""."""
    return next((codec for bom, codec in _BOMS if head.startswith(bom)), "")


def detect_utf16_without_bom(head: bytes) -> str:
    """Return `utf-16-le` or `utf-16-be` for UTF-16 without a byte order mark, or "".

    Every second byte of Latin letters, digits, commas and line ends is then zero.
    """
    even, odd = head[0::2].count(0), head[1::2].count(0)
    few = max(2, len(head) / 2 * 0.1)
    if odd > few and odd > 10 * even:
        return "utf-16-le"
    if even > few and even > 10 * odd:
        return "utf-16-be"
    return ""


def _resolve_given(name: str, bom_codec: str, head: bytes) -> str:
    """Return the codec for the encoding that the user names; a byte order mark that agrees is not read as text."""
    codec = _look_up_codec(name)
    if bom_codec and codec.startswith(bom_codec.removesuffix("-sig")):
        return bom_codec
    if codec not in _NEED_BOM:
        return codec
    if codec == "utf-16" and (detected := detect_utf16_without_bom(head)):
        return detected
    raise UsageError(*file_messages.ENCODING_CONTRADICTED.format(encoding=name))


def _look_up_codec(name: str) -> str:
    """Return Python's name for an encoding. Raises UsageError for one that no sheet has."""
    try:
        "".encode(name)  # refuses codecs that turn bytes into bytes, such as base64
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        raise UsageError(*file_messages.UNKNOWN_ENCODING.format(encoding=name)) from None
    if codec.startswith(_CODECS_NOT_FOR_FILES):
        raise UsageError(*file_messages.ENCODING_NOT_FOR_SHEETS.format(encoding=name))
    return codec


def _count_good_and_bad(path: Path, codec: str) -> tuple[int, int]:
    """Return how many non-ASCII characters of the file fit the codec, and how many bytes do not."""
    decoder = codecs.getincrementaldecoder(codec)(MARK_UNDECODABLE)
    good = bad = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(1 << 20)
            text = decoder.decode(chunk, final=not chunk)
            if not text.isascii():
                bad_in_chunk = text.count(UNDECODABLE_BYTE)
                bad += bad_in_chunk
                good += len(text) - len(text.encode("ascii", "ignore")) - bad_in_chunk
            if not chunk:
                return good, bad


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    """Handle a decoding error: return the marks for the bytes that do not fit, and where to go on."""
    assert isinstance(error, UnicodeDecodeError)
    return UNDECODABLE_BYTE * (error.end - error.start), error.end


codecs.register_error(MARK_UNDECODABLE, _mark_undecodable)


class Dialect(msgspec.Struct, frozen=True):
    """How a text file is written.

    `skipped_lines` come before the first record (`sep=;`, which Excel hides too). `has_space_before_quotes` means
    that quoted cells begin after a space: `Asha, "Rao, Ltd"`. `quote` is around cells with a delimiter. Our own reports are quoted correctly, so a cell of
    several lines in them is never a stray quote.
    """

    encoding: Encoding
    delimiter: str
    skipped_lines: int = 0
    has_space_before_quotes: bool = False
    is_own_report: bool = False
    quote: str = '"'

    @property
    def description(self) -> str:
        """One sentence for people: `UTF-8 text, cells separated by commas`."""
        return file_messages.describe_text_file(self.encoding.label, self.delimiter, self.quote)


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
    has_single_quotes = not is_own_report and _has_single_quotes(lines, chosen)
    return Dialect(
        found,
        chosen,
        skipped_lines=1 if named else 0,
        has_space_before_quotes=not is_own_report and _has_space_before_quotes(lines, chosen),
        is_own_report=is_own_report,
        quote="'" if has_single_quotes else '"',
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


def _has_single_quotes(lines: list[str], delimiter: str) -> bool:
    """Return whether cells are quoted with apostrophes: `'Rao, Iyer and Sons'`.

    Only then do all lines have one number of cells. An apostrophe alone is a letter, or Excel's mark for a text.
    """
    if '"' in "".join(lines):
        return False
    try:
        widths = {len(cells) for cells in csv.reader(lines, delimiter=delimiter, quotechar="'", strict=True)}
    except csv.Error:
        return False
    return len(widths - {0}) == 1 and len({line.count(delimiter) for line in lines if line.strip()}) > 1
