"""Parses one number by phonenumbers, beside a dial code if the row has one. It never adds or guesses a digit."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from importer.issues import IssueCode
from importer.loader.cells.text import CellError, strip_cell, to_ascii_digits

_WHOLE_FLOAT = re.compile(r"(\+?\d+)\.0+")  # 9845012345.0
_ZERO_NINETY_ONE = re.compile(r"0[\s-]?91[\s-]?(?=(?:[\s-]?\d){10}$)")  # 091 98450 12345
_MIN_DIGITS = 4
_INDIA_CODE = 91
_INDIAN_DIGITS = 10  # mobiles, and landlines with their STD code; shorter service numbers are not leads


class NumberParser:
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
        if count_digits(text) < _MIN_DIGITS:
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


def count_digits(text: str) -> int:
    """Return the number of digits in the text."""
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
