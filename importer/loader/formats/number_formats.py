"""Format numbers and dates as a spreadsheet shows them (number format codes, ECMA-376 part 1, 18.8.31).

Only what matters for leads: dates, and digits that a format adds in front. Never a digit more or fewer than that.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

_BUILT_IN_CODES = {
    14: "dd-mm-yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
    20: "h:mm", 21: "h:mm:ss", 22: "dd-mm-yyyy h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0",
}  # fmt: skip
"""Formats that a workbook names by number only; 14 and 22 depend on the locale: India's here."""

_EXACT_DIGITS = 15  # Excel stores no more; digits beyond them are made up
# One token of a code: "text", \x, _x (a space), *x (a fill), [h] or [Red], AM/PM, yyyy, or any other character.
_TOKEN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|AM/PM|A/P|y+|m+|d+|h+|s+|.', re.IGNORECASE)
_DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)
# Tokens whose letters are not those of a date: "days", \d, _d, *d, [Red]; but not [h], [mm], [ss].
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]', re.IGNORECASE)
_DIGIT_PLACES = re.compile(r"[0-9#\s()+\-]+")  # 00000 00000, (000) 0000000, +91-0000000000
_SECONDS = {"h": 3600, "m": 60, "s": 1}


@lru_cache(maxsize=512)
def is_date_format(code: str) -> bool:
    """Return whether a format code shows a date or a time."""
    bare_code = _LITERALS.sub("", _get_first_section(code))
    return bare_code.lower() not in ("general", "standard") and bool(_DATE_LETTERS.search(bare_code))


@lru_cache(maxsize=512)
def parse_digit_places(code: str) -> tuple[str, ...]:
    """Return the tokens of a code such as `0000000000` or `"+91" 00000 00000`, which puts digits into places.

    Return () for other codes: those with a decimal point, grouping, percent or conditions show amounts, which are
    read by their value.
    """
    code = _get_first_section(code)
    if not _DIGIT_PLACES.fullmatch(_LITERALS.sub("", code)) or "[" in code:
        return ()
    tokens = tuple(token for token in _TOKEN.findall(code) if token[0] not in "_*")
    places = sum(token in ("0", "#") for token in tokens)
    return tokens if tokens.count("0") >= 2 and places in (len(tokens), *range(5, 16)) else ()


def find_display_formats(format_numbers: Sequence[int], custom_codes: dict[int, str]) -> dict[int, str]:
    """Return the cell styles that show more than the bare value, as far as leads are concerned: style -> format code.

    `format_numbers` are those of the styles, in order; `custom_codes` are the workbook's own codes by number.
    """
    known = {**_BUILT_IN_CODES, **custom_codes}
    codes = {style: known.get(number, "") for style, number in enumerate(format_numbers)}
    return {style: code for style, code in codes.items() if is_date_format(code) or parse_digit_places(code)}


def format_value(value: Any, code: str | None) -> str:
    """Return a cell's value as the spreadsheet shows it with the number format `code`."""
    match value:
        case float() if code is None and value.is_integer() and -1e15 < value < 1e15:
            return str(int(value))
        case dt.date() | dt.time() | dt.timedelta():  # a datetime is a date
            return format_date(value, code)
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return format_number(float(value), code)
        case _:
            return "" if value is None else str(value)


def format_number(value: float, code: str | None) -> str:
    """Return a number as the sheet shows it: `9876543210`, not `9876543210.0` as Excel stores it.

    Numbers of more than 15 digits become `1.23457E+17`, as Excel shows them: their last digits are lost.
    """
    if abs(value) >= 10**_EXACT_DIGITS:
        return f"{value:.5E}"
    if not value.is_integer():
        return repr(round(value, 10))
    places = parse_digit_places(code) if code else ()
    return _fill_digit_places(int(value), places) if places and value >= 0 else str(int(value))


@lru_cache(maxsize=8192)  # a column of dates has few different ones
def format_date(value: dt.datetime | dt.date | dt.time | dt.timedelta, code: str | None) -> str:
    """Return a date or time in the format of its cell, else as it is written in India."""
    if not code or not is_date_format(code):
        code = _choose_default_code(value)
    if isinstance(value, dt.timedelta):
        return _format_duration(value, _TOKEN.findall(_get_first_section(code)))
    moment = _to_datetime(value)
    return "".join(
        [part if isinstance(part, str) else part(moment) for part in _parse_date_code(code)]
    ).strip()


def _get_first_section(code: str) -> str:
    """Return the section of a code for positive values."""
    return code.split(";", maxsplit=1)[0]


def _strip_quoting(token: str) -> str:
    r"""Return the text of a token: `+91` of `"+91"`, `-` of `\-`."""
    return token[1:-1] if token[0] == '"' else token[1:] if token[0] == "\\" else token


def _fill_digit_places(value: int, tokens: tuple[str, ...]) -> str:
    """Put the digits into their places from the right; digits without a place go to the first one."""
    digits = list(str(value))
    places_left = sum(token in ("0", "#") for token in tokens)
    parts: list[str] = []
    for symbol in reversed(tokens):
        if symbol not in ("0", "#"):
            parts.append(_strip_quoting(symbol))
            continue
        places_left -= 1
        if digits:
            parts.append("".join(digits) if not places_left else digits.pop())
        elif symbol == "0":
            parts.append("0")
    return "".join(reversed(parts)).strip()


def _choose_default_code(value: dt.datetime | dt.date | dt.time | dt.timedelta) -> str:
    if isinstance(value, dt.timedelta):
        return "[h]:mm:ss"
    if isinstance(value, dt.time):
        return "hh:mm:ss"
    if isinstance(value, dt.datetime) and value.time() != dt.time():
        return "dd-mm-yyyy hh:mm:ss"
    return "dd-mm-yyyy"


def _format_duration(value: dt.timedelta, tokens: list[str]) -> str:
    """Return a duration in the unit in brackets: `[h]` of a day and a half is 36."""
    seconds = round(value.total_seconds())
    unit = next(
        (token[1].lower() for token in tokens if token[0] == "[" and token[1:2].lower() in _SECONDS), "h"
    )
    whole, rest = divmod(abs(seconds), _SECONDS[unit])
    by_unit = {"h": f"{whole}:{rest // 60:02}:{rest % 60:02}", "m": f"{whole}:{rest:02}", "s": str(whole)}
    return f"-{by_unit[unit]}" if seconds < 0 else by_unit[unit]


def _to_datetime(value: dt.datetime | dt.date | dt.time) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.time):
        return dt.datetime.combine(dt.date(1900, 1, 1), value)
    return dt.datetime.combine(value, dt.time())


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE_PARTS: dict[str, Callable[[dt.datetime], str]] = {
    "y": lambda at: f"{at.year % 100:02}", "yy": lambda at: f"{at.year % 100:02}",
    "yyy": lambda at: f"{at.year:04}", "yyyy": lambda at: f"{at.year:04}",
    "m": lambda at: str(at.month), "mm": lambda at: f"{at.month:02}", "mmm": lambda at: _MONTHS[at.month - 1][:3],
    "mmmm": lambda at: _MONTHS[at.month - 1], "mmmmm": lambda at: _MONTHS[at.month - 1][0],
    "d": lambda at: str(at.day), "dd": lambda at: f"{at.day:02}", "ddd": lambda at: _DAYS[at.weekday()][:3],
    "dddd": lambda at: _DAYS[at.weekday()], "h": lambda at: str(at.hour), "hh": lambda at: f"{at.hour:02}",
    "s": lambda at: str(at.second), "ss": lambda at: f"{at.second:02}",
    "am/pm": lambda at: "PM" if at.hour >= 12 else "AM", "a/p": lambda at: "P" if at.hour >= 12 else "A",
    "12 h": lambda at: str(at.hour % 12 or 12), "12 hh": lambda at: f"{at.hour % 12 or 12:02}",
    "minutes m": lambda at: str(at.minute), "minutes mm": lambda at: f"{at.minute:02}",
}  # fmt: skip


@lru_cache(maxsize=512)
def _parse_date_code(code: str) -> tuple[str | Callable[[dt.datetime], str], ...]:
    """Return the parts of a code: literal texts, and functions that format a part of a date."""
    tokens = [token for token in _TOKEN.findall(_get_first_section(code)) if not token.startswith("[$")]
    has_twelve_hours = any(token.upper() in ("AM/PM", "A/P") for token in tokens)
    parts: list[str | Callable[[dt.datetime], str]] = []
    for at, token in enumerate(tokens):
        name = token.lower()
        if name in ("h", "hh") and has_twelve_hours:
            name = f"12 {name}"
        elif name in ("m", "mm") and _is_minutes(tokens, at):
            name = f"minutes {name}"
        literal = {"_": " ", "*": "", "[": ""}.get(token[0], _strip_quoting(token))
        parts.append(_DATE_PARTS.get(name, literal))
    return tuple(parts)


def _is_minutes(tokens: list[str], at: int) -> bool:
    """Return whether `m` means minutes: right after hours or right before seconds. Else it means months."""
    letters = [(i, token.lower()[0]) for i, token in enumerate(tokens) if token[0].lower() in "ymdhs"]
    place = [i for i, _ in letters].index(at)
    before = letters[place - 1][1] if place else ""
    after = letters[place + 1][1] if place + 1 < len(letters) else ""
    return before == "h" or after == "s"
