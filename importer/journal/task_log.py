"""The journal of follow-up tasks: the task of each row, whether it was about to leave, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import json

from importer.issues import Issue
from importer.journal.database import JournalFile
from importer.journal.staging import encode_issues
from importer.models.task import PendingTask, Task, TaskState, TaskType

_ADD = """INSERT OR REPLACE INTO tasks (number, type, due_at, note, state, attempts, http_status, issues, checksum)
    VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL, '', checksum(?1, ?2, ?3, ?4, ?5, NULL, NULL, ''))"""
_SET_STATE = """UPDATE tasks SET state = ?2, attempts = ?3, http_status = ?4, issues = ?5,
    checksum = checksum(number, type, due_at, note, ?2, ?3, ?4, ?5) WHERE number = ?1"""
_OPEN_TASKS = """FROM tasks JOIN rows ON rows.number = tasks.number
    LEFT JOIN results ON results.number = tasks.number
    WHERE tasks.attempts IS NULL AND (rows.verdict = 'unchanged' OR results.status IN ('accepted', 'unchanged'))"""
_READ_OPEN = f"""SELECT tasks.number, rows.phone, tasks.type, tasks.due_at, tasks.note, tasks.state,
    (SELECT lead_id FROM lookups WHERE lookups.phone = rows.phone) {_OPEN_TASKS}
    AND tasks.number > :after ORDER BY tasks.number LIMIT :rows"""
_SENT_TASKS = """FROM tasks JOIN rows ON rows.number = tasks.number
    WHERE tasks.attempts IS NOT NULL AND tasks.state IN ('created', 'unknown')
      AND (NOT :is_sample OR tasks.number IN (SELECT number FROM verifications))"""
_READ_SENT = f"""SELECT tasks.number, rows.phone, tasks.type, tasks.due_at, tasks.note, tasks.state,
    (SELECT lead_id FROM lookups WHERE lookups.phone = rows.phone) {_SENT_TASKS}
    AND tasks.number > :after ORDER BY tasks.number LIMIT :rows"""
_READ_DOUBTFUL = "SELECT number, type, due_at, note FROM tasks WHERE state = 'unknown'"
_REMOVE = "DELETE FROM tasks WHERE number IN (SELECT value FROM json_each(?))"
_REMOVE_OF_KNOWN_LEADS = """DELETE FROM tasks WHERE state = 'not_sent' AND attempts IS NULL AND number IN (
    SELECT number FROM plans WHERE action <> 'create')"""
_PHONES = """SELECT rows.phone FROM rows JOIN tasks ON tasks.number = rows.number
    WHERE rows.number IN (SELECT value FROM json_each(?))"""
_COUNT_DAYS = "SELECT substr(due_at, 1, 10) AS day, count(*) FROM tasks GROUP BY day ORDER BY day LIMIT :days"


class ScheduledTask(NamedTuple):
    """The task of a row. `state` is UNKNOWN where an earlier run may have created it."""

    number: int
    task: Task
    state: TaskState = TaskState.NOT_SENT


class TaskResult(NamedTuple):
    """What became of the task of a row."""

    number: int
    state: TaskState
    attempts: int
    http_status: int | None
    issues: tuple[Issue, ...] = ()


class TaskLog:
    """What is known about the tasks of a run."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    @property
    def is_empty(self) -> bool:
        """Whether no row has a task."""
        with self._file.translate_read_errors():
            (found,) = self._file.sql.execute("SELECT EXISTS (SELECT 1 FROM tasks)").fetchone()
            return not found

    def add(self, tasks: Iterable[ScheduledTask]) -> None:
        """Write the tasks of rows in one commit."""
        with self._file.commit():
            self.record_tasks(tasks)

    def record_tasks(self, tasks: Iterable[ScheduledTask]) -> None:
        """Do the same within a commit."""
        self._file.sql.executemany(
            _ADD, [(number, task.type, task.due_at, task.note, state) for number, task, state in tasks]
        )

    def record_removed(self, numbers: Sequence[int]) -> None:
        """Remove within a commit the tasks of rows that are judged again."""
        self._file.sql.execute(_REMOVE, (json.encode(numbers).decode(),))

    def remove_of_known_leads(self) -> None:
        """Remove the tasks of rows whose lead existed before (`--task-for new`)."""
        with self._file.commit():
            self._file.sql.execute(_REMOVE_OF_KNOWN_LEADS)

    def read_open(self, after: int, limit: int) -> list[PendingTask]:
        """Return the next tasks to create, in file order: those of leads that the CRM has taken."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_READ_OPEN, {"after": after, "rows": limit}).fetchall()
            return [_to_pending_task(*row) for row in found]

    def read_doubtful(self) -> list[ScheduledTask]:
        """Return the tasks that may have been created."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_READ_DOUBTFUL).fetchall()
            return [
                ScheduledTask(number, Task(TaskType(kind), due_at, note), TaskState.UNKNOWN)
                for number, kind, due_at, note in found
            ]

    def count_open(self) -> int:
        """Return the number of tasks to create."""
        with self._file.translate_read_errors():
            return int(self._file.sql.execute(f"SELECT count(*) {_OPEN_TASKS}").fetchone()[0])

    def read_sent(self, after: int, limit: int, *, is_sample: bool) -> list[PendingTask]:
        """Return the next tasks that were created, or may have been; `is_sample`: of the leads that are read back."""
        with self._file.translate_read_errors():
            values = {"after": after, "rows": limit, "is_sample": is_sample}
            return [_to_pending_task(*row) for row in self._file.sql.execute(_READ_SENT, values).fetchall()]

    def count_sent(self, *, is_sample: bool) -> int:
        """Return the number of these tasks."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(f"SELECT count(*) {_SENT_TASKS}", {"is_sample": is_sample})
            return int(found.fetchone()[0])

    def count_days(self, limit: int) -> list[tuple[str, int]]:
        """Return the number of tasks by the day on which they are due, the first days first."""
        with self._file.translate_read_errors():
            return self._file.sql.execute(_COUNT_DAYS, {"days": limit}).fetchall()

    def read_phones(self, numbers: Sequence[int]) -> list[str]:
        """Return the phones of the leads of these tasks."""
        found = self._file.sql.execute(_PHONES, (json.encode(numbers).decode(),)).fetchall()
        return [phone for (phone,) in found]

    def record_states(self, numbers: Iterable[int], state: TaskState) -> None:
        """Write within a commit how far tasks are that have no result yet."""
        self._file.sql.executemany(_SET_STATE, [(number, state, None, None, "") for number in numbers])

    def record_results(self, results: Iterable[TaskResult]) -> None:
        """Write within a commit what became of tasks."""
        self._file.sql.executemany(
            _SET_STATE,
            [
                (one.number, one.state, one.attempts, one.http_status, encode_issues(one.issues))
                for one in results
            ],
        )


def _to_pending_task(
    number: int, phone: str, kind: str, due_at: str, note: str, state: str, lead_id: str | None
) -> PendingTask:
    return PendingTask(
        number=number,
        phone=phone,
        task=Task(TaskType(kind), due_at, note),
        lead_id=lead_id or "",
        is_in_doubt=state == TaskState.UNKNOWN,
    )
