"""What the terminal shows of a plan, of follow-up tasks, and of leads that were read back."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, sqrt

from importer.fields import get_field_label
from importer.messages import (
    format_count,
    planning_messages,
    task_messages,
)
from importer.models.status import UNSENT
from importer.report.change_texts import list_field_counts
from importer.report.summary import Summary


def format_plan(summary: Summary) -> Iterator[str]:
    """Yield what a plan would do, and to which fields of leads that the CRM has."""
    if not summary.plan or summary.state not in UNSENT:
        return
    yield planning_messages.PLAN_TITLE
    estimates = _estimate_plan(summary)
    for action, count in summary.plan.items():
        if count:
            yield f"  {format_count(count):>9}  {planning_messages.ACTION_MEANINGS[action]}{estimates.get(action, '')}"
    if estimates:
        yield planning_messages.SAMPLE_ONLY.format(planned=format_count(sum(summary.plan.values())))
    if fields := list_field_counts(summary.fields):
        yield planning_messages.PLANNED_FIELDS
        for field, effects in fields.items():
            yield f"  {planning_messages.FIELD_LINE.format(label=get_field_label(field), effects=effects)}"


def _estimate_plan(summary: Summary) -> dict[str, str]:
    """Return for each action of a sample how many of all rows it concerns, with the error of the estimate.

    The error is half of Wilson's interval for a proportion (95%), with the correction for a finite number of rows.
    """
    planned, rows = sum(summary.plan.values()), summary.plannable_rows
    if not 0 < planned < rows:
        return {}
    z2 = 1.96**2
    correction = sqrt((rows - planned) / (rows - 1))
    estimates = {}
    for action, count in summary.plan.items():
        share = count / planned
        spread = sqrt(z2 * (share * (1 - share) / planned + z2 / (4 * planned**2)))
        error = spread / (1 + z2 / planned) * correction
        estimates[action] = planning_messages.ESTIMATE.format(
            rows=format_count(round(share * rows)), error=format_count(ceil(error * rows))
        )
    return estimates


def format_tasks(summary: Summary) -> Iterator[str]:
    """Yield what became of the follow-up tasks, or how many a run would create and when they would be due."""
    if not summary.tasks:
        return
    if summary.state in UNSENT:
        yield task_messages.PLANNED_TASKS_TITLE
        yield f"  {format_count(summary.open_tasks):>9}  {task_messages.format_due_days(list(summary.tasks_by_day))}"
        return
    yield task_messages.TASKS_TITLE
    for state, count in summary.tasks.items():
        if count:
            yield f"  {format_count(count):>9}  {task_messages.TASK_MEANINGS[state]}"


def format_verification(summary: Summary) -> Iterator[str]:
    """Yield what reading the leads back showed."""
    if summary.verified:
        yield planning_messages.VERIFICATION_TITLE
    for outcome, count in summary.verified.items():
        if count:
            yield f"  {format_count(count):>9}  {planning_messages.VERIFICATION_MEANINGS[outcome]}"
