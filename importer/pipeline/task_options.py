"""What the options about follow-up tasks mean: when the team works, and how due dates are read."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from importer.errors import UsageError
from importer.fields import TASK_FIELDS
from importer.issues import Issue, describe_issue
from importer.loader.cells.due_dates import DueReader, MovedDue
from importer.loader.cells.text import CellError
from importer.loader.mapping.sheet_mappings import change_each_sheet, split_sheets
from importer.loader.vocabulary import load_vocabulary
from importer.messages import task_messages
from importer.models.mapping import Mapping
from importer.models.task import TaskType
from importer.models.work_time import DueRules, WorkTime
from importer.settings import Settings

DEFAULT_TYPE = TaskType.FOLLOW_UP_CALL
"""The type of a task where neither --task nor the row names one."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_WEEK = 7


def are_tasks_named(mapping: Mapping, settings: Settings) -> bool:
    """Return whether an option asks for tasks, or a person named a column of due dates."""
    return settings.task is not None or settings.due is not None or _has_due_dates(mapping)


def add_task_rules(mapping: Mapping, settings: Settings, now: datetime) -> Mapping:
    """Return the mapping with the rules of due dates, and with --task and --due for rows that name none.

    A mapping without tasks is returned as it is.
    """
    if not are_tasks_named(mapping, settings):
        return mapping
    rules = build_due_rules(settings, now)
    options = {"task_type": settings.task, "task_due": settings.due}
    given = {field: text for field, text in options.items() if text is not None}
    return change_each_sheet(
        mapping, lambda one: msgspec.structs.replace(one, due=rules, defaults={**one.defaults, **given})
    )


def check_task_options(mapping: Mapping, settings: Settings, now: datetime) -> None:
    """Raise UsageError for options about tasks with which no task could be created."""
    if not are_tasks_named(mapping, settings):
        return
    if settings.due is None and not _has_due_dates(mapping):
        raise UsageError(*task_messages.NO_DUE_DATE)
    read_due_option(settings, now)


def read_due_option(settings: Settings, now: datetime) -> str:
    """Return when the tasks of --due are due, "" without that option. Raises UsageError."""
    rules = build_due_rules(settings, now)
    if settings.due is None:
        return ""
    match DueReader(rules).read(settings.due):
        case CellError() as error:
            reason = describe_issue(Issue("task_due", error.code, "", settings.due, error.hint))
            raise UsageError(*task_messages.WRONG_DUE.format(due=settings.due, reason=reason))
        case MovedDue(due_at):
            return due_at
        case str() as due_at:
            return due_at
        case None:
            raise UsageError(
                *task_messages.WRONG_DUE.format(due=settings.due, reason=task_messages.EMPTY_DUE)
            )


def build_due_rules(settings: Settings, now: datetime) -> DueRules:
    """Return how due dates are read at the time `now`. Raises UsageError."""
    return DueRules(now.isoformat(timespec="seconds"), build_work_time(settings))


def build_work_time(settings: Settings) -> WorkTime:
    """Return the hours and days of --hours, --days and --timezone. Raises UsageError."""
    opens, closes = (_count_minutes(text) for text in settings.hours.split("-"))
    if not opens < closes <= 24 * 60:
        raise UsageError(*task_messages.WRONG_HOURS.format(hours=settings.hours))
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(*task_messages.UNKNOWN_TIMEZONE.format(name=settings.timezone)) from None
    return WorkTime(opens, closes, _parse_days(settings.days), settings.timezone)


def parse_notify(settings: Settings) -> timedelta | None:
    """Return how long before a task is due its owner is notified, None for not at all."""
    if settings.notify is None:
        return None
    return timedelta(**{_UNITS[settings.notify[-1]]: int(settings.notify[:-1])})


def _has_due_dates(mapping: Mapping) -> bool:
    return any(one.find_columns("task_due") or one.defaults.get("task_due") for one in split_sheets(mapping))


def has_tasks(mapping: Mapping, settings: Settings) -> bool:
    """Return whether rows may have a task, or something about one."""
    return are_tasks_named(mapping, settings) or any(
        not TASK_FIELDS.isdisjoint([*one.defaults, *(column.field for column in one.columns)])
        for one in split_sheets(mapping)
    )


def _count_minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)


def _parse_days(text: str) -> frozenset[int]:
    """Return the days of `mon-sat` or `mon,wed,fri`, 0 for Monday. `sat-mon` goes over the end of the week."""
    numbers = load_vocabulary().times.weekdays
    days: set[int] = set()
    for first, last in re.findall(r"([a-z]+)(?:-([a-z]+))?", text):
        start = numbers[first] - 1
        length = (numbers[last or first] - 1 - start) % _WEEK
        days.update((start + ahead) % _WEEK for ahead in range(length + 1))
    return frozenset(days)
