"""Reads when a follow-up task is due: `30/11/2026 4 pm`, `tomorrow 11:00`, `+2d`, `monday`, `kal 4 baje`.

It is a small strict table (docs/tasks.md), not a guesser: dateparser reads `12/13/2026` and `on 5` as dates too. A date
has the day first, as it is written in India.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from functools import cache
from typing import NamedTuple

from importer.issues import IssueCode
from importer.loader.cells.text import CellError, strip_cell, to_ascii_digits
from importer.loader.vocabulary import load_vocabulary, normalize_header
from importer.messages import format_time
from importer.models.work_time import DueRules, WorkTime

_MAX_CHARS = 60  # the longest date in words, with room
_MIN_LEAD = dt.timedelta(minutes=1)  # the clocks of the CRM and of this machine differ
_STEP_MINUTES = 15  # `today` means the next quarter of an hour
_HALF_YEAR = dt.timedelta(days=183)
_MAX_AHEAD = dt.timedelta(days=5 * 366)
_EXCEL_EPOCH = dt.date(1899, 12, 30)
_NOON, _MIDNIGHT = 12, dt.time()

_ISO = re.compile(  # 2026-11-30, 2026-11-30T16:00:00.000Z
    r"\d{4}-\d{2}-\d{2}(?:[t ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:z|[+-]\d{2}:?\d{2})?)?"
)
_IN_NUMBERS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|\d{2}))?")  # 30/11/2026, 30-11-26, 30.11
_YEAR_FIRST = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})")  # 2026/11/30
_DAY_MONTH = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?[\s-]+([^\W\d_]+)\.?(?:[\s,'-]+(\d{4}|\d{2}))?"
)  # 30th Nov 26
_MONTH_DAY = re.compile(r"([^\W\d_]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:[\s,]+(\d{4}))?")  # Nov 30, 2026
_SERIAL = re.compile(r"([3-6]\d{4})(?:\.(\d+))?")  # 46356.5: a date that Excel shows as a number
_AHEAD = re.compile(r"\+\s*(\d{1,3})\s*(m|min|mins|h|hr|hrs|d|day|days|w|week|weeks)")  # +2d, +3h
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class MovedDue(NamedTuple):
    """A due date that is outside of the hours or days of the team, and was moved to the next time inside them."""

    due_at: str
    words: str


class DueReader:
    """Reads due dates by the rules of a run. The same text gives the same date in every process."""

    def __init__(self, rules: DueRules) -> None:
        self._now = rules.local_now
        self._work_time = rules.work_time

    def read(self, text: str) -> str | MovedDue | CellError | None:
        """Return when the task is due, as ISO 8601 with its offset."""
        cell = strip_cell(text)
        if cell is None or isinstance(cell, CellError):
            return cell
        found = parse_due(cell, self._now, self._work_time)
        if found is None:
            return CellError(IssueCode.NOT_A_DUE_DATE)
        if found.moment <= self._now + _MIN_LEAD:
            return CellError(IssueCode.DUE_IN_PAST)
        if found.moment > self._now + _MAX_AHEAD:
            return CellError(IssueCode.NOT_A_DUE_DATE)
        due = self._work_time.find_first_open(found.moment)
        due_at = due.isoformat(timespec="minutes")
        return MovedDue(due_at, format_time(due)) if due != found.moment and found.is_fixed else due_at


class ParsedDue(NamedTuple):
    """A moment that a text means. `is_fixed` says that it names a day or a time, and not only a time from now."""

    moment: dt.datetime
    is_fixed: bool = True


def looks_like_due_date(text: str) -> bool:
    """Return whether a text reads as a date or time, also one in the past."""
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return parse_due(text, now, WorkTime()) is not None


def parse_due(text: str, now: dt.datetime, work_time: WorkTime) -> ParsedDue | None:
    """Return the moment that a text means at the time `now`, None for any other text."""
    folded = unicodedata.normalize("NFC", to_ascii_digits(text)).casefold()
    folded = " ".join(folded.replace(",", " ").split())
    if not folded or len(folded) > _MAX_CHARS:
        return None
    if _ISO.fullmatch(folded):
        return _parse_iso(folded, now, work_time)
    if serial := _SERIAL.fullmatch(folded):
        return _parse_serial(serial, now, work_time)
    time, day_words = _take_time(folded, work_time)
    if time is not None and not day_words:
        return ParsedDue(dt.datetime.combine(now.date(), time, work_time.zone))
    if ahead := _AHEAD.fullmatch(day_words):
        return _add_time(ahead, time, now, work_time)
    day = _parse_day(day_words, now.date())
    return None if day is None else _combine(day, time, now, work_time)


def _combine(day: dt.date, time: dt.time | None, now: dt.datetime, work_time: WorkTime) -> ParsedDue:
    """Return the day with its time. Without one, it is the beginning of the hours, or what is left of today.

    Midnight is not read as a time: programs write `2026-12-05 0:00:00` for a day alone, and nobody calls then.
    """
    if time is not None and time != _MIDNIGHT:
        return ParsedDue(dt.datetime.combine(day, time, work_time.zone))
    opening = work_time.find_opening(day)
    if day == now.date() and opening <= now + _MIN_LEAD:
        return ParsedDue(_round_up(now))
    return ParsedDue(opening)


def _round_up(now: dt.datetime) -> dt.datetime:
    """Return the next quarter of an hour that is not too near."""
    whole = (now + _MIN_LEAD).replace(second=0, microsecond=0)
    return whole + dt.timedelta(minutes=_STEP_MINUTES - whole.minute % _STEP_MINUTES)


def _parse_iso(text: str, now: dt.datetime, work_time: WorkTime) -> ParsedDue | None:
    try:
        moment = dt.datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    if moment.tzinfo is None:
        return _combine(moment.date(), moment.time(), now, work_time)
    return ParsedDue(moment)


def _parse_serial(serial: re.Match[str], now: dt.datetime, work_time: WorkTime) -> ParsedDue:
    day = _EXCEL_EPOCH + dt.timedelta(days=int(serial[1]))
    if serial[2] is None or not int(serial[2]):
        return _combine(day, None, now, work_time)
    minutes = round(float(f"0.{serial[2]}") * 24 * 60)
    midnight = dt.datetime.combine(day, dt.time(), work_time.zone)
    return ParsedDue(midnight + dt.timedelta(minutes=minutes))


def _add_time(
    ahead: re.Match[str], time: dt.time | None, now: dt.datetime, work_time: WorkTime
) -> ParsedDue | None:
    """Return the moment of `+2d` or `+3h`. Days and weeks are counted from today, and can have a time."""
    unit = _UNITS[ahead[2][0]]
    step = dt.timedelta(**{unit: int(ahead[1])})
    if unit in ("minutes", "hours"):
        moment = (now + step).replace(second=0, microsecond=0) + _MIN_LEAD
        return None if time is not None else ParsedDue(moment, is_fixed=False)
    return _combine(now.date() + step, time, now, work_time)._replace(is_fixed=time is not None)


# --- the time of the day


class _TimePatterns(NamedTuple):
    """Times at the end and at the start of a text."""

    at_end: re.Pattern[str]
    at_start: re.Pattern[str]


@cache
def _compile_time_patterns() -> _TimePatterns:
    """Return the patterns of `4:30 pm`, `16:00`, `4.30pm`, `shaam 5 baje` beside a day."""
    words = load_vocabulary().times
    halves = _join_words(words.before_noon | words.after_noon)
    hours, fillers = _join_words(words.hour_words), _join_words(words.fillers)
    time = rf"""(?:(?P<part>{halves})\s+)?(?P<hour>\d{{1,2}})(?:[:.](?P<minute>[0-5]\d)(?P<second>:[0-5]\d)?)?
        (?:\s*(?P<half>{halves}))?(?:\s*(?P<word>{hours}))?(?:\s+(?P<half2>{halves}))?"""
    flags = re.VERBOSE
    return _TimePatterns(
        re.compile(rf"(?:(?P<day>.+?)\s+)??(?:(?:{fillers})\s+)*{time}(?:\s+(?:{fillers}))*", flags),
        re.compile(rf"(?:(?:{fillers})\s+)*{time}\s+(?P<day>.+)", flags),
    )


def _join_words(words: frozenset[str]) -> str:
    """Return a pattern of any of the words, the longest first."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(re.escape(word.casefold()).replace(r"\ ", r"\s+") for word in ordered)


def _take_time(text: str, work_time: WorkTime) -> tuple[dt.time | None, str]:
    """Return the time of a text, and what is left of it: the words of the day.

    A number alone is no time: `30/11/2026 4` may be anything.
    """
    for pattern in _compile_time_patterns():
        match = pattern.fullmatch(text)
        if match is None or not _names_a_time(match):
            continue
        time = _parse_time(match, work_time)
        if time is not None:
            return time, _remove_fillers(match["day"] or "")
    return None, _remove_fillers(text)


def _names_a_time(match: re.Match[str]) -> bool:
    """Return whether the match is more than a number. `30.11` is a date: points need `am`, `pm` or `baje`."""
    has_words = any(match[name] for name in ("part", "half", "half2", "word"))
    return has_words or (bool(match["minute"]) and ":" in match[0])


def _parse_time(match: re.Match[str], work_time: WorkTime) -> dt.time | None:
    """Return the time, None for one that does not exist, or has both halves of the day.

    Without `am` or `pm`, an hour up to 12 is the one within the hours of the team: `4 baje` is 16:00.
    """
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    halves = {_is_after_noon(match[name]) for name in ("part", "half", "half2") if match[name]}
    if len(halves) > 1 or hour > 23 or (halves and not 1 <= hour <= _NOON):
        return None
    if halves:
        return dt.time(hour % _NOON + (_NOON if halves.pop() else 0), minute)
    written = dt.time(hour, minute)
    if 1 <= hour < _NOON and not match["hour"].startswith("0") and not work_time.is_within_hours(written):
        later = dt.time(hour + _NOON, minute)
        return later if work_time.is_within_hours(later) else written
    return written


def _is_after_noon(word: str) -> bool:
    return " ".join(word.split()) in {one.casefold() for one in load_vocabulary().times.after_noon}


def _remove_fillers(text: str) -> str:
    fillers = load_vocabulary().times.fillers
    return " ".join(word for word in text.split() if word not in fillers)


# --- the day


def _parse_day(text: str, today: dt.date) -> dt.date | None:
    """Return the day that a text means, None for any other text."""
    words = load_vocabulary().times
    for ahead, names in enumerate((words.today, words.tomorrow, words.day_after_tomorrow)):
        if text in names:
            return today + dt.timedelta(days=ahead)
    if text in words.weekdays:
        # The next one: on a Monday, `monday` is in a week.
        ahead = (words.weekdays[text] - 1 - today.weekday() - 1) % 7 + 1
        return today + dt.timedelta(days=ahead)
    return _parse_date(text, today)


def _parse_date(text: str, today: dt.date) -> dt.date | None:
    months = load_vocabulary().times.months
    if match := _YEAR_FIRST.fullmatch(text):
        return _build_date(int(match[4]), int(match[3]), match[1], today)
    if match := _IN_NUMBERS.fullmatch(text):
        return _build_date(int(match[1]), int(match[3]), match[4], today)
    if (match := _DAY_MONTH.fullmatch(text)) and match[2] in months:
        return _build_date(int(match[1]), months[match[2]], match[3], today)
    if (match := _MONTH_DAY.fullmatch(text)) and match[1] in months:
        return _build_date(int(match[2]), months[match[1]], match[3], today)
    return None


def _build_date(day: int, month: int, year: str | None, today: dt.date) -> dt.date | None:
    """Return the date, None for one that does not exist. Without a year it is the nearest: `5 Jan` is in January."""
    try:
        if year is not None:
            return dt.date(int(year) if len(year) == 4 else 2000 + int(year), month, day)
        date = dt.date(today.year, month, day)
        return date if today - date < _HALF_YEAR else date.replace(year=today.year + 1)
    except ValueError:
        return None


def read_task_type(text: str) -> str | CellError | None:
    """Return the type of task that a cell names: `Site visit`, `FOLLOW_UP_CALL`."""
    cell = strip_cell(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    kind = load_vocabulary().task_types.get(normalize_header(cell[:_MAX_CHARS]))
    return CellError(IssueCode.NOT_A_TASK_TYPE) if kind is None else kind.value
