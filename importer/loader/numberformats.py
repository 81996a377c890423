"""Numbers and dates as a spreadsheet shows them (ECMA-376 part 1, 18.8.31: number format codes).

Only what matters for leads: dates, leading zeros, and never a digit more or fewer than the cell holds.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

BUILT_IN = {14: "dd-mm-yyyy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM",
            20: "h:mm", 21: "h:mm:ss", 22: "dd-mm-yyyy h:mm", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0"}  # fmt: skip
"""Formats that a workbook names by number only; 14 and 22 follow the locale: India's here."""

_EXACT_DIGITS = 15  # Excel keeps no more; what it shows beyond them is made up
_TOKEN = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|AM/PM|A/P|y+|m+|d+|h+|s+|.', re.IGNORECASE)
_DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


@lru_cache(maxsize=512)
def is_date_format(code: str) -> bool:
    """Whether a format shows a date or a time."""
    return bool(_DATE_LETTERS.search(_QUOTED.sub("", code.split(";", maxsplit=1)[0])))


@lru_cache(maxsize=512)
def leading_zeros(code: str) -> int:
    """The width that a format such as `0000000000` fills up with zeros, or 0."""
    first = code.split(";", maxsplit=1)[0]
    return len(first) if len(first) > 1 and set(first) == {"0"} else 0


def show_number(value: float, code: str | None) -> str:
    """A number without what Excel adds in memory: `9876543210`, not `9876543210.0`.

    Numbers of more than 15 digits show as `1.23457E+17`, as they do in Excel: their last digits are lost.
    """
    if abs(value) >= 10**_EXACT_DIGITS:
        return f"{value:.5E}"
    if not value.is_integer():
        return repr(round(value, 10))
    text = str(int(value))
    return text.zfill(leading_zeros(code)) if code else text


def show_date(value: dt.datetime | dt.date | dt.time | dt.timedelta, code: str | None) -> str:
    """A date or time in its cell's own format; without one as India writes it."""
    if isinstance(value, dt.timedelta):
        return str(value)
    if not code or not is_date_format(code):
        code = _usual(value)
    moment = _moment(value)
    tokens = [token for token in _TOKEN.findall(code.split(";")[0]) if not token.startswith("[$")]
    twelve = any(token.upper() in ("AM/PM", "A/P") for token in tokens)
    return "".join(_shown(tokens, at, moment, twelve=twelve) for at in range(len(tokens))).strip()


def _usual(value: dt.datetime | dt.date | dt.time) -> str:
    if isinstance(value, dt.time):
        return "hh:mm:ss"
    return (
        "dd-mm-yyyy hh:mm:ss"
        if isinstance(value, dt.datetime) and value.time() != dt.time()
        else "dd-mm-yyyy"
    )


def _moment(value: dt.datetime | dt.date | dt.time) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.time):
        return dt.datetime.combine(dt.date(1900, 1, 1), value)
    return dt.datetime.combine(value, dt.time())


def _shown(tokens: list[str], at: int, moment: dt.datetime, *, twelve: bool) -> str:
    token = tokens[at]
    low = token.lower()
    hour = (moment.hour % 12 or 12) if twelve else moment.hour
    if set(low) == {"m"} and len(low) <= 2 and _is_minutes(tokens, at):
        return str(moment.minute).zfill(len(low))
    shown = {
        "yy": f"{moment:%y}", "yyyy": f"{moment.year:04}", "m": str(moment.month), "mm": f"{moment:%m}",
        "mmm": f"{moment:%b}", "mmmm": f"{moment:%B}", "d": str(moment.day), "dd": f"{moment:%d}",
        "ddd": f"{moment:%a}", "dddd": f"{moment:%A}", "h": str(hour), "hh": f"{hour:02}",
        "s": str(moment.second), "ss": f"{moment:%S}", "am/pm": f"{moment:%p}", "a/p": f"{moment:%p}"[0],
    }  # fmt: skip
    if low in shown:
        return shown[low]
    if token[0] == '"':
        return token[1:-1]
    return token[1:] if token[0] == "\\" else "" if token[0] == "[" else token


def _is_minutes(tokens: list[str], at: int) -> bool:
    """`m` is minutes right after hours or right before seconds, months everywhere else."""
    letters = [(i, t.lower()[0]) for i, t in enumerate(tokens) if t[0].lower() in "ymdhs"]
    place = [i for i, _ in letters].index(at)
    before = letters[place - 1][1] if place else ""
    after = letters[place + 1][1] if place + 1 < len(letters) else ""
    return before == "h" or after == "s"
