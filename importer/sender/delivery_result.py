"""Build the result of a row from its last response: its status, its note, and the issues for its report."""

from __future__ import annotations

from importer.issues import Issue, IssueCode
from importer.models.delivery import CrmResponse, DeliveryOutcome, DeliveryResult, PendingRow
from importer.models.status import DeliveryStatus, NoteState, RowStatus

_CUSTOMER_NOT_FOUND = "Customer not found"  # the API's words for an unknown lead, see docs/api.md


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
        case RowStatus.REFUSED if response.status == 400 and response.message == _CUSTOMER_NOT_FOUND:
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
