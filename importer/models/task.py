"""A follow-up task of a lead: what is asked for, what became of it, and the tasks that the CRM lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec


class TaskType(StrEnum):
    """The types of tasks that the API takes (docs/api.md, "Tasks")."""

    FOLLOW_UP_CALL = "FOLLOW_UP_CALL"
    FIRST_CALL = "FIRST_CALL"
    CALLBACK_REQUEST = "CALLBACK_REQUEST"
    SITE_VISIT = "SITE_VISIT"
    REMINDER = "REMINDER"
    BOOKING = "BOOKING"


class TaskState(StrEnum):
    """What became of the task of a row. The column `_task` has the words."""

    CREATED = "created"
    KEPT = "kept"  # the lead had a task already: it keeps that one
    UNKNOWN = "unknown"  # it may have been created, the answer was lost
    NOT_SENT = "not_sent"

    @property
    def is_missing(self) -> bool:
        """Whether the lead may be without its task: such a run is no success, and `importer retry` tries again."""
        return self in (TaskState.UNKNOWN, TaskState.NOT_SENT)


class OpenTasks(StrEnum):
    """What happens to the open tasks of a lead. A new task that is no reminder would close them."""

    KEEP = "keep"
    REPLACE = "replace"


class Task(msgspec.Struct, frozen=True):
    """The task of one row. `due_at` is ISO 8601 with its offset."""

    type: TaskType
    due_at: str
    note: str = ""

    @property
    def due(self) -> datetime:
        """When it is due."""
        return datetime.fromisoformat(self.due_at)


class PendingTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task that is to be created for the lead with `phone`, which the CRM has.

    `lead_id` is "" where no look-up gave it. `is_in_doubt` says that an earlier request may have created it.
    """

    number: int
    phone: str
    task: Task
    lead_id: str = ""
    is_in_doubt: bool = False


class CrmTask(msgspec.Struct, frozen=True):
    """A task as the CRM lists it. The documentation names no fields, so each of them may be missing."""

    type: str = ""
    due_date: str = ""
    customer_note: str | None = None
    status: str = ""


class TaskPage(msgspec.Struct, frozen=True):
    """One page of the tasks of a lead, and the number of pages."""

    rows: tuple[CrmTask, ...]
    total_pages: int


class RetriedTasks(msgspec.Struct, frozen=True):
    """Rows of a retried run that went in without their task: only that is created now.

    `run_id` and `sent_at` are of that run. `tasks` has, by row number, a task that it may have created, None for one that
    it did not create.
    """

    run_id: str
    sent_at: datetime
    tasks: Mapping[int, Task | None]
