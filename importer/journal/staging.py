"""Rows in and out of the journal: the shapes of its tables, and the types that the rooms know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

import msgspec

from importer.csv_injection import format_csv_line
from importer.issues import Issue, get_issue_kind
from importer.journal.database import UNDECODABLE
from importer.models.delivery import NOTE_BREAK, PendingRow, ReportRow
from importer.models.row import Accepted, Payload, Rejected, SourceRow, Verdict
from importer.models.status import NoteState, RowStatus

encode = msgspec.json.Encoder().encode
_issues = msgspec.json.Decoder(tuple[Issue, ...]).decode
_payload = msgspec.json.Decoder(Payload).decode
HAS_NOTE = '"customer_note":'  # in JSON only a key can look like that: quotes within texts are escaped


class StagedRow(NamedTuple):
    """A judged row in the shape of the table `rows`: `cells` as a line of a report, payload and issues as JSON."""

    number: int
    cells: str
    verdict: str
    phone: str
    payload: str | None
    issues: str


class StagedRows(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """Judged rows by column: what travels from the reading process, a batch at a time.

    All lists are of one length; place by place they are a StagedRow.
    """

    numbers: list[int]
    cells: list[str]
    verdicts: list[str]
    phones: list[str]
    payloads: list[str | None]
    issues: list[str]

    @classmethod
    def of(cls, rows: Iterable[StagedRow]) -> Self:
        """Rows put into columns."""
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in cls.__struct_fields__]
        return cls(**dict(zip(cls.__struct_fields__, columns, strict=True)))

    def __post_init__(self) -> None:
        if any(len(column) != len(self) for column in msgspec.structs.astuple(self)):
            raise ValueError("columns of one batch have one length")

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[tuple[int, str, str, str, str | None, str]]:
        return zip(
            self.numbers, self.cells, self.verdicts, self.phones, self.payloads, self.issues, strict=True
        )

    def __getitem__(self, part: slice) -> Self:
        return msgspec.structs.replace(
            self, **{name: getattr(self, name)[part] for name in self.__struct_fields__}
        )


def to_staged_row(verdict: Verdict) -> StagedRow:
    """The verdict as the journal keeps it."""
    row = verdict.row
    cells = format_csv_line(row.cells)
    issues = issues_text(verdict.issues)
    match verdict:
        case Accepted():
            return StagedRow(
                row.number,
                cells,
                RowStatus.ACCEPTED.value,
                verdict.phone,
                payload_text(verdict.payload),
                issues,
            )
        case Rejected():
            return StagedRow(row.number, cells, RowStatus.INVALID.value, verdict.phone, None, issues)


def issues_text(issues: Sequence[Issue]) -> str:
    """Issues as the journal keeps them: a JSON list, or nothing."""
    return encode(issues).decode() if issues else ""


def issues_from(text: str) -> tuple[Issue, ...]:
    """Issues read back."""
    return _issues(text) if text else ()


def payload_text(payload: Payload | None) -> str | None:
    """A payload as the journal keeps it."""
    return None if payload is None else encode(payload).decode()


def accepted_of(row: tuple[int, str, str, str]) -> Accepted:
    """An accepted row read back (number, phone, payload, issues), without its cells."""
    number, phone, payload, issues = row
    return Accepted(SourceRow(number, ()), phone, _payload(payload), issues_from(issues))


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
        may_have_arrived=with_note is not None,
        notes=() if joined is None else notes_of(joined),
        note_state=state,
    )


def notes_of(joined: str) -> tuple[str, ...]:
    """The notes of a payload: several where rows were merged."""
    return tuple(joined.split(NOTE_BREAK))


def outcome_of(row: tuple[Any, ...]) -> ReportRow:
    """A row as the reports show it, from the joined tables."""
    number, line, status, phone, judged, added, attempts, http_status, note, with_note, body, kept = row
    return ReportRow(
        number,
        line,
        RowStatus(status),
        phone,
        judged,
        added or "",
        attempts,
        http_status,
        NoteState(note) if note is not None else _note_left_open(body, with_note),
        body,
        None if kept is None else RowStatus(kept),
    )


def looked_over(outcome: ReportRow, *, columns: int) -> ReportRow:
    """The row, if all of it can be read that its readers will ask for: they have no words for damage.

    Of a row that went in they ask for its line, and for its issues where it has some. Raises ValueError, UnknownCode.
    """
    try:
        for issue in outcome.issues:
            get_issue_kind(issue.code)
        if outcome.status is RowStatus.ACCEPTED:
            wrong = "" if outcome.body else "its request is missing"
        elif (cells := len(outcome.cells)) < columns:
            wrong = f"{columns - cells} of its {columns} cells are missing"
        else:
            wrong = "" if cells == columns else f"it has {cells} cells, the sheet {columns} columns"
    except UNDECODABLE as error:
        raise ValueError(f"row {outcome.number}: {error}") from error
    if wrong:
        raise ValueError(f"row {outcome.number}: {wrong}")
    return outcome


def _note_left_open(body: str | None, with_note: int | None) -> NoteState:
    """The note of a row without a result: in doubt once it was on its way."""
    if body is None or HAS_NOTE not in body:
        return NoteState.NONE
    return NoteState.UNKNOWN if with_note else NoteState.NOT_SENT
