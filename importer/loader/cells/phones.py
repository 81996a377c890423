"""Phones to E.164, however they were typed; never a digit that was not there, never one guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult
from phonenumbers.phonemetadata import PhoneMetadata

from importer.loader.cells.fault import Fault
from importer.loader.cells.text import ascii_digits, bare

_INDIA = PhoneMetadata.metadata_for_region("IN", None)
_MOBILE = _INDIA.mobile.national_number_pattern if _INDIA is not None and _INDIA.mobile is not None else None
assert _MOBILE is not None
_is_indian_mobile = re.compile(_MOBILE).fullmatch
"""The mobile pattern of phonenumbers itself, so that the fast path cannot drift from it."""

_MARKS = str.maketrans("", "", " -()\t")
_SCIENTIFIC = re.compile(r"^[+-]?\d(?:\.\d+)?[eE]\+?\d{1,2}$")
_POINT_ZERO = re.compile(r"(?<=\d)\.0+(?=$|[^\d])")
_LABEL = re.compile(
    r"(?i)(?<![a-z\d])(?:whats\s?app|mobile|mob|phone|ph|tel|cell|contact|call|no|number|wa|m|p|t|o|h|r)\s*[.:#-]*\s*(?=[+\d(])"
)
_WHATSAPP = re.compile(
    r"(?i)(?:https?://)?(?:wa\.me/|(?:api|web)\.whatsapp\.com/send/?\?(?:[^\s&]*&)*?phone=)\+?(\d{6,15})\S*"
)
_EXTENSION = re.compile(r"(?i)[\s,;]*(?:ext(?:ension|n)?|extn|x)[\s.:]*\d{1,6}\s*$|\s*#\s*\d{1,6}\s*$")
_PARTS = re.compile(r"\s*(?:[/,;&|\n]|:::|\bor\b|\band\b|\bया\b)\s*", re.IGNORECASE)
_REMARK = re.compile(r"\([^()\d]*\)|(?<![^\s(])[^\W\d_]{2,}[.:]?(?![^\s)])")
_LEAST_DIGITS = 4
_INDIAN = 91
_INDIAN_DIGITS = 10  # mobiles, and landlines with their STD code; the service numbers are no leads


class PhonesRead(NamedTuple):
    """The good numbers of a cell in order, and what was left out beside them: (code, the part)."""

    numbers: list[str]
    left_out: list[tuple[str, str]]


PhoneReader = Callable[[str, str], PhonesRead | Fault | None]


def compile_phone_reader(region: str) -> PhoneReader:
    """A reader of phone cells for a default region; called with the cell and its dial code, or ""."""
    in_india = region == "IN"

    def read(text: str, dial_code: str = "") -> PhonesRead | Fault | None:
        if in_india and not dial_code and (mobile := plain_indian_mobile(text)):
            return PhonesRead([mobile], [])
        return _read_any(text, region, dial_code)

    return read


def plain_indian_mobile(text: str) -> str:
    """E.164 of an Indian mobile in one of the plain spellings, "" for anything else.

    Takes 10 digits with 0, 91, +91 or 0091 in front, spaces, dashes and brackets anywhere, `.0` behind.
    """
    digits = text.removesuffix(".0").translate(_MARKS)
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
    return f"+91{national}" if national.isascii() and _is_indian_mobile(national) else ""


def _read_any(text: str, region: str, dial_code: str) -> PhonesRead | Fault | None:
    """Any other spelling: links, labels, several numbers, landlines, other countries."""
    cell = bare(text)
    if cell is None or isinstance(cell, Fault):
        return cell
    cell = ascii_digits(cell)
    if _SCIENTIFIC.match(cell):
        exact = _all_digits(cell)
        return Fault("digits_lost") if exact is None else _read_one_cell([exact], region, dial_code)
    cell = _WHATSAPP.sub(r" +\1 ", cell).strip()
    return _read_one_cell(_parts_of(cell), region, dial_code)


def _read_one_cell(parts: list[str], region: str, dial_code: str) -> PhonesRead | Fault:
    numbers: list[str] = []
    left_out: list[tuple[str, str]] = []
    first_fault: Fault | None = None
    for part in parts:
        found = _number(part, region, dial_code)
        if isinstance(found, Fault):
            first_fault = first_fault or found
            left_out.append(("part_left_out", part))
            continue
        if found not in numbers:
            numbers.append(found)
        if extension := _EXTENSION.search(part):
            left_out.append(("extension_left_out", extension[0].strip(" ,;")))
    if numbers:
        return PhonesRead(numbers, left_out)
    return first_fault or Fault("not_a_phone")


def _parts_of(cell: str) -> list[str]:
    parts = [part for part in _PARTS.split(cell) if part.strip(" .-()")]
    return [piece for part in parts for piece in _pieces(part)] or [cell]


def _pieces(part: str) -> list[str]:
    """Two whole numbers with nothing but space between them are two numbers."""
    words = part.split()
    whole = [word for word in words if 10 <= sum(char.isdigit() for char in word) <= 15]
    return words if len(words) > 1 and len(whole) == len(words) else [part]


def _number(part: str, region: str, dial_code: str) -> str | Fault:
    text = _POINT_ZERO.sub("", _LABEL.sub("", _REMARK.sub(" ", _EXTENSION.sub("", part)))).strip(" .:-")
    if any(char.isalpha() for char in text):
        return Fault("not_a_phone")
    digits = sum(char.isdigit() for char in text)
    if digits < _LEAST_DIGITS:
        return Fault("too_short" if digits else "not_a_phone")
    return _with_dial_code(text, region, dial_code) or _parsed(text, region)


def _with_dial_code(text: str, region: str, dial_code: str) -> str:
    """The number behind the dial code of its own column, "" where it has a country code already or is none."""
    code = "".join(char for char in ascii_digits(dial_code) if char.isdigit()).lstrip("0")
    if not code or text.startswith(("+", "00")):
        return ""
    joined = _parsed(f"+{code}{text.lstrip('0 ')}", region)
    if isinstance(joined, str):
        return joined
    alone = _parsed(f"+{text}", region)
    return alone if isinstance(alone, str) and alone.startswith(f"+{code}") else ""


def _parsed(text: str, region: str) -> str | Fault:
    """One number by phonenumbers, or why it is none."""
    if text.startswith("00"):
        text = f"+{text[2:].lstrip()}"
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        return Fault(_PARSE_FAULTS.get(error.error_type, "not_a_phone"))
    if phonenumbers.is_valid_number(number):
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if number.country_code == _INDIAN and len(digits := str(number.national_number)) != _INDIAN_DIGITS:
        return Fault("too_short" if len(digits) < _INDIAN_DIGITS else "too_many_digits")
    return Fault(_POSSIBLE_FAULTS.get(phonenumbers.is_possible_number_with_reason(number), "no_such_number"))


def _all_digits(cell: str) -> str | None:
    """The number behind `9.876543210E+09`, if every one of its digits is there."""
    try:
        value = Decimal(cell)
    except InvalidOperation:
        return None
    _, digits, exponent = value.as_tuple()
    return "".join(map(str, digits)) if exponent == 0 and len(digits) >= 10 else None


_PARSE_FAULTS = {
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_LONG: "too_many_digits",
    NumberParseException.INVALID_COUNTRY_CODE: "no_such_number",
}
_POSSIBLE_FAULTS = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    ValidationResult.TOO_LONG: "too_many_digits",
}
