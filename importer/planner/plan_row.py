"""Plan one row: compare what it would send with the lead that the CRM has, and build the requests that remain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importer.issues import Issue, IssueCode
from importer.models.crm_lead import CrmLead, Lookup, LookupState
from importer.models.delivery import NOTE_BREAK
from importer.models.row import Payload, flatten_payload, split_label_steps
from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from importer.planner.decide import Base, Mode, build_value, decide, decide_undo
from importer.planner.lead_values import get_listed_values, get_value
from importer.planner.plan_rules import PlanRules
from importer.planner.values import canonicalize

_NOTE = "customer_note"
_ASSIGNEE = "assignee_user_phone"
_PRODUCTS = "add_products"
_LISTED = frozenset({"add_labels", "remove_labels", "add_phones"})


def plan_row(
    payload: Payload, lookups: Mapping[str, Lookup], rules: PlanRules, bases: Mapping[str, Base] | None = None
) -> RowPlan:
    """Plan a row by the look-ups of its phones: the lead's own, and the additional ones that a lead may have.

    `bases` has what this tool wrote last, by field.
    """
    lookup = lookups[payload["customer_phone"]]
    if unclear := next((one for one in lookups.values() if one.state is LookupState.UNCLEAR), None):
        issue = Issue("row", IssueCode.LOOKUP_FAILED, "", unclear.reason)
        return RowPlan(action=PlanAction.CANNOT_TELL, issues=(issue,))
    if issue_of_phone := _find_phone_conflict(payload, lookup, lookups):
        return RowPlan(action=PlanAction.CONFLICT, issues=(issue_of_phone,))
    match lookup.lead:
        case None:
            return _plan_create(payload, rules)
        case lead:
            return _plan_update(payload, lead, rules, bases or {})


def _find_phone_conflict(payload: Payload, lookup: Lookup, lookups: Mapping[str, Lookup]) -> Issue | None:
    """Return an issue where the CRM's phones and the row's do not fit together."""
    phone, lead = payload["customer_phone"], lookup.lead
    if lead is not None and phone not in lead.numbers:
        return Issue("customer_phone", IssueCode.PHONE_NOT_SHOWN, "", phone)
    for other in payload.get("add_phones", ()):
        found = lookups.get(other)
        if found and found.lead and (lead is None or found.lead.id != lead.id):
            return Issue("add_phones", IssueCode.OTHER_LEAD, "", other)
    return None


def _plan_create(payload: Payload, rules: PlanRules) -> RowPlan:
    if not rules.create:
        code = IssueCode.NO_SUCH_LEAD if rules.edited is None else IssueCode.LEAD_DELETED
        issue = Issue("row", code, "", payload["customer_phone"])
        return RowPlan(action=PlanAction.CONFLICT, issues=(issue,))
    body = {name: value for name, value in payload.items() if value is not None and name != "remove_labels"}
    changes = [
        FieldChange(field, Effect.ADD if field == _NOTE else Effect.FILL, None, value)
        for field, value in flatten_payload(body)
    ]
    return RowPlan(action=PlanAction.CREATE, changes=tuple(changes), steps=(body,))


def _plan_update(payload: Payload, lead: CrmLead, rules: PlanRules, bases: Mapping[str, Base]) -> RowPlan:
    changes = tuple(
        plan_field(field, ours, lead, rules, bases.get(field)) for field, ours in flatten_payload(payload)
    )
    code = IssueCode.CHANGED_SINCE if rules.edited is None else IssueCode.CHANGED_AFTER_RUN
    conflicts = tuple(build_conflict(change, code) for change in changes if change.effect is Effect.CONFLICT)
    if conflicts:
        return RowPlan(action=PlanAction.CONFLICT, changes=changes, issues=conflicts)
    steps = _build_steps(payload["customer_phone"], changes, lead)
    action = PlanAction.UPDATE if steps else PlanAction.UNCHANGED
    return RowPlan(action=action, changes=changes, steps=steps)


def plan_field(field: str, ours: Any, lead: CrmLead, rules: PlanRules, base: Base | None) -> FieldChange:
    """Plan one field of a lead that exists."""
    mode = rules.policies.get_mode(field)
    if field == _NOTE:
        return FieldChange(field, Effect.ADD, None, ours)
    if field == _PRODUCTS:
        return _plan_products(ours, mode, base)
    if field in _LISTED:
        return _plan_list(field, ours, get_listed_values(lead, field, rules.titles), mode)
    theirs = lead.assignee_user_id if field == _ASSIGNEE else get_value(lead, field, rules.titles)
    if rules.edited is None:
        effect = decide(field, ours, theirs, base, mode, rules.stages)
    else:
        effect = decide_undo(field, ours, theirs, base, rules.edited)
    if field == _ASSIGNEE:
        return FieldChange(field, _judge_assignee(effect, ours, base), None, ours)
    return FieldChange(field, effect, theirs, build_value(field, effect, ours, theirs))


def _plan_list(field: str, ours: list[str], theirs: list[str], mode: Mode) -> FieldChange:
    """Plan a field whose values are added to the lead's, or removed from them, one by one."""
    known = {canonicalize("city", one) for one in theirs}
    is_removed = field == "remove_labels"
    new = [one for one in ours if (canonicalize("city", one) in known) is is_removed]
    if mode is Mode.KEEP:
        return FieldChange(field, Effect.KEPT, theirs, ours)
    effect = Effect.REMOVE if is_removed else Effect.ADD
    return FieldChange(field, effect if new else Effect.SAME, theirs, new or ours)


def _plan_products(ours: list[str], mode: Mode, base: Base | None) -> FieldChange:
    """Plan the products, which the API does not show: only our own memory says that they were sent."""
    if mode is Mode.KEEP:
        return FieldChange(_PRODUCTS, Effect.KEPT, None, ours)
    is_sent = base is not None and base.is_ours(canonicalize(_PRODUCTS, ours))
    return FieldChange(_PRODUCTS, Effect.SAME if is_sent else Effect.SEND, None, ours)


def _judge_assignee(effect: Effect, ours: Any, base: Base | None) -> Effect:
    """Return the effect for the assignee: the API shows a user's id, the sheet has a phone, and only memory links them."""
    if effect is not Effect.SET:
        return effect
    if ours is None:
        return effect  # nobody is assigned: that can be compared
    was_never_shown = base is not None and base.shown == base.written
    is_sent = was_never_shown and base is not None and base.is_ours(canonicalize(_ASSIGNEE, ours))
    return Effect.SAME if is_sent else Effect.SEND


def _build_steps(phone: str, changes: tuple[FieldChange, ...], lead: CrmLead) -> tuple[Payload, ...]:
    """Build the bodies: only what changes. Labels to add and to remove need two requests (docs/api.md)."""
    sent = {change.field: change.new for change in changes if change.effect.is_sent}
    if not sent:
        return ()
    body: Payload = {"customer_phone": phone}
    for field, value in sent.items():
        name, _, part = field.partition(".")
        if part:
            body.setdefault("address", _read_address(lead))[part] = value
        else:
            body[name] = value
    return tuple(split_label_steps(body))


def _read_address(lead: CrmLead) -> dict[str, Any]:
    """Return the parts of the lead's address that have a value: an upsert may replace the whole address."""
    return {part: value for part, value in (lead.address or {}).items() if value is not None}


def build_conflict(change: FieldChange, code: IssueCode = IssueCode.CHANGED_SINCE) -> Issue:
    """Build the issue that names the CRM's value and ours."""
    return Issue(change.field, code, "", format_value(change.old), format_value(change.new))


def format_value(value: Any) -> str:
    """Return a value as people read it: a list with commas, a whole number without its point."""
    match value:
        case None:
            return ""
        case list() | tuple():
            return ", ".join(str(one) for one in value)
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value).replace(NOTE_BREAK, "\n")
