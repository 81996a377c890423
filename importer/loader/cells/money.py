"""Amounts as India writes them: `₹1,20,000/-`, `Rs. 2.5L`, `1.5 Lakh`, `2 Cr`, `10k`.

price-parser was looked at: it knows no lakh and crore, and guesses where a mark could be a comma or a point.
"""

from __future__ import annotations

import re
from decimal import Decimal

from importer.loader.cells.fault import Fault
from importer.loader.cells.text import ascii_digits, bare

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
_COMMA_OR_POINT = re.compile(r"[1-9]\d{0,2}\.\d{3}")  # 5.000: five, or five thousand?
_LARGEST = 10**13  # rupees; beyond it JSON's numbers lose paise
_INDIAN_OR_WESTERN = re.compile(r"\d{1,2}(?:,\d{2})*,\d{3}|\d{1,3}(?:,\d{3})+|\d+")


def read_money(text: str) -> int | float | Fault | None:
    """Rupees, exactly; whole amounts as int. A range, or a comma where none belongs, is a fault."""
    cell = bare(text)
    if cell is None or isinstance(cell, Fault):
        return cell
    found = _AMOUNT.match(ascii_digits(cell))
    if not found or not (found["number"] or found["point"]) or not _signs_agree(found):
        return Fault("digits_lost" if re.fullmatch(r"[\d.]+[eE]\+?\d+", cell) else "not_a_number")
    written = f"{found['number'] or ''}{found['point'] or ''}"
    if found["number"] and not _INDIAN_OR_WESTERN.fullmatch(found["number"]):
        return Fault("not_a_number")
    if not found["unit"] and _COMMA_OR_POINT.fullmatch(written):
        return Fault("not_a_number")
    amount = Decimal(f"0{written.replace(',', '')}") * _factor(found["unit"])
    if amount > _LARGEST:
        return Fault("out_of_range", f"-{_LARGEST:,} and {_LARGEST:,}")
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
