"""The journal for the reports: what became of every row, in pages or one by one, and how the sending went."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple, TypeAlias

from msgspec import json

from importer.journal.database import JournalFile
from importer.journal.row_codec import REPORT_ROW_FIELDS, check_report_row, to_report_row
from importer.journal.run_metadata import RunRecord, SecondMetrics
from importer.models.delivery import ReportRow
from importer.models.row import BLOCK_ROWS
from importer.models.status import RowStatus, RunState

_ALL = f"SELECT {REPORT_ROW_FIELDS} FROM report_rows ORDER BY number"
_SELECTED = f"""SELECT {REPORT_ROW_FIELDS} FROM report_rows
    WHERE number IN (SELECT value FROM json_each(:numbers)) ORDER BY number"""

_CHECKED_PAGE = """SELECT number, CASE WHEN verdict = 'valid' AND issues = '' THEN cells END AS cells, phone, payload
    FROM rows WHERE number > :after ORDER BY number LIMIT :rows"""
_SENT_PAGE = """SELECT number, CASE WHEN result_status = 'accepted' AND staged_issues = '' AND delivery_issues = ''
    THEN cells END AS cells, phone, payload, attempts, coalesce(http_status, '') AS http_status, result_note
    FROM row_progress WHERE number > :after ORDER BY number LIMIT :rows"""

CheckedRow: TypeAlias = tuple[int, str | None, str, str]
"""Number, cells, phone and request body. A tuple, because the reports read a million of them."""
SentRow: TypeAlias = tuple[int, str | None, str, str, int, int | str, str]
"""The same, and attempts, HTTP status ("" if there was no answer) and note."""


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


ReportPage: TypeAlias = CheckedPage | SentPage


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
                yield self._check(to_report_row(row))

    def read_pages(self) -> Iterator[ReportPage]:
        """Yield every data row in file order, by the page: clean rows cost little."""
        is_checked = self._run.end.state is RunState.CHECKED
        page_type, query = (CheckedPage, _CHECKED_PAGE) if is_checked else (SentPage, _SENT_PAGE)
        after = -1
        with self._file.translate_read_errors():
            while rows := self._file.sql.execute(query, {"after": after, "rows": BLOCK_ROWS}).fetchall():
                after = rows[-1][0]
                bodies = [row[3] for row in rows if row[1] is not None]
                others = [row[0] for row in rows if row[1] is None]
                yield page_type(rows, bodies, self._read_selected(others) if others else [])

    def _read_selected(self, numbers: list[int]) -> list[ReportRow]:
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
