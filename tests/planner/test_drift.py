"""A plan against the lead as it is now: what counts as a change by somebody else, and what is our own write."""

import pytest

from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from importer.planner.drift import OnDrift, choose_plan, join_attempts

SENT = ({"customer_phone": "+919845000001", "city": "Thane"},)


def make_plan(action, effect=Effect.SET, old="Pune", new="Thane"):
    steps = SENT if action.is_sent else ()
    return RowPlan(action=action, changes=(FieldChange("city", effect, old, new),), steps=steps)


UPDATE = make_plan(PlanAction.UPDATE)
UNCHANGED = make_plan(PlanAction.UNCHANGED, Effect.SAME, "Thane")
CREATE = make_plan(PlanAction.CREATE, Effect.FILL, None)


def test_value_that_is_there_already_is_no_drift():
    """Our own write may have arrived before a crash, or somebody typed the same: nothing is left to send."""
    assert choose_plan(UPDATE, UNCHANGED, OnDrift.KEEP) is UNCHANGED


def test_lead_that_our_own_write_made_is_no_stranger():
    """A row in doubt: its create may have arrived. Without doubt, somebody else created the lead."""
    assert choose_plan(CREATE, UNCHANGED, OnDrift.KEEP, may_have_arrived=True) is UNCHANGED
    held_back = choose_plan(CREATE, UNCHANGED, OnDrift.KEEP)
    assert (held_back.action, held_back.issues[0].code) == (PlanAction.CONFLICT, "lead_appeared")


@pytest.mark.parametrize("action", [PlanAction.UNCHANGED, PlanAction.CONFLICT, PlanAction.CANNOT_TELL])
@pytest.mark.parametrize("on_drift", [OnDrift.KEEP, OnDrift.FORCE])
def test_row_that_the_plan_does_not_send_is_never_sent(action, on_drift):
    """Apply sends what the plan shows, and no row more."""
    planned = make_plan(action)
    assert choose_plan(planned, UPDATE, on_drift) is planned


def test_third_value_is_drift():
    """Somebody typed another city: the row is held back, and `force` sends the old plan."""
    current = make_plan(PlanAction.UPDATE, old="Goa")
    held_back = choose_plan(UPDATE, current, OnDrift.KEEP)
    assert (held_back.action, held_back.issues[0].value) == (PlanAction.CONFLICT, "Goa")
    assert choose_plan(UPDATE, current, OnDrift.FORCE) is UPDATE
    assert choose_plan(UPDATE, current, OnDrift.REPLAN) is current


def test_row_in_doubt_keeps_what_was_there_before_its_first_write():
    """After a crash the lead shows our own write, or a part of it: an undo needs the value before it."""
    assert join_attempts(UPDATE, UNCHANGED) is UPDATE
    assert join_attempts(CREATE, UNCHANGED) is CREATE
    assert join_attempts(UPDATE, UPDATE) is UPDATE


def test_second_attempt_of_a_row_in_doubt_adds_what_it_sends():
    """A person changed another field of the row in between: each sent field is among the changes, with its first value."""
    source = FieldChange("source", Effect.SET, "Web", "Expo")
    step = {"customer_phone": "+919845000001", "source": "Expo"}
    again = RowPlan(
        action=PlanAction.UPDATE,
        changes=(FieldChange("city", Effect.SAME, "Thane", "Thane"), source),
        steps=(step,),
    )
    joined = join_attempts(UPDATE, again)
    assert joined.changes == (*UPDATE.changes, source)
    assert joined.steps == (*SENT, step)
