"""Plan an import: look up the leads of the rows, and say what sending would change. Send a plan, or a check, later."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

from importer.errors import RunNotFoundError, UsageError, raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.messages import planning_messages, ui_messages
from importer.models.status import UNSENT, RunKind, RunState
from importer.pipeline.answers import remember_mapping
from importer.pipeline.begin_run import lock_sheet, warn_of_earlier_run
from importer.pipeline.context import RunContext
from importer.pipeline.decide_sheets import choose_sheets
from importer.pipeline.gone_titles import judge_gone_titles
from importer.pipeline.lineage import add_run_options
from importer.pipeline.plan_rows import continue_plan
from importer.pipeline.questions import SendDecision
from importer.pipeline.reports_folder import find_run, find_unfinished_run, now
from importer.pipeline.resume import (
    check_address,
    lock_its_account,
    lock_journal,
)
from importer.pipeline.run import judge_sheet
from importer.pipeline.verify_rows import send_and_verify
from importer.reader.source import Sheet
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.settings import get_inheritable


def plan(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row, look up its lead, and write what sending would change. The CRM is only read."""
    context = choose_sheets(sheet, context)
    with raise_as_nothing_sent():
        context.choose_policies()  # raises what is wrong with them before anything is asked
    with lock_sheet(sheet, context) as locked, judge_sheet("plan", sheet, locked) as journal:
        planned = add_run_options(locked, journal)
        journal.begin_look_ups(planned.require_account())
        return continue_plan(journal, planned)


def plan_checked(name: str, context: RunContext) -> Summary:
    """Plan the rows of a run that was checked or planned. Raises UsageError for a run in another state."""
    with ExitStack() as stack:
        with raise_as_nothing_sent():
            journal = stack.enter_context(Journal.open(find_run(Path(context.settings.reports), name)))
            check_address(journal.metadata.base_url, context.identity)
            stack.enter_context(lock_journal(journal))
            if journal.run.end.state not in UNSENT:
                raise UsageError(*planning_messages.NOT_CHECKED.format(run=name))
            opened = stack.enter_context(lock_its_account(journal, context))
            opened.choose_policies(journal.metadata.mapping)  # raises what is wrong with them
        return plan_unsent(journal, opened)


def plan_unsent(journal: Journal, context: RunContext) -> Summary:
    """Look up the leads of a run that was checked, and write what sending it would change. The caller holds its locks.

    Of a run that was planned before, only phones without an answer are looked up: another policy needs no request.
    """
    journal.run.change_metadata(options=journal.metadata.options | get_inheritable(context.settings))
    journal.begin_look_ups(context.require_account())
    return continue_plan(journal, context)


def apply(name: str, context: RunContext, *, planned_at: str = "") -> Summary:
    """Ask, then send exactly a complete plan, or the rows of a run that was checked. Raises UsageError for another run.

    Somebody who was asked before saw the plan that was `planned_at`: another one, and a check, are refused.
    """
    with ExitStack() as stack:
        with raise_as_nothing_sent():
            journal = stack.enter_context(Journal.open(find_run(Path(context.settings.reports), name)))
            check_address(journal.metadata.base_url, context.identity)
            stack.enter_context(lock_journal(journal, wait_s=context.coordination.lock_wait_s))
            # Behind the lock: another command may have sent, edited or planned it meanwhile.
            _require_unsent(name, journal)
            if planned_at and journal.run.end.finished_at != planned_at:
                raise UsageError(*ui_messages.PLAN_CHANGED)
            opened = stack.enter_context(lock_its_account(journal, context))
            if journal.run.end.state is RunState.CHECKED:
                warn_of_earlier_run(journal.metadata.sha256, opened, find_unfinished_run)
            _confirm(journal, opened)
        return send_unsent(journal, opened)


def send_unsent(journal: Journal, context: RunContext) -> Summary:
    """Send a run that was planned or checked and waits for it. The caller holds its locks, and has asked."""
    options = journal.metadata.options | get_inheritable(context.settings)
    if journal.metadata.kind is RunKind.IMPORT:
        with raise_as_nothing_sent():
            remember_mapping(journal.metadata.mapping, context.settings, context.observer)
    if journal.run.end.state is RunState.PLANNED:
        _mark_undone_run(journal)
        journal.run.change_metadata(options=options, applied_at=now().isoformat())
        return send_and_verify(journal, context)
    with raise_as_nothing_sent():
        context.choose_policies(journal.metadata.mapping)
        journal.run.change_metadata(options=options)
        journal.begin_sending(context.require_account())
    judge_gone_titles(journal, context.titles, context.settings.unknown)
    return send_and_verify(journal, context)


def _require_unsent(name: str, journal: Journal) -> None:
    metadata, end = journal.metadata, journal.run.end
    match end.state:
        case RunState.CHECKED:
            return
        case RunState.PLANNED:
            if metadata.options.get("look_up", "all") != "all":
                raise UsageError(*planning_messages.PLAN_IS_A_SAMPLE.format(run=name))
        case _ if metadata.applied_at:
            raise UsageError(*planning_messages.ALREADY_APPLIED.format(run=name, at=metadata.applied_at))
        case _ if end.is_planning:
            raise UsageError(*planning_messages.PLAN_NOT_FINISHED.format(run=name))
        case _:
            raise UsageError(*planning_messages.ALREADY_SENT.format(run=name))


def _confirm(journal: Journal, context: RunContext) -> None:
    """Show what would be sent and ask before the first write. Of a plan without one nobody need be asked."""
    is_planned = journal.run.end.state is RunState.PLANNED
    if context.prompter is None or (is_planned and not _has_writes(journal)):
        return
    summary = write_reports(journal, journal.folder)
    if context.prompter.confirm_send(summary, ()) is not SendDecision.SEND:
        raise UsageError(*planning_messages.APPLY_DECLINED.format(run=journal.run_id))


def _has_writes(journal: Journal) -> bool:
    return any(count for action, count in journal.plans.count_actions().items() if action.is_sent)


def _mark_undone_run(journal: Journal) -> None:
    """Write into the run that an undo puts back when that began, and by which run. It may be purged by now."""
    if journal.metadata.kind is RunKind.IMPORT or not _has_writes(journal):
        return
    with (
        suppress(RunNotFoundError),
        Journal.open(find_run(journal.folder.parent, journal.metadata.parent)) as source,
    ):
        source.run.change_metadata(undone_at=now().isoformat(), undone_by=journal.run_id)
