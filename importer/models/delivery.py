"""A row from the journal to the reports: PendingRow -> CrmResponse -> DeliveryResult -> ReportRow."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

import msgspec

from importer.csv_injection import parse_csv_line
from importer.issues import Issue, Severity, format_issue
from importer.models.row import Payload
from importer.models.status import NoteState, RowStatus

NOTE_BREAK = "\x1e"
"""Stands between the notes of rows that were merged, so that each of them is known by itself."""


class PendingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A staged row on its way out.

    `phones` are all of its numbers, the lead's own first: no two rows that share one are in flight together.
    `payload` is the body without the notes. `in_doubt` says that an attempt before a crash may have arrived.
    `note_state` is NOT_SENT while `notes` may travel; UNKNOWN when an earlier attempt may have delivered them,
    SENT when they are known to be there: those do not travel again. `left_out` is the same of the notes that
    a merged row has beside those in `notes`; `note_run` is the run that sent what does not travel, and
    `other_key` whether it did so with another API key.
    """

    number: int
    phones: tuple[str, ...]
    payload: Payload
    may_have_arrived: bool = False
    notes: tuple[str, ...] = ()
    note_state: NoteState = NoteState.NONE
    withheld_state: NoteState = NoteState.NONE
    note_run_id: str = ""
    is_other_key: bool = False

    @property
    def note(self) -> str | None:
        """The note that may travel with the row now."""
        return "\n".join(self.notes) if self.note_state is NoteState.NOT_SENT else None


class DeliveryOutcome(StrEnum):
    """What an attempt did to the CRM, as far as can be known (law 3)."""

    NOT_APPLIED = "not applied"  # it cannot have arrived: try again
    REFUSED = "refused"  # the CRM read it and said no
    TURNED_AWAY = "turned away"  # somebody before the CRM said no, in words that are not the API's
    APPLIED = "applied"
    MAY_HAVE_ARRIVED = "may have arrived"


class CrmResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for one attempt. A reply is a value; what must stop the run is an exception.

    `status` is None where no answer came; `message` is the server's own, or the transport's; `retry_after_s`
    is what the server asked for, in seconds from now.
    """

    outcome: DeliveryOutcome
    status: int | None
    message: str
    retry_after_s: float | None = None


class DeliveryResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sent row: written to the journal before it is counted."""

    number: int
    status: RowStatus
    attempts: int
    http_status: int | None
    note: NoteState
    issues: tuple[Issue, ...] = ()


class ReportRow(msgspec.Struct, frozen=True, dict=True):
    """A row at the end of its travels, as the reports show it, read back from the journal.

    `line` is its cells as they stand in a report (`guard.line_of`); `judged` and `added` are the issues of
    the judging and of the sending, as JSON or ""; `body` is the request's body, as JSON. Few readers want all
    of a row, so `cells`, `issues` and `payload` are read when they are asked for, and once.
    `kept` is the status of the row that a duplicate was folded into, None for every other row.
    """

    number: int
    line: str
    status: RowStatus
    phone: str
    staged_issues: str
    delivery_issues: str
    attempts: int
    http_status: int | None
    note: NoteState
    body: str | None
    survivor_status: RowStatus | None = None

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The cells exactly as typed."""
        return parse_csv_line(self.line)

    @cached_property
    def issues(self) -> tuple[Issue, ...]:
        """All that is to be said of the row."""
        return tuple(
            issue
            for text in (self.staged_issues, self.delivery_issues)
            if text
            for issue in _read_issues(text)
        )

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The same in words, one for each issue."""
        return tuple(format_issue(self.number, issue) for issue in self.issues)

    @cached_property
    def payload(self) -> Payload | None:
        """The request's body, where the row has one."""
        return _read_payload(self.body.replace(_ESCAPED_BREAK, "\\n")) if self.body else None

    @property
    def effective_status(self) -> RowStatus:
        """What became of its values: of a duplicate, the status of the row that it was folded into."""
        return self.status if self.survivor_status is None else self.survivor_status

    @property
    def is_retryable(self) -> bool:
        """Whether the row is worth mending or sending again: what failed_rows and `retry` hold.

        A duplicate goes again with the row that it was folded into, or its values would be lost; a row that
        is no lead has nothing to mend.
        """
        match self.status:
            case RowStatus.ACCEPTED:
                return False
            case RowStatus.DUPLICATE:
                return self.survivor_status is not RowStatus.ACCEPTED
            case RowStatus.INVALID:
                return all(issue.severity is not Severity.NOT_A_LEAD for issue in self.issues)
            case RowStatus.REFUSED | RowStatus.FAILED | RowStatus.UNKNOWN | RowStatus.PENDING:
                return True


_ESCAPED_BREAK = msgspec.json.encode(NOTE_BREAK).decode()[1:-1]  # as it stands in JSON


_read_issues = msgspec.json.Decoder(tuple[Issue, ...]).decode


_read_payload = msgspec.json.Decoder(Payload).decode
