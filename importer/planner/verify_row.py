"""Verify one row: compare what was sent with what the CRM shows, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

import msgspec

from importer.issues import Issue, IssueCode
from importer.models.crm_lead import CrmLead, Lookup, LookupState
from importer.models.row import Payload, flatten_payload
from importer.models.status import Verification
from importer.planner.decide import Base
from importer.planner.lead_values import TitleNames, get_listed_values, get_value
from importer.planner.plan_row import format_value
from importer.planner.values import Canonical, canonicalize

_NOT_SHOWN = frozenset({"customer_note", "add_products", "assignee_user_phone"})
"""The API shows no note and no product, and of the assignee a user's id instead of the phone."""
_MIN_CUT = 20
"""The shortest text, in characters, that may be a cut one: "Ravi" is rather the name before "Ravi Kumar" was sent."""
_ADDED = frozenset({"add_labels", "add_phones"})


class SentRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent for a row, by field, and what is known of its lead since.

    `updated_at` is the CRM's date of the lead when an earlier verification found all of it, None if none did.
    `later_writes` are the values that a later run wrote, by field; nothing if this run was the last one. `is_exact` says
    that the CRM may have no e-mail address besides those that were sent: an undo takes the others away.
    """

    phone: str
    values: Mapping[str, Any]
    updated_at: str | None = None
    later_writes: Mapping[str, Base] = {}
    is_exact: bool = False


class RowVerification(msgspec.Struct, frozen=True, kw_only=True):
    """What a look-up says about a row. `shown` are the values of the fields that the CRM has as they were sent."""

    outcome: Verification
    issues: tuple[Issue, ...] = ()
    updated_at: str | None = None
    shown: Mapping[str, Any] = {}


class Match(IntEnum):
    """How what the CRM shows fits what was sent, the best first."""

    SAME = 0
    NORMALISED = 1  # upper and lower case, spaces, or the end of a long text differ
    DIFFERS = 2


def merge_steps(steps: Iterable[Payload]) -> dict[str, Any]:
    """Return what the requests of a row sent, by field. The API shows nothing of some fields: these are left out."""
    values = {field: value for step in steps for field, value in flatten_payload(step)}
    return {field: value for field, value in values.items() if field not in _NOT_SHOWN}


def verify_row(sent: SentRow, lookup: Lookup, titles: TitleNames) -> RowVerification:
    """Compare the lead that the CRM shows for the row's phone with what was sent."""
    match lookup.state:
        case LookupState.UNCLEAR:
            issue = Issue("row", IssueCode.NOT_READ_BACK, "", lookup.reason)
            return RowVerification(outcome=Verification.CANNOT_TELL, issues=(issue,))
        case LookupState.ABSENT:
            issue = Issue("row", IssueCode.LEAD_MISSING, "", sent.phone)
            return RowVerification(outcome=Verification.MISSING, issues=(issue,))
        case LookupState.FOUND:
            assert lookup.lead is not None
            return _verify_lead(sent, lookup.lead, titles)


def _verify_lead(sent: SentRow, lead: CrmLead, titles: TitleNames) -> RowVerification:
    if sent.phone not in lead.numbers:
        issue = Issue("customer_phone", IssueCode.PHONE_NOT_SHOWN, "", sent.phone)
        return RowVerification(outcome=Verification.DIFFERS, issues=(issue,))
    shown = {field: _read_field(lead, field, titles) for field in sent.values}
    matches = {
        field: match_values(field, value, shown[field], is_exact=sent.is_exact)
        for field, value in sent.values.items()
    }
    different = [field for field, found in matches.items() if found is Match.DIFFERS]
    return RowVerification(
        outcome=_find_outcome(sent, lead, shown, matches.values(), different),
        issues=tuple(_build_issue(field, sent.values[field], shown[field]) for field in different),
        updated_at=None if different else lead.updated_at,
        shown={field: shown[field] for field in shown if field not in different},
    )


def _find_outcome(
    sent: SentRow, lead: CrmLead, shown: Mapping[str, Any], matches: Iterable[Match], different: list[str]
) -> Verification:
    if different:
        is_later = _is_changed_since(sent, lead, shown, different)
        return Verification.CHANGED_SINCE if is_later else Verification.DIFFERS
    return Verification.NORMALISED if Match.NORMALISED in matches else Verification.SAME


def _is_changed_since(sent: SentRow, lead: CrmLead, shown: Mapping[str, Any], different: list[str]) -> bool:
    """Return whether the values surely stood there once: an earlier verification saw them, or a later run replaced them.

    The date of the lead alone does not say it: it may have moved in our own write, or in a call of a sales person.
    """
    if sent.updated_at is not None and lead.updated_at != sent.updated_at:
        return True
    return all(
        field in sent.later_writes and sent.later_writes[field].is_theirs(canonicalize(field, shown[field]))
        for field in different
    )


def _read_field(lead: CrmLead, field: str, titles: TitleNames) -> Any:
    if field in _ADDED or field == "remove_labels":
        return get_listed_values(lead, field, titles)
    return get_value(lead, field, titles)


def _build_issue(field: str, sent: Any, shown: Any) -> Issue:
    return Issue(field, IssueCode.NOT_AS_SENT, "", format_value(shown), format_value(sent))


def match_values(field: str, sent: Any, shown: Any, *, is_exact: bool = False) -> Match:
    """Compare a value that was sent with the one that the CRM shows. Of a list, what was sent must be in it.

    If `is_exact`, no other e-mail address may be in it.
    """
    ours, theirs = canonicalize(field, sent), canonicalize(field, shown)
    if field == "remove_labels":
        return Match.DIFFERS if _to_set(ours) & _to_set(theirs) else Match.SAME
    if ours == theirs:
        return Match.SAME
    if is_exact and field == "email" and not _to_set(theirs) <= _to_set(ours):
        return Match.DIFFERS
    if isinstance(ours, frozenset) and theirs is not None:
        return max(_match_in_list(one, _to_set(theirs)) for one in ours)
    if isinstance(ours, str) and isinstance(theirs, str):
        return _match_texts(ours, theirs)
    return Match.DIFFERS


def _match_in_list(ours: str, theirs: frozenset[str]) -> Match:
    if ours in theirs:
        return Match.SAME
    return min((_match_texts(ours, one) for one in theirs), default=Match.DIFFERS)


def _match_texts(ours: str, theirs: str) -> Match:
    """Two different texts are normalised if they differ only in case and spaces, or if the end of ours was cut."""
    sent, shown = _fold(ours), _fold(theirs)
    is_cut = len(shown) >= _MIN_CUT and sent.startswith(shown)
    return Match.NORMALISED if sent == shown or is_cut else Match.DIFFERS


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()


def _to_set(value: Canonical) -> frozenset[str]:
    return value if isinstance(value, frozenset) else frozenset()
