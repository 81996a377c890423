"""What the last reply makes of a row: its status, its note, and the sentences of its report."""

from __future__ import annotations

from importer.issues import Issue
from importer.models import Applied, NoteState, PendingRow, Reply, RowResult, Status

_NOT_FOUND = "Customer not found"


def settled(row: PendingRow, reply: Reply, *, attempts: int, in_doubt: bool) -> RowResult:
    """The row's result. `in_doubt` says that some attempt of it may have arrived, whatever came after.

    A refusal after a doubtful attempt stays a refusal: what the CRM says last about a row is what holds. Who turns
    a row away before the CRM knows nothing of what arrived there earlier.
    """
    status = _status(reply.applied, in_doubt=in_doubt)
    note = _note(row, reply.applied)
    return RowResult(
        number=row.number,
        status=status,
        attempts=attempts,
        http_status=reply.status,
        note=note,
        issues=tuple(_issues(row, reply, status, note, attempts)),
    )


def _status(applied: Applied, *, in_doubt: bool) -> Status:
    match applied:
        case Applied.APPLIED:
            return Status.ACCEPTED
        case Applied.REFUSED:
            return Status.REFUSED
        case Applied.MAY_HAVE_ARRIVED:
            return Status.UNKNOWN
        case Applied.TURNED_AWAY:
            return Status.UNKNOWN if in_doubt else Status.REFUSED
        case Applied.NOT_APPLIED:
            return Status.UNKNOWN if in_doubt else Status.FAILED


def _note(row: PendingRow, applied: Applied) -> NoteState:
    if row.note_state is not NoteState.NOT_SENT:
        return row.note_state
    if row.left_out is NoteState.UNKNOWN or applied is Applied.MAY_HAVE_ARRIVED:
        return NoteState.UNKNOWN
    return NoteState.SENT if applied is Applied.APPLIED else NoteState.NOT_SENT


def _issues(row: PendingRow, reply: Reply, status: Status, note: NoteState, attempts: int) -> list[Issue]:
    issues = []
    if reply.applied is Applied.TURNED_AWAY:
        issues.append(Issue("row", "turned_away", "", reply.message, str(reply.status)))
    match status:
        case Status.REFUSED if reply.status == 400 and reply.message == _NOT_FOUND:
            issues.append(Issue("row", "no_such_lead", "", reply.message))
        case Status.REFUSED if reply.applied is Applied.REFUSED:
            issues.append(Issue("row", "refused", "", reply.message))
        case Status.FAILED:
            issues.append(Issue("row", "failed", "", reply.message, str(attempts)))
        case Status.UNKNOWN:
            issues.append(Issue("row", "unsure", "", reply.message))
        case _:
            pass
    if row.other_key:
        issues.append(Issue("customer_note", "note_other_key", "", "", row.note_run))
    elif note is NoteState.UNKNOWN:
        issues.append(Issue("customer_note", "note_unsure"))
    elif row.note_state is NoteState.SENT:
        issues.append(Issue("customer_note", "note_repeated", "", "", row.note_run))
    return issues
