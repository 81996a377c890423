"""One row on its way to the CRM: its state, the body of its next request, and the result of its last response."""

from __future__ import annotations

from enum import Enum, auto

import msgspec

from importer.issues import Issue, IssueCode
from importer.messages import sending_messages
from importer.models.delivery import CrmResponse, DeliveryOutcome, DeliveryResult, PendingRow
from importer.models.row import split_label_steps
from importer.models.status import DeliveryStatus, NoteState, RowStatus

CUSTOMER_NOT_FOUND = "Customer not found"  # the API's words for an unknown lead, see docs/api.md


class InFlightState(Enum):
    """Where a row is between the journal and its result."""

    READY = auto()  # its intent is on disk, and no request has left
    SENDING = auto()  # a request is under way
    WAITING = auto()  # its last request was answered, and another one may follow
    PARKED = auto()  # the same, in the retry queue
    SETTLED = auto()  # it has its result


class InFlightRow:
    """A row that is delivered. `left_at` is the clock's time of its last departure, `response` what came back last."""

    def __init__(self, row: PendingRow) -> None:
        self.row = row
        self.state = InFlightState.READY
        self.attempts = 0  # those that count
        self.requests = 0  # all, also those that the server asked to send again later
        self.left_at = 0.0
        self.not_before = 0.0  # the clock's time before which no request follows the last one
        self.response: CrmResponse | None = None
        self.is_reading = False  # whether its request is a look-up, which changes nothing
        self.bodies = split_label_steps(
            row.payload
        )  # of the requests that remain; the note is with the last one
        self.earlier_attempts = 0  # of its requests before this one
        self._is_in_doubt = False

    def take_next_body(self, response: CrmResponse) -> bool:
        """Return whether another body follows, after this response to one. A body that was not applied is the last."""
        if response.outcome is not DeliveryOutcome.APPLIED or len(self.bodies) == 1:
            return False
        self.bodies.pop(0)
        return True

    def begin_request(self) -> None:
        """Begin another request of the row: it has attempts of its own."""
        self.earlier_attempts += self.attempts
        self.attempts = 0

    @property
    def may_have_arrived(self) -> bool:
        """Whether an attempt of this run, or one before a crash, may have arrived."""
        return self._is_in_doubt or self.row.may_have_arrived

    @property
    def can_be_withdrawn(self) -> bool:
        """Whether nothing of this run can have arrived, so that the row is pending again."""
        is_writing = self.state is InFlightState.SENDING and not self.is_reading
        if self.state is InFlightState.SETTLED or is_writing:
            return False
        return not self._is_in_doubt

    def mark_doubt(self) -> None:
        """Record that the last request may have arrived. A note that was with it must not be sent again."""
        self._is_in_doubt = True
        if self.row.note is not None:
            self.row = msgspec.structs.replace(self.row, note_state=NoteState.UNKNOWN)

    def build_body(self, *, create: bool) -> dict[str, object]:
        """Build the body of the next request. The note is in it only while it surely has not arrived."""
        body = {**self.bodies[0], "create_customer_if_customer_phone_not_found": create}
        if len(self.bodies) == 1 and (note := self.row.note) is not None:
            body["customer_note"] = note
        return body


def build_result(
    row: PendingRow, response: CrmResponse, *, attempts: int, may_have_arrived: bool
) -> DeliveryResult:
    """Build the row's result. `may_have_arrived` says that some attempt may have arrived, whatever came after.

    A refusal by the CRM counts also after a doubtful attempt: its last answer about a row is the truth. A firewall
    that turns the row away does not know what arrived earlier, so the doubt stays.
    """
    status = _find_status(response.outcome, may_have_arrived=may_have_arrived)
    note = _find_note_state(row, response.outcome)
    return DeliveryResult(
        number=row.number,
        status=status,
        attempts=attempts,
        http_status=response.status,
        note=note,
        issues=tuple(_build_issues(row, response, status, note, attempts)),
    )


def build_open_result(flight: InFlightRow) -> DeliveryResult:
    """Build what is known of a row that the run leaves in doubt. It is no result: a resume sends the row again."""
    lost = CrmResponse(
        outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=None, message=sending_messages.ANSWER_NOT_AWAITED
    )
    is_answered = flight.response is not None and flight.state is not InFlightState.SENDING
    response = flight.response if is_answered and flight.response is not None else lost
    return build_result(flight.row, response, attempts=flight.requests, may_have_arrived=True)


def _find_status(outcome: DeliveryOutcome, *, may_have_arrived: bool) -> DeliveryStatus:
    match outcome:
        case DeliveryOutcome.APPLIED:
            return RowStatus.ACCEPTED
        case DeliveryOutcome.REFUSED:
            return RowStatus.REFUSED
        case DeliveryOutcome.MAY_HAVE_ARRIVED:
            return RowStatus.UNKNOWN
        case DeliveryOutcome.TURNED_AWAY:
            return RowStatus.UNKNOWN if may_have_arrived else RowStatus.REFUSED
        case DeliveryOutcome.NOT_APPLIED:
            return RowStatus.UNKNOWN if may_have_arrived else RowStatus.FAILED


def _find_note_state(row: PendingRow, outcome: DeliveryOutcome) -> NoteState:
    if row.note_state is not NoteState.NOT_SENT:
        return row.note_state
    if row.withheld_state is NoteState.UNKNOWN or outcome is DeliveryOutcome.MAY_HAVE_ARRIVED:
        return NoteState.UNKNOWN
    return NoteState.SENT if outcome is DeliveryOutcome.APPLIED else NoteState.NOT_SENT


def _build_issues(
    row: PendingRow, response: CrmResponse, status: RowStatus, note: NoteState, attempts: int
) -> list[Issue]:
    issues = []
    if response.outcome is DeliveryOutcome.TURNED_AWAY:
        issues.append(Issue("row", IssueCode.TURNED_AWAY, "", response.message, str(response.status)))
    match status:
        case RowStatus.REFUSED if response.status == 400 and response.message == CUSTOMER_NOT_FOUND:
            issues.append(Issue("row", IssueCode.NO_SUCH_LEAD, "", response.message))
        case RowStatus.REFUSED if response.outcome is DeliveryOutcome.REFUSED:
            issues.append(Issue("row", IssueCode.REFUSED, "", response.message))
        case RowStatus.FAILED:
            issues.append(Issue("row", IssueCode.FAILED, "", response.message, str(attempts)))
        case RowStatus.UNKNOWN:
            issues.append(Issue("row", IssueCode.UNSURE, "", response.message))
        case _:
            pass
    if row.is_other_key:
        issues.append(Issue("customer_note", IssueCode.NOTE_OTHER_KEY, "", "", row.note_run_id))
    elif note is NoteState.UNKNOWN:
        issues.append(Issue("customer_note", IssueCode.NOTE_UNSURE))
    elif row.note_state is NoteState.SENT:
        issues.append(Issue("customer_note", IssueCode.NOTE_REPEATED, "", "", row.note_run_id))
    return issues
