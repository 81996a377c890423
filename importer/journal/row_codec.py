"""Turn the columns of the journal's tables into the types of the other packages, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from importer.issues import Issue, get_issue_kind
from importer.journal.database import UNDECODABLE
from importer.models.delivery import NOTE_BREAK, PendingRow, ReportRow
from importer.models.row import Accepted, Payload, SourceRow
from importer.models.status import NoteState, RowStatus

encode = msgspec.json.Encoder().encode
_decode_issues = msgspec.json.Decoder(tuple[Issue, ...]).decode
_decode_payload = msgspec.json.Decoder(Payload).decode
NOTE_KEY = '"customer_note":'  # in JSON only a key can look like this: quotes within texts are escaped


def encode_issues(issues: Sequence[Issue]) -> str:
    """Return issues as a JSON list, or "" if there are none."""
    return encode(issues).decode() if issues else ""


def decode_issues(text: str) -> tuple[Issue, ...]:
    """Return the issues of a column `issues`."""
    return _decode_issues(text) if text else ()


def encode_payload(payload: Payload | None) -> str | None:
    """Return a payload as JSON."""
    return None if payload is None else encode(payload).decode()


def split_notes(joined: str) -> tuple[str, ...]:
    """Return the notes of a payload: several if rows were merged."""
    return tuple(joined.split(NOTE_BREAK))


def to_accepted(row: tuple[int, str, str, str]) -> Accepted:
    """Return a valid row without its cells, from (number, phone, payload, issues)."""
    number, phone, payload, issues = row
    return Accepted(SourceRow(number, ()), phone, _decode_payload(payload), decode_issues(issues))


def to_pending_row(number: int, encoded_payload: str, with_note: int | None = None) -> PendingRow:
    """Return a valid row as the sender needs it, its notes apart from the payload.

    `with_note` is from the intent of an earlier sending: None without an intent, 1 if the note left with it.
    """
    payload = _decode_payload(encoded_payload)
    joined = payload.pop("customer_note", None)
    undelivered = NoteState.UNKNOWN if with_note else NoteState.NOT_SENT
    return PendingRow(
        number=number,
        phones=(payload["customer_phone"], *payload.get("add_phones", ())),
        payload=payload,
        may_have_arrived=with_note is not None,
        notes=() if joined is None else split_notes(joined),
        note_state=NoteState.NONE if joined is None else undelivered,
    )


REPORT_ROW_FIELDS = """number, cells, status, phone, staged_issues, delivery_issues, attempts, http_status,
    result_note, with_note, payload, survivor_status"""
"""Columns of the view `report_rows`, in the order of `to_report_row`."""


def to_report_row(row: tuple[Any, ...]) -> ReportRow:
    """Return a row as the reports show it, from REPORT_ROW_FIELDS."""
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
    ) = row
    return ReportRow(
        number,
        cells,
        RowStatus(status),
        phone,
        staged,
        delivered or "",
        attempts or 0,
        http_status,
        NoteState(note) if note is not None else _find_open_note_state(body, with_note),
        body,
        None if survivor is None else RowStatus(survivor),
    )


def _find_open_note_state(payload: str | None, with_note: int | None) -> NoteState:
    """Return the state of the note of a row without a result: in doubt once it was under way."""
    if payload is None or NOTE_KEY not in payload:
        return NoteState.NONE
    return NoteState.UNKNOWN if with_note else NoteState.NOT_SENT


def check_report_row(row: ReportRow, *, columns: int) -> ReportRow:
    """Return the row if its readers can use all of it: they cannot handle damage.

    Of an accepted row they use its line, and its issues if it has any. Raises ValueError, UnknownCodeError.
    """
    try:
        for issue in row.issues:
            get_issue_kind(issue.code)
        error = _find_damage(row, columns)
    except UNDECODABLE as undecodable:
        raise ValueError(f"row {row.number}: {undecodable}") from undecodable
    if error:
        raise ValueError(f"row {row.number}: {error}")
    return row


def _find_damage(row: ReportRow, columns: int) -> str:
    if row.status is RowStatus.ACCEPTED:
        return "" if row.body else "its request is missing"
    cells = len(row.cells)
    if cells < columns:
        return f"{columns - cells} of its {columns} cells are missing"
    return "" if cells == columns else f"it has {cells} cells, the sheet {columns} columns"
