"""What the terminal shows of a sheet and of a finished run: the columns, the summary, and the last line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from importer.cli.console import cut, print_json, print_line
from importer.cli.plan_view import format_plan, format_tasks, format_verification
from importer.cli.undo_view import format_undo_result, format_undo_summary
from importer.fields import get_field_label
from importer.issues import (
    IssueCode,
    format_machine_code,
    get_issue_title,
    is_about,
    is_blocking,
    is_optional_cell_error,
)
from importer.journal.run_metadata import RunMetadata
from importer.messages import (
    format_count,
    format_row_count,
    planning_messages,
    report_messages,
    task_messages,
    terminal_messages,
)
from importer.messages.report_messages import CHECK_MEANINGS, STATUS_MEANINGS
from importer.models.mapping import ColumnChoice, Mapping, MatchSource
from importer.models.status import SHEET_COLUMN, UNSENT, RowStatus, RunKind, RunState, Verification
from importer.pipeline.context import NameConflict
from importer.report.next_steps import list_apply_steps
from importer.report.summary import PAGE, RESULTS, Summary
from importer.settings import Settings
from importer.untrusted_text import quote_command

_MAX_PROBLEMS = 3
_MAX_WIDTH = 32
_OTHER_NAME = format_machine_code("row", IssueCode.OTHER_NAME)
_NO_SUCH_LEAD = format_machine_code("row", IssueCode.NO_SUCH_LEAD)
_LEFT_OUT_CODES = frozenset(
    {IssueCode.LEFT_OUT_UNKNOWN, IssueCode.LEFT_OUT_DISABLED, IssueCode.LEFT_OUT_AMBIGUOUS}
)


def show_result(
    summary: Summary, settings: Settings, next_options: str = "", *, other_names: Sequence[NameConflict] = ()
) -> int:
    """Print how the run ended and return its exit code. `next_options` are added to the next command."""
    folder = Path(settings.reports) / summary.run_id
    if settings.json:
        print_json(summary)
    elif not settings.quiet:
        for line in format_summary(summary, folder, other_names):
            print_line(line)
        for line in chain(format_bulk_fixes(summary), format_file_notices(summary)):
            print_line(line)
        print_line(_format_report(folder))
    print_line(format_last_line(summary, folder, next_options), err=True, bold=True)
    return summary.exit_code


def format_columns(metadata: RunMetadata) -> Iterator[str]:
    """Yield a line for each notice of the sheet and for each column."""
    for notice in metadata.notices:
        yield notice.text
    yield from format_mapping(metadata.mapping)


def format_mapping(mapping: Mapping) -> Iterator[str]:
    """Yield a line for each column with a field, then the columns that are left out, with the reason if there is one."""
    used = [column for column in mapping.columns if column.field]
    width = min(max((len(column.header) for column in used), default=0), _MAX_WIDTH)
    for column in used:
        target = f"{get_field_label(column.field):<20} {_format_reason(column)}".rstrip()
        yield f"  {cut(_name_column(column), _MAX_WIDTH):<{width}}  ->  {target}"
    left_out = [column for column in mapping.columns if not column.field and column.header != SHEET_COLUMN]
    unknown: list[str] = []
    for column in left_out:
        name = cut(_name_column(column), _MAX_WIDTH)
        if column.source is MatchSource.UNKNOWN_HEADER:
            unknown.append(name)
        else:
            yield terminal_messages.LEFT_OUT.format(columns=f"{name} {_format_reason(column)}")
    if unknown:
        yield terminal_messages.LEFT_OUT.format(columns=", ".join(unknown))


def format_summary(summary: Summary, folder: Path, other_names: Sequence[NameConflict] = ()) -> Iterator[str]:
    """Yield the counts with their meaning, the most common problems, and the warnings about rows that go in.

    `folder` is the run's. `other_names` are the first rows that were merged with a row of another name.
    """
    if summary.kind is RunKind.UNDO:
        yield from format_undo_summary(summary, folder)
        return
    is_checked = summary.state in UNSENT
    meanings = CHECK_MEANINGS if is_checked else STATUS_MEANINGS
    file = terminal_messages.STANDARD_INPUT if summary.file == "-" else Path(summary.file).name
    if summary.nameless_warning:
        yield f"{summary.nameless_warning} {report_messages.NAME_THE_COLUMN}"
    yield terminal_messages.SUMMARY_TITLE.format(rows=format_row_count(summary.rows), file=file)
    for status in RowStatus:
        count = summary.counts.get(status.value, 0)
        if count or status is RowStatus.ACCEPTED:
            yield f"  {format_count(count):>9}  {meanings[status]}"
    yield from filter(None, (summary.existing_leads, summary.vanished_leads))
    yield from format_plan(summary)
    yield from format_tasks(summary)
    yield from format_verification(summary)
    yield from _format_problems(summary)
    results = folder / summary.files[RESULTS]
    if summary.warned_rows:
        warnings = terminal_messages.WARNINGS_ON_SENT_ROWS
        if is_checked:
            warnings = terminal_messages.WARNINGS_ON_CHECKED_ROWS
        yield warnings.format(rows=format_row_count(summary.warned_rows), file=results)
    if merged := summary.problems.get(_OTHER_NAME, 0):
        yield from _format_merged_rows(merged, other_names, checked=is_checked, results=results)


def _format_problems(summary: Summary) -> Iterator[str]:
    blocking = [item for item in summary.problems.items() if is_blocking(item[0])][:_MAX_PROBLEMS]
    if blocking:
        yield terminal_messages.COMMON_PROBLEMS
        for code, count in blocking:
            yield f"  {format_count(count):>9}  {get_issue_title(code)}"
    if left_out := [item for item in summary.problems.items() if is_about(item[0], _LEFT_OUT_CODES)]:
        yield terminal_messages.VALUES_LEFT_OUT
        for code, count in left_out:
            yield f"  {format_count(count):>9}  {get_issue_title(code).replace('left out: ', '')}"


def _format_merged_rows(
    rows: int, other_names: Sequence[NameConflict], *, checked: bool, results: Path
) -> Iterator[str]:
    """Yield the number of rows that share a phone but not a name, the first of them, and what to do about them."""
    yield terminal_messages.format_merged_rows(rows, checked=checked)
    for row in other_names:
        yield terminal_messages.MERGED_ROW.format(
            row=row.row, name=cut(row.name, _MAX_WIDTH), other=cut(row.other, 2 * _MAX_WIDTH)
        )
    if rows > len(other_names):
        yield terminal_messages.MORE_MERGED_ROWS.format(file=results)
    if checked:
        yield terminal_messages.MERGED_ROWS_ADVICE


def format_bulk_fixes(summary: Summary) -> Iterator[str]:
    """Yield advice on problems of a sheet that one answer or option fixes for many rows."""
    if summary.kind is RunKind.UNDO:
        return
    if any(is_about(code, {IssueCode.UNKNOWN}) for code in summary.problems):
        yield terminal_messages.UNKNOWN_VALUES_ADVICE
    if summary.rows and "source" not in {*summary.columns.values(), *summary.defaults}:
        option = quote_command("--default", f"source={terminal_messages.EXAMPLE_SOURCE}")
        yield terminal_messages.SOURCE_ADVICE.format(option=option)
    if any(map(is_optional_cell_error, summary.problems)):
        yield terminal_messages.BAD_CELLS_ADVICE
    if _NO_SUCH_LEAD in summary.problems:
        yield terminal_messages.NO_SUCH_LEAD_ADVICE


def format_file_notices(summary: Summary) -> Iterator[str]:
    """Yield a line for each report file that could not be replaced, and for a workbook that is full."""
    for name, new_name in summary.files.items():
        if new_name != name:
            yield terminal_messages.FILE_NOT_REPLACED.format(name=name, new_name=new_name)
    if summary.workbook_rows < summary.failed_rows:
        yield terminal_messages.WORKBOOK_IS_FULL.format(
            rows=format_count(summary.workbook_rows), all_rows=f"{format_count(summary.failed_rows)}"
        )


def format_last_line(summary: Summary, folder: Path, next_options: str) -> str:
    """Return what happened and what to do next, in one line. `next_options` are added to the next command.

    A sheet whose leads are mostly nameless is never called fine.
    """
    if summary.kind is RunKind.UNDO:
        return format_undo_result(summary, folder, next_options)
    result = _format_result(summary, folder, next_options)
    return f"{summary.nameless_warning} {result}".lstrip()


def _format_result(summary: Summary, folder: Path, next_options: str) -> str:
    match summary.state:
        case _ if not summary.rows:
            return f"{terminal_messages.SHEET_HAS_NO_ROWS} {_format_report(folder)}"
        case RunState.CHECKED | RunState.PLANNED:
            return _format_check_result(summary, folder, next_options)
        case RunState.STOPPED | RunState.INTERRUPTED:
            resume = f"importer resume {quote_command(summary.run_id)}{next_options}"
            return terminal_messages.CONTINUE_WITH.format(reason=summary.reason, command=resume)
        case _:
            return _format_end(summary, folder, next_options)


def _format_end(summary: Summary, folder: Path, next_options: str) -> str:
    """Return what became of the rows of a run that has sent all of them."""
    if summary.verification_failure:
        return _format_failed_verification(summary, folder)
    if summary.open_tasks and not summary.to_fix and not summary.undelivered:
        return _format_open_tasks(summary, next_options)
    if summary.failed_rows:
        return _format_failed_rows(summary, folder, next_options)
    return _format_success(summary, folder)


def _format_check_result(summary: Summary, folder: Path, next_options: str) -> str:
    line = terminal_messages.CHECKED.format(
        accepted=format_count(summary.went_in), rows=format_row_count(summary.rows)
    )
    if skipped := summary.rows - summary.went_in - summary.failed_rows:
        line += f" {terminal_messages.format_skipped_rows(skipped)}"
    if summary.to_fix:
        line += f" {terminal_messages.format_rows_to_fix(summary.to_fix)}: {folder / summary.file_to_fix}."
    if summary.state == RunState.PLANNED:
        if list_apply_steps(summary, folder):
            command = f"importer apply {quote_command(summary.run_id)}{next_options}"
            line += terminal_messages.APPLY_WITH.format(command=command)
    elif summary.counts[RowStatus.ACCEPTED]:
        command = f"importer run {quote_command(summary.file)}{next_options}"
        line += terminal_messages.SEND_WITH.format(command=command)
    return line


def _format_failed_rows(summary: Summary, folder: Path, next_options: str) -> str:
    counts = {"accepted": format_count(summary.went_in), "rows": format_row_count(summary.rows)}
    if not summary.to_fix:
        command = f"importer retry {quote_command(summary.run_id)}{next_options}"
        return terminal_messages.RETRY_WITH.format(**counts, command=command)
    file = folder / summary.file_to_fix
    return terminal_messages.FIX_AND_IMPORT.format(
        **counts,
        to_fix=terminal_messages.format_rows_to_fix(summary.to_fix),
        file=file,
        command=f"importer run {quote_command(str(file))}{next_options}",
    )


def _format_open_tasks(summary: Summary, next_options: str) -> str:
    return task_messages.CREATE_MISSING.format(
        accepted=format_count(summary.went_in),
        rows=format_row_count(summary.rows),
        missing=task_messages.format_open_tasks(summary.open_tasks),
        command=f"importer retry {quote_command(summary.run_id)}{next_options}",
    )


def _format_failed_verification(summary: Summary, folder: Path) -> str:
    line = terminal_messages.VERIFICATION_FAILED.format(
        accepted=format_count(summary.went_in),
        rows=format_row_count(summary.rows),
        found=summary.verification_failure,
        file=folder / summary.files[RESULTS],
    )
    return f"{line} {summary.reason}".rstrip()


def _format_success(summary: Summary, folder: Path) -> str:
    report = _format_report(folder)
    if summary.verified:
        read, changed = sum(summary.verified.values()), summary.verified[Verification.CHANGED_SINCE]
        report = f"{planning_messages.format_verification_success(read, changed)} {report}"
    if skipped := summary.rows - summary.went_in:
        return f"{_format_accepted_rows(summary)} {terminal_messages.format_skipped_rows(skipped)} {report}"
    return f"{terminal_messages.format_all_rows_accepted(summary.rows)} {report}"


def _format_report(folder: Path) -> str:
    return terminal_messages.REPORT.format(path=folder / PAGE)


def _format_accepted_rows(summary: Summary) -> str:
    """Return the sentence `5 of 8 rows went in`."""
    return terminal_messages.SENT.format(
        accepted=format_count(summary.went_in), rows=format_row_count(summary.rows)
    )


def _name_column(column: ColumnChoice) -> str:
    return column.header or terminal_messages.UNNAMED_COLUMN.format(number=column.index + 1)


def _format_reason(column: ColumnChoice) -> str:
    return f"({column.reason})" if column.reason else ""
