"""Look up the leads of the rows, then plan every row from the answers: a changed policy needs no new request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Protocol, TypeAlias

from importer.journal.delivery_log import drop_known_notes
from importer.journal.plan_log import RowToPlan
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.row import Payload
from importer.models.row_plan import RowPlan
from importer.models.status import RunKind, RunState
from importer.pipeline.context import RunContext
from importer.pipeline.reports_folder import now
from importer.pipeline.send_and_report import look_up_phones
from importer.pipeline.undo_rows import UndoPlanner, open_undone_run
from importer.planner.plan_row import plan_row
from importer.planner.plan_rules import PlanRules, build_plan_rules
from importer.planner.policies import Policies
from importer.planner.policy_tally import PolicyTally
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.settings import Settings, merge_run_settings
from importer.state.account_memory import AccountMemory, read_memory
from importer.state.field_memory import FieldMemory, LeadMemory
from importer.state.note_ledger import NoteLedger, RunIdentity

_ROWS_PER_COMMIT = 1000


def continue_plan(journal: Journal, context: RunContext) -> Summary:
    """Look up the phones that have no answer yet, plan all rows, and write the reports.

    The phones are noted here, since a plan may be killed before they are: a resumed one would have nothing to look up.
    """
    journal.plans.add_phones(_parse_sample(context.settings))
    end = look_up_phones(journal, context)
    if end is None:
        with open_planner(journal, context) as planner:
            plan_rows(journal, planner)
        if context.settings.task_for == "new":
            journal.tasks.remove_of_known_leads()
        end = RunEnd(state=RunState.PLANNED, finished_at=now().isoformat())
    journal.run.write_end(end)
    return write_reports(journal, journal.folder)


def _parse_sample(settings: Settings) -> int | None:
    """Return the number of phones to look up, None for all."""
    if settings.look_up == "none":
        return 0
    kind, _, count = settings.look_up.partition(":")
    return int(count) if kind == "sample" else None


class RowPlanner(Protocol):
    """Plans rows by the answers of the CRM."""

    def plan(self, rows: Sequence[RowToPlan]) -> Iterable[tuple[int, RowPlan]]:
        """Return the plan of each row, by its number."""


class SheetPlanner:
    """Plans the rows of a sheet."""

    def __init__(self, rules: PlanRules) -> None:
        self._rules = rules

    def plan(self, rows: Sequence[RowToPlan]) -> Iterator[tuple[int, RowPlan]]:
        """Yield the plan of each row, by its number."""
        for row in rows:
            yield row.number, plan_row(row.payload, row.lookups, self._rules, row.bases)


@contextmanager
def open_planner(journal: Journal, context: RunContext) -> Iterator[RowPlanner]:
    """Return what plans the rows of a run. That of an undo reads the run that is undone."""
    rules = context.choose_rules(journal.metadata)
    if journal.metadata.kind is RunKind.IMPORT:
        yield SheetPlanner(rules)
        return
    with open_undone_run(journal) as source:
        yield UndoPlanner(journal, source, rules)


def plan_rows(journal: Journal, planner: RowPlanner) -> None:
    """Plan all rows whose phones were looked up, in place of earlier plans. Rows outside of a sample get no plan."""
    delivery = journal.delivery
    for rows in _read_rows(journal, delivery.fields.read, delivery.drop_known_notes):
        journal.plans.write_plans(planner.plan(rows))
    journal.plans.hold_back_shared_leads()


def tally_policies(journal: Journal, context: RunContext) -> PolicyTally:
    """Count the rows of a plan by what each policy would do with them. Neither the CRM nor the memory is written to.

    The lists are those of the run, so no request is needed.
    """
    settings = merge_run_settings(context.settings, journal.metadata.options)
    rules = build_plan_rules(Policies(), journal.metadata.titles, create=settings.create)
    tally, shared = PolicyTally(rules), journal.plans.find_shared_leads()
    with read_memory(context.find_account_of(journal.metadata).folder) as memory:
        read_leads, drop_notes = _open_memory(journal, memory)
        for row in chain.from_iterable(_read_rows(journal, read_leads, drop_notes)):
            if row.number in shared:
                tally.add_conflict()
            else:
                tally.add(row.number, row.payload, row.lookups, row.bases)
    return tally


_ReadLeads: TypeAlias = Callable[[Sequence[str]], Mapping[str, LeadMemory]]
_DropNotes: TypeAlias = Callable[[Sequence[Payload]], Sequence[Payload]]


def _read_rows(journal: Journal, read_leads: _ReadLeads, drop_notes: _DropNotes) -> Iterator[list[RowToPlan]]:
    """Yield the rows that can be planned, block by block. A block may be planned before the next one is read."""
    log, after = journal.plans, -1
    while rows := log.read_rows(after, _ROWS_PER_COMMIT):
        after = rows[-1].number
        lookups = log.read_lookups([phone for row in rows for phone in row.phones])
        known = read_leads([row.phones[0] for row in rows])
        payloads = drop_notes([row.payload for row in rows])
        yield [
            RowToPlan(
                row.number,
                payload,
                {phone: lookups[phone] for phone in row.phones},
                known.get(row.phones[0]),
            )
            for row, payload in zip(rows, payloads, strict=True)
            if all(phone in lookups for phone in row.phones)
        ]


def _open_memory(journal: Journal, memory: AccountMemory | None) -> tuple[_ReadLeads, _DropNotes]:
    """Return what reads the memory of the account, which may have none yet."""
    if memory is None:
        return lambda _: {}, lambda payloads: payloads
    metadata = journal.metadata
    run = RunIdentity(metadata.run_id, metadata.account, metadata.base_url)
    ledger = NoteLedger(memory, run)
    return FieldMemory(memory, metadata.base_url).read, lambda payloads: drop_known_notes(ledger, payloads)
