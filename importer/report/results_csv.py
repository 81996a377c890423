"""Write results.csv and failed_rows.csv: the columns of the sheet, then what became of each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from importer.csv_injection import escape_formula, format_csv_record
from importer.journal.report_query import NOTE_KEY, CheckedPage, PlannedPage, ReportPage, SentPage
from importer.journal.run_journal import Journal
from importer.models.delivery import ReportRow
from importer.models.row import ROW_MASK
from importer.models.status import (
    PLAN_COLUMNS,
    REPORT_COLUMNS,
    TASK_COLUMNS,
    VERIFICATION_COLUMNS,
    NoteState,
    RowStatus,
)
from importer.report.change_texts import format_changes

_BOM = "\ufeff"
_ACCEPTED, _UNCHANGED, _NOT_SENT = (
    RowStatus.ACCEPTED.value,
    RowStatus.UNCHANGED.value,
    NoteState.NOT_SENT.value,
)


class ResultsCsv:
    """A CSV file of report rows, in UTF-8 with BOM (Excel takes anything else for Windows-1252)."""

    def __init__(self, path: Path, headers: Sequence[str], columns: Sequence[str] = REPORT_COLUMNS) -> None:
        self._path = path
        self._headers = headers
        self._columns = columns

    def __enter__(self) -> Self:
        self._file: TextIO = self._path.open("w", encoding="utf-8", newline="", buffering=1 << 18)
        self._file.write(_BOM)  # the codec utf-8-sig would write it too, but makes each line six times slower
        self._file.write(format_csv_record([*map(escape_formula, self._headers), *self._columns]))
        return self

    def add(self, lines: Iterable[str]) -> None:
        """Write rows in the form that `format_report_line` returns."""
        self._file.write("".join(lines))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def format_report_line(row: ReportRow, report_cells: Sequence[object]) -> str:
    """Return a row as a line of CSV. The cells of the sheet are copied, because the journal keeps them escaped already."""
    return f"{row.line},{format_csv_record(report_cells)}"


def format_clean_lines(page: ReportPage) -> list[str | None]:
    """Return the line of each clean row of a page, and None for each other row.

    The order is that of REPORT_COLUMNS, and of PLAN_COLUMNS where rows were planned. A clean row has no issues, and nothing behind its cells needs quoting.
    """
    match page:
        case CheckedPage():
            return [
                cells
                if cells is None
                else f"{cells},{number & ROW_MASK},{_ACCEPTED},{phone},,,0,,{_NOT_SENT if NOTE_KEY in body else ''}\r\n"
                for number, cells, phone, body in page.rows
            ]
        case SentPage():
            return [
                cells
                if cells is None
                else f"{cells},{number & ROW_MASK},{_ACCEPTED},{phone},,,{attempts},{http_status},{note}\r\n"
                for number, cells, phone, _, attempts, http_status, note in page.rows
            ]
        case PlannedPage():
            return [
                cells
                if cells is None
                else f"{cells},{number & ROW_MASK},{_UNCHANGED},{phone},,,{attempts},{http_status},{note},{_UNCHANGED},,{lead_id}\r\n"
                for number, cells, phone, attempts, http_status, note, lead_id in page.rows
            ]


def choose_report_columns(journal: Journal) -> tuple[str, ...]:
    """Return the `_` columns of a run, in order: those of plans, verifications and tasks only where it has any."""
    planned = () if journal.plans.is_empty else PLAN_COLUMNS
    verified = () if journal.verifications.is_empty else VERIFICATION_COLUMNS
    tasks = () if journal.tasks.is_empty else TASK_COLUMNS
    return (*REPORT_COLUMNS, *planned, *verified, *tasks)


def to_report_cells(row: ReportRow, columns: Sequence[str] = REPORT_COLUMNS) -> tuple[object, ...]:
    """Return the `_` columns of a row, in the order of `choose_report_columns`."""
    cells = _to_common_cells(row)
    if len(columns) == len(cells):
        return cells
    if PLAN_COLUMNS[0] in columns:
        cells += _to_plan_cells(row)
    if VERIFICATION_COLUMNS[0] in columns:
        cells += ("" if row.verification is None else row.verification.value,)
    if TASK_COLUMNS[0] in columns:
        cells += ("" if row.task is None else row.task.value,)
    return cells


def _to_plan_cells(row: ReportRow) -> tuple[str, str, str]:
    if row.plan is None:
        return "", "", ""
    return row.plan.action.value, escape_formula(format_changes(row.plan)), row.lead_id


def _to_common_cells(row: ReportRow) -> tuple[object, ...]:
    return (
        row.sheet_row,
        row.status.value,
        row.phone,
        escape_formula(" | ".join(row.sentences)),
        ";".join(issue.machine_code for issue in row.issues),
        row.attempts,
        row.http_status,
        row.note.value,
    )
