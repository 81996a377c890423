"""The commands about earlier runs: runs, report, purge."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from importer.cli.console import is_interactive, print_json, print_line
from importer.cli.flags import add_reports_options, read_settings
from importer.cli.prompts import confirm
from importer.cli.summary_view import format_file_notices
from importer.command_hints import format_run_command
from importer.errors import UsageError, raise_as_nothing_sent
from importer.messages import format_count, format_time, help_messages, terminal_messages, undo_messages
from importer.messages.report_messages import CHECK_MEANINGS
from importer.models.status import UNSENT, RowStatus, RunKind
from importer.pipeline.preparations import Preparations
from importer.pipeline.purge_runs import find_old_runs, purge
from importer.pipeline.reports_folder import RunLine, find_run, forget_purged_runs, list_runs, now
from importer.pipeline.resume import rewrite_reports
from importer.state.state_folder import find_state_folder


@click.command("runs", help=help_messages.COMMAND_HELP["runs"])
@add_reports_options
@click.option("--json", "as_json", is_flag=True, help=help_messages.OPTION_JSON)
def runs_command(as_json: bool, **flags: Any) -> int:
    """List the runs of the reports folder."""
    reports = read_settings(flags).reports
    lines = list_runs(Path(reports))
    if as_json:
        print_json(lines)
        return 0
    for line in lines:
        print_line(_format_run_line(line, Path(reports)))
    if not lines:
        print_line(terminal_messages.NO_RUNS.format(reports=reports), err=True)
    return 0


@click.command("report", help=help_messages.COMMAND_HELP["report"])
@click.argument("run")
@add_reports_options
def report_command(run: str, **flags: Any) -> int:
    """Write the reports of a run again from its journal."""
    folder = find_run(Path(read_settings(flags).reports), run)
    for line in format_file_notices(rewrite_reports(folder)):
        print_line(line)
    print_line(terminal_messages.REPORTS_WRITTEN.format(path=folder / "report.html"), err=True)
    return 0


@click.command("purge", help=help_messages.COMMAND_HELP["purge"])
@click.option("--older-than", required=True, metavar="90d", help=help_messages.OPTION_OLDER_THAN)
@click.option("--yes", is_flag=True, help=help_messages.OPTION_PURGE_YES)
@add_reports_options
def purge_command(older_than: str, yes: bool, **flags: Any) -> int:
    """Remove old runs with all personal data in them."""
    age, reports = _parse_age(older_than), read_settings(flags).reports
    old, kept = find_old_runs(Path(reports), age, now())
    for folder, reason in kept:
        print_line(terminal_messages.KEPT_FOLDER.format(folder=folder, reason=reason), err=True)
    preparations = Preparations(Path(reports))
    sheets = preparations.find_older_than(age, now())
    if sheets:
        print_line(terminal_messages.format_unsent_sheets(len(sheets)), err=True)
    if not old and not sheets:
        print_line(terminal_messages.NO_OLD_RUNS.format(reports=reports, age=older_than), err=True)
        return 0
    if not yes:
        _confirm_purge(old)
    with raise_as_nothing_sent():
        for run_id in sheets:
            preparations.remove(run_id)
        result = purge(Path(reports), old)
        forget_purged_runs(Path(reports), find_state_folder(os.environ))
    print_line(terminal_messages.format_removed_runs(result.removed), err=True)
    for folder, names in result.left.items():
        print_line(terminal_messages.FILES_LEFT.format(folder=folder, names=", ".join(names)), err=True)
    if result.in_use:
        print_line(terminal_messages.format_runs_in_use(result.in_use), err=True)
    return 0


def _confirm_purge(old: list[RunLine]) -> None:
    """Ask before anything is removed. Raises UsageError for a no, and if nobody can be asked."""
    if not is_interactive():
        raise UsageError(*terminal_messages.PURGE_NEEDS_CONFIRMATION)
    resumable = sum(line.resumable for line in old)
    if not confirm(terminal_messages.format_purge_question(len(old), resumable)):
        raise UsageError(*terminal_messages.NOTHING_REMOVED)


def _parse_age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([dh])", text.strip().lower())
    if not found:
        raise UsageError(*help_messages.WRONG_AGE.format(value=text))
    return timedelta(days=int(found[1])) if found[2] == "d" else timedelta(hours=int(found[1]))


def _format_run_line(line: RunLine, reports: Path) -> str:
    if line.damage:
        return terminal_messages.UNREADABLE_RUN.format(run_id=line.run_id, reason=line.damage)
    is_undo = line.kind is RunKind.UNDO
    text = terminal_messages.RUN_LINE.format(
        run_id=line.run_id,
        started_at=format_time(line.started) if line.started else "",
        file=undo_messages.UNDO_OF.format(run=line.parent) if is_undo else line.file,
        state=line.state,
        counts=_format_counts(line),
    )
    if line.resumable:
        command = format_run_command("resume", reports / line.run_id)
        text += terminal_messages.RUN_LINE_RESUME.format(command=command)
    if line.applicable:
        command = format_run_command("apply", reports / line.run_id)
        text += terminal_messages.RUN_LINE_APPLY.format(command=command)
    if line.undone_by:
        at = format_time(datetime.fromisoformat(line.undone_at))
        text += undo_messages.RUN_LINE_UNDONE.format(at=at, run=line.undone_by)
    elif line.undoable and not line.resumable:
        command = format_run_command("undo", reports / line.run_id)
        text += undo_messages.RUN_LINE_UNDO.format(command=command)
    return text


def _format_counts(line: RunLine) -> str:
    """Return `2 accepted, 1 invalid`. After a check, `accepted` reads as it does in the summary."""
    is_checked, is_undo = line.state in UNSENT, line.kind is RunKind.UNDO
    words = {RowStatus.ACCEPTED: CHECK_MEANINGS[RowStatus.ACCEPTED]} if is_checked else {}
    if is_undo:
        meanings = undo_messages.PLAN_MEANINGS if is_checked else undo_messages.STATUS_MEANINGS
        words = {status: meanings[status] for status in (RowStatus.ACCEPTED, RowStatus.INVALID)}
    return ", ".join(
        f"{format_count(line.counts[status])} {words.get(status, status)}"
        for status in RowStatus
        if line.counts.get(status)
    )
