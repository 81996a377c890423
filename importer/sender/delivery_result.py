"""What the last reply makes of a row: its status, its note, and the sentences of its report."""

from __future__ import annotations

from importer.issues import Issue, IssueCode
from importer.models.delivery import CrmResponse, DeliveryOutcome, DeliveryResult, PendingRow
from importer.models.status import DeliveryStatus, NoteState, RowStatus

_NOT_FOUND = "Customer not found"


def build_result(
    row: PendingRow, reply: CrmResponse, *, attempts: int, may_have_arrived: bool
) -> DeliveryResult:
    """The row's result. `in_doubt` says that some attempt of it may have arrived, whatever came after.

    A refusal after a doubtful attempt stays a refusal: what the CRM says last about a row is what holds. Who turns
    a row away before the CRM knows nothing of what arrived there earlier.
    """
    status = _status(reply.outcome, may_have_arrived=may_have_arrived)
    note = _note(row, reply.outcome)
    return DeliveryResult(
        number=row.number,
        status=status,
        attempts=attempts,
        http_status=reply.status,
        note=note,
        issues=tuple(_issues(row, reply, status, note, attempts)),
    )


def _status(applied: DeliveryOutcome, *, may_have_arrived: bool) -> DeliveryStatus:
    match applied:
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


def _note(row: PendingRow, applied: DeliveryOutcome) -> NoteState:
    if row.note_state is not NoteState.NOT_SENT:
        return row.note_state
    if row.withheld_state is NoteState.UNKNOWN or applied is DeliveryOutcome.MAY_HAVE_ARRIVED:
        return NoteState.UNKNOWN
    return NoteState.SENT if applied is DeliveryOutcome.APPLIED else NoteState.NOT_SENT


def _issues(
    row: PendingRow, reply: CrmResponse, status: RowStatus, note: NoteState, attempts: int
) -> list[Issue]:
    issues = []
    if reply.outcome is DeliveryOutcome.TURNED_AWAY:
        issues.append(Issue("row", IssueCode.TURNED_AWAY, "", reply.message, str(reply.status)))
    match status:
        case RowStatus.REFUSED if reply.status == 400 and reply.message == _NOT_FOUND:
            issues.append(Issue("row", IssueCode.NO_SUCH_LEAD, "", reply.message))
        case RowStatus.REFUSED if reply.outcome is DeliveryOutcome.REFUSED:
            issues.append(Issue("row", IssueCode.REFUSED, "", reply.message))
        case RowStatus.FAILED:
            issues.append(Issue("row", IssueCode.FAILED, "", reply.message, str(attempts)))
        case RowStatus.UNKNOWN:
            issues.append(Issue("row", IssueCode.UNSURE, "", reply.message))
        case _:
            pass
    if row.is_other_key:
        issues.append(Issue("customer_note", IssueCode.NOTE_OTHER_KEY, "", "", row.note_run_id))
    elif note is NoteState.UNKNOWN:
        issues.append(Issue("customer_note", IssueCode.NOTE_UNSURE))
    elif row.note_state is NoteState.SENT:
        issues.append(Issue("customer_note", IssueCode.NOTE_REPEATED, "", "", row.note_run_id))
    return issues
