"""Reads amounts as they are written in India (`₹1,20,000/-`, `Rs. 2.5L`, `2 Cr`), and latitudes and longitudes.

The library price-parser does not know lakh and crore, and guesses whether a mark is a comma or a decimal point.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from importer.issues import IssueCode
from importer.loader.cells.text import CellError, strip_cell, to_ascii_digits
from importer.loader.vocabulary import MAX_HEADER_CHARS, load_vocabulary, split_words
from importer.messages import format_count

_WORDS = load_vocabulary().money
_NAMED_UNITS = [
    word for word in {*_WORDS.units, *_WORDS.unit_words} if word.removesuffix("s") in _WORDS.units
]
_UNITS = "|".join(map(re.escape, sorted(_NAMED_UNITS, key=len, reverse=True)))  # the longest first
_UNIT_NAMES = {100_000: "lakh", 10_000_000: "crore", 1_000: "thousand"}

# `-₹1,20,000/-`, `Rs. 2.5L`, `(500)` for -500, `45 Lakhs only.`
_AMOUNT = re.compile(
    rf"""^\s*(?P<open>\()?\s*(?P<minus>[-\u2212])?\s*
    (?:₹\s*(?P<minus2>[-\u2212])?|₨|rs\.?|inr|rupees?|mrp)?\s*
    (?P<number>\d{{1,3}}(?:,\d{{2,3}})*,\d{{3}}|\d+)?(?P<point>\.\d+)?\s*
    (?P<unit>(?:{_UNITS})\.?)?\s*
    (?:₹|₨|rs\.?|inr|rupees)?\s*(?:/-|/=|/)?\s*(?:only)?\s*\.?\s*(?P<close>\))?\s*$""",
    re.VERBOSE | re.IGNORECASE,
)
_RANGE_WORDS = "|".join(map(re.escape, sorted(_WORDS.range_words)))
_BETWEEN_ENDS = re.compile(
    rf"\s*[-\u2013\u2014~]\s*|\s+(?:{_RANGE_WORDS})\s+", re.IGNORECASE
)  # 80-90L, 80 to 90
_UPPER_END_WORDS = "|".join(map(re.escape, sorted(_WORDS.at_most, key=len, reverse=True)))
_UPPER_END_MARK = re.compile(rf"\s+(?:{_UPPER_END_WORDS})\s*$", re.IGNORECASE)  # 35L se 40L tak
_END_WORDS = "|".join(map(re.escape, sorted(_WORDS.at_least | _WORDS.at_most, key=len, reverse=True)))
_ONE_END = re.compile(  # above 50L, 50L+, 60 lakh tak
    rf"(?P<before>{_END_WORDS})?\s*(?P<amount>.*?)\s*(?:(?P<plus>\+)|\b(?P<after>{_END_WORDS}))?",
    re.IGNORECASE,
)
_MAX_RANGE_CHARS = 60  # the patterns of ranges take quadratic time on a cell of 20,000 spaces
_IN_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]")  # Budget (in lakhs), Amount [Rs.]
_COMMA_OR_POINT = re.compile(r"[1-9]\d{0,2}\.\d{3}")  # 5.000: five, or five thousand?
_GROUPED_DIGITS = re.compile(
    r"\d{1,2}(?:,\d{2})*,\d{3}|\d{1,3}(?:,\d{3})+|\d+"
)  # 1,20,000 or 120,000 or 120000
_SCIENTIFIC = re.compile(r"[\d.]+[eE]\+?\d+")  # 1.2E+05
_MAX_RUPEES = 10**13  # with more, a JSON number can no longer hold the paise exactly
_MAX_RUPEES_BY_HEADER = 10**10  # a thousand crore: 5500000 under "in lakhs" was probably typed in rupees
_DEGREES = re.compile(r"([-+\u2212]?\d{1,3}(?:\.\d+)?)\s*°?")  # 12.9716, -77.5°


class AmountRange(NamedTuple):
    """An amount that the sheet gives as a range. None for an end that it leaves open (`50L+`)."""

    low: int | float | None
    high: int | float | None


class MoneyReader:
    """Reads the amounts of one column. A header such as `Budget (in lakhs)` gives the unit of cells without one."""

    def __init__(self, header: str) -> None:
        self._unit = find_header_unit(header)

    def read(self, text: str) -> int | float | AmountRange | CellError | None:
        """Return the amount in rupees, or its range."""
        return read_money(text, self._unit)


def find_header_unit(header: str) -> str:
    """Return the unit that a header names: `lakh`, `crore`, `thousand` or "". An example, `(e.g. 50 lakh)`, is ignored."""
    header = header[:MAX_HEADER_CHARS]
    bracketed = [text for text in _IN_BRACKETS.findall(header) if not re.search("[1-9]", text)]
    short = [
        _WORDS.short_units[word] for word in split_words(" ".join(bracketed)) if word in _WORDS.short_units
    ]
    words = split_words(" ".join([_IN_BRACKETS.sub(" ", header), *bracketed]))
    long = [_UNIT_NAMES[_get_factor(word)] for word in words if word in _WORDS.unit_words]
    return next(iter(long + short), "")


def read_money(text: str, unit: str = "") -> int | float | AmountRange | CellError | None:
    """Return the exact amount in rupees, whole amounts as int. `unit` applies to a cell that names none.

    `45-50 lakh`, `above 50L` and `50L+` are ranges. A comma in the wrong place is an error.
    """
    cell = strip_cell(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    typed = to_ascii_digits(cell)
    if match := _match_amount(typed):
        return _compute_amount(match, unit)
    if amounts := _read_range(typed, unit):
        return amounts
    return CellError(IssueCode.DIGITS_LOST if _SCIENTIFIC.fullmatch(cell) else IssueCode.NOT_A_NUMBER)


def _match_amount(text: str) -> re.Match[str] | None:
    match = _AMOUNT.match(text)
    is_amount = match is not None and (match["number"] or match["point"]) and _has_valid_signs(match)
    return match if is_amount else None


def _read_range(text: str, unit: str) -> AmountRange | None:
    """Return the range that a text means, or None. Its lower end is below its upper end, and neither is negative."""
    if len(text) > _MAX_RANGE_CHARS:
        return None
    text = text.replace("/-", "")  # ₹50,000/- to ₹80,000/-
    ends = _BETWEEN_ENDS.split(text)
    if len(ends) == 2:
        low, high = _compute_ends([ends[0], _UPPER_END_MARK.sub("", ends[1])], unit)
        return AmountRange(low, high) if low is not None and high is not None and low < high else None
    match = _ONE_END.fullmatch(text)
    marks = list(filter(None, (match["before"], match["plus"], match["after"]))) if match else []
    if match is None or len(marks) != 1:
        return None
    (end,) = _compute_ends([match["amount"]], unit)
    if end is None:
        return None
    is_upper_end = marks[0].lower() in _WORDS.at_most
    return AmountRange(None, end) if is_upper_end else AmountRange(end, None)


def _compute_ends(texts: Sequence[str], unit: str) -> list[int | float | None]:
    """Return the amount of each text, None for no amount. A unit that only one of them has is the unit of both."""
    matches = [_match_amount(text) for text in texts]
    units = [match["unit"] for match in matches if match and match["unit"]]
    shared_unit = units[0] if len(units) == 1 else unit
    amounts = [_compute_amount(match, shared_unit) if match else None for match in matches]
    return [None if isinstance(end, CellError) or (end or 0) < 0 else end for end in amounts]


def _compute_amount(match: re.Match[str], unit: str) -> int | float | CellError:
    digits = f"{match['number'] or ''}{match['point'] or ''}"
    is_unclear = not match["unit"] and _COMMA_OR_POINT.fullmatch(digits)
    if is_unclear or (match["number"] and not _GROUPED_DIGITS.fullmatch(match["number"])):
        return CellError(IssueCode.NOT_A_NUMBER)
    amount = Decimal(f"0{digits.replace(',', '')}") * _get_factor(match["unit"] or unit)
    if unit and not match["unit"] and amount > _MAX_RUPEES_BY_HEADER:
        return CellError(IssueCode.UNIT_UNCLEAR, unit)
    if amount > _MAX_RUPEES:
        return CellError(
            IssueCode.OUT_OF_RANGE, f"-{format_count(_MAX_RUPEES)} and {format_count(_MAX_RUPEES)}"
        )
    if match["minus"] or match["minus2"] or match["open"]:
        amount = -amount
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _has_valid_signs(match: re.Match[str]) -> bool:
    """Return whether brackets come in pairs and there is at most one sign: `(500)` or `-500`, not `(-500)`."""
    signs = [bool(match["open"]), bool(match["minus"]), bool(match["minus2"])]
    return bool(match["open"]) == bool(match["close"]) and sum(signs) <= 1


def _get_factor(unit: str | None) -> int:
    if not unit:
        return 1
    name = unit.lower().rstrip(".")
    return _WORDS.units.get(name) or _WORDS.units[name.removesuffix("s")]


_MAX_LATITUDE, _MAX_LONGITUDE = 90, 180


def read_latitude(text: str) -> float | CellError | None:
    """Return degrees from -90 to 90."""
    return _read_degrees(text, _MAX_LATITUDE)


def read_longitude(text: str) -> float | CellError | None:
    """Return degrees from -180 to 180."""
    return _read_degrees(text, _MAX_LONGITUDE)


def _read_degrees(text: str, limit: int) -> float | CellError | None:
    cell = strip_cell(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    match = _DEGREES.fullmatch(to_ascii_digits(cell))
    if not match:
        return CellError(IssueCode.NOT_DEGREES)
    value = float(match[1].replace("\u2212", "-"))
    return value if -limit <= value <= limit else CellError(IssueCode.OUT_OF_RANGE, f"-{limit} and {limit}")
