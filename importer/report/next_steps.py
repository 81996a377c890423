"""List what a person should do after a run, step by step: the first thing on the page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from importer.command_hints import format_run_command, format_sheet_command, to_reports_option
from importer.issues import IssueCode, is_about
from importer.messages import planning_messages, report_messages, task_messages, undo_messages
from importer.models.status import RunKind, RunState
from importer.report.summary import FAILED_XLSX, RESULTS, Summary
from importer.untrusted_text import quote_command


class Step(msgspec.Struct, frozen=True):
    """One thing to do: a sentence, then the command to type or the file to open."""

    text: str
    command: str = ""
    file: str = ""


def list_next_steps(summary: Summary, folder: Path, options: Mapping[str, object]) -> list[Step]:
    """Return the steps, the most urgent first; none if every row went in.

    `folder` is that of the run, as the user named it. `options` are those of the journal's metadata.
    """
    if summary.kind is RunKind.UNDO:
        return _list_undo_steps(summary, folder)
    match summary.state:
        case RunState.STOPPED | RunState.INTERRUPTED:
            return _list_resume_steps(summary, folder)
        case RunState.PLANNED:
            return list_apply_steps(summary, folder) + _list_fix_steps(summary, folder)
        case RunState.CHECKED:
            return _list_send_steps(summary, folder, options) + _list_fix_steps(summary, folder)
        case _ if summary.verification_failure:
            check = Step(planning_messages.VERIFICATION_STEP, file=summary.files[RESULTS])
            return [check, *_list_retry_steps(summary, folder), *_list_fix_steps(summary, folder)]
        case _:
            return _list_retry_steps(summary, folder) + _list_fix_steps(summary, folder)


def _list_undo_steps(summary: Summary, folder: Path) -> list[Step]:
    """Return what to do about an undo. Its rows are never imported again: another undo puts back what is left."""
    if summary.state in (RunState.STOPPED, RunState.INTERRUPTED):
        return [Step(report_messages.RESUME, format_run_command("resume", folder))]
    if summary.state == RunState.PLANNED:
        command = format_run_command("apply", folder)
        return [Step(undo_messages.STEP_APPLY, command)] if has_writes(summary) else []
    undo = format_run_command("undo", folder.parent / summary.parent)
    steps = []
    if summary.verification_failure:
        steps.append(Step(planning_messages.VERIFICATION_STEP, file=summary.files[RESULTS]))
    if summary.undelivered:
        steps.append(Step(undo_messages.STEP_RETRY, undo))
    if any(is_about(code, {IssueCode.CHANGED_AFTER_RUN}) for code in summary.problems):
        steps.append(Step(undo_messages.STEP_EDITED, f"{undo} --edited field"))
    if any(is_about(code, {IssueCode.CREATED_BY_RUN}) for code in summary.problems):
        steps.append(Step(undo_messages.STEP_CREATED, f"{undo} --mark-created LABEL"))
    return steps


def has_writes(summary: Summary) -> bool:
    """Return whether a plan sends anything."""
    return bool(summary.plan.get("create") or summary.plan.get("update"))


def _list_resume_steps(summary: Summary, folder: Path) -> list[Step]:
    resume = Step(report_messages.RESUME, format_run_command("resume", folder))
    return [resume, Step(report_messages.FIX_LATER)] if summary.to_fix else [resume]


def _list_send_steps(summary: Summary, folder: Path, options: Mapping[str, object]) -> list[Step]:
    leads = summary.counts["accepted"]  # not rows: those that share a phone are one lead
    if not leads:
        return []
    text = report_messages.format_send_step(leads)
    if summary.edited:  # the file does not have the edits
        return [Step(text, format_run_command("apply", folder))]
    look, send = (
        format_sheet_command(command, summary.file, options, folder.parent) for command in ("plan", "run")
    )
    return [Step(report_messages.SEE_FIRST, look), Step(text, send)]


def list_apply_steps(summary: Summary, folder: Path) -> list[Step]:
    """Return the step that sends a plan, none if it changes nothing, has no row, or looked up only a sample."""
    if not summary.plan or sum(summary.plan.values()) < summary.plannable_rows:
        return []
    leads = summary.plan["create"] + summary.plan["update"]
    if not leads:
        return []
    return [Step(report_messages.format_send_step(leads), format_run_command("apply", folder))]


def _list_retry_steps(summary: Summary, folder: Path) -> list[Step]:
    """Return the step that sends rows again and creates the tasks that are missing: one command does both."""
    if summary.undelivered:
        text = report_messages.format_retry_step(summary.undelivered)
    elif summary.open_tasks:
        text = task_messages.format_retry_step(summary.open_tasks)
    else:
        return []
    return [Step(text, format_run_command("retry", folder))]


def _list_fix_steps(summary: Summary, folder: Path) -> list[Step]:
    if not summary.to_fix:
        return []
    file = summary.file_to_fix
    is_workbook = file == summary.files[FAILED_XLSX]
    command = quote_command("importer", "run", str(folder / file), *to_reports_option(folder.parent))
    return [
        Step(report_messages.FIX_IN_WORKBOOK if is_workbook else report_messages.FIX_IN_CSV, file=file),
        Step(report_messages.IMPORT_AGAIN, command),
    ]
