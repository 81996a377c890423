"""What people read on the terminal: the columns, the summary, and the one last line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

from importer.cli.console import print_line, print_json
from importer.credentials import is_loopback
from importer.fields import get_field_label
from importer.issues import get_issue_title, is_blocking
from importer.journal.run_metadata import RunMetadata
from importer.loader.mapping.header_match import NO_SUCH_NAME
from importer.models.mapping import ColumnChoice, Mapping
from importer.models.status import CHECK_MEANINGS, STATUS_MEANINGS, RowStatus, RunState
from importer.pipeline.observer import NameConflict
from importer.report.summary import RESULTS, Summary
from importer.settings import Settings
from importer.untrusted_text import quote_command, quote_for_powershell

_COMMONEST = 3
_MANY = 3  # faults of one kind in a column, which is then perhaps not what it was taken for
_WIDEST = 32


def show_result(
    summary: Summary, settings: Settings, again: str = "", *, other_names: Sequence[NameConflict] = ()
) -> int:
    """Print how it ended; answers with the exit code. `again` are the options for the next command to type."""
    folder = Path(settings.reports) / summary.run_id
    if settings.json:
        print_json(summary)
    elif not settings.quiet:
        for line in format_summary(summary, folder, other_names):
            print_line(line)
        for line in chain(format_bulk_fixes(summary), format_file_notices(summary)):
            print_line(line)
        print_line(f"Report: {folder / 'report.html'}")
    print_line(last_line(summary, folder, again), err=True, bold=True)
    return summary.exit_code


def format_columns(header: RunMetadata) -> Iterator[str]:
    """How the sheet was read: a line for each notice and each column."""
    for notice in header.notices:
        yield notice.text
    yield from format_mapping(header.mapping)


def format_mapping(mapping: Mapping) -> Iterator[str]:
    """A line for each column that feeds a field, and the columns left out, with the reason where there is one."""
    used = [column for column in mapping.columns if column.field]
    width = min(max((len(column.header) for column in used), default=0), _WIDEST)
    for column in used:
        goes = f"{get_field_label(column.field):<20} {_why(column)}".rstrip()
        yield f"  {cut(_name(column), _WIDEST):<{width}}  ->  {goes}"
    left_out = [column for column in mapping.columns if not column.field]
    for column in left_out:
        if column.reason != NO_SUCH_NAME:
            yield f"  left out: {cut(_name(column), _WIDEST)} {_why(column)}"
    if unknown := [cut(_name(column), _WIDEST) for column in left_out if column.reason == NO_SUCH_NAME]:
        yield f"  left out: {', '.join(unknown)}"


def format_summary(summary: Summary, folder: Path, other_names: Sequence[NameConflict] = ()) -> Iterator[str]:
    """Counts with their meaning, the commonest problems, and what should be known of rows that go in.

    `folder` is the run's; `other_names` are the first rows that were merged with one of another name.
    """
    checked = summary.state == RunState.CHECKED
    meaning = CHECK_MEANINGS if checked else STATUS_MEANINGS
    yield f"{format_row_count(summary.rows)} of {'standard input' if summary.file == '-' else Path(summary.file).name}"
    for status in RowStatus:
        count = summary.counts.get(status.value, 0)
        if count or status is RowStatus.ACCEPTED:
            yield f"  {count:>9,}  {meaning[status]}"
    commonest = [item for item in summary.problems.items() if is_blocking(item[0])][:_COMMONEST]
    if commonest:
        yield "Commonest problems"
        for code, count in commonest:
            yield f"  {count:>9,}  {get_issue_title(code)}"
    if left_out := [item for item in summary.problems.items() if ".left_out_" in item[0]]:
        yield "Values left out, as --unknown drop has it"
        for code, count in left_out:
            yield f"  {count:>9,}  {get_issue_title(code).replace('left out: ', '')}"
    results = folder / summary.files[RESULTS]
    if summary.warned_rows:
        go = "can go in" if checked else "went in"
        yield f"Warnings on {format_row_count(summary.warned_rows)} that {go}: see _problems in {results}"
    if merged := summary.problems.get("row.other_name", 0):
        yield from _merged_lines(merged, other_names, checked=checked, results=results)


def _merged_lines(
    rows: int, other_names: Sequence[NameConflict], *, checked: bool, results: Path
) -> Iterator[str]:
    """Rows that share a phone and not a name, the first of them, and how to decide otherwise while it is time."""
    are = "is" if checked and rows == 1 else "are" if checked else "was" if rows == 1 else "were"
    yield f"{format_row_count(rows)} {are} merged with a row of the same phone and another name"
    for row in other_names:
        yield f'  row {row.number} "{cut(row.name, _WIDEST)}" with {cut(row.other, 2 * _WIDEST)}'
    if rows > len(other_names):
        yield f"  all of them: row.other_name in _codes of {results}"
    if checked:
        yield "  Are they different people? Add --duplicates reject (both are kept out, to be mended), first or last (that row alone is sent)"


def format_bulk_fixes(summary: Summary) -> Iterator[str]:
    """What need not be mended cell by cell: values that the account does not have, amounts that are ranges, new leads."""
    if summary.state == RunState.CHECKED and any(code.endswith(".unknown") for code in summary.problems):
        yield (
            "Values that are not in the account: at a terminal importer run asks, once for each, what it means; "
            "--unknown drop sends the rows without them"
        )
    if summary.problems.get("deal_value.not_a_number", 0) >= _MANY:
        header = next(header for header, field in summary.columns.items() if field == "deal_value")
        option = quote_command("--column", f"{header}=additional_info")
        yield f"Amounts that are none, such as ranges: {option} sends that column as additional info instead"
    if "row.no_such_lead" in summary.problems:
        yield "Rows of phones that are no lead's: fed back with --create they make leads of their own"


def format_file_notices(summary: Summary) -> Iterator[str]:
    """What is not as usual with the files: one that was in use, rows that a workbook cannot hold."""
    for name, placed in summary.files.items():
        if placed != name:
            yield f"{name} is open or was worked in, so it was left as it is: the new one is {placed}"
    if summary.workbook_rows < summary.failed_rows:
        yield (
            f"failed_rows.xlsx holds {summary.workbook_rows:,} of the {summary.failed_rows:,} rows to mend, "
            "which is all that a workbook can; failed_rows.csv holds every one"
        )


def last_line(summary: Summary, folder: Path, again: str) -> str:
    """What happened, and what to do next, in one line. `again` are the options to type with the next command."""
    in_crm = summary.went_in
    mend = folder / summary.file_to_fix
    match summary.state:
        case RunState.CHECKED:
            said = f"{in_crm:,} of {format_row_count(summary.rows)} can go in. Nothing was sent."
            said += _no_leads(summary)
            mending = f" {_needs(summary.to_fix)} mending: {mend}." if summary.to_fix else ""
            send = f" Send with: importer run {quote_command(summary.file)}{again}" if in_crm else ""
            return f"{said}{mending}{send}"
        case RunState.STOPPED | RunState.INTERRUPTED:
            return f"{summary.reason} Go on with: importer resume {quote_command(summary.run_id)}{again}"
        case _ if summary.failed_rows and not summary.to_fix:
            return (
                f"{in_crm:,} of {format_row_count(summary.rows)} went in. The others can be sent again as they are: "
                f"importer retry {quote_command(summary.run_id)}{again}"
            )
        case _ if summary.failed_rows:
            return (
                f"{in_crm:,} of {format_row_count(summary.rows)} went in. {_needs(summary.to_fix)} mending: open {mend}, "
                f"mend it, and feed it back: importer run {quote_command(str(mend))}{again}"
            )
        case _ if in_crm < summary.rows:
            left_out = summary.rows - in_crm
            others = "the other one is no lead" if left_out == 1 else f"the other {left_out:,} are no leads"
            return f"{in_crm:,} of {format_row_count(summary.rows)} went in; {others}. The report: {folder / 'report.html'}"
        case _:
            all_rows = "The row" if summary.rows == 1 else f"All {summary.rows:,} rows"
            return f"{all_rows} went in. The report: {folder / 'report.html'}"


def _no_leads(summary: Summary) -> str:
    """Rows that were left out and need no mending, so that the numbers of the last line add up."""
    rows = summary.rows - summary.went_in - summary.failed_rows
    return f" {format_row_count(rows)} {'is no lead' if rows == 1 else 'are no leads'}." if rows else ""


def describe_crm(base_url: str) -> str:
    """Which CRM it is, for whoever agrees to send to it: the real one, or one to practise on."""
    place = urlsplit(base_url)
    here = is_loopback(place.hostname or "")
    return f"the CRM on this machine ({place.netloc})" if here else f"the CRM at {place.netloc}"


def format_shell_variables(values: dict[str, str], *, windows: bool = os.name == "nt") -> str:
    """The line that sets variables of the environment: for PowerShell on Windows, for any other shell elsewhere."""
    if windows:
        return "; ".join(f"$env:{name}={quote_for_powershell(value)}" for name, value in values.items())
    return f"export {quote_command(*(f'{name}={value}' for name, value in values.items()))}"


def cut(text: str, width: int) -> str:
    """The text on one line, its end cut off where it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def format_row_count(count: int) -> str:
    """`1 row`, `1,234 rows`."""
    return "1 row" if count == 1 else f"{count:,} rows"


def _needs(rows: int) -> str:
    return "1 row needs" if rows == 1 else f"{rows:,} rows need"


def _name(column: ColumnChoice) -> str:
    return column.header or f"(column {column.index + 1})"


def _why(column: ColumnChoice) -> str:
    return f"({column.reason})" if column.reason else ""
