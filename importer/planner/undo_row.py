"""Undo one row: build what puts its lead back to what it was before a run, and name what cannot be put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from importer.fields import FIELDS_BY_NAME, Kind
from importer.issues import Issue, IssueCode
from importer.models.crm_lead import CrmLead
from importer.models.mapping import AccountTitles
from importer.models.row import Payload
from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from importer.planner.decide import Base
from importer.planner.lead_values import TitleNames, get_value
from importer.planner.plan_row import format_value
from importer.planner.plan_rules import map_title_ids
from importer.planner.values import canonicalize, fingerprint

_ASSIGNEE = "assignee_user_phone"
_NO_KEY = b""  # what stood there before a run is in its plan, in clear
_ONLY_ADDED = frozenset({"customer_note", "add_products", "add_phones"})
_OPPOSITES = {"add_labels": "remove_labels", "remove_labels": "add_labels"}
_NUMBERS = frozenset({Kind.MONEY, Kind.COORDINATE})


class WrittenRow(msgspec.Struct, frozen=True):
    """A row that a run has written to a lead, or may have written.

    `line` is its cells, as a report shows them. `plan` is what the run did, and `lead` what the CRM had before it. `task`
    is the follow-up task that the run created, or may have created, "" for none.
    """

    number: int
    line: str
    phone: str
    plan: RowPlan
    lead: CrmLead | None
    task: str = ""


class UndoScope(msgspec.Struct, frozen=True, kw_only=True):
    """What an undo is asked to put back.

    `fields` are the fields to put back, None for all. `label` is added to leads that the run created, "" for none.
    `titles` are the account's lists as they are now.
    """

    titles: AccountTitles
    fields: frozenset[str] | None = None
    label: str = ""

    def has(self, field: str) -> bool:
        """Return whether a field is to be put back."""
        return self.fields is None or field in self.fields


class UndoRow(msgspec.Struct, frozen=True):
    """What an undo of a row would send: the values before the run, and an issue for each thing that stays."""

    payload: Payload
    issues: tuple[Issue, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be put back."""
        return len(self.payload) == 1


class UndoBuilder:
    """Builds the rows of an undo."""

    def __init__(self, scope: UndoScope) -> None:
        self._scope = scope
        self._names: TitleNames = map_title_ids(scope.titles)
        self._active = {
            dropdown: frozenset(title.title for title in titles if title.active)
            for dropdown, titles in scope.titles.items()
        }

    def build(self, row: WrittenRow, *, is_assignee_known: bool) -> UndoRow | None:
        """Return the undo of a row, None if the run has written to no field that is asked for.

        The API shows a user's id for the assignee. `is_assignee_known` says that the id of the run's is known.
        """
        if row.plan.action is PlanAction.CREATE:
            return self._mark_created(row)
        payload: Payload = {"customer_phone": row.phone}
        issues: list[Issue] = []
        for change in row.plan.changes:
            if change.effect.is_sent and self._scope.has(change.field):
                self._add_field(change, row.lead, payload, issues, is_assignee_known=is_assignee_known)
        if row.task and self._scope.fields is None:
            issues.append(Issue("task_due", IssueCode.ONLY_ADDED, "", row.task))
        if len(payload) == 1 and not issues:
            return None
        if len(payload) == 1:
            issues.append(Issue("row", IssueCode.NOTHING_TO_PUT_BACK))
        return UndoRow(payload, tuple(issues))

    def _mark_created(self, row: WrittenRow) -> UndoRow | None:
        """Return what is left to do about a created lead: the API deletes none."""
        label = self._scope.label
        payload: Payload = {"customer_phone": row.phone}
        if label:
            return UndoRow(
                {**payload, "add_labels": [label]}, (Issue("row", IssueCode.CREATED_AND_MARKED, "", label),)
            )
        if self._scope.fields is not None:
            return None
        return UndoRow(payload, (Issue("row", IssueCode.CREATED_BY_RUN),))

    def _add_field(
        self,
        change: FieldChange,
        lead: CrmLead | None,
        payload: Payload,
        issues: list[Issue],
        *,
        is_assignee_known: bool,
    ) -> None:
        """Add the value before the run to `payload`, or an issue that says why it cannot be put back."""
        before = self._read_before(change, lead)
        code = _find_loss(change, before, is_assignee_known=is_assignee_known)
        if code is None and (gone := self._find_gone_titles(change, before)):
            issues.append(Issue(change.field, IssueCode.TITLE_GONE, "", format_value(gone)))
            before = [one for one in before if one not in gone] if isinstance(before, list) else None
            if not before:
                return
        if code is None:
            _put(payload, change, before)
        else:
            issues.append(Issue(change.field, code, "", format_value(change.new)))

    def _read_before(self, change: FieldChange, lead: CrmLead | None) -> Any:
        """Return what to put back. A stage that was renamed since has its new title."""
        if change.field in _OPPOSITES:
            return change.new
        if change.field in _ONLY_ADDED or change.field == _ASSIGNEE or lead is None:
            return None
        value = get_value(lead, change.field, self._names)
        if FIELDS_BY_NAME[change.field].kind in _NUMBERS and isinstance(value, str):
            return canonicalize(change.field, value)  # the CRM may show a number as text, but takes none
        return None if canonicalize(change.field, value) is None else value

    def _find_gone_titles(self, change: FieldChange, before: Any) -> list[str]:
        """Return the titles to put back that the account does not have any more."""
        dropdown = FIELDS_BY_NAME[change.field].dropdown
        if dropdown is None or before is None or change.field == "add_labels":
            return []
        titles = before if isinstance(before, list) else [before]
        return [title for title in titles if title not in self._active.get(dropdown, ())]


def _find_loss(change: FieldChange, before: Any, *, is_assignee_known: bool) -> IssueCode | None:
    if change.field in _ONLY_ADDED:
        return IssueCode.ONLY_ADDED
    if change.field == _ASSIGNEE:
        # Only where nobody was assigned can it be put back: of the user before, the API shows no phone.
        is_possible = change.effect is Effect.FILL and is_assignee_known
        return None if is_possible else IssueCode.ASSIGNEE_NOT_SHOWN
    if before is None and not FIELDS_BY_NAME[change.field].nullable:
        return IssueCode.WAS_EMPTY
    return None


def _put(payload: Payload, change: FieldChange, before: Any) -> None:
    name, _, part = change.field.partition(".")
    if part:
        payload.setdefault("address", {})[part] = before
    else:
        payload[_OPPOSITES.get(name, name)] = before


def find_sent_bases(plan: RowPlan, remembered: Mapping[str, Base]) -> dict[str, Base]:
    """Return what a run sent to each field, which an undo finds there if nobody changed it since.

    `remembered` is what this computer remembers of the run. It also knows how the CRM showed what was sent.
    """
    return {
        change.field: remembered.get(change.field) or _build_base(change.field, change.new)
        for change in plan.changes
        if change.effect.is_sent
    }


def find_planned_bases(plan: RowPlan, remembered: Mapping[str, Base]) -> dict[str, Base]:
    """Return what the CRM should still have when the plan of an undo is sent.

    That is what the plan saw in each field that it puts back. In every other field it saw an edit, or the value before
    the run: any other value is a new edit.
    """
    return {
        change.field: remembered[change.field]
        if change.field == _ASSIGNEE and _ASSIGNEE in remembered
        else _build_base(change.field, change.old if change.effect.is_sent else change.new)
        for change in plan.changes
    }


def _build_base(field: str, value: Any) -> Base:
    written = fingerprint(_NO_KEY, field, canonicalize(field, value))
    return Base(sheet=b"", written=written, shown=written, key=_NO_KEY, field=field)
