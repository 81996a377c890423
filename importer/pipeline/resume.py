"""Continue from an earlier run: resume it, retry its rows, read its leads back, or write its reports again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from importer.command_hints import format_run_command, format_sheet_command
from importer.credentials import is_loopback, normalize_base_url
from importer.errors import DamagedJournalError, RunStoppedError, UsageError, raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata
from importer.messages import planning_messages, run_messages, undo_messages
from importer.models.mapping import AccountTitles, get_active_titles
from importer.models.row import SourceRow
from importer.models.status import UNSENT, WENT_IN, RunKind, RunState
from importer.models.task import RetriedTasks
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.answers import to_source_row
from importer.pipeline.context import RunContext
from importer.pipeline.gone_titles import judge_gone_titles
from importer.pipeline.plan_rows import continue_plan
from importer.pipeline.reports_folder import find_run
from importer.pipeline.run import run
from importer.pipeline.send_and_report import stop_and_report
from importer.pipeline.verify_rows import send_and_verify, verify_rows
from importer.reader.source import InMemoryReader, Sheet
from importer.report.report_writer import write_reports
from importer.report.summary import SUMMARY, Summary
from importer.settings import merge_run_settings
from importer.state.account_identity import AccountIdentity
from importer.state.lease import wait_for_worker
from importer.state.run_lock import MAX_LOCK_WAIT_S, LockHolder, lock_account, lock_run
from importer.state.state_folder import open_account


def resume(name: str, context: RunContext) -> Summary:
    """Finish an interrupted or stopped run from its journal. For a finished run, write the reports again."""
    with Journal.open(find_run(Path(context.settings.reports), name)) as journal:
        check_address(journal.metadata.base_url, context.identity)
        if _is_unfinished(name, journal):
            return _continue_run(name, journal, context)
        return write_reports(journal, journal.folder)  # it may have been killed while it wrote them


def _is_unfinished(name: str, journal: Journal) -> bool:
    """Return whether a run has more to do, or False if it is finished. Raises UsageError for one that another command continues."""
    match state := journal.run.end.state:
        case RunState.FINISHED:
            return False
        case RunState.CHECKED | RunState.PLANNED:
            raise _build_unsent_error(name, journal)
        case RunState.STAGING:
            text = run_messages.RUN_WITHOUT_SENDING.format(run=name, command=_format_command(journal))
            raise DamagedJournalError(*text)
        case RunState.RUNNING | RunState.STOPPED | RunState.INTERRUPTED:
            _refuse_undone(name, journal)
            return True
        case _:
            assert_never(state)


def _refuse_undone(name: str, journal: Journal) -> None:
    """Raise UsageError for a run that was stopped and then undone: its other rows would go in after all."""
    if undo := journal.metadata.undone_by:
        raise UsageError(*undo_messages.RESUME_UNDONE.format(run=name, undo=undo))


def _continue_run(name: str, journal: Journal, context: RunContext) -> Summary:
    with ExitStack() as locks:
        locks.enter_context(lock_journal(journal, wait_s=context.coordination.lock_wait_s))
        if not _is_unfinished(name, journal):  # another command may have ended it while this one waited
            return write_reports(journal, journal.folder)
        try:
            context = locks.enter_context(lock_its_account(journal, context))
        except RunStoppedError as error:
            return stop_and_report(journal, error)
        account = context.require_account()
        if journal.run.end.is_planning:
            journal.begin_look_ups(account)
            return continue_plan(journal, context)
        journal.begin_sending(account)
        judge_gone_titles(journal, context.titles, context.settings.unknown)
        return send_and_verify(journal, context)


@contextmanager
def lock_journal(journal: Journal, *, wait_s: float = MAX_LOCK_WAIT_S) -> Iterator[None]:
    """Lock the run of a journal in its reports folder, and read what another command has written about it meanwhile.

    Raises RunLockedError, DiskWriteError.
    """
    metadata, reports = journal.metadata, journal.folder.parent
    with lock_run(reports, journal.run_id, sha256=metadata.sha256, account=metadata.account, wait_s=wait_s):
        journal.run.reload()
        yield


@contextmanager
def lock_its_account(journal: Journal, context: RunContext) -> Iterator[RunContext]:
    """Lock the account of a journal. Yield the context with the options of its run, the lists and the account.

    A caller that has read the lists and opened the account a moment ago gives them in the context.

    Raises RunStoppedError if the lists cannot be read, UsageError for another account, RunLockedError.
    """
    settings = merge_run_settings(context.settings, journal.metadata.options)
    with lock_account_of(journal, context.replace(settings=settings), run_id=journal.run_id) as opened:
        yield opened


@contextmanager
def lock_account_of(journal: Journal, context: RunContext, *, run_id: str) -> Iterator[RunContext]:
    """Lock the account of a journal for the run with this id. Yield the context with the lists and the account."""
    metadata, identity = journal.metadata, context.identity
    titles = context.titles or fetch_account_titles(
        context.require_credentials(), context.settings, context.observer.on_wait
    )
    _check_account(metadata, identity, titles)
    account = context.coordination.opened_account or open_account(context.state_dir, identity, titles)
    holder = LockHolder.from_run(run_id, journal.folder.parent, metadata.file)
    with lock_account(account.folder, holder, wait_s=context.coordination.lock_wait_s):
        if context.coordination.sender is None:
            wait_for_worker(account.folder, context.observer.on_worker_wait)
        yield context.replace(titles=titles, account=account)


def retry(name: str, context: RunContext, *, new_id: str | None = None) -> Summary | None:
    """Start a new run with the rows of a run that were not imported. Return None if no row can be imported by that.

    A run id of the settings file belongs to the file's own run; the new one gets its own, or `new_id`.
    """
    with Journal.open(find_run(Path(context.settings.reports), name)) as journal:
        metadata = journal.metadata
        settings = context.settings.replace(reports=str(journal.folder.parent), run_id=new_id)
        check_address(metadata.base_url, context.identity)
        _require_sent(name, journal)
        reader = InMemoryReader(metadata.headers, _RetryableRows(journal), metadata.notices)
        sheet = Sheet(reader, file=metadata.file, sha256=metadata.sha256, origin=metadata)
        if sheet.is_empty:
            return None
        context = context.replace(retried_tasks=_list_missing_tasks(journal))
        settings = merge_run_settings(settings, metadata.options, flags_only=frozenset({"limit"}))
        return run(sheet, context.replace(settings=settings, parent=journal.run_id))


def verify(name: str, context: RunContext) -> Summary:
    """Read the leads of a run back and compare them with what was sent. Raises UsageError if it has sent nothing."""
    with Journal.open(find_run(Path(context.settings.reports), name)) as journal, raise_as_nothing_sent():
        check_address(journal.metadata.base_url, context.identity)
        if not journal.run.end.has_sent:
            raise UsageError(*planning_messages.NOTHING_TO_VERIFY.format(run=name))
        with lock_journal(journal), lock_its_account(journal, context) as opened:
            journal.delivery.open_memory(opened.require_account().folder)
            return verify_rows(journal, opened)


def rewrite_reports(folder: Path) -> Summary:
    """Write the reports of the run in `folder` again from its journal."""
    with Journal.open(folder) as journal:
        return write_reports(journal, journal.folder)


def refresh_reports(folder: Path) -> None:
    """Write the reports of an unsent run again if a row was edited since they were written."""
    with Journal.open_unverified(folder) as journal:
        edited, summary = journal.edits.find_last_time(), folder / SUMMARY
        is_unsent = journal.run.end.state in UNSENT
    if edited and is_unsent and not (summary.is_file() and summary.stat().st_mtime > edited.timestamp()):
        rewrite_reports(folder)


class _RetryableRows:
    """The rows of a run that did not go in, as they were typed. They can be read several times."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __iter__(self) -> Iterator[SourceRow]:
        for row in self._journal.reports.read_rows():
            if row.is_retryable:
                yield to_source_row(row)


def _list_missing_tasks(journal: Journal) -> RetriedTasks:
    """Return the tasks that are missing of rows that went in. Those in doubt keep their due date."""
    doubtful = {one.number: one.task for one in journal.tasks.read_doubtful()}
    rows = (row for row in journal.reports.read_rows() if row.status in WENT_IN and row.is_task_missing)
    return RetriedTasks(
        journal.run_id, journal.metadata.started, {row.number: doubtful.get(row.number) for row in rows}
    )


def _require_sent(name: str, journal: Journal) -> None:
    """Raise UsageError for a run that has sent nothing on purpose: `retry` would send what a plan holds back."""
    end, metadata = journal.run.end, journal.metadata
    if metadata.kind is RunKind.UNDO:
        raise UsageError(*undo_messages.RETRY_UNDO.format(run=name, parent=metadata.parent))
    if end.state in UNSENT:
        raise _build_unsent_error(name, journal)
    if end.is_planning:
        raise UsageError(*planning_messages.PLAN_NOT_FINISHED.format(run=name))


def _build_unsent_error(name: str, journal: Journal) -> UsageError:
    if journal.run.end.state is RunState.PLANNED:
        return UsageError(*planning_messages.APPLY_INSTEAD.format(run=name))
    return UsageError(*run_messages.RUN_ONLY_CHECKED.format(run=name, command=_format_command(journal)))


def _format_command(journal: Journal) -> str:
    """Return the command that sends the file of the run, or its rows if they were edited."""
    if journal.edits.count_rows():
        return format_run_command("apply", journal.folder)
    return format_sheet_command("run", journal.metadata.file, journal.metadata.options, journal.folder.parent)


def check_address(run_url: str, identity: AccountIdentity) -> None:
    """Raise UsageError if the run was for another address. Early versions kept the address as it was typed."""
    if identity.base_url in (run_url, normalize_base_url(run_url)):
        return
    message, advice = run_messages.OTHER_ADDRESS.format(run_url=run_url, url=identity.base_url)
    address = urlsplit(normalize_base_url(run_url))
    if address.port and is_loopback(address.hostname or ""):
        advice += run_messages.OTHER_ADDRESS_SANDBOX.format(port=address.port)
    raise UsageError(message, advice)


def _check_account(metadata: RunMetadata, identity: AccountIdentity, titles: AccountTitles) -> None:
    """Raise UsageError if the key seems to open another account than the run's.

    Only the dropdown lists can show that. A new key of the same account is accepted.
    """
    if metadata.account == identity.key:
        return
    of_run = {
        (dropdown, title) for dropdown, found in get_active_titles(metadata.titles).items() for title in found
    }
    of_key = {(dropdown, title.title) for dropdown, found in titles.items() for title in found}
    if len(of_run & of_key) < len(of_run) / 2:
        raise UsageError(*run_messages.OTHER_ACCOUNT.format(total=len(of_run), found=len(of_run & of_key)))
