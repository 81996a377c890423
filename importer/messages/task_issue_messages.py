"""The words for what can be wrong with the follow-up task of a row: its cells, and what became of it."""

from __future__ import annotations

from importer.issue_codes import IssueCode as Code
from importer.messages import IssueText

TASK_ISSUE_TEXTS: dict[Code, IssueText] = {
    # --- cells of a task
    Code.NOT_A_DUE_DATE: IssueText(
        "not a due date",
        '"{value}" is not a clear date for a task. Type it like 5/12/2026 4 pm, the day first, or empty the cell.',
    ),
    Code.DUE_IN_PAST: IssueText(
        "due date is past",
        '"{value}" is in the past. Type a later date, or empty the cell.',
    ),
    Code.NOT_A_TASK_TYPE: IssueText(
        "not a type of task",
        '"{value}" is not a type of task. Type follow up, first call, callback, site visit, reminder or booking.',
    ),
    Code.DUE_MOVED: IssueText(
        "due dates moved into working hours",
        '"{value}" is outside the working hours or days, so the task is due on {hint}.',
    ),
    # --- what became of the follow-up task of a lead; {value} is the CRM's message, or when the task is due
    Code.TASK_KEPT: IssueText(
        "open task kept",
        "the lead keeps its open task ({value}). No other task was created, because that would close the open one.",
    ),
    Code.TASK_EXISTS: IssueText(
        "task exists", "the lead already has this task ({value}), so it was not created again."
    ),
    Code.TASK_REPEATED: IssueText(
        "task created before",
        "run {hint} already created this task ({value}) for this lead, so it was not created again.",
    ),
    Code.TASK_TOO_LATE: IssueText(
        "task was due before it could be created",
        "no task was created, because its time has passed ({value}). Import the row again with a later date.",
    ),
    Code.TASK_WITHOUT_LEAD: IssueText(
        "no lead for the task",
        "no task was created, because the CRM does not show the lead now. Check the lead, then run importer retry.",
    ),
    Code.TASK_REFUSED: IssueText(
        "task refused by the CRM",
        'the CRM did not accept the task: "{value}". The lead went in. Run importer retry to try again.',
    ),
    Code.TASK_FAILED: IssueText(
        "task not created",
        "the task could not be created ({value}; attempts: {hint}). The lead went in. Run importer retry to create the task.",
    ),
    Code.TASK_NOT_SHOWN: IssueText(
        "task not in the CRM",
        "the CRM does not show this task of the lead now ({value}). Check the tasks of the lead, or run importer verify again.",
    ),
    Code.TASK_UNSURE: IssueText(
        "task may be missing",
        "the CRM may have created the task, but its answer was lost ({value}). Run importer retry: it reads the lead's tasks "
        "first, and creates none twice.",
    ),
}
