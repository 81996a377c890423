"""Compare a plan with the lead as it is now: what changed in the CRM since the plan was made, and what we changed."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from importer.issues import Issue, IssueCode
from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from importer.planner.plan_row import build_conflict
from importer.planner.values import canonicalize


class OnDrift(StrEnum):
    """What to do with a row whose lead changed after the plan."""

    KEEP = "keep"  # hold it back as a conflict
    REPLAN = "replan"  # send what a new plan says
    FORCE = "force"  # send the old plan


def choose_plan(
    planned: RowPlan, current: RowPlan, on_drift: OnDrift, *, may_have_arrived: bool = False
) -> RowPlan:
    """Return the plan to carry out: `current` is the plan of the same row by the lead as it is now.

    A row that the plan does not send is never sent. `may_have_arrived` says that a write of the row may be in the CRM
    already: then a lead that was to be created is our own.

    Without drift the current plan is taken: it sends the same values, with the other parts of the address as they are
    now. Only fields that the plan writes or relied on count; each call of a sales person may move `updated_at`.
    """
    if current.action is PlanAction.CANNOT_TELL or on_drift is OnDrift.REPLAN:
        return current
    if not planned.action.is_sent:
        return planned
    if may_have_arrived and planned.action is PlanAction.CREATE:
        return current
    issues = find_drift(planned, current)
    if not issues:
        return current
    if on_drift is OnDrift.FORCE:
        return planned
    return RowPlan(action=PlanAction.CONFLICT, changes=current.changes, issues=issues)


def find_drift(planned: RowPlan, current: RowPlan) -> tuple[Issue, ...]:
    """Return an issue for each thing that changed, none if the plan still holds."""
    if current.action is PlanAction.CREATE and planned.action is not PlanAction.CREATE:
        return (Issue("row", IssueCode.LEAD_GONE),)
    if planned.action is PlanAction.CREATE and current.action is not PlanAction.CREATE:
        return current.issues or (Issue("row", IssueCode.LEAD_APPEARED),)
    if current.action is PlanAction.CONFLICT:
        return current.issues
    before = {change.field: change for change in planned.changes}
    return tuple(
        build_conflict(change) for change in current.changes if _has_drifted(before.get(change.field), change)
    )


def _has_drifted(before: FieldChange | None, now: FieldChange) -> bool:
    if now.effect is Effect.SAME:
        return False  # our own write, or the same one by somebody else
    if before is None or before.effect is not now.effect:
        return True
    if not now.effect.is_sent or isinstance(now.old, list):
        return False  # what is kept stays kept; what is added one by one is added to whatever is there
    return canonicalize(now.field, before.old) != canonicalize(now.field, now.old)


def join_attempts(first: RowPlan, again: RowPlan) -> RowPlan:
    """Return what a row in doubt does to its lead over both attempts: the first may have arrived before a crash.

    The plan of the second attempt calls our own first write the value of the CRM. What was there before is in the
    first one, and an undo needs it.
    """
    if not again.action.is_sent or again.steps == first.steps:
        return first
    sent = {change.field: change for change in first.changes if change.effect.is_sent}
    changes = {**{change.field: change for change in again.changes}, **sent}
    return msgspec.structs.replace(first, changes=tuple(changes.values()), steps=(*first.steps, *again.steps))
