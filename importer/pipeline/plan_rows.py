"""Look up the leads of the rows, then plan every row from the answers: a changed policy needs no new request."""

from __future__ import annotations

from collections.abc import Mapping

from importer.journal.plan_log import PlannedRow
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.crm_lead import Lookup
from importer.models.row_plan import RowPlan
from importer.models.status import RunState
from importer.pipeline.context import RunContext
from importer.pipeline.reports_folder import now
from importer.pipeline.send_and_report import look_up_phones
from importer.planner.plan_row import plan_row
from importer.planner.plan_rules import PlanRules, build_plan_rules
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.state.field_memory import LeadMemory

_ROWS_PER_COMMIT = 1000


def continue_plan(journal: Journal, context: RunContext) -> Summary:
    """Look up the phones that have no answer yet, plan all rows, and write the reports."""
    end = look_up_phones(journal, context)
    if end is None:
        policies = context.choose_policies(journal.metadata.mapping)
        rules = build_plan_rules(policies, context.titles, create=context.settings.create)
        plan_rows(journal, rules)
        end = RunEnd(state=RunState.PLANNED, finished_at=now().isoformat())
    journal.run.write_end(end)
    return write_reports(journal, journal.folder)


def plan_rows(journal: Journal, rules: PlanRules) -> None:
    """Plan all rows whose phones were looked up, in place of earlier plans. Rows outside of a sample get no plan."""
    log, after = journal.plans, -1
    while rows := log.read_rows(after, _ROWS_PER_COMMIT):
        after = rows[-1].number
        lookups = log.read_lookups([phone for row in rows for phone in row.phones])
        memory = journal.delivery.fields.read([row.phones[0] for row in rows])
        payloads = journal.delivery.drop_known_notes([row.payload for row in rows])
        log.write_plans(
            (row.number, _plan(row, lookups, rules, memory))
            for row in (PlannedRow(row.number, payload) for row, payload in zip(rows, payloads, strict=True))
            if all(phone in lookups for phone in row.phones)
        )
    log.hold_back_shared_leads()


def _plan(
    row: PlannedRow, lookups: Mapping[str, Lookup], rules: PlanRules, memory: Mapping[str, LeadMemory]
) -> RowPlan:
    known = memory.get(row.phones[0])
    of_row = {phone: lookups[phone] for phone in row.phones}
    return plan_row(row.payload, of_row, rules, known.fields if known else None)
