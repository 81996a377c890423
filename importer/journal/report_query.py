"""What became of every row, read back for the reports: by the page, and one row after another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import json

from importer.journal.staging import HAS_NOTE, outcome_of
from importer.models.delivery import ReportRow
from importer.models.row import BLOCK_ROWS
from importer.models.status import NoteState, RowStatus

JOINED = "FROM rows LEFT JOIN results USING (number) LEFT JOIN intents USING (number)"


def _status_of(row: str, result: str, intent: str) -> str:
    """A row's one status (law 1): its result, else its verdict, else what its intent leaves open."""
    return f"""coalesce({result}.status, CASE
    WHEN {row}.verdict <> '{RowStatus.ACCEPTED}' THEN {row}.verdict
    WHEN :checked THEN '{RowStatus.ACCEPTED}'
    WHEN {intent}.number IS NOT NULL THEN '{RowStatus.UNKNOWN}'
    ELSE '{RowStatus.PENDING}' END)"""


_STATUS = _status_of("rows", "results", "intents")
_KEPT = f"""CASE WHEN rows.verdict = '{RowStatus.DUPLICATE}' THEN (
    SELECT {_status_of("kept", "its_result", "its_intent")}
    FROM rows AS kept LEFT JOIN results AS its_result USING (number) LEFT JOIN intents AS its_intent USING (number)
    WHERE kept.number = rows.survivor_row) END"""
"""Of a duplicate: the status of the row that it was folded into."""

_OUTCOMES = f"""SELECT number, cells, {_STATUS}, phone, rows.issues, results.issues, coalesce(attempts, 0),
    http_status, results.note, with_note, payload, {_KEPT} {JOINED}"""

_PAGE_CHECKED = f"""SELECT number, CASE WHEN issues = '' AND verdict = '{RowStatus.ACCEPTED}'
    THEN cells || ',' || number || ',{RowStatus.ACCEPTED},' || phone || ',,,0,,' END, payload
    FROM rows WHERE number > :after ORDER BY number LIMIT :rows"""
_PAGE_SENT = f"""SELECT number, CASE WHEN rows.issues = '' AND results.issues = '' AND results.status = '{RowStatus.ACCEPTED}'
    THEN cells || ',' || number || ',{RowStatus.ACCEPTED},' || phone || ',,,' || attempts || ',' || coalesce(http_status, '')
    || ',' || note END, payload
    FROM rows LEFT JOIN results USING (number) WHERE number > :after ORDER BY number LIMIT :rows"""
"""Rows of which nothing is to be said are ready lines: their cells as they are kept, then REPORT_COLUMNS, in which
nothing needs a quotation mark. The note of a row that was only checked is still to be put behind it."""

_THESE = f"{_OUTCOMES} WHERE number IN (SELECT value FROM json_each(:numbers)) ORDER BY number"
_COUNTS = f"""SELECT {", ".join(f"total(status = '{status}')" for status in RowStatus)}, count(*)
    FROM (SELECT {_STATUS} AS status {JOINED})"""


class Page(NamedTuple):
    """Rows that follow one another in the file.

    `lines` has the line of `results.csv` of each row that went in and of which nothing is to be said, and None for
    every other; `bodies` are the requests' bodies of the former, `others` the latter, both in order.
    """

    lines: list[str | None]
    bodies: list[str]
    others: list[ReportRow]


def read_pages(connection: sqlite3.Connection, *, checked: bool) -> Iterator[Page]:
    """Every row in file order, by the page. SQLite puts most lines together, which spares a row its clothes."""
    page, left_open = (_PAGE_CHECKED, NoteState.NOT_SENT.value) if checked else (_PAGE_SENT, "")
    after = -1
    while rows := connection.execute(page, {"after": after, "rows": BLOCK_ROWS}).fetchall():
        after = rows[-1][0]
        bodies = [body for _, line, body in rows if line]
        others = [number for number, line, _ in rows if not line]
        yield Page(
            [line and f"{line}{left_open if HAS_NOTE in body else ''}\r\n" for _, line, body in rows],
            bodies,
            _outcomes_of(connection, others, checked=checked) if others else [],
        )


def _outcomes_of(connection: sqlite3.Connection, numbers: list[int], *, checked: bool) -> list[ReportRow]:
    found = connection.execute(_THESE, {"checked": checked, "numbers": json.encode(numbers).decode()})
    return list(map(outcome_of, found))


def read_outcomes(connection: sqlite3.Connection, *, checked: bool) -> Iterator[ReportRow]:
    """Every row in file order, one after another."""
    yield from map(outcome_of, connection.execute(f"{_OUTCOMES} ORDER BY number", {"checked": checked}))


def read_counts(connection: sqlite3.Connection, *, checked: bool) -> dict[RowStatus, int]:
    """Rows by status, every status named. Raises ValueError where a row has none of them (law 1)."""
    # Sums need no sorting, where GROUP BY would sort the statuses of all rows: 60 MB for a million.
    *totals, rows = connection.execute(_COUNTS, {"checked": checked}).fetchone()
    if sum(totals) != rows:
        raise ValueError(f"rows without a status: {rows - int(sum(totals)):,}")
    return {status: int(total) for status, total in zip(RowStatus, totals, strict=True)}
