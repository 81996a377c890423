"""Numbers and dates as a spreadsheet shows them (ECMA-376 part 1, 18.8.31: number format codes).

Only what matters for leads: dates, digits that a format adds in front, and never a digit more or fewer than that.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import lru_cache

BUILT_IN = {14: "dd-mm-yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
            20: "h:mm", 21: "h:mm:ss", 22: "dd-mm-yyyy h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0"}  # fmt: skip
"""Formats that a workbook names by number only; 14 and 22 follow the locale: India's here."""

_EXACT_DIGITS = 15  # Excel keeps no more; what it shows beyond them is made up
_PIECE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|AM/PM|A/P|y+|m+|d+|h+|s+|.', re.IGNORECASE)
_DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)
_NO_LETTERS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]', re.IGNORECASE)
_DIGIT_PLACES = re.compile(r"[0-9#\s()+\-]+")
_SECONDS_OF = {"h": 3600, "m": 60, "s": 1}


@lru_cache(maxsize=512)
def is_date_format(code: str) -> bool:
    """Whether a format shows a date or a time."""
    plain = _NO_LETTERS.sub("", _first(code))
    return plain.lower() not in ("general", "standard") and bool(_DATE_LETTERS.search(plain))


@lru_cache(maxsize=512)
def digit_places(code: str) -> tuple[str, ...]:
    """The pieces of a format such as `0000000000` or `"+91" 00000 00000`, which sets digits into places; else ().

    Formats with a decimal point, grouping, percent or conditions show amounts, which are read by their value.
    """
    code = _first(code)
    if not _DIGIT_PLACES.fullmatch(_NO_LETTERS.sub("", code)) or "[" in code:
        return ()
    pieces = tuple(piece for piece in _PIECE.findall(code) if piece[0] not in "_*")
    places = sum(piece in ("0", "#") for piece in pieces)
    return pieces if pieces.count("0") >= 2 and places in (len(pieces), *range(5, 16)) else ()


def telling_styles(used: Sequence[int], own: dict[int, str]) -> dict[int, str]:
    """Cell styles that show something else than the bare value, as far as leads are concerned: style -> format code.

    `used` are the numbers of the styles' formats, in the styles' order; `own` are the codes of the workbook's own formats.
    """
    known = {**BUILT_IN, **own}
    codes = {style: known.get(number, "") for style, number in enumerate(used)}
    return {style: code for style, code in codes.items() if is_date_format(code) or digit_places(code)}


def show_number(value: float, code: str | None) -> str:
    """A number without what Excel adds in memory: `9876543210`, not `9876543210.0`.

    Numbers of more than 15 digits show as `1.23457E+17`, as they do in Excel: their last digits are lost.
    """
    if abs(value) >= 10**_EXACT_DIGITS:
        return f"{value:.5E}"
    if not value.is_integer():
        return repr(round(value, 10))
    places = digit_places(code) if code else ()
    return _placed(int(value), places) if places and value >= 0 else str(int(value))


@lru_cache(maxsize=8192)  # a column of dates holds few different ones
def show_date(value: dt.datetime | dt.date | dt.time | dt.timedelta, code: str | None) -> str:
    """A date or time in its cell's own format; without one as India writes it."""
    if not code or not is_date_format(code):
        code = _usual(value)
    if isinstance(value, dt.timedelta):
        return _duration(value, _PIECE.findall(_first(code)))
    moment = _moment(value)
    return "".join([part if isinstance(part, str) else part(moment) for part in _parts(code)]).strip()


def _first(code: str) -> str:
    """The section for positive values."""
    return code.split(";", maxsplit=1)[0]


def _literal(piece: str) -> str:
    return piece[1:-1] if piece[0] == '"' else piece[1:] if piece[0] == "\\" else piece


def _placed(value: int, pieces: tuple[str, ...]) -> str:
    """The digits in their places from the right; more digits than places stand in the first place."""
    digits = list(str(value))
    left = sum(piece in ("0", "#") for piece in pieces)
    shown: list[str] = []
    for piece in reversed(pieces):
        if piece not in ("0", "#"):
            shown.append(_literal(piece))
            continue
        left -= 1
        if digits:
            shown.append("".join(digits) if not left else digits.pop())
        elif piece == "0":
            shown.append("0")
    return "".join(reversed(shown)).strip()


def _usual(value: dt.datetime | dt.date | dt.time | dt.timedelta) -> str:
    if isinstance(value, dt.timedelta):
        return "[h]:mm:ss"
    if isinstance(value, dt.time):
        return "hh:mm:ss"
    if isinstance(value, dt.datetime) and value.time() != dt.time():
        return "dd-mm-yyyy hh:mm:ss"
    return "dd-mm-yyyy"


def _duration(value: dt.timedelta, pieces: list[str]) -> str:
    """A length of time: the part in brackets counts on (`[h]` of a day and a half is 36)."""
    seconds = round(value.total_seconds())
    counted = next(
        (piece[1].lower() for piece in pieces if piece[0] == "[" and piece[1:2].lower() in _SECONDS_OF), "h"
    )
    whole, rest = divmod(abs(seconds), _SECONDS_OF[counted])
    shown = {"h": f"{whole}:{rest // 60:02}:{rest % 60:02}", "m": f"{whole}:{rest:02}", "s": str(whole)}[
        counted
    ]
    return f"-{shown}" if seconds < 0 else shown


def _moment(value: dt.datetime | dt.date | dt.time) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.time):
        return dt.datetime.combine(dt.date(1900, 1, 1), value)
    return dt.datetime.combine(value, dt.time())


_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHOWS: dict[str, Callable[[dt.datetime], str]] = {
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
def _parts(code: str) -> tuple[str | Callable[[dt.datetime], str], ...]:
    """A format taken apart: texts, and what shows a part of a moment."""
    pieces = [piece for piece in _PIECE.findall(_first(code)) if not piece.startswith("[$")]
    twelve = any(piece.upper() in ("AM/PM", "A/P") for piece in pieces)
    parts: list[str | Callable[[dt.datetime], str]] = []
    for at, piece in enumerate(pieces):
        name = piece.lower()
        if name in ("h", "hh") and twelve:
            name = f"12 {name}"
        elif name in ("m", "mm") and _is_minutes(pieces, at):
            name = f"minutes {name}"
        literal = {"_": " ", "*": "", "[": ""}.get(piece[0], _literal(piece))
        parts.append(_SHOWS.get(name, literal))
    return tuple(parts)


def _is_minutes(pieces: list[str], at: int) -> bool:
    """`m` is minutes right after hours or right before seconds, months everywhere else."""
    letters = [(i, t.lower()[0]) for i, t in enumerate(pieces) if t[0].lower() in "ymdhs"]
    place = [i for i, _ in letters].index(at)
    before = letters[place - 1][1] if place else ""
    after = letters[place + 1][1] if place + 1 < len(letters) else ""
    return before == "h" or after == "s"
