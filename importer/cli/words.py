"""What people read on the terminal: the columns, the summary, and the one last line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from importer.fields import BY_NAME
from importer.issues import CATALOGUE, Severity
from importer.journal import RunHeader
from importer.models import ColumnChoice, Mapping, RunState, Status
from importer.report import Summary

_MEANING = {
    Status.ACCEPTED: "went in",
    Status.INVALID: "refused here, before anything was sent",
    Status.REFUSED: "refused by the CRM",
    Status.FAILED: "could not be delivered",
    Status.UNKNOWN: "may have gone in, the answer was lost",
    Status.DUPLICATE: "folded into another row with the same phone",
    Status.PENDING: "not tried yet",
}
_CHECK_MEANING = {**_MEANING, Status.ACCEPTED: "can go in"}
_COMMONEST = 3


def columns_table(header: RunHeader) -> Iterator[str]:
    """How the sheet was read: a line for each notice and each column."""
    for notice in header.notices:
        yield notice.text
    yield from mapping_lines(header.mapping)


def mapping_lines(mapping: Mapping) -> Iterator[str]:
    """A line for each column that feeds a field, and one that names those left out."""
    used = [column for column in mapping.columns if column.field]
    width = min(max((len(column.header) for column in used), default=0), 32)
    for column in used:
        yield f"  {_cut(column.header, 32):<{width}}  ->  {field_label(column.field):<20} {_sure(column)}".rstrip()
    left_out = [
        column.header or f"(column {column.index + 1})" for column in mapping.columns if not column.field
    ]
    if left_out:
        yield f"  left out: {', '.join(left_out)}"


def field_label(field: str) -> str:
    """A field's name for people."""
    found = BY_NAME.get(field)
    return found.label if found else field


def summary_lines(summary: Summary) -> Iterator[str]:
    """Counts with their meaning, the commonest problems, and what was left aside."""
    checked = summary.state == RunState.CHECKED
    meaning = _CHECK_MEANING if checked else _MEANING
    yield f"{summary.rows:,} rows of {Path(summary.file).name}"
    for status in Status:
        count = summary.counts.get(status.value, 0)
        if count or status is Status.ACCEPTED:
            yield f"  {count:>9,}  {meaning[status]}"
    commonest = [item for item in summary.problems.items() if _refuses(item[0])][:_COMMONEST]
    if commonest:
        yield "Commonest problems"
        for code, count in commonest:
            yield f"  {count:>9,}  {problem_title(code)}"


def file_lines(summary: Summary) -> Iterator[str]:
    """What is not as usual with the files: one that was in use, rows that a workbook cannot hold."""
    for name, placed in summary.files.items():
        if placed != name:
            yield f"{name} is open or was worked in, so it was left as it is: the new one is {placed}"
    if summary.workbook_rows < summary.failed_rows:
        yield (
            f"failed_rows.xlsx holds {summary.workbook_rows:,} of the {summary.failed_rows:,} rows to mend, "
            "which is all that a workbook can; failed_rows.csv holds every one"
        )


def _refuses(code: str) -> bool:
    """Whether a problem kept its rows out, rather than only being worth knowing."""
    kind = CATALOGUE.get(code.rpartition(".")[2])
    return kind is None or kind.severity is not Severity.WARNING


def problem_title(code: str) -> str:
    """`lead_stage_name.unknown` as people say it: `Stage: not in the account`."""
    field, _, name = code.rpartition(".")
    kind = CATALOGUE.get(name)
    title = kind.title if kind else name
    return title if field in ("row", "") else f"{field_label(field)}: {title}"


def last_line(summary: Summary, folder: Path) -> str:
    """What happened, and what to do next, in one line."""
    in_crm = summary.counts[Status.ACCEPTED] + summary.counts[Status.DUPLICATE]
    mend = folder / summary.files["failed_rows.xlsx"]
    match summary.state:
        case RunState.CHECKED:
            said = f"{in_crm:,} of {summary.rows:,} rows can go in. Nothing was sent."
            mending = f" {_needs(summary.failed_rows)} mending: {mend}." if summary.failed_rows else ""
            return f"{said}{mending} Send with: importer run {summary.file}"
        case RunState.STOPPED | RunState.INTERRUPTED:
            return f"{summary.reason} Go on with: importer resume {summary.run_id}"
        case _ if summary.failed_rows:
            return (
                f"{in_crm:,} of {summary.rows:,} rows went in. {_needs(summary.failed_rows)} mending: open {mend}, "
                f"mend it, and feed it back: importer run {mend}"
            )
        case _ if in_crm < summary.rows:
            left_out = summary.rows - in_crm
            return f"{in_crm:,} of {summary.rows:,} rows went in; the other {left_out:,} are no leads. The report: {folder / 'report.html'}"
        case _:
            return f"All {summary.rows:,} rows went in. The report: {folder / 'report.html'}"


def _needs(rows: int) -> str:
    return "1 row needs" if rows == 1 else f"{rows:,} rows need"


def _sure(column: ColumnChoice) -> str:
    return f"({column.reason})" if column.reason else ""


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
