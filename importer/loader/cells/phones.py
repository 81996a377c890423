"""Reads phone cells, however they were typed, as E.164 numbers. It never adds or guesses a digit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult
from phonenumbers.phonemetadata import PhoneMetadata

from importer.issues import IssueCode
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
_WHOLE_FLOAT = re.compile(r"(\+?\d+)\.0+")  # 9845012345.0
_NUMBER_LIKE = re.compile(r"[+\d\s().\-\u2010-\u2015\u2212]+")  # +91 (0) 98450-12345
_TOKEN_BREAK = re.compile(r"[\s\-\u2010-\u2015]+|(?<=\d)(?=\+)")  # a space, a dash, or a + behind a digit
_ZERO_NINETY_ONE = re.compile(r"0[\s-]?91[\s-]?(?=(?:[\s-]?\d){10}$)")  # 091 98450 12345
MIN_PHONE_DIGITS = 7
"""Text with fewer digits is not meant as a phone."""
_MIN_DIGITS = 4
_DIGITS_OF_ONE_NUMBER = range(
    10, 16
)  # of a number that may have another one beside it with only a space between
_MAX_TOKENS = 12  # the search below tries every way to cut them
_INDIA_CODE = 91
_INDIAN_DIGITS = 10  # mobiles, and landlines with their STD code; shorter service numbers are not leads
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
        parsed = _parse_cell(text, _NumberParser(self._region, dial_code))
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
    return is_no_phone and _count_digits(text) < MIN_PHONE_DIGITS and any(map(str.isalpha, text))


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


class _NumberParser:
    """Parses single numbers beside one dial code, such as `+971`, `971.0`, `UAE (+971)` or `AE`."""

    def __init__(self, region: str, dial_code: str) -> None:
        code = dial_code.strip()
        if code.upper() in phonenumbers.SUPPORTED_REGIONS:
            region, code = code.upper(), ""
        digits = [char for char in _WHOLE_FLOAT.sub(r"\1", to_ascii_digits(code)) if char.isdigit()]
        self._region = region
        self._dial_digits = "".join(digits).lstrip("0")
        is_unclear = bool(code) and not self._dial_digits and strip_cell(code) is not None
        self.unclear_dial_code = code if is_unclear else ""

    def parse(self, text: str) -> str | CellError:
        """Return one number as E.164, or why it is not valid."""
        if whole := _WHOLE_FLOAT.fullmatch(text):
            text = whole[1]
        if _count_digits(text) < _MIN_DIGITS:
            return CellError(IssueCode.TOO_SHORT)
        if self._dial_digits and not text.startswith(("+", "00", "(+")):
            return self._parse_after_dial_code(text)
        return _parse_number(text, self._region)

    def _parse_after_dial_code(self, text: str) -> str | CellError:
        """Parse the number after its dial code, which it may also begin with. No other country is tried."""
        parsed = _parse_number(f"+{self._dial_digits} {text}", "")
        if isinstance(parsed, str):
            return parsed
        if text.lstrip("( ").startswith(self._dial_digits):
            with_own_code = _parse_number(f"+{text}", "")
            if isinstance(with_own_code, str):
                return with_own_code
        return parsed._replace(value=f"+{self._dial_digits} {text}")


def _parse_cell(text: str, parser: _NumberParser) -> ParsedPhones | CellError | None:
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
    segment: PhoneSegment, parser: _NumberParser
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


def _parse_candidate(candidate: str, parser: _NumberParser) -> list[str] | CellError:
    """Return the number that a candidate is, or the complete numbers that follow each other in it."""
    if not _NUMBER_LIKE.fullmatch(candidate):
        return CellError(IssueCode.NOT_A_PHONE)
    parsed = parser.parse(candidate)
    if isinstance(parsed, str):
        return [parsed]
    splits = list(_find_splits([token for token in _TOKEN_BREAK.split(candidate) if token], parser))
    return splits[0] if len(splits) == 1 else parsed


def _find_splits(tokens: list[str], parser: _NumberParser) -> Iterator[list[str]]:
    """Yield every way to split the tokens into complete numbers. If there are two ways, the caller uses neither."""
    if len(tokens) > _MAX_TOKENS:
        return
    for end in range(1, len(tokens) + 1):
        head = " ".join(tokens[:end])
        if _count_digits(head) not in _DIGITS_OF_ONE_NUMBER:
            continue
        if isinstance(first := parser.parse(head), CellError):
            continue
        if end == len(tokens):
            yield [first]
        for rest in _find_splits(tokens[end:], parser):
            yield [first, *rest]


def _parse_number(text: str, region: str) -> str | CellError:
    """Return one number as E.164 by phonenumbers, or why it is not valid."""
    text = " ".join(text.split())
    if text.startswith("00"):
        text = f"+{text[2:].lstrip()}"
    elif region == "IN":
        text = _ZERO_NINETY_ONE.sub("+91 ", text, count=1) if text.startswith("0") else text
    try:
        number = phonenumbers.parse(text, region or None)
    except NumberParseException as error:
        return CellError(_CODE_OF_PARSE_ERROR.get(error.error_type, IssueCode.NOT_A_PHONE))
    if phonenumbers.is_valid_number(number):
        return _format_e164(number, text)
    digits = str(number.national_number)
    if number.country_code == _INDIA_CODE and len(digits) != _INDIAN_DIGITS:
        return CellError(IssueCode.TOO_SHORT if len(digits) < _INDIAN_DIGITS else IssueCode.TOO_MANY_DIGITS)
    reason = phonenumbers.is_possible_number_with_reason(number)
    return CellError(_CODE_OF_VALIDATION.get(reason, IssueCode.NO_SUCH_NUMBER))


def _format_e164(number: phonenumbers.PhoneNumber, text: str) -> str | CellError:
    """Return E.164, unless the library added a digit that was not typed, as it does for Argentine mobiles."""
    e164: str = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    national = e164.removeprefix(f"+{number.country_code}")
    typed = "".join(char for char in text if char.isdigit())
    return e164 if national in typed else CellError(IssueCode.NOT_A_PHONE)


def _expand_scientific(cell: str) -> str | None:
    """Return the number behind `9.876543210E+09` if none of its digits is lost."""
    try:
        value = Decimal(cell.replace(",", "."))
    except InvalidOperation:
        return None
    _, digits, exponent = value.as_tuple()
    is_exact = exponent == 0 and len(digits) >= _MIN_EXACT_DIGITS
    return "".join(map(str, digits)) if is_exact else None


def _count_digits(text: str) -> int:
    return sum(char.isdigit() for char in text)


_CODE_OF_PARSE_ERROR = {
    NumberParseException.TOO_SHORT_NSN: IssueCode.TOO_SHORT,
    NumberParseException.TOO_SHORT_AFTER_IDD: IssueCode.TOO_SHORT,
    NumberParseException.TOO_LONG: IssueCode.TOO_MANY_DIGITS,
    NumberParseException.INVALID_COUNTRY_CODE: IssueCode.NO_SUCH_NUMBER,
}
_CODE_OF_VALIDATION = {
    ValidationResult.TOO_SHORT: IssueCode.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: IssueCode.TOO_SHORT,
    ValidationResult.TOO_LONG: IssueCode.TOO_MANY_DIGITS,
}
