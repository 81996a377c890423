"""What calamine does not say about a row: whether it is hidden, its error cells, its number formats."""

from __future__ import annotations

import re

import msgspec

UNKNOWN_ERROR = "#VALUE!"
"""Shown for an error whose own name is not known."""

_ERROR_NAMES = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}  # fmt: skip
_FUNCTION_CALL = re.compile(r"[A-Z][A-Z0-9.]*\(")  # SUM(A1:A2), but not A1&"x"


class RowMetadata(msgspec.Struct):
    """What else is known about a row, by column (counted from 0).

    `texts` replace cells that have no value: an error or a formula. `number_formats` are format codes. `has_value`
    means that the row certainly has a value: a reader that did not see it has stopped too early.
    """

    is_hidden: bool = False
    has_value: bool = False
    texts: dict[int, str] = {}
    number_formats: dict[int, str] = {}

    @property
    def has_any(self) -> bool:
        """Whether the row differs at all from one without metadata."""
        return bool(self.is_hidden or self.texts or self.number_formats)


def get_error_name(code: int) -> str:
    """Return the name of an error by its number in binary workbooks (MS-XLS 2.5.10 BErr)."""
    return _ERROR_NAMES.get(code, UNKNOWN_ERROR)


def format_formula(formula: str) -> str:
    """Return a formula without a stored value in a form that no cell reader takes for text."""
    if not formula:
        return "=(shared formula)"
    return f"={formula}" if _FUNCTION_CALL.match(formula) else f"=({formula})"


def parse_column_letters(letters: str) -> int:
    """Return the index of a column: `A` is 0, `AA` is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
