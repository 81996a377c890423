"""Decide whether a lead gets a task, by the tasks that it has: pure, and never twice the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum, auto

from importer.models.task import CrmTask, OpenTasks, Task, TaskType

_CLOSED = frozenset({"completed", "complete", "closed", "done", "cancelled", "canceled"})
"""States of a task that is over. Any other, and none at all, counts as open: such a task must not be closed by ours."""


class TaskDecision(Enum):
    """What follows from the tasks of a lead."""

    CREATE = auto()
    EXISTS = auto()  # the very task is there
    KEEP = auto()  # another task is open, and ours would close it


def decide_task(wanted: Task, existing: Sequence[CrmTask], open_tasks: OpenTasks) -> TaskDecision:
    """Return what becomes of the task of a lead with `existing` tasks."""
    if find_same_task(wanted, existing) is not None:
        return TaskDecision.EXISTS
    if open_tasks is OpenTasks.KEEP and find_closed_by(wanted, existing) is not None:
        return TaskDecision.KEEP
    return TaskDecision.CREATE


def find_same_task(wanted: Task, existing: Sequence[CrmTask]) -> CrmTask | None:
    """Return the task of the same type, due date and note, open or not."""
    return next((one for one in existing if _is_same(wanted, one)), None)


def find_closed_by(wanted: Task, existing: Sequence[CrmTask]) -> CrmTask | None:
    """Return an open task that creating this one would close: a reminder closes none, and none closes a reminder."""
    if wanted.type is TaskType.REMINDER:
        return None
    return next((one for one in existing if one.type != TaskType.REMINDER and is_open(one)), None)


def is_open(task: CrmTask) -> bool:
    """Return whether a task may still be open."""
    return task.status.casefold() not in _CLOSED


def parse_due(text: str) -> datetime | None:
    """Return when a listed task is due, to the minute; None where the CRM writes it in another way."""
    try:
        due = datetime.fromisoformat(text)
    except ValueError:
        return None
    due = due if due.tzinfo else due.replace(tzinfo=UTC)
    return due.astimezone(UTC).replace(second=0, microsecond=0)


def _is_same(wanted: Task, found: CrmTask) -> bool:
    if found.type != wanted.type or parse_due(found.due_date) != parse_due(wanted.due_at):
        return False
    ours, theirs = _fold(wanted.note), _fold(found.customer_note or "")
    # The CRM may cut a long note, change its case, or not show notes at all.
    return ours == theirs or (bool(ours) and ours.startswith(theirs))


def _fold(note: str) -> str:
    return " ".join(unicodedata.normalize("NFC", note).casefold().split())
