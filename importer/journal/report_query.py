"""The journal for the reports: what became of every row, in pages or one by one, and how the sending went."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple, TypeAlias

from msgspec import json

from importer.journal.journal_file import JournalFile
from importer.journal.row_codec import REPORT_ROW_FIELDS, check_report_row, has_note, to_report_row
from importer.journal.run_metadata import SecondMetrics
from importer.journal.run_record import RunRecord
from importer.models.delivery import ReportRow
from importer.models.row import BLOCK_ROWS
from importer.models.status import NoteState, RowStatus, RunState

_ALL = f"SELECT {REPORT_ROW_FIELDS} FROM report_rows ORDER BY number"
_SELECTED = f"""SELECT {REPORT_ROW_FIELDS} FROM report_rows
    WHERE number IN (SELECT value FROM json_each(:numbers)) ORDER BY number"""

_CHECKED_PAGE = """SELECT number, CASE WHEN verdict = 'valid' AND issues = '' THEN cells END AS cells, phone, payload
    FROM rows WHERE number > :after ORDER BY number LIMIT :rows"""
_SENT_PAGE = """SELECT number, CASE WHEN result_status = 'accepted' AND staged_issues = '' AND delivery_issues = ''
    THEN cells END AS cells, phone, attempts, coalesce(http_status, '') AS http_status, result_note, payload
    FROM row_progress WHERE number > :after ORDER BY number LIMIT :rows"""

_NOT_SENT = NoteState.NOT_SENT.value

PageRow: TypeAlias = tuple[int, str | None, str, int, int | str, str]
"""Number, cells, phone, attempts, HTTP status and note of a row; the cells are None unless the row is clean.

A tuple, because the reports read a million of them.
"""


class ReportPage(NamedTuple):
    """Rows that follow one another in the file.

    A clean row was accepted and has no issues. `rows` has the fields of all rows, `bodies` the request bodies of the
    clean ones and `others` all other rows; each in file order.
    """

    rows: list[PageRow]
    bodies: list[str]
    others: list[ReportRow]


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
        """Yield every data row in file order, as it stands now."""
        with self._file.translate_read_errors():
            for row in self._file.sql.execute(_ALL):
                yield self._check(to_report_row(row))

    def read_pages(self) -> Iterator[ReportPage]:
        """Yield every data row in file order, by the page: clean rows cost little."""
        is_checked = self._run.end.state is RunState.CHECKED
        with self._file.translate_read_errors():
            read = self._read_checked_page if is_checked else self._read_sent_page
            after = -1
            while (page := read(after)).rows:
                after = page.rows[-1][0]
                yield page

    def _read_checked_page(self, after: int) -> ReportPage:
        found = self._file.sql.execute(_CHECKED_PAGE, {"after": after, "rows": BLOCK_ROWS}).fetchall()
        rows: list[PageRow] = [
            (number, cells, phone, 0, "", _NOT_SENT if cells is not None and has_note(body) else "")
            for number, cells, phone, body in found
        ]
        bodies = [body for _, cells, _, body in found if cells is not None]
        return ReportPage(rows, bodies, self._read_others(rows))

    def _read_sent_page(self, after: int) -> ReportPage:
        found = self._file.sql.execute(_SENT_PAGE, {"after": after, "rows": BLOCK_ROWS}).fetchall()
        rows: list[PageRow] = [row[:-1] for row in found]
        bodies = [row[-1] for row in found if row[1] is not None]
        return ReportPage(rows, bodies, self._read_others(rows))

    def _read_others(self, rows: list[PageRow]) -> list[ReportRow]:
        numbers = [number for number, cells, *_ in rows if cells is None]
        if not numbers:
            return []
        found = self._file.sql.execute(_SELECTED, {"numbers": json.encode(numbers).decode()})
        return [self._check(to_report_row(row)) for row in found]

    def _check(self, row: ReportRow) -> ReportRow:
        return check_report_row(row, columns=len(self._run.metadata.headers))

    def read_second_metrics(self) -> list[SecondMetrics]:
        """Return what happened second by second."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(
                "SELECT second, requests, throttled, retries FROM second_metrics ORDER BY second"
            )
            return [SecondMetrics(*row) for row in found]
