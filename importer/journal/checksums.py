"""A checksum for each row of the journal: SQLite has none, so one flipped bit could send a lead to another phone."""

from __future__ import annotations

import sqlite3
from zlib import crc32

WRONG_CHECKSUM = "the checksum of {table} {key} does not match"
_DAMAGED_ROW = "SELECT {key} FROM {table} WHERE checksum IS NOT {checksum} LIMIT 1"
_WRITE_ROW_COUNT = """INSERT OR REPLACE INTO meta (key, value, checksum)
    SELECT 'row_count', rows, checksum('row_count', rows) FROM (SELECT CAST(count(*) AS TEXT) AS rows FROM rows)"""
_COUNT_ROWS = """SELECT (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'row_count'), (SELECT count(*) FROM rows)"""
CHECKSUMS = {
    "meta": "checksum(key, value)",
    "rows": "row_checksum(number, cells, verdict, phone, payload, issues, survivor_row)",
    "intents": "checksum(number, with_note, attempts, http_status, issues)",
    "results": "checksum(number, status, attempts, http_status, note, issues)",
    "lookups": "checksum(id, phone, answer, lead_id)",
    "reached_leads": "checksum(lead_id, number)",
    "plans": "checksum(number, action, touched, changes, steps, issues)",
    "edits": "checksum(id, step, number, column_index, before, after, undoes, made_at)",
    "edited_rows": "checksum(number, version, cells, reader_issues, is_left_out, issues)",
    "verifications": "checksum(number, outcome, issues, updated_at, read_at)",
    "tasks": "checksum(number, type, due_at, note, state, attempts, http_status, issues)",
    "second_metrics": "checksum(second, requests, throttled, retries)",
}
"""What the column `checksum` of each table is made of. The first column tells its rows apart."""


def compute_row_checksum(
    number: int,
    cells: str,
    verdict: str,
    phone: str,
    payload: str | None,
    issues: str,
    survivor_row: int | None = None,
) -> int:
    """Return the checksum of a row of the table `rows`. Spelled out, because it takes half the time of any values."""
    return crc32(f"{cells}\0{verdict}\0{phone}\0{payload}\0{issues}\0{survivor_row}".encode(), number)


def compute_checksum(*values: object) -> int:
    """Return the checksum of a row of another table. CRC-32 finds every flipped bit, and any two."""
    return crc32("\0".join(map(str, values)).encode())


def _checksum_four(a: object, b: object, c: object, d: object) -> int:
    return crc32(f"{a}\0{b}\0{c}\0{d}".encode())


def _checksum_six(a: object, b: object, c: object, d: object, e: object, f: object) -> int:
    return crc32(f"{a}\0{b}\0{c}\0{d}\0{e}\0{f}".encode())


def add_checksum_functions(connection: sqlite3.Connection) -> None:
    """Let SQL compute checksums on this connection.

    Those of 4 and 6 values are spelled out: look-ups, plans and results are as many as rows.
    """
    connection.create_function("row_checksum", 7, compute_row_checksum, deterministic=True)
    connection.create_function("checksum", -1, compute_checksum, deterministic=True)
    connection.create_function("checksum", 4, _checksum_four, deterministic=True)
    connection.create_function("checksum", 6, _checksum_six, deterministic=True)


def write_row_count(connection: sqlite3.Connection) -> None:
    """Write how many rows there are: a row that is missing has no checksum."""
    connection.execute(_WRITE_ROW_COUNT)


def find_damage(connection: sqlite3.Connection) -> str:
    """Return which row is not as it was written, or how many are missing, or ""."""
    for table, checksum in CHECKSUMS.items():
        key = checksum.partition("(")[2].partition(",")[0]
        if found := connection.execute(
            _DAMAGED_ROW.format(table=table, key=key, checksum=checksum)
        ).fetchone():
            return WRONG_CHECKSUM.format(table=table, key=found[0])
    written, rows = connection.execute(_COUNT_ROWS).fetchone()
    return "" if written == rows else f"it has {rows} of its {written} rows"
