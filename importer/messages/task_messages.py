"""Texts about follow-up tasks: options, columns of due dates, counts and the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from importer.messages import ErrorText, format_count

# --- options

NO_DUE_DATE = ErrorText(
    "--task was given, but nothing says when the tasks are due.",
    'Add --due "tomorrow 11:00", or name the column of due dates: --column "Callback=task_due".',
)
WRONG_DUE = ErrorText('--due "{due}": {reason}')
EMPTY_DUE = 'it is empty. Type it like "tomorrow 11:00", +2d or "5/12/2026 4 pm".'
WRONG_HOURS = ErrorText(
    "--hours {hours} does not end after it begins.", "Type it like 10:00-19:00, in 24 hours."
)
UNKNOWN_TIMEZONE = ErrorText(
    'There is no time zone "{name}".', "Use a name like Asia/Kolkata, Asia/Dubai or Europe/London."
)

# --- a column of due dates, where nobody asked for tasks

COLUMN_WITHOUT_TASKS = "no tasks were asked for"
TASKS_NEED_OPTION = (
    'The column "{column}" looks like dates of follow-ups. No task is created from it. To create tasks in the CRM, '
    "choose their type (at the terminal: --task FOLLOW_UP_CALL)."
)

# --- counts

TASKS_TITLE = "Follow-up tasks:"
PLANNED_TASKS_TITLE = "Follow-up tasks to create (a lead that has an open task keeps it):"
TASK_MEANINGS = {
    "created": "created",
    "kept": "not needed: the lead has a task, which it keeps",
    "unknown": "in doubt: the answer of the CRM was lost",
    "not_sent": "not created",
}
"""What each state of a task means, on the terminal and on the page."""

CREATING = "Creating tasks"
WAITING_FOR_DOUBT = (
    "An earlier run may have created some of these tasks. Waiting {duration} until the CRM shows which."
)
CREATE_MISSING = "{accepted} of {rows} went in, but {missing}. Create what is missing with: {command}"
TASKS_ON_PAGE = "Follow-up tasks"
HEAD_DAY = "Due on"
HEAD_TASKS = "Tasks"
SEE_TASKS = "The column _task has what became of the task of each row:"


def format_tasks(tasks: int) -> str:
    """Return `1 task` or `312 tasks`."""
    return "1 task" if tasks == 1 else f"{format_count(tasks)} tasks"


def format_open_tasks(tasks: int) -> str:
    """Return how many leads may be without their task, as the end of a sentence."""
    return f"{format_tasks(tasks)} {'is' if tasks == 1 else 'are'} missing or in doubt"


def format_retry_step(tasks: int) -> str:
    """Return the step that creates the tasks that are missing."""
    missing = "missing task" if tasks == 1 else f"{format_count(tasks)} missing tasks"
    return f"Create the {missing}. importer reads the tasks of each lead first, so none is created twice."


def format_task_question(tasks: int, crm: str) -> str:
    """Return the question before the first write of a run that only creates tasks."""
    return f"Create {format_tasks(tasks)} in {crm} now?"


def format_due_days(days: Sequence[str]) -> str:
    """Return when tasks are due, by their days in order: `due from 1 Dec 2026 to 5 Dec 2026`."""
    if not days:
        return "due"
    first, last = (format_day(day) for day in (days[0], days[-1]))
    return f"due on {first}" if first == last else f"due from {first} to {last}"


def format_day(text: str) -> str:
    """Return an ISO date as people write it: `1 Dec 2026`."""
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b %Y}"
