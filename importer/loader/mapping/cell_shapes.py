"""What a cell of a kind looks like: a phone, an owner, an amount, a place on the map."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from phonenumbers import SUPPORTED_REGIONS

from importer.fields import Kind
from importer.loader.cells.due_dates import looks_like_due_date, read_task_type
from importer.loader.cells.numeric_cells import read_money
from importer.loader.cells.person_names import is_date
from importer.loader.cells.phones import MIN_PHONE_DIGITS
from importer.loader.cells.text import CellError, to_ascii_digits
from importer.loader.vocabulary import load_vocabulary
from importer.messages import mapping_messages as texts

MAJORITY = 0.6
"""The share of a column's cells that speaks for the whole column."""
_MIN_SHARE = 0.4  # many cells may be empty words or wrong, and a sure header still means its field
_MAX_OWNER_WORDS = 5  # `Smt. Kavya Nair (Pune office)`
_SCIENTIFIC = re.compile(r"^\s*\d(?:\.\d+)?[eE]\+?\d+\s*$")  # `9.18E+09`, what Excel makes of a phone
_DEGREES = re.compile(r"^\s*[-+]?\d{1,3}(?:\.\d+)?°?\s*$")  # `12.97`, `-77.5°`
_DIAL_CODE = re.compile(r"^\W*\d{1,4}(?:\.0)?\W*$|^\D*\+\d{1,4}\D*$")  # `+91`, `91.0`, `India (+91)`
_CODE = re.compile(r"(?=\S*\d{4})(?=\S*[A-Za-z])[\w#:-]+|[0-9a-f-]{32,36}")  # zcrm_10023, M-10023, a GUID
_NUMBER_OF_PROGRAM = re.compile(r"#?\d{5,}(?<!00)(?:\.0)?")  # 10023, but not 85000


class Shape(NamedTuple):
    """What a cell of a kind looks like, the share of such cells that a column needs, and the reason if it has fewer."""

    test: Callable[[str], bool]
    min_share: float
    contradiction: str


def is_meant_as_phone(cell: str) -> bool:
    """Return whether a cell is meant as a phone, even if Excel has changed it."""
    digits = sum(map(str.isdigit, cell))
    return digits >= MIN_PHONE_DIGITS or bool(_SCIENTIFIC.match(cell))


def is_owner(cell: str) -> bool:
    """Return whether a cell is a phone, an e-mail address, or a few words as a name has them. A date is none."""
    is_name = len(cell.split()) <= _MAX_OWNER_WORDS and not cell[0].isdigit() and any(map(str.isalpha, cell))
    return is_name or (is_meant_as_phone(cell) and not is_date(cell))


def is_money(cell: str) -> bool:
    """Return whether a cell is an amount."""
    return not isinstance(read_money(cell), CellError)


def is_code(cell: str) -> bool:
    """Return whether a cell is a code of a program: letters and digits in one word."""
    return _CODE.fullmatch(cell) is not None


def is_number_of_program(cell: str) -> bool:
    """Return whether a cell is a number by which a program knows the lead, and no round amount."""
    return _NUMBER_OF_PROGRAM.fullmatch(cell) is not None


def _is_degrees(cell: str) -> bool:
    return bool(_DEGREES.match(to_ascii_digits(cell)))


def _is_task_type(cell: str) -> bool:
    return isinstance(read_task_type(cell), str)


def _is_dial_code(cell: str) -> bool:
    return bool(_DIAL_CODE.match(cell)) or cell.upper() in SUPPORTED_REGIONS  # AE: +971


@cache
def compile_firm_pattern() -> re.Pattern[str]:
    """Return the pattern of a word of firms: `Nova Tech LLP`, `M/s Sai Traders`."""
    words = "|".join(map(re.escape, sorted(load_vocabulary().cells.firms)))
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


SHAPES: dict[Kind, Shape] = {
    Kind.EMAILS: Shape(lambda cell: "@" in cell, _MIN_SHARE, texts.CELLS_NOT_EMAILS),
    Kind.MONEY: Shape(is_money, _MIN_SHARE, texts.CELLS_NOT_AMOUNTS),
    Kind.WEBSITE: Shape(lambda cell: "." in cell, MAJORITY, texts.CELLS_NOT_WEBSITES),
    Kind.COORDINATE: Shape(_is_degrees, MAJORITY, texts.CELLS_NOT_DEGREES),
    Kind.DUE_DATE: Shape(looks_like_due_date, _MIN_SHARE, texts.CELLS_NOT_DUE_DATES),
    Kind.TASK_TYPE: Shape(_is_task_type, MAJORITY, texts.CELLS_NOT_TASK_TYPES),
    Kind.DIAL_CODE: Shape(_is_dial_code, MAJORITY, texts.CELLS_NOT_DIAL_CODES),
}
