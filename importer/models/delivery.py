"""The types of a row from the journal to the reports: PendingRow -> CrmResponse -> DeliveryResult -> ReportRow."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import assert_never

import msgspec

from importer.csv_injection import parse_csv_line
from importer.issues import Issue, Severity, format_issue
from importer.models.crm_lead import Lookup
from importer.models.row import Payload, get_sheet_row, name_row
from importer.models.row_plan import RowPlan
from importer.models.status import WENT_IN, NoteState, RowStatus, Verification
from importer.models.task import TaskPage, TaskState

NOTE_BREAK = "\x1e"
"""Separates the notes of rows that were merged, so that the ledger knows each of them by itself."""


class PendingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A valid row that is to be sent.

    `phones` are all its numbers, the lead's own first: two rows that share one are never in flight together.
    `payload` is the body without the notes. `may_have_arrived` says that an attempt before a crash may have arrived.
    `note_state` is NOT_SENT while `notes` may be sent, UNKNOWN if an earlier attempt may have delivered them, and SENT
    if they are known to be delivered; neither is sent again. `withheld_state` is the state of the other notes of a
    merged row, which were removed from `notes`. `note_run_id` is the run that sent what is withheld, and
    `is_other_key` says whether it used another API key.
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
        """The note that may be sent with the row now."""
        return "\n".join(self.notes) if self.note_state is NoteState.NOT_SENT else None


class DeliveryOutcome(StrEnum):
    """What an attempt did to the CRM, as far as can be known (guarantee "What may have arrived")."""

    NOT_APPLIED = "not applied"  # it cannot have arrived: it can be tried again
    REFUSED = "refused"  # the CRM read it and said no
    TURNED_AWAY = "turned away"  # a proxy or firewall before the CRM said no: the answer is not the API's
    APPLIED = "applied"
    MAY_HAVE_ARRIVED = "may have arrived"


class CrmResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for one attempt. A response is a value; what must stop the run is an exception.

    `status` is None if no answer came. `message` is the server's own, or the transport's. `retry_after_s` is the wait
    that the server asked for, in seconds from now. `is_web_page` says that a page of HTML came with a 2xx. `lookup` is
    what the answer to a look-up says about its phone, `tasks` a page of a lead's tasks.
    """

    outcome: DeliveryOutcome
    status: int | None
    message: str
    retry_after_s: float | None = None
    is_web_page: bool = False
    lookup: Lookup | None = None
    tasks: TaskPage | None = None


class DeliveryResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sent row, of a phone that was looked up, or of a task. It is written to the journal before it is counted."""

    number: int
    status: RowStatus  # a DeliveryStatus; msgspec reads no literal of enums
    attempts: int
    http_status: int | None
    note: NoteState
    issues: tuple[Issue, ...] = ()
    lookup: Lookup | None = None
    task: TaskState | None = None


class ReportRow(msgspec.Struct, frozen=True, dict=True):
    """A row as the reports show it, read back from the journal.

    `line` is its cells as a report shows them (`csv_injection.format_csv_line`). `staged_issues` and `delivery_issues`
    are the issues of the judging and of the sending, as JSON or "". `body` is the request's body, as JSON. Few readers
    need all of a row, so `cells`, `issues` and `payload` are decoded on demand, and once.
    `survivor_status` is the status of the row that a duplicate was merged into, None for every other row. `sheets` are
    the names of the run's sheets, if there are several. `plan` and `lead_id` are those of a planned row,
    `verification` and its issues those of a row whose lead was read back. `edit_issues` name
    the cells that a person changed. `task` is what became of the row's follow-up task, None without one. `lacks_task` says
    that a run that was sent has not created it for sure: the row's own, or that of the row that a duplicate was merged into.
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
    sheets: tuple[str, ...] = ()
    plan: RowPlan | None = None
    lead_id: str = ""
    verification: Verification | None = None
    verification_issues: str = ""
    edit_issues: str = ""
    task: TaskState | None = None
    task_issues: str = ""
    lacks_task: bool = False

    @property
    def sheet_row(self) -> int:
        """The row as its sheet shows it."""
        return get_sheet_row(self.number)

    @property
    def name(self) -> str:
        """The row in a sentence: `14`, or `14 of Pune`."""
        return name_row(self.number, self.sheets)

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The cells exactly as typed."""
        return parse_csv_line(self.line)

    @cached_property
    def issues(self) -> tuple[Issue, ...]:
        """All issues of the row."""
        return tuple(
            issue
            for text in (
                self.edit_issues,
                self.staged_issues,
                self.delivery_issues,
                self.verification_issues,
                self.task_issues,
            )
            if text
            for issue in _read_issues(text)
        )

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The issues as sentences, one for each."""
        return tuple(format_issue(self.name, issue) for issue in self.issues)

    @cached_property
    def payload(self) -> Payload | None:
        """The request's body, if the row has one."""
        return _read_payload(self.body.replace(_ESCAPED_BREAK, "\\n")) if self.body else None

    @property
    def effective_status(self) -> RowStatus:
        """What became of its values: for a duplicate, the status of the row that it was merged into."""
        return self.status if self.survivor_status is None else self.survivor_status

    @property
    def is_task_missing(self) -> bool:
        """Whether the lead went in and may be without its follow-up task."""
        return self.lacks_task and self.effective_status in WENT_IN

    @property
    def is_retryable(self) -> bool:
        """Whether to fix the row or send it again: failed_rows and `retry` hold such rows.

        A duplicate goes again with the row that it was merged into, or its values would be lost. A row that is not a
        lead needs no fix.
        """
        match self.status:
            case RowStatus.ACCEPTED | RowStatus.UNCHANGED:
                return self.is_task_missing
            case RowStatus.DUPLICATE:
                return self.survivor_status not in WENT_IN or self.is_task_missing
            case RowStatus.INVALID:
                return all(issue.severity is not Severity.NOT_A_LEAD for issue in self.issues)
            case (
                RowStatus.CONFLICT
                | RowStatus.REFUSED
                | RowStatus.FAILED
                | RowStatus.UNKNOWN
                | RowStatus.PENDING
            ):
                return True
            case _:
                assert_never(self.status)


_ESCAPED_BREAK = msgspec.json.encode(NOTE_BREAK).decode()[1:-1]  # as JSON writes it
_read_issues = msgspec.json.Decoder(tuple[Issue, ...]).decode
_read_payload = msgspec.json.Decoder(Payload).decode
