"""The whole flow of a run: every step from the opened sheet to its reports, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from importer.errors import NothingSentError, raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, RunMetadata
from importer.messages import run_messages
from importer.models.mapping import Notice, NoticeKind
from importer.models.status import RunState
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.answer_book import AnswerBook
from importer.pipeline.answers import (
    remember_mapping,
    resolve_bad_cells,
    resolve_unknown_values,
    save_final_mapping,
)
from importer.pipeline.context import RunContext
from importer.pipeline.decide_mapping import MappingDecision
from importer.pipeline.decide_sheets import choose_sheets, match_sheets
from importer.pipeline.judge_rows import deduplicate_rows, require_rows, stage_rows
from importer.pipeline.known_leads import note_known_leads
from importer.pipeline.lineage import find_origin, inherit_settings, report_unsent_rows
from importer.pipeline.questions import Answer, Prompter, SendDecision
from importer.pipeline.reports_folder import (
    find_interrupted_run,
    find_unfinished_run,
    now,
)
from importer.pipeline.resolve_owners import resolve_owners
from importer.pipeline.run_folder import choose_run_folder, create_journal, discard_run, make_run_id
from importer.pipeline.schedule_tasks import keep_retried_tasks, schedule_tasks
from importer.pipeline.task_options import check_task_options
from importer.pipeline.unchanged_rows import leave_out_unchanged_rows
from importer.pipeline.vanished_leads import note_vanished_leads
from importer.pipeline.verify_rows import send_and_verify
from importer.reader.source import Sheet
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.settings import get_inheritable, merge_run_settings
from importer.state.lease import wait_for_worker
from importer.state.run_lock import LockHolder, lock_account, lock_run
from importer.state.state_folder import AccountState, find_account, open_account


def check(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row and write the reports. The CRM is only read. A prompter is asked what only a person can know."""
    context = choose_sheets(sheet, context)
    context = _fetch_lists(_begin_run(sheet, context))
    context = context.replace(account=find_account(context.state_dir, context.identity, context.titles))
    warn_of_earlier_run(sheet.sha256, context, find_interrupted_run)
    with judge_sheet("check", sheet, context) as journal:
        return _write_check_reports(journal, context)


def judge(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row for a run that is sent later, and write the reports. It needs neither a key nor the network.

    The context has the identity, the lists and the state of the account. Nobody is asked.
    """
    context = _begin_run(sheet, choose_sheets(sheet, context.replace(prompter=None)))
    with judge_sheet("run", sheet, context) as journal:
        return _write_check_reports(journal, context)


def run(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row, ask, then send the valid rows. Nothing is sent before every row was judged."""
    book = AnswerBook(context.prompter) if context.prompter is not None else None
    context = context.replace(prompter=book)
    choose_sheets(sheet, context)
    with raise_as_nothing_sent():
        context.choose_policies()  # raises what is wrong with them before anything is asked
    with lock_sheet(sheet, context) as locked:
        warn_of_earlier_run(sheet.sha256, locked, find_unfinished_run)
        with judge_until_agreed(sheet, locked, book) as journal:
            with raise_as_nothing_sent():
                remember_mapping(journal.metadata.mapping, locked.settings, locked.observer)
            return send_and_verify(journal, add_run_options(locked, journal))


def judge_until_agreed(sheet: Sheet, context: RunContext, book: AnswerBook | None) -> Journal:
    """Judge the sheet, and again as often as the person changes an answer, until they agree to send.

    `book` has their answers, None if nobody is asked. Raises NothingSentError if they do not agree.
    """
    if book is None:
        return judge_sheet("run", sheet, choose_sheets(sheet, context))
    while True:
        book.begin_check()
        chosen = choose_sheets(sheet, context)
        with ExitStack() as opened:
            journal = opened.enter_context(judge_sheet("run", sheet, chosen))
            change = _confirm_send(journal, book, chosen)
            if change is None:
                opened.pop_all()
                return journal
        book.forget(change)
        discard_run(journal.folder)


def judge_sheet(command: str, sheet: Sheet, context: RunContext) -> Journal:
    """Take every step before the first write to the CRM. Return a journal in which every row is judged.

    A failure leaves nothing behind: the folder of the run is removed.
    """
    folder = choose_run_folder(context.settings)
    with raise_as_nothing_sent():
        context = context.replace(origin=find_origin(sheet, Path(context.settings.reports)))
        base_url = context.identity.base_url
        settings = inherit_settings(context.settings, context.origin, base_url=base_url)
        context = context.replace(settings=settings)
        decision = match_sheets(sheet, context)
        metadata = _build_metadata(command, sheet, decision, context)
        check_task_options(metadata.mapping, settings, metadata.started)
        context.observer.on_mapping_decided(metadata)
        with create_journal(folder, metadata) as journal:
            stage_rows(journal, sheet, context)
            report_unsent_rows(journal, context)
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


@contextmanager
def lock_sheet(sheet: Sheet, context: RunContext) -> Iterator[RunContext]:
    """Lock the file in the reports folder, then the account, while the block runs. Raises RunLockedError.

    Yield the context with a run id, the account's lists and the account. The lists tell which account the key opens.
    They are fetched under the first lock, so that a run that is sending is named even if the CRM does not answer.
    """
    context = _begin_run(sheet, context)
    reports, run_id = Path(context.settings.reports), context.settings.run_id or ""
    with ExitStack() as locks:
        with raise_as_nothing_sent():
            locks.enter_context(lock_run(reports, run_id, sha256=sheet.sha256, account=context.identity.key))
            context = _fetch_lists(context)
            account = open_account(context.state_dir, context.identity, context.titles)
            holder = LockHolder.from_run(run_id, reports, sheet.file)
            locks.enter_context(lock_account(account.folder, holder))
            wait_for_worker(account.folder, context.observer.on_worker_wait)
        yield context.replace(account=account)


def _begin_run(sheet: Sheet, context: RunContext) -> RunContext:
    """Return the context with a run id.

    What is wrong with the sheet or the run id is found here, before the CRM is asked and before a folder is made.
    """
    context = _ensure_run_id(context)
    with raise_as_nothing_sent():
        require_rows(sheet, allow_empty=context.settings.allow_empty)
        choose_run_folder(context.settings)
    return context


def _fetch_lists(context: RunContext) -> RunContext:
    with raise_as_nothing_sent():
        credentials = context.require_credentials()
        titles = fetch_account_titles(credentials, context.settings, context.observer.on_wait)
    return context.replace(titles=titles)


def warn_of_earlier_run(
    sha256: str, context: RunContext, find: Callable[[Path, str, AccountState], Path | None]
) -> None:
    """Tell the observer about a run that `find` finds: it sent a part of the file."""
    assert context.account is not None
    if folder := find(Path(context.settings.reports), sha256, context.account):
        context.observer.on_interrupted_run_found(folder)


def _confirm_send(journal: Journal, prompter: Prompter, context: RunContext) -> Answer | None:
    """Show the summary of the check, whose reports can be read, and ask before the first write.

    Return the answer that the person wants to change, or None if they agree. Raises NothingSentError if they do not.
    """
    if not journal.staging.count_rows():  # of no rows nobody need be asked
        return None
    decision = prompter.confirm_send(_write_check_reports(journal, context), ())
    if isinstance(decision, Answer):
        return decision
    if decision is SendDecision.STOP:
        raise NothingSentError(*run_messages.SEND_DECLINED.format(folder=journal.folder))
    return None


def _write_check_reports(journal: Journal, context: RunContext) -> Summary:
    with raise_as_nothing_sent():
        note_known_leads(journal, context)
        journal.run.write_end(RunEnd(state=RunState.CHECKED, finished_at=now().isoformat()))
        return write_reports(journal, journal.folder)


def add_run_options(context: RunContext, journal: Journal) -> RunContext:
    """Return the context with the options that the journal kept.

    A report that is imported again has the options of its run: with --no-create its rows must not create leads now.
    """
    settings = merge_run_settings(context.settings, journal.metadata.options)
    return context.replace(settings=settings)


# --- a new run


def _ensure_run_id(context: RunContext) -> RunContext:
    """Return the context with a run id in its settings."""
    settings = context.settings
    return (
        context if settings.run_id else context.replace(settings=settings.replace(run_id=make_run_id(now())))
    )


def _build_metadata(
    command: str, sheet: Sheet, decision: MappingDecision, context: RunContext
) -> RunMetadata:
    """Return what the run is about, as the journal keeps it."""
    settings = context.settings
    assert settings.run_id is not None
    return RunMetadata(
        run_id=settings.run_id,
        command=command,
        file=sheet.file,
        sha256=sheet.sha256,
        started_at=now().isoformat(),
        account=context.identity.key,
        base_url=context.identity.base_url,
        headers=sheet.preview.headers,
        mapping=decision.mapping,
        options=get_inheritable(settings),
        notices=(*sheet.preview.notices, *decision.notices, *_note_limit(settings.limit)),
        parent=context.parent,
        titles=context.titles,
        sheets=sheet.names,
    )


def _note_limit(limit: int | None) -> Iterator[Notice]:
    """Yield a notice about a limit: one in a settings file is easily forgotten, and no count shows what it leaves out."""
    if limit is not None:
        yield Notice(NoticeKind.IGNORED, run_messages.format_limit_notice(limit))
