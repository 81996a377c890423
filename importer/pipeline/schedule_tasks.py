"""Schedule the follow-up task of each row before anything is sent, and keep it apart from what is sent with the lead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from importer.fields import TASK_FIELDS
from importer.issues import Issue, IssueCode
from importer.journal.run_journal import Journal
from importer.journal.staging import decode_issues, decode_payload
from importer.journal.task_log import ScheduledTask
from importer.messages import format_time
from importer.models.row import Accepted, NewVerdict, Payload
from importer.models.status import StagedVerdict
from importer.models.task import RetriedTasks, Task, TaskState, TaskType
from importer.pipeline.context import RunContext
from importer.pipeline.task_options import DEFAULT_TYPE, build_work_time, has_tasks
from importer.planner.spread_tasks import DayPlan
from importer.settings import Settings

_ROWS_PER_COMMIT = 1000
_MAX_DAYS = 100_000  # all of them


class SplitPayload(NamedTuple):
    """What is sent with the lead, and the task that follows, None without one."""

    payload: Payload
    task: Task | None


def split_task(payload: Payload) -> SplitPayload:
    """Return the payload without the fields of a task, and the task. One without a due date is none."""
    rest = {name: value for name, value in payload.items() if name not in TASK_FIELDS}
    due_at = payload.get("task_due")
    if due_at is None:
        return SplitPayload(rest, None)
    kind = TaskType(payload.get("task_type") or DEFAULT_TYPE)
    return SplitPayload(rest, Task(kind, due_at, payload.get("task_note") or ""))


def schedule_tasks(journal: Journal, context: RunContext) -> None:
    """Write the task of each valid row, spread over days where --per-day says so, and take it out of the payload."""
    settings = context.settings
    if not has_tasks(journal.metadata.mapping, settings):
        return
    days = DayPlan(settings.per_day, build_work_time(settings))
    after = -1
    while rows := journal.staging.read_valid_rows(after, _ROWS_PER_COMMIT):
        after = rows[-1].row.number
        tasks = [(row, *split_task(row.payload)) for row in rows]
        journal.staging.update_verdicts(
            NewVerdict(row.row.number, StagedVerdict.VALID, payload, row.issues)
            for row, payload, _ in tasks
            if payload != row.payload
        )
        journal.tasks.add(
            ScheduledTask(row.row.number, _place(task, days)) for row, _, task in tasks if task is not None
        )


def reschedule_tasks(journal: Journal, settings: Settings, numbers: Sequence[int]) -> None:
    """Write, within a commit, the tasks of rows that were judged again, in place of those that they had."""
    if not has_tasks(journal.metadata.mapping, settings):
        return
    journal.tasks.record_removed(numbers)
    counts = {date.fromisoformat(day): tasks for day, tasks in journal.tasks.count_days(_MAX_DAYS)}
    days = DayPlan(settings.per_day, build_work_time(settings), counts)
    for number, row in sorted(journal.edits.read_rows(numbers).items()):
        if row.payload is None or row.verdict != StagedVerdict.VALID:
            continue
        payload, task = split_task(decode_payload(row.payload))
        verdict = NewVerdict(number, StagedVerdict.VALID, payload, decode_issues(row.issues))
        journal.staging.record_verdicts([verdict])
        if task is not None:
            journal.tasks.record_tasks([ScheduledTask(number, _place(task, days))])


def keep_retried_tasks(journal: Journal, retried: RetriedTasks | None) -> None:
    """Mark rows that went in before: only their task is created. One in doubt stays the task that it was."""
    if retried is None:
        return
    after = -1
    while rows := journal.staging.read_valid_rows(after, _ROWS_PER_COMMIT):
        after = rows[-1].row.number
        again = [row for row in rows if row.row.number in retried.tasks]
        journal.staging.update_verdicts(_build_unchanged_verdict(row, retried) for row in again)
        doubtful = [(row.row.number, retried.tasks[row.row.number]) for row in again]
        journal.tasks.add(
            ScheduledTask(number, task, TaskState.UNKNOWN) for number, task in doubtful if task is not None
        )


def _place(task: Task, days: DayPlan) -> Task:
    return Task(task.type, days.place(task.due).isoformat(timespec="minutes"), task.note)


def _build_unchanged_verdict(row: Accepted, retried: RetriedTasks) -> NewVerdict:
    issue = Issue("row", IssueCode.SENT_BEFORE, "", format_time(retried.sent_at), retried.run_id)
    return NewVerdict(row.row.number, StagedVerdict.UNCHANGED, row.payload, (*row.issues, issue))
