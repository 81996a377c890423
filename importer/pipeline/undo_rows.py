"""The rows of an undo: stage them from the journal of the run that is undone, and plan each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain

from importer.errors import RunNotFoundError, UsageError
from importer.fields import Dropdown
from importer.issues import Issue, IssueCode
from importer.journal.plan_log import RowToPlan
from importer.journal.run_journal import Journal
from importer.journal.staging import StagedRow, encode_issues, encode_payload
from importer.messages import undo_messages
from importer.models.crm_lead import LookupState
from importer.models.row import get_sheet_row
from importer.models.row_plan import PlanAction, RowPlan
from importer.models.status import StagedVerdict
from importer.pipeline.context import RunContext
from importer.pipeline.reports_folder import find_run
from importer.planner.decide import Base, Edited
from importer.planner.plan_row import plan_row
from importer.planner.plan_rules import PlanRules
from importer.planner.policies import find_fields
from importer.planner.undo_row import UndoBuilder, UndoRow, UndoScope, WrittenRow, find_sent_bases
from importer.settings import Settings
from importer.state.account_memory import read_memory
from importer.state.field_memory import FieldMemory, LeadMemory
from importer.validator.title_lookup import TitleList

_ROWS_PER_COMMIT = 1000
_ASSIGNEE = "assignee_user_phone"


# --- what is undone


def choose_scope(context: RunContext) -> UndoScope:
    """Return what the options ask to put back. Raises UsageError for a field or a label that does not exist."""
    settings = context.settings
    return UndoScope(
        titles=context.titles,
        fields=frozenset(chain.from_iterable(map(_find_fields, settings.only))) if settings.only else None,
        label=_find_label(settings.mark_created, context) if settings.mark_created else "",
    )


def _find_fields(name: str) -> tuple[str, ...]:
    fields = find_fields(name)
    if not fields:
        raise UsageError(*undo_messages.UNKNOWN_FIELD.format(name=name))
    return fields


def _find_label(text: str, context: RunContext) -> str:
    found = TitleList(context.titles.get(Dropdown.LABEL, ())).find(text)
    if not found.title:
        raise UsageError(*undo_messages.UNKNOWN_LABEL.format(label=text, hint=found.hint))
    return found.title


def parse_rows(settings: Settings) -> tuple[range, ...]:
    """Return the rows that `--rows` names, such as `2-40,57`; none if it names none."""
    parts = [part.partition("-") for part in settings.rows.split(",")] if settings.rows else []
    return tuple(range(int(first), int(last or first) + 1) for first, _, last in parts)


# --- stage


def stage_undo_rows(journal: Journal, source: Journal, context: RunContext) -> None:
    """Write a row for each lead that the run wrote to: with the values before the run, or with why they are lost.

    Raises UsageError if there is none.
    """
    builder, chosen = UndoBuilder(choose_scope(context)), parse_rows(context.settings)
    is_forced = Edited(context.settings.edited) is Edited.FORCE
    after = -1
    while rows := source.plans.read_written(after, _ROWS_PER_COMMIT):
        after = rows[-1].number
        wanted = [row for row in rows if _is_chosen(row.number, chosen)]
        known = _find_known_assignees(wanted, source, context)
        built = (
            (row, builder.build(row, is_assignee_known=is_forced or row.phone in known)) for row in wanted
        )
        journal.stage([_to_staged_row(row, undo) for row, undo in built if undo is not None])
    if not journal.staging.count_rows():
        raise UsageError(*undo_messages.NO_ROWS_TO_UNDO.format(run=source.run_id))


def _is_chosen(number: int, chosen: Sequence[range]) -> bool:
    return not chosen or any(get_sheet_row(number) in rows for rows in chosen)


def _find_known_assignees(rows: Sequence[WrittenRow], source: Journal, context: RunContext) -> frozenset[str]:
    """Return the phones of leads of whose assignee we know how the CRM shows the one that the run has set."""
    with read_memory(context.require_account().folder) as memory:
        if memory is None:
            return frozenset()
        known = FieldMemory(memory, source.metadata.base_url).read([row.phone for row in rows])
    bases = {phone: _get_bases(lead, source).get(_ASSIGNEE) for phone, lead in known.items()}
    return frozenset(phone for phone, base in bases.items() if base and base.shown != base.written)


def _get_bases(lead: LeadMemory | None, source: Journal) -> Mapping[str, Base]:
    """Return what is remembered of a run's writes to a lead; nothing if another run wrote to it since."""
    return lead.fields if lead is not None and lead.run_id == source.metadata.run_id else {}


def _to_staged_row(row: WrittenRow, undo: UndoRow) -> StagedRow:
    verdict = StagedVerdict.INVALID if undo.is_empty else StagedVerdict.VALID
    payload = None if undo.is_empty else encode_payload(undo.payload)
    return StagedRow(row.number, row.line, verdict, row.phone, payload, encode_issues(undo.issues))


# --- plan


@contextmanager
def open_undone_run(journal: Journal) -> Iterator[Journal]:
    """Open the journal of the run that an undo puts back. Raises UsageError if it was purged meanwhile."""
    run = journal.metadata.parent
    try:
        folder = find_run(journal.folder.parent, run)
    except RunNotFoundError:
        raise UsageError(*undo_messages.UNDONE_RUN_IS_GONE.format(run=run)) from None
    with Journal.open(folder) as source:
        yield source


class UndoPlanner:
    """Plans the rows of an undo: ours is what the lead was before the run, base what the run sent, theirs what it is now."""

    def __init__(self, journal: Journal, source: Journal, rules: PlanRules) -> None:
        self._fields = journal.delivery.fields
        self._source = source
        self._rules = rules
        metadata = source.metadata
        self._begun = datetime.fromisoformat(metadata.applied_at or metadata.started_at).replace(
            microsecond=0
        )

    def plan(self, rows: Sequence[RowToPlan]) -> Iterator[tuple[int, RowPlan]]:
        """Yield the plan of each row, by its number."""
        done = self._source.plans.read_plans([row.number for row in rows])
        undos = self._fields.find_undo_runs({row.lead.run_id for row in rows if row.lead is not None})
        for row in rows:
            plan, lead = self._plan(row, done[row.number]), row.lead
            if (
                lead is not None
                and lead.run_id not in undos
                and self._is_later(lead)
                and self._can_wait(plan)
            ):
                plan = _hold_back(plan, lead.run_id)
            yield row.number, plan

    def _plan(self, row: RowToPlan, done: RowPlan) -> RowPlan:
        lookup = row.lookups[row.payload["customer_phone"]]
        if done.action is PlanAction.CREATE and lookup.state is LookupState.ABSENT:
            return RowPlan(action=PlanAction.UNCHANGED)  # somebody deleted the lead that the run created
        bases = find_sent_bases(done, _get_bases(row.lead, self._source))
        return plan_row(row.payload, row.lookups, self._rules, bases)

    def _is_later(self, lead: LeadMemory) -> bool:
        """Return whether another run wrote to the lead after the one that is undone."""
        is_other = lead.run_id != self._source.metadata.run_id
        return is_other and datetime.fromisoformat(lead.written_at) >= self._begun

    def _can_wait(self, plan: RowPlan) -> bool:
        """Return whether a row is held back for a later run: it has something to put back, and nobody insists on it."""
        is_open = plan.action is PlanAction.UPDATE or (
            plan.action is PlanAction.CONFLICT and bool(plan.changes)
        )
        return is_open and self._rules.edited is not Edited.FORCE


def _hold_back(plan: RowPlan, run_id: str) -> RowPlan:
    issue = Issue("row", IssueCode.LATER_RUN, "", run_id)
    return RowPlan(action=PlanAction.CONFLICT, changes=plan.changes, issues=(issue,))
