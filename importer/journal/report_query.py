"""The journal for the reports: what became of every row, in pages or one by one, and how the sending went."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple, TypeAlias

import msgspec
from msgspec import json

from importer.issues import Issue, IssueCode, get_issue_kind
from importer.journal.database import UNDECODABLE, JournalFile
from importer.journal.plan_log import decode_plan
from importer.journal.run_metadata import RunRecord, SecondMetrics
from importer.journal.staging import encode_issues
from importer.messages import run_messages
from importer.models.delivery import ReportRow
from importer.models.row import BLOCK_ROWS
from importer.models.status import NoteState, RowStatus, RunState, Verification
from importer.models.task import TaskState

_REPORT_ROW_FIELDS = """number, cells, status, phone, staged_issues, delivery_issues, attempts, http_status,
    result_note, with_note, payload, survivor_status, lead_id,
    verification, verification_issues, edit_issues, task, task_issues, lacks_task, plan_action, plan_changes, plan_steps, plan_issues"""
"""Columns of the view `report_rows`, in the order of `_to_report_row`."""
_KILLED = encode_issues([Issue("row", IssueCode.UNSURE, "", run_messages.DETAIL_RUN_KILLED)])
"""All that is known of a row that was under way when the process was killed: its intent has no result."""
NOTE_KEY = '"customer_note":'  # in JSON only a key can look like this: quotes within texts are escaped

_ALL = f"SELECT {_REPORT_ROW_FIELDS} FROM report_rows ORDER BY number"
_SELECTED = f"""SELECT {_REPORT_ROW_FIELDS} FROM report_rows
    WHERE number IN (SELECT value FROM json_each(:numbers)) ORDER BY number"""

_PHONES_THAT_WENT_IN = "SELECT phone FROM row_status WHERE status IN ('accepted', 'unchanged')"
_PHONES = """SELECT phone FROM rows WHERE phone <> '' UNION ALL
    SELECT further.value FROM rows, json_each(rows.payload, '$.add_phones') AS further
    WHERE rows.payload LIKE '%"add_phones":%'"""

_CHECKED_PAGE = """SELECT number, CASE WHEN verdict = 'valid' AND issues = '' AND NOT EXISTS (SELECT 1 FROM tasks)
    AND NOT EXISTS (SELECT 1 FROM edited_rows WHERE number = rows.number AND issues <> '') THEN cells END AS cells, phone, payload
    FROM rows WHERE number > :after ORDER BY number LIMIT :rows"""
_SENT_PAGE = """SELECT number, CASE WHEN result_status = 'accepted' AND staged_issues = '' AND delivery_issues = ''
    AND plan_action IS NULL AND NOT EXISTS (SELECT 1 FROM verifications) AND NOT EXISTS (SELECT 1 FROM tasks)
    AND NOT EXISTS (SELECT 1 FROM edited_rows WHERE number = row_progress.number AND issues <> '') THEN cells END AS cells, phone, payload, attempts, coalesce(http_status, '') AS http_status, result_note
    FROM row_progress WHERE number > :after ORDER BY number LIMIT :rows"""

# BETWEEN, because for an equal phone SQLite takes the unique index, and reads the whole answer to get the lead.
_PLANNED_PAGE = """SELECT
      number, CASE WHEN is_clean AND lead_id NOT GLOB '*[^0-9A-Za-z-]*' THEN cells END AS cells,
      phone, attempts, http_status, note, lead_id
    FROM (
      SELECT
        number, cells, phone, coalesce(attempts, 0) AS attempts, coalesce(http_status, '') AS http_status,
        coalesce(result_note, CASE WHEN instr(payload, :note) THEN 'sent' ELSE '' END) AS note,
        (SELECT lead_id FROM lookups WHERE lookups.phone BETWEEN row_status.phone AND row_status.phone) AS lead_id,
        status = 'unchanged' AND plan_action = 'unchanged' AND plan_touched = 0
          AND staged_issues = '' AND delivery_issues = '' AND NOT EXISTS (
            SELECT 1 FROM edited_rows WHERE edited_rows.number = row_status.number AND issues <> '') AS is_clean
      FROM row_status WHERE number > :after ORDER BY number LIMIT :rows)"""

_IS_PLANNED_ONLY = """SELECT EXISTS (SELECT 1 FROM plans)
    AND NOT EXISTS (SELECT 1 FROM verifications) AND NOT EXISTS (SELECT 1 FROM tasks)"""  # these add columns

CheckedRow: TypeAlias = tuple[int, str | None, str, str]
"""Number, cells, phone and request body. A tuple, because the reports read a million of them."""
SentRow: TypeAlias = tuple[int, str | None, str, str, int, int | str, str]
"""The same, and attempts, HTTP status ("" if there was no answer) and note."""


PlannedRow: TypeAlias = tuple[int, str | None, str, int, int | str, str, str]
"""Number, cells, phone, attempts, HTTP status ("" if there was no answer), note, and the CRM's id of the lead."""


class CheckedPage(NamedTuple):
    """Rows of a check that follow one another in the file.

    A clean row was accepted and has no issues; all other rows have None for cells in `rows`. `bodies` are the request
    bodies of the clean rows, and `others` are the other rows; each in file order.
    """

    rows: list[CheckedRow]
    bodies: list[str]
    others: list[ReportRow]


class SentPage(NamedTuple):
    """The same of rows that were sent."""

    rows: list[SentRow]
    bodies: list[str]
    others: list[ReportRow]


class PlannedPage(NamedTuple):
    """The same of rows that were planned, sent or not. A clean row needs nothing: the CRM has each of its values."""

    rows: list[PlannedRow]
    bodies: list[str]
    others: list[ReportRow]

    @property
    def unchanged(self) -> int:
        """The number of clean rows."""
        return len(self.rows) - len(self.others)


ReportPage: TypeAlias = CheckedPage | SentPage | PlannedPage


class ReportQuery:
    """Reads the rows of a run for its reports."""

    def __init__(self, file: JournalFile, run: RunRecord) -> None:
        self._file = file
        self._run = run

    def count_by_status(self) -> dict[RowStatus, int]:
        """Return the number of rows of every status; the sum is the number of data rows in the file.

        A row without a status is damage (guarantee "Conservation").
        """
        with self._file.translate_read_errors(), closing(self._file.sql.cursor()) as cursor:
            cursor.row_factory = sqlite3.Row
            found = cursor.execute("SELECT * FROM status_counts").fetchone()
            counts = {status: int(found[status.value]) for status in RowStatus}
            if sum(counts.values()) != found["all_rows"]:
                raise ValueError(f"rows without a status: {found['all_rows'] - sum(counts.values()):,}")
            return counts

    def read_rows(self) -> Iterator[ReportRow]:
        """Yield every data row in file order, in its current state."""
        with self._file.translate_read_errors():
            for row in self._file.sql.execute(_ALL):
                yield self._check(_to_report_row(row))

    def read_phones(self) -> Iterator[str]:
        """Yield every phone of the sheet that could be read, of rejected rows too. Some come twice."""
        with self._file.translate_read_errors():
            yield from (phone for (phone,) in self._file.sql.execute(_PHONES))

    def read_phones_that_went_in(self) -> Iterator[str]:
        """Yield the phones of the leads that the CRM has from this run, or had from an earlier one."""
        with self._file.translate_read_errors():
            yield from (phone for (phone,) in self._file.sql.execute(_PHONES_THAT_WENT_IN))

    def read_pages(self) -> Iterator[ReportPage]:
        """Yield every data row in file order, by the page: clean rows cost little."""
        page_type, query = self._choose_page()
        values, after = {"rows": BLOCK_ROWS, "note": NOTE_KEY}, -1
        with self._file.translate_read_errors():
            while rows := self._file.sql.execute(query, {**values, "after": after}).fetchall():
                after = rows[-1][0]
                is_sent = page_type is not PlannedPage
                bodies = [row[3] for row in rows if row[1] is not None] if is_sent else []
                others = [row[0] for row in rows if row[1] is None]
                yield page_type(rows, bodies, self.read_selected(others) if others else [])

    def _choose_page(self) -> tuple[type[ReportPage], str]:
        """Return what the clean rows of the run are, and the query that tells them apart."""
        if self._run.end.state is RunState.CHECKED:
            return CheckedPage, _CHECKED_PAGE
        (is_planned,) = self._file.sql.execute(_IS_PLANNED_ONLY).fetchone()
        return (PlannedPage, _PLANNED_PAGE) if is_planned else (SentPage, _SENT_PAGE)

    def read_selected(self, numbers: list[int]) -> list[ReportRow]:
        """Return the rows with these numbers in file order, in their current state."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_SELECTED, {"numbers": json.encode(numbers).decode()})
            return [self._check(_to_report_row(row)) for row in found]

    def _check(self, row: ReportRow) -> ReportRow:
        if sheets := self._run.metadata.sheets:
            row = msgspec.structs.replace(row, sheets=sheets)
        return _check_report_row(row, columns=len(self._run.metadata.headers))

    def read_second_metrics(self) -> list[SecondMetrics]:
        """Return what happened second by second."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(
                """SELECT second, sum(requests), sum(throttled), sum(retries) FROM second_metrics
                   GROUP BY second ORDER BY second"""
            )
            return [SecondMetrics(*row) for row in found]


def _to_report_row(row: tuple[Any, ...]) -> ReportRow:
    """Return a row as the reports show it, from _REPORT_ROW_FIELDS."""
    (
        number,
        cells,
        status,
        phone,
        staged,
        delivered,
        attempts,
        http_status,
        note,
        with_note,
        body,
        survivor,
        lead_id,
        verification,
        verification_issues,
        edit_issues,
        task,
        task_issues,
        lacks_task,
        *plan,
    ) = row
    return ReportRow(
        number,
        cells,
        RowStatus(status),
        phone,
        staged,
        delivered or (_KILLED if status == RowStatus.UNKNOWN else ""),
        attempts or 0,
        http_status,
        NoteState(note) if note is not None else _find_open_note_state(body, with_note, status),
        body,
        None if survivor is None else RowStatus(survivor),
        plan=None if plan[0] is None else decode_plan(*plan),
        lead_id=lead_id or "",
        verification=None if verification is None else Verification(verification),
        verification_issues=verification_issues or "",
        edit_issues=edit_issues or "",
        task=None if task is None else TaskState(task),
        task_issues=task_issues or "",
        lacks_task=bool(lacks_task),
    )


def _find_open_note_state(payload: str | None, with_note: int | None, status: str) -> NoteState:
    """Return the state of the note of a row without a result: in doubt once it was under way.

    A row is unchanged only if its note was sent before.
    """
    if payload is None or NOTE_KEY not in payload:
        return NoteState.NONE
    if status == RowStatus.UNCHANGED:
        return NoteState.SENT
    return NoteState.UNKNOWN if with_note else NoteState.NOT_SENT


def _check_report_row(row: ReportRow, *, columns: int) -> ReportRow:
    """Return the row if its readers can use all of it: they cannot handle damage.

    Of an accepted row they use its line, and its issues if it has any. Raises ValueError, UnknownCodeError.
    """
    try:
        for issue in row.issues:
            get_issue_kind(issue.code)
        error = _find_damage(row, columns)
    except UNDECODABLE as undecodable:
        raise ValueError(f"row {row.name}: {undecodable}") from undecodable
    if error:
        raise ValueError(f"row {row.name}: {error}")
    return row


def _find_damage(row: ReportRow, columns: int) -> str:
    if row.status is RowStatus.ACCEPTED:
        return "" if row.body else "its request is missing"
    cells = len(row.cells)
    if cells < columns:
        return f"{columns - cells} of its {columns} cells are missing"
    return "" if cells == columns else f"it has {cells} cells, the sheet {columns} columns"
