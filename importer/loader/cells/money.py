"""Amounts as India writes them: `₹1,20,000/-`, `Rs. 2.5L`, `1.5 Lakh`, `2 Cr`, `10k`.

price-parser was looked at: it knows no lakh and crore, and guesses where a mark could be a comma or a point.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

from importer.issues import IssueCode
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.text import ascii_digits, bare
from importer.loader.vocabulary import split_words

_AMOUNT = re.compile(
    r"""^\s*(?P<open>\()?\s*(?P<minus>[-\u2212])?\s*
    (?:₹\s*(?P<minus2>[-\u2212])?|₨|rs\.?|inr|rupees?|mrp)?\s*
    (?P<number>\d{1,3}(?:,\d{2,3})*,\d{3}|\d+)?(?P<point>\.\d+)?\s*
    (?P<unit>lakhs?|lacs?|l|crores?|cr\.?|thousand|k|million|mn|हज़ार|हजार|लाख|करोड़|करोड)?\s*
    (?:₹|₨|rs\.?|inr|rupees)?\s*(?:/-|/=|/)?\s*(?:only)?\s*\.?\s*(?P<close>\))?\s*$""",
    re.VERBOSE | re.IGNORECASE,
)
_UNITS = {
    "l": 100_000, "lakh": 100_000, "lac": 100_000, "लाख": 100_000,
    "cr": 10_000_000, "crore": 10_000_000, "करोड़": 10_000_000, "करोड": 10_000_000,
    "k": 1_000, "thousand": 1_000, "हज़ार": 1_000, "हजार": 1_000, "million": 1_000_000, "mn": 1_000_000,
}  # fmt: skip
UNIT_WORDS = frozenset(
    {"lakh", "lakhs", "lac", "lacs", "crore", "crores", "thousand", "thousands", "लाख", "करोड़", "करोड"}
)
"""Units that say what they are wherever they stand in a header; the short ones only in brackets of their own."""

_SHORT_UNITS = {
    "l": "lakh",
    "cr": "crore",
    "crs": "crore",
    "k": "thousand",
    "000": "thousand",
    "000s": "thousand",
}
_FULL_UNITS = {100_000: "lakh", 10_000_000: "crore", 1_000: "thousand"}
_IN_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]")
_COMMA_OR_POINT = re.compile(r"[1-9]\d{0,2}\.\d{3}")  # 5.000: five, or five thousand?
_LARGEST = 10**13  # rupees; beyond it JSON's numbers lose paise
_LARGEST_BY_HEADER = 10**10  # a thousand crore: 5500000 under "in lakhs" was typed in rupees all the same
_INDIAN_OR_WESTERN = re.compile(r"\d{1,2}(?:,\d{2})*,\d{3}|\d{1,3}(?:,\d{3})+|\d+")

MoneyReader = Callable[[str], int | float | CellError | None]


def compile_money_reader(header: str) -> MoneyReader:
    """The reader of a column: a header such as `Budget (in lakhs)` gives its unit to cells that name none."""
    unit = unit_of(header)
    return (lambda text: _read(text, unit)) if unit else read_money


def unit_of(header: str) -> str:
    """The unit that a header names, `lakh`, `crore` or `thousand`, or "". An example, `(e.g. 50 lakh)`, is none."""
    bracketed = [said for said in _IN_BRACKETS.findall(header) if not re.search("[1-9]", said)]
    short = [_SHORT_UNITS[word] for word in split_words(" ".join(bracketed)) if word in _SHORT_UNITS]
    said = split_words(" ".join([_IN_BRACKETS.sub(" ", header), *bracketed]))
    long = [_FULL_UNITS[_factor(word)] for word in said if word in UNIT_WORDS]
    return next(iter(long + short), "")


def read_money(text: str) -> int | float | CellError | None:
    """Rupees, exactly; whole amounts as int. A range, or a comma where none belongs, is a fault."""
    return _read(text, "")


def _read(text: str, unit: str) -> int | float | CellError | None:
    """The amount, in `unit` where the cell names none."""
    cell = bare(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    found = _AMOUNT.match(ascii_digits(cell))
    if not found or not (found["number"] or found["point"]) or not _signs_agree(found):
        return CellError(
            IssueCode.DIGITS_LOST if re.fullmatch(r"[\d.]+[eE]\+?\d+", cell) else IssueCode.NOT_A_NUMBER
        )
    return _amount(found, unit)


def _amount(found: re.Match[str], unit: str) -> int | float | CellError:
    written = f"{found['number'] or ''}{found['point'] or ''}"
    unclear = not found["unit"] and _COMMA_OR_POINT.fullmatch(written)
    if unclear or (found["number"] and not _INDIAN_OR_WESTERN.fullmatch(found["number"])):
        return CellError(IssueCode.NOT_A_NUMBER)
    amount = Decimal(f"0{written.replace(',', '')}") * _factor(found["unit"] or unit)
    if unit and not found["unit"] and amount > _LARGEST_BY_HEADER:
        return CellError(IssueCode.UNIT_UNCLEAR, unit)
    if amount > _LARGEST:
        return CellError(IssueCode.OUT_OF_RANGE, f"-{_LARGEST:,} and {_LARGEST:,}")
    if found["minus"] or found["minus2"] or found["open"]:
        amount = -amount
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _signs_agree(found: re.Match[str]) -> bool:
    """Brackets in pairs, and one minus at most."""
    signs = [bool(found["open"]), bool(found["minus"]), bool(found["minus2"])]
    return bool(found["open"]) == bool(found["close"]) and sum(signs) <= 1


def _factor(unit: str | None) -> int:
    if not unit:
        return 1
    name = unit.lower().rstrip(".")
    return _UNITS.get(name) or _UNITS[name.removesuffix("s")]
