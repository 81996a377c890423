"""Reads phone cells, however they were typed, as E.164 numbers. It never adds or guesses a digit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import NamedTuple

from phonenumbers.phonemetadata import PhoneMetadata

from importer.issues import IssueCode
from importer.loader.cells.number_parser import NumberParser, count_digits
from importer.loader.cells.phone_segments import PhoneSegment, split_phone_cell
from importer.loader.cells.text import CellError, has_digit, strip_cell, to_ascii_digits

_INDIA = PhoneMetadata.metadata_for_region("IN", None)
_MOBILE = _INDIA.mobile.national_number_pattern if _INDIA is not None and _INDIA.mobile is not None else None
assert _MOBILE is not None
_is_indian_mobile = re.compile(_MOBILE).fullmatch
"""The mobile pattern of phonenumbers itself, so that the fast path always agrees with the library."""


@cache
def _is_mobile_series(first_five: str) -> bool:
    """Return whether Indian mobile numbers begin with these digits. They are issued in series of 1,00,000."""
    return _is_indian_mobile(f"{first_five}00000") is not None


_SCIENTIFIC = re.compile(r"^[+-]?\d(?:[.,]\d+)?[eE]\+?\d{1,2}$")  # 9.84501E+09; some locales have a comma
_NUMBER_LIKE = re.compile(r"[+\d\s().\-\u2010-\u2015\u2212]+")  # +91 (0) 98450-12345
_TOKEN_BREAK = re.compile(r"[\s\-\u2010-\u2015]+|(?<=\d)(?=\+)")  # a space, a dash, or a + behind a digit
MIN_PHONE_DIGITS = 7
"""Text with fewer digits is not meant as a phone."""
_DIGITS_OF_ONE_NUMBER = range(
    10, 16
)  # of a number that may have another one beside it with only a space between
_MAX_TOKENS = 12  # the search below tries every way to cut them
_MIN_EXACT_DIGITS = 10
_EXCEL_ZEROS = "0000"  # Excel writes a shortened 9.84501E+09 out again as 9845010000


class ParsedPhones(NamedTuple):
    """The valid numbers of a cell in order, and warnings about the rest of it: (code, text).

    There is at least one number, except where none is needed.
    """

    numbers: list[str]
    warnings: list[tuple[IssueCode, str]]


class PhoneReader:
    """Reads the phone cells of one column.

    `region` is the country of numbers without a country code. With `is_needed=False`, a cell without a digit, such as
    `same`, is a warning and not an error, because nothing is lost.
    """

    def __init__(self, region: str, *, is_needed: bool = True) -> None:
        self._region = region
        self._is_india = region == "IN"
        self._is_needed = is_needed

    def read(self, text: str, dial_code: str = "") -> ParsedPhones | CellError | None:
        """Return the numbers of a cell. `dial_code` is the cell of a dial code column in the same row, or ""."""
        if self._is_india and not dial_code and (mobile := parse_indian_mobile(text)):
            return ParsedPhones([mobile], [])
        parsed = _parse_cell(text, NumberParser(self._region, dial_code))
        if not self._is_needed and parsed == CellError(IssueCode.NOT_A_PHONE) and not has_digit(text):
            return ParsedPhones([], [(IssueCode.PART_LEFT_OUT, text)])
        return parsed


class SinglePhoneReader:
    """Reads a field that is one phone, such as the owner's. A name beside it is no loss; a second number is one."""

    def __init__(self, region: str) -> None:
        self._read_phones = PhoneReader(region).read

    def read(self, text: str) -> str | CellError | None:
        """Return the number of a cell as E.164, or why it has not exactly one."""
        parsed = self._read_phones(text)
        if not isinstance(parsed, ParsedPhones):
            return parsed
        is_complete = all(code != IssueCode.PART_LEFT_OUT for code, _ in parsed.warnings)
        is_one = len(parsed.numbers) == 1 and is_complete
        return parsed.numbers[0] if is_one else CellError(IssueCode.TWO_NUMBERS)


def is_name_not_phone(text: str, error: CellError) -> bool:
    """Return whether a cell that is no phone is a name, such as `Rohit` or `Team 2`, and not a phone with a mistake."""
    is_no_phone = error.code in (IssueCode.NOT_A_PHONE, IssueCode.TOO_SHORT)
    return is_no_phone and count_digits(text) < MIN_PHONE_DIGITS and any(map(str.isalpha, text))


def get_fast_phone_parser(region: str) -> Callable[[str], str]:
    """Return the fast parser of a region. It returns "" for a cell that PhoneReader has to read."""
    return parse_indian_mobile if region == "IN" else lambda _: ""


def parse_indian_mobile(text: str) -> str:
    """Return an Indian mobile in a common spelling as E.164, or "" for anything else.

    It accepts 10 digits after 0, 91, +91 or 0091, spaces, dashes and brackets anywhere, and `.0` at the end. It does
    not accept a number that ends in zeros as Excel writes out a number that it shortened.
    """
    digits = text if text.isdigit() else _remove_marks(text.removesuffix(".0"))
    size = len(digits)
    if size == 10:
        national = digits
    elif size == 13 and digits.startswith("+91"):
        national = digits[3:]
    elif size == 12 and digits.startswith("91"):
        national = digits[2:]
    elif size == 11 and digits[0] == "0":
        national = digits[1:]
    elif size == 14 and digits.startswith("0091"):
        national = digits[4:]
    else:
        return ""
    if not (national.isascii() and national.isdigit()) or national.endswith(_EXCEL_ZEROS):
        return ""
    return f"+91{national}" if _is_mobile_series(national[:5]) else ""


def _remove_marks(text: str) -> str:
    # Five times as fast as str.translate, which looks up every character.
    return text.replace(" ", "").replace("-", "").replace("(", "").replace(")", "").replace("\t", "")


def is_possibly_shortened(text: str) -> bool:
    """Return whether the text is only digits that end in zeros, as Excel writes out a number that it shortened."""
    digits = text.removesuffix(".0").lstrip("+")
    return digits.isdigit() and digits.endswith(_EXCEL_ZEROS)


def _parse_cell(text: str, parser: NumberParser) -> ParsedPhones | CellError | None:
    """Parse any spelling: links, labels, several numbers, landlines, other countries."""
    cell = strip_cell(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    cell = to_ascii_digits(cell)
    if _SCIENTIFIC.match(cell):
        exact = _expand_scientific(cell)
        if exact is None:
            return CellError(IssueCode.DIGITS_LOST)
        cell = exact
    unclear = parser.unclear_dial_code
    warnings = [(IssueCode.DIAL_CODE_LEFT_OUT, unclear)] if unclear else []
    numbers: list[str] = []
    first_error: CellError | None = None
    for segment in split_phone_cell(cell):
        found, error, segment_warnings = _parse_segment(segment, parser)
        numbers += found
        warnings += segment_warnings
        first_error = first_error or error
    return ParsedPhones(list(dict.fromkeys(numbers)), warnings) if numbers else first_error


def _parse_segment(
    segment: PhoneSegment, parser: NumberParser
) -> tuple[list[str], CellError | None, list[tuple[IssueCode, str]]]:
    """Return the numbers of one segment, its first error, and warnings about what is left out."""
    numbers: list[str] = []
    rejected: list[str] = []
    first_error: CellError | None = None
    for candidate in segment.candidates:
        parsed = _parse_candidate(candidate, parser)
        if isinstance(parsed, CellError):
            first_error = first_error or parsed
            rejected.append(candidate)
        else:
            numbers += parsed
    if not numbers:
        has_reason = first_error is not None and not segment.has_remarks
        error = first_error if has_reason else CellError(IssueCode.NOT_A_PHONE)
        return [], error, [(IssueCode.PART_LEFT_OUT, segment.text)]
    warnings = [(IssueCode.PART_LEFT_OUT, candidate) for candidate in rejected]
    warnings += [(IssueCode.WORDS_LEFT_OUT, segment.text)] if segment.has_remarks else []
    warnings += [(IssueCode.EXTENSION_LEFT_OUT, segment.extension)] if segment.extension else []
    if is_possibly_shortened(segment.text):
        warnings += [(IssueCode.MAYBE_SHORTENED, segment.text)] * len(numbers)
    return numbers, None, warnings


def _parse_candidate(candidate: str, parser: NumberParser) -> list[str] | CellError:
    """Return the number that a candidate is, or the complete numbers that follow each other in it."""
    if not _NUMBER_LIKE.fullmatch(candidate):
        return CellError(IssueCode.NOT_A_PHONE)
    parsed = parser.parse(candidate)
    if isinstance(parsed, str):
        return [parsed]
    splits = list(_find_splits([token for token in _TOKEN_BREAK.split(candidate) if token], parser))
    return splits[0] if len(splits) == 1 else parsed


def _find_splits(tokens: list[str], parser: NumberParser) -> Iterator[list[str]]:
    """Yield every way to split the tokens into complete numbers. If there are two ways, the caller uses neither."""
    if len(tokens) > _MAX_TOKENS:
        return
    for end in range(1, len(tokens) + 1):
        head = " ".join(tokens[:end])
        if count_digits(head) not in _DIGITS_OF_ONE_NUMBER:
            continue
        if isinstance(first := parser.parse(head), CellError):
            continue
        if end == len(tokens):
            yield [first]
        for rest in _find_splits(tokens[end:], parser):
            yield [first, *rest]


def _expand_scientific(cell: str) -> str | None:
    """Return the number behind `9.876543210E+09` if none of its digits is lost."""
    try:
        value = Decimal(cell.replace(",", "."))
    except InvalidOperation:
        return None
    _, digits, exponent = value.as_tuple()
    is_exact = exponent == 0 and len(digits) >= _MIN_EXACT_DIGITS
    return "".join(map(str, digits)) if is_exact else None
