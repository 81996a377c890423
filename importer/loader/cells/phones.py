"""Phones to E.164, however they were typed; never a digit that was not there, never one guessed."""

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
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.phone_parts import Stretch, stretches_of
from importer.loader.cells.text import ascii_digits, bare, has_digit

_INDIA = PhoneMetadata.metadata_for_region("IN", None)
_MOBILE = _INDIA.mobile.national_number_pattern if _INDIA is not None and _INDIA.mobile is not None else None
assert _MOBILE is not None
_is_indian_mobile = re.compile(_MOBILE).fullmatch
"""The mobile pattern of phonenumbers itself, so that the fast path cannot drift from it."""


@cache
def _is_mobile_series(first_five: str) -> bool:
    """Whether Indian mobiles begin with these digits: numbers are given out by the hundred thousand."""
    return _is_indian_mobile(f"{first_five}00000") is not None


_SCIENTIFIC = re.compile(r"^[+-]?\d(?:[.,]\d+)?[eE]\+?\d{1,2}$")  # a comma in some locales
_WHOLE_FLOAT = re.compile(r"(\+?\d+)\.0+")
_NUMBER_LIKE = re.compile(r"[+\d\s().\-\u2010-\u2015\u2212]+")
_TOKENS = re.compile(r"[\s\-\u2010-\u2015]+|(?<=\d)(?=\+)")
_ZERO_NINETY_ONE = re.compile(r"0[\s-]?91[\s-]?(?=(?:[\s-]?\d){10}$)")
_LEAST_DIGITS = 4
_WHOLE = range(10, 16)  # digits of a number that may stand beside another with only a space between
_MOST_TOKENS = 12
_INDIAN = 91
_INDIAN_DIGITS = 10  # mobiles, and landlines with their STD code; the service numbers are no leads
_EXCEL_ZEROS = "0000"  # what `9.84501E+09` leaves of a number that is written out again


class PhonesRead(NamedTuple):
    """The good numbers of a cell in order, and what should be known beside them: (code, the part).

    One number at least where one is needed.
    """

    numbers: list[str]
    left_out: list[tuple[IssueCode, str]]


PhoneReader = Callable[[str, str], PhonesRead | CellError | None]
_Number = Callable[[str], str | CellError]


def compile_phone_reader(region: str, *, is_needed: bool = True) -> PhoneReader:
    """A reader of phone cells for a default region; called with the cell and its dial code, or "".

    Where no number is needed, nothing is lost by a cell without a digit, such as `same`: it is left out, not a fault.
    """
    in_india = region == "IN"

    def read(text: str, dial_code: str = "") -> PhonesRead | CellError | None:
        if in_india and not dial_code and (mobile := plain_indian_mobile(text)):
            return PhonesRead([mobile], [])
        found = _read_any(text, region, dial_code)
        if not is_needed and found == CellError(IssueCode.NOT_A_PHONE) and not has_digit(text):
            return PhonesRead([], [(IssueCode.PART_LEFT_OUT, text)])
        return found

    return read


def compile_plain_reader(region: str) -> Callable[[str], str]:
    """The short way for a cell without a dial code that is one plain number; "" where it has to be read in full."""
    return plain_indian_mobile if region == "IN" else lambda _: ""


def plain_indian_mobile(text: str) -> str:
    """E.164 of an Indian mobile in one of the plain spellings, "" for anything else.

    Takes 10 digits with 0, 91, +91 or 0091 in front, spaces, dashes and brackets anywhere, `.0` behind; but none
    that ends as Excel writes out a number that it had shortened.
    """
    digits = text if text.isdigit() else _without_marks(text.removesuffix(".0"))
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


def _without_marks(text: str) -> str:
    # Five times as quick as str.translate, which looks every character up.
    return text.replace(" ", "").replace("-", "").replace("(", "").replace(")", "").replace("\t", "")


def _read_any(text: str, region: str, dial_code: str) -> PhonesRead | CellError | None:
    """Any other spelling: links, labels, several numbers, landlines, other countries."""
    cell = bare(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    cell = ascii_digits(cell)
    if _SCIENTIFIC.match(cell):
        exact = _all_digits(cell)
        if exact is None:
            return CellError(IssueCode.DIGITS_LOST)
        cell = exact
    number, beside = _numbering(region, dial_code)
    numbers: list[str] = []
    first_fault: CellError | None = None
    for stretch in stretches_of(cell):
        found, fault, left_out = _read_stretch(stretch, number)
        numbers += found
        beside += left_out
        first_fault = first_fault or fault
    return PhonesRead(list(dict.fromkeys(numbers)), beside) if numbers else first_fault


def _read_stretch(
    stretch: Stretch, number: _Number
) -> tuple[list[str], CellError | None, list[tuple[IssueCode, str]]]:
    """The numbers of one stretch, its first fault, and what is left out of it."""
    numbers: list[str] = []
    bad: list[str] = []
    first_fault: CellError | None = None
    for piece in stretch.pieces:
        found = _numbers_in(piece, number)
        if isinstance(found, CellError):
            first_fault = first_fault or found
            bad.append(piece)
        else:
            numbers += found
    if not numbers:
        fault = CellError(IssueCode.NOT_A_PHONE) if stretch.remarks or first_fault is None else first_fault
        return [], fault, [(IssueCode.PART_LEFT_OUT, stretch.text)]
    left_out = [(IssueCode.PART_LEFT_OUT, piece) for piece in bad]
    left_out += [(IssueCode.WORDS_LEFT_OUT, stretch.text)] if stretch.remarks else []
    left_out += [(IssueCode.EXTENSION_LEFT_OUT, stretch.extension)] if stretch.extension else []
    left_out += [zeros for _ in numbers for zeros in _zeros(stretch.text)]
    return numbers, None, left_out


def _numbers_in(piece: str, number: _Number) -> list[str] | CellError:
    """The number that a piece is, or the whole numbers that follow one another in it."""
    if not _NUMBER_LIKE.fullmatch(piece):
        return CellError(IssueCode.NOT_A_PHONE)
    found = number(piece)
    if isinstance(found, str):
        return [found]
    several = list(_ways([token for token in _TOKENS.split(piece) if token], number))
    return several[0] if len(several) == 1 else found


def _ways(tokens: list[str], number: _Number) -> Iterator[list[str]]:
    """Every way to cut the tokens into whole numbers. Where there are two ways, neither is taken."""
    if len(tokens) > _MOST_TOKENS:
        return
    for end in range(1, len(tokens) + 1):
        head = " ".join(tokens[:end])
        if sum(char.isdigit() for char in head) not in _WHOLE or isinstance(first := number(head), CellError):
            continue
        if end == len(tokens):
            yield [first]
        for rest in _ways(tokens[end:], number):
            yield [first, *rest]


def _numbering(region: str, dial_code: str) -> tuple[_Number, list[tuple[IssueCode, str]]]:
    """How a number is read beside this dial code: `+971`, `971.0`, `UAE (+971)` or `AE`."""
    code = dial_code.strip()
    if code.upper() in phonenumbers.SUPPORTED_REGIONS:
        region, code = code.upper(), ""
    digits = "".join(c for c in _WHOLE_FLOAT.sub(r"\1", ascii_digits(code)) if c.isdigit()).lstrip("0")
    not_understood = bool(code) and not digits and bare(code) is not None

    def number(text: str) -> str | CellError:
        if whole := _WHOLE_FLOAT.fullmatch(text):
            text = whole[1]
        size = sum(char.isdigit() for char in text)
        if size < _LEAST_DIGITS:
            return CellError(IssueCode.TOO_SHORT)
        if digits and not text.startswith(("+", "00", "(+")):
            found = _behind(digits, text)
            return found if isinstance(found, str) else found._replace(value=f"+{digits} {text}")
        return _parsed(text, region)

    return number, [(IssueCode.DIAL_CODE_LEFT_OUT, code)] if not_understood else []


def _behind(code: str, text: str) -> str | CellError:
    """The number behind its dial code, which it may also begin with; no other country is tried."""
    joined = _parsed(f"+{code} {text}", "")
    if isinstance(joined, CellError) and text.lstrip("( ").startswith(code):
        alone = _parsed(f"+{text}", "")
        return alone if isinstance(alone, str) else joined
    return joined


def _parsed(text: str, region: str) -> str | CellError:
    """One number by phonenumbers, or why it is none."""
    text = " ".join(text.split())
    if text.startswith("00"):
        text = f"+{text[2:].lstrip()}"
    elif region == "IN":
        text = _ZERO_NINETY_ONE.sub("+91 ", text, count=1) if text.startswith("0") else text
    try:
        number = phonenumbers.parse(text, region or None)
    except NumberParseException as error:
        return CellError(_PARSE_FAULTS.get(error.error_type, IssueCode.NOT_A_PHONE))
    if phonenumbers.is_valid_number(number):
        return _as_typed(number, text)
    if number.country_code == _INDIAN and len(digits := str(number.national_number)) != _INDIAN_DIGITS:
        return CellError(IssueCode.TOO_SHORT if len(digits) < _INDIAN_DIGITS else IssueCode.TOO_MANY_DIGITS)
    return CellError(
        _POSSIBLE_FAULTS.get(phonenumbers.is_possible_number_with_reason(number), IssueCode.NO_SUCH_NUMBER)
    )


def _as_typed(number: phonenumbers.PhoneNumber, text: str) -> str | CellError:
    """E.164, unless the library put a digit in that was not typed (it does so for Argentine mobiles)."""
    found: str = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    national = found.removeprefix(f"+{number.country_code}")
    typed = "".join(char for char in text if char.isdigit())
    return found if national in typed else CellError(IssueCode.NOT_A_PHONE)


def ends_as_shortened(text: str) -> bool:
    """Whether these are bare digits that end in zeros, as Excel writes out a number that it had shortened."""
    digits = text.removesuffix(".0").lstrip("+")
    return digits.isdigit() and digits.endswith(_EXCEL_ZEROS)


def _zeros(text: str) -> list[tuple[IssueCode, str]]:
    return [(IssueCode.MAYBE_SHORTENED, text)] if ends_as_shortened(text) else []


def _all_digits(cell: str) -> str | None:
    """The number behind `9.876543210E+09`, if every one of its digits is there."""
    try:
        value = Decimal(cell.replace(",", "."))
    except InvalidOperation:
        return None
    _, digits, exponent = value.as_tuple()
    return "".join(map(str, digits)) if exponent == 0 and len(digits) >= 10 else None


_PARSE_FAULTS = {
    NumberParseException.TOO_SHORT_NSN: IssueCode.TOO_SHORT,
    NumberParseException.TOO_SHORT_AFTER_IDD: IssueCode.TOO_SHORT,
    NumberParseException.TOO_LONG: IssueCode.TOO_MANY_DIGITS,
    NumberParseException.INVALID_COUNTRY_CODE: IssueCode.NO_SUCH_NUMBER,
}
_POSSIBLE_FAULTS = {
    ValidationResult.TOO_SHORT: IssueCode.TOO_SHORT,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: IssueCode.TOO_SHORT,
    ValidationResult.TOO_LONG: IssueCode.TOO_MANY_DIGITS,
}
