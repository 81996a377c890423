"""What the terminal shows of an undo: the counts, what happens to each field, and the last line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from importer.cli.plan_view import format_verification
from importer.fields import get_field_label
from importer.issues import IssueCode, format_machine_code, get_issue_title, is_blocking
from importer.messages import (
    format_count,
    format_lead_count,
    planning_messages,
    terminal_messages,
    undo_messages,
)
from importer.models.status import UNSENT, RowStatus, RunState
from importer.report.change_texts import list_field_counts
from importer.report.next_steps import has_writes
from importer.report.summary import PAGE, RESULTS, Summary
from importer.untrusted_text import quote_command

_MAX_PROBLEMS = 5
_MARKED = format_machine_code("row", IssueCode.CREATED_AND_MARKED)


def format_undo_summary(summary: Summary, folder: Path) -> Iterator[str]:
    """Yield the counts with their meaning, the fields, and why leads or fields stay. `folder` is the run's."""
    meanings = undo_messages.PLAN_MEANINGS if summary.state in UNSENT else undo_messages.STATUS_MEANINGS
    leads = format_lead_count(summary.rows)
    yield undo_messages.SUMMARY_TITLE.format(leads=leads, run=summary.parent)
    for status in RowStatus:
        if (count := summary.counts[status.value]) or status is RowStatus.ACCEPTED:
            yield f"  {format_count(count):>9}  {meanings[status]}"
    if fields := list_field_counts(summary.fields, undo_messages.EFFECT_WORDS):
        yield undo_messages.FIELDS
        for field, effects in fields.items():
            yield f"  {planning_messages.FIELD_LINE.format(label=get_field_label(field), effects=effects)}"
    yield from format_verification(summary)
    yield from _format_problems(summary, folder)


def _format_problems(summary: Summary, folder: Path) -> Iterator[str]:
    """Yield what stays and why: of whole leads, then of single fields."""
    problems = sorted(summary.problems.items(), key=lambda item: not is_blocking(item[0]))[:_MAX_PROBLEMS]
    if problems:
        yield undo_messages.WHAT_STAYS.format(file=folder / summary.files[RESULTS])
    for code, count in problems:
        yield f"  {format_count(count):>9}  {get_issue_title(code)}"


def format_undo_result(summary: Summary, folder: Path, next_options: str) -> str:
    """Return what happened and what to do next, in one line. `next_options` are added to the next command."""
    file, report = folder / summary.files[RESULTS], terminal_messages.REPORT.format(path=folder / PAGE)
    put_back = summary.counts[RowStatus.ACCEPTED]
    match summary.state:
        case RunState.STOPPED | RunState.INTERRUPTED:
            command = f"importer resume {quote_command(summary.run_id)}{next_options}"
            return terminal_messages.CONTINUE_WITH.format(reason=summary.reason, command=command)
        case RunState.PLANNED:
            line = undo_messages.format_plan_result(put_back, summary.rows)
            command = f"importer apply {quote_command(summary.run_id)}{next_options}"
            return line + undo_messages.PUT_BACK_WITH.format(command=command) if has_writes(summary) else line
        case _ if summary.verification_failure:
            found = summary.verification_failure
            line = undo_messages.format_failed_verification(summary.parent, put_back, found, str(file))
            return f"{line} {summary.reason}".rstrip()
        case _:
            same, marked = (
                summary.counts[RowStatus.UNCHANGED],
                min(summary.problems.get(_MARKED, 0), put_back),
            )
            line = undo_messages.format_result(
                summary.parent,
                put_back=put_back - marked,
                same=same,
                marked=marked,
                left=summary.rows - put_back - same,
                file=str(file),
            )
            if summary.undelivered:
                command = f"importer undo {quote_command(summary.parent)}{next_options}"
                line += undo_messages.TRY_AGAIN_WITH.format(command=command)
            return f"{line} {report}"
