"""The whole flow of a run: every step from the opened sheet to its reports, in order."""

from __future__ import annotations

from pathlib import Path

from importer.errors import raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.status import RunState
from importer.pipeline.agree_to_send import judge_until_agreed
from importer.pipeline.answer_book import AnswerBook
from importer.pipeline.answers import (
    remember_mapping,
    resolve_bad_cells,
    resolve_unknown_values,
    save_final_mapping,
)
from importer.pipeline.begin_run import (
    begin_run,
    build_metadata,
    fetch_lists,
    lock_sheet,
    warn_of_earlier_run,
)
from importer.pipeline.check_reports import write_check_reports
from importer.pipeline.context import RunContext
from importer.pipeline.decide_sheets import choose_sheets, match_sheets
from importer.pipeline.judge_rows import deduplicate_rows, stage_rows
from importer.pipeline.lineage import (
    add_run_options,
    find_origin,
    inherit_settings,
    refuse_other_account,
    report_origin,
)
from importer.pipeline.reports_folder import find_interrupted_run, find_unfinished_run
from importer.pipeline.resolve_owners import resolve_owners
from importer.pipeline.run_folder import choose_run_folder, create_journal
from importer.pipeline.schedule_tasks import keep_retried_tasks, schedule_tasks
from importer.pipeline.task_options import check_task_options
from importer.pipeline.unchanged_rows import leave_out_unchanged_rows
from importer.pipeline.vanished_leads import note_vanished_leads
from importer.pipeline.verify_rows import send_and_verify
from importer.reader.source import Sheet
from importer.report.summary import Summary
from importer.state.state_folder import find_account


def check(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row and write the reports. The CRM is only read. A prompter is asked what only a person can know."""
    context = choose_sheets(sheet, context)
    context = fetch_lists(begin_run(sheet, context))
    context = context.replace(account=find_account(context.state_dir, context.identity, context.titles))
    warn_of_earlier_run(sheet.sha256, context, find_interrupted_run)
    with judge_sheet("check", sheet, context) as journal:
        return write_check_reports(journal, context)


def judge(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row for a run that is sent later, and write the reports. It needs neither a key nor the network.

    The context has the identity, the lists and the state of the account. Nobody is asked.
    """
    context = begin_run(sheet, choose_sheets(sheet, context.replace(prompter=None)))
    with judge_sheet("run", sheet, context) as journal:
        return write_check_reports(journal, context)


def run(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row, ask, then send the valid rows. Nothing is sent before every row was judged."""
    book = AnswerBook(context.prompter) if context.prompter is not None else None
    context = context.replace(prompter=book)
    choose_sheets(sheet, context)
    with raise_as_nothing_sent():
        context.choose_policies()  # raises what is wrong with them before anything is asked
    with lock_sheet(sheet, context) as locked:
        warn_of_earlier_run(sheet.sha256, locked, find_unfinished_run)

        def judge_again() -> Journal:
            return judge_sheet("run", sheet, choose_sheets(sheet, locked))

        with judge_until_agreed(judge_again, locked, book) as journal:
            with raise_as_nothing_sent():
                remember_mapping(journal.metadata.mapping, locked.settings, locked.observer)
            return send_and_verify(journal, add_run_options(locked, journal))


def judge_sheet(command: str, sheet: Sheet, context: RunContext) -> Journal:
    """Take every step before the first write to the CRM. Return a journal in which every row is judged.

    A failure leaves nothing behind: the folder of the run is removed.
    """
    folder = choose_run_folder(context.settings)
    with raise_as_nothing_sent():
        context = context.replace(origin=find_origin(sheet, Path(context.settings.reports)))
        refuse_other_account(sheet, context)
        base_url = context.identity.base_url
        settings = inherit_settings(context.settings, context.origin, base_url=base_url)
        context = context.replace(settings=settings)
        decision = match_sheets(sheet, context)
        metadata = build_metadata(command, sheet, decision, context)
        check_task_options(metadata.mapping, settings, metadata.started)
        context.observer.on_mapping_decided(metadata)
        with create_journal(folder, metadata) as journal:
            stage_rows(journal, sheet, context)
            report_origin(journal, context)
            resolve_unknown_values(journal, context)
            resolve_owners(journal, context)
            resolve_bad_cells(journal, context)
            save_final_mapping(journal, context)
            deduplicate_rows(journal, context)
            if settings.changed:
                leave_out_unchanged_rows(journal, context)
                note_vanished_leads(journal, context)
            schedule_tasks(journal, context)
            keep_retried_tasks(journal, context.retried_tasks)
            journal.run.write_end(RunEnd(state=RunState.CHECKED))
            journal.staging.complete()
            return journal
