"""What the quick reader does not tell of a row: whether it is hidden, its faulty cells, its number formats."""

from __future__ import annotations

import re

import msgspec

NO_VALUE = "#VALUE!"
"""Stands for an error whose own name is not known."""

_KNOWN_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}  # fmt: skip
_READS_AS_A_FORMULA = re.compile(r"[A-Z][A-Z0-9.]*\(")


class RowMarks(msgspec.Struct):
    """`texts` stand in for cells that hold no value: column (from 0) -> error or formula. `formats`: column -> code.

    `filled` says that the row surely holds a value: a reader that did not see it has stopped too early.
    """

    hidden: bool = False
    filled: bool = False
    texts: dict[int, str] = {}
    formats: dict[int, str] = {}

    @property
    def tells_any(self) -> bool:
        """Whether there is anything to tell of the row."""
        return bool(self.hidden or self.texts or self.formats)


def error_text(code: int) -> str:
    """The name of an error by its number in binary workbooks (MS-XLS 2.5.10 BErr)."""
    return _KNOWN_ERRORS.get(code, NO_VALUE)


def formula_text(formula: str) -> str:
    """A formula without a stored value, so written that no cell reader takes it for text."""
    if not formula:
        return "=(shared formula)"
    return f"={formula}" if _READS_AS_A_FORMULA.match(formula) else f"=({formula})"


def column_number(letters: str) -> int:
    """`A` is 0, `AA` is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
