"""Rows in and out of the journal: the shapes of its tables, and the types that the rooms know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from importer.issues import Issue
from importer.models import (
    NOTE_BREAK,
    Accepted,
    NoteState,
    Payload,
    PendingRow,
    Rejected,
    RowOutcome,
    SourceRow,
    Status,
    Verdict,
)

encode = msgspec.json.Encoder().encode
_cells = msgspec.json.Decoder(tuple[str, ...]).decode
_issues = msgspec.json.Decoder(tuple[Issue, ...]).decode
_payload = msgspec.json.Decoder(Payload).decode
_ESCAPED_BREAK = encode(NOTE_BREAK).decode()[1:-1]  # as it stands in JSON


class StagedRow(NamedTuple):
    """A judged row in the shape of the table `rows`; texts are JSON."""

    number: int
    cells: str
    verdict: str
    phone: str
    payload: str | None
    issues: str


class Rejudged(NamedTuple):
    """Another verdict on a staged row: folded into another, or its title gone from the account since."""

    number: int
    verdict: Status
    payload: Payload | None
    issues: tuple[Issue, ...]
    kept_in: int | None = None


def staged(verdict: Verdict) -> StagedRow:
    """The verdict as the journal keeps it."""
    row = verdict.row
    cells = encode(row.cells).decode()
    issues = issues_text(verdict.issues)
    match verdict:
        case Accepted():
            return StagedRow(
                row.number, cells, "accepted", verdict.phone, encode(verdict.payload).decode(), issues
            )
        case Rejected():
            return StagedRow(row.number, cells, "invalid", verdict.phone, None, issues)


def issues_text(issues: Sequence[Issue]) -> str:
    """Issues as the journal keeps them: a JSON list, or nothing."""
    return encode(issues).decode() if issues else ""


def payload_text(payload: Payload | None) -> str | None:
    """A payload as the journal keeps it."""
    return None if payload is None else encode(payload).decode()


def accepted_of(row: tuple[int, str, str, str]) -> Accepted:
    """An accepted row read back (number, phone, payload, issues), without its cells."""
    number, phone, payload, issues = row
    return Accepted(SourceRow(number, ()), phone, _payload(payload), _issues(issues) if issues else ())


def pending_of(number: int, payload_text: str, with_note: int | None = None) -> PendingRow:
    """An accepted row on its way out: its notes are taken out of the payload.

    `with_note` is what an intent of an earlier sending left: None for no intent, 1 for one with the note.
    """
    payload = _payload(payload_text)
    joined = payload.pop("customer_note", None)
    state = NoteState.NONE if joined is None else NoteState.UNKNOWN if with_note else NoteState.NOT_SENT
    return PendingRow(
        number=number,
        phones=(payload["customer_phone"], *payload.get("add_phones", ())),
        payload=payload,
        in_doubt=with_note is not None,
        notes=() if joined is None else notes_of(joined),
        note_state=state,
    )


def notes_of(joined: str) -> tuple[str, ...]:
    """The notes of a payload: several where rows were merged."""
    return tuple(joined.split(NOTE_BREAK))


def outcome_of(row: tuple[Any, ...]) -> RowOutcome:
    """A row as the reports show it, from the joined tables."""
    number, cells, status, phone, issues, more, attempts, http_status, note, with_note, payload, kept = row
    body = _payload(payload.replace(_ESCAPED_BREAK, "\\n")) if payload else None
    return RowOutcome(
        number=number,
        cells=_cells(cells),
        status=Status(status),
        phone=phone,
        issues=(_issues(issues) if issues else ()) + (_issues(more) if more else ()),
        attempts=attempts,
        http_status=http_status,
        note=NoteState(note) if note is not None else _note_left_open(body, with_note),
        payload=body,
        kept=None if kept is None else Status(kept),
    )


def _note_left_open(payload: Payload | None, with_note: int | None) -> NoteState:
    """The note of a row without a result: in doubt once it was on its way."""
    if payload is None or "customer_note" not in payload:
        return NoteState.NONE
    return NoteState.UNKNOWN if with_note else NoteState.NOT_SENT
