"""The result of a row after its last response: its status, its note, and its issues."""

import pytest

from importer.issues import describe_issue
from importer.models.delivery import CrmResponse, DeliveryOutcome, PendingRow
from importer.models.status import NoteState, RowStatus
from importer.sender.in_flight_row import build_result


def build_row(*, notes=(), note_state=NoteState.NONE):
    return PendingRow(number=1, phones=("+1",), payload={}, notes=notes, note_state=note_state)


def build_response(outcome, status=200, message="success"):
    return CrmResponse(outcome=outcome, status=status, message=message)


@pytest.mark.parametrize(
    ("outcome", "may_have_arrived", "status"),
    [
        (DeliveryOutcome.APPLIED, False, RowStatus.ACCEPTED),
        (DeliveryOutcome.APPLIED, True, RowStatus.ACCEPTED),
        (DeliveryOutcome.REFUSED, False, RowStatus.REFUSED),
        (DeliveryOutcome.REFUSED, True, RowStatus.REFUSED),
        (DeliveryOutcome.TURNED_AWAY, False, RowStatus.REFUSED),
        (DeliveryOutcome.TURNED_AWAY, True, RowStatus.UNKNOWN),
        (DeliveryOutcome.MAY_HAVE_ARRIVED, True, RowStatus.UNKNOWN),
        (DeliveryOutcome.NOT_APPLIED, False, RowStatus.FAILED),
        (DeliveryOutcome.NOT_APPLIED, True, RowStatus.UNKNOWN),
    ],
)
def test_row_status(outcome, may_have_arrived, status):
    """The CRM's last answer decides. Without one, a doubtful attempt makes the row unknown."""
    assert (
        build_result(
            build_row(), build_response(outcome), attempts=3, may_have_arrived=may_have_arrived
        ).status
        is status
    )


@pytest.mark.parametrize(
    ("state", "outcome", "note"),
    [
        (NoteState.NONE, DeliveryOutcome.APPLIED, NoteState.NONE),
        (NoteState.NOT_SENT, DeliveryOutcome.APPLIED, NoteState.SENT),
        (NoteState.NOT_SENT, DeliveryOutcome.REFUSED, NoteState.NOT_SENT),
        (NoteState.NOT_SENT, DeliveryOutcome.TURNED_AWAY, NoteState.NOT_SENT),
        (NoteState.NOT_SENT, DeliveryOutcome.NOT_APPLIED, NoteState.NOT_SENT),
        (NoteState.NOT_SENT, DeliveryOutcome.MAY_HAVE_ARRIVED, NoteState.UNKNOWN),
        (NoteState.UNKNOWN, DeliveryOutcome.APPLIED, NoteState.UNKNOWN),
        (NoteState.UNKNOWN, DeliveryOutcome.REFUSED, NoteState.UNKNOWN),
        (NoteState.UNKNOWN, DeliveryOutcome.TURNED_AWAY, NoteState.UNKNOWN),
        (NoteState.SENT, DeliveryOutcome.APPLIED, NoteState.SENT),
    ],
)
def test_note_state(state, outcome, note):
    """Doubt about a note stays, whatever came after (docs/guarantees.md, "A note is sent at most once")."""
    result = build_result(
        build_row(notes=("hello",), note_state=state),
        build_response(outcome),
        attempts=1,
        may_have_arrived=False,
    )
    assert result.note is note


def test_message_of_the_crm_is_in_the_issue():
    """The person who reads the report sees why the CRM refused the row."""
    result = build_result(
        build_row(),
        build_response(DeliveryOutcome.REFUSED, 404, "Assignee not found"),
        attempts=1,
        may_have_arrived=False,
    )
    assert [(issue.code, issue.value) for issue in result.issues] == [("refused", "Assignee not found")]
    no_lead = build_result(
        build_row(),
        build_response(DeliveryOutcome.REFUSED, 400, "Customer not found"),
        attempts=1,
        may_have_arrived=False,
    )
    assert [issue.code for issue in no_lead.issues] == ["no_such_lead"]


@pytest.mark.parametrize(
    ("may_have_arrived", "codes"), [(False, ["turned_away"]), (True, ["turned_away", "unsure"])]
)
def test_turned_away_row_says_what_to_do(may_have_arrived, codes):
    """The issue says what to do. After a doubtful attempt it also says that the row may be in the CRM."""
    result = build_result(
        build_row(),
        build_response(DeliveryOutcome.TURNED_AWAY, 403, "an HTML page"),
        attempts=1,
        may_have_arrived=may_have_arrived,
    )
    assert [issue.code for issue in result.issues] == codes
    assert "blocked this row with 403 (an HTML page). Shorten or change its note" in describe_issue(
        result.issues[0]
    )
