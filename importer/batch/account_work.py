"""What is done for one account: read its lists, judge a job, send a job.

Plain functions of values that can be pickled, so that any concurrent.futures.Executor can run them, here or on another
machine. A key is never among the values: its reference is resolved here, where the request is made.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Protocol

import msgspec

from importer.batch.job_report import JobReport, build_report, build_unread_report, read_report
from importer.batch.judging import Judging, decide_judging
from importer.batch.key_reference import read_key
from importer.batch.manifest import Account, Job
from importer.credentials import Credentials
from importer.errors import (
    ImporterError,
    KeyRefusedError,
    RunInterruptedError,
    UnreadableFileError,
    UsageError,
    WorkerLostError,
)
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import PeekedRun, peek_run
from importer.messages import batch_messages
from importer.models.mapping import AccountTitles
from importer.models.status import RESUMABLE, RunState
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.context import Coordination, RunContext, RunObserver
from importer.pipeline.local_sender import Sender
from importer.pipeline.plan import apply, plan_unsent
from importer.pipeline.resume import lock_its_account, lock_journal, resume, verify
from importer.pipeline.run import judge
from importer.pipeline.run_folder import discard_unsent_run
from importer.reader.source import make_open_options, open_file
from importer.report.report_writer import find_edited_tables
from importer.report.summary import Summary
from importer.sender.adaptive_rate import LearntRate
from importer.sender.send_loop import Progress, StopRequest
from importer.settings import Settings, get_inheritable
from importer.state.account_identity import AccountIdentity, identify_account
from importer.state.state_folder import AccountState

_LOCK_WAIT_S = 45.0
"""How long to wait for the sending of a batch that was killed: its process finishes the requests under way (--timeout)."""
_MAX_LOST_WORKERS = 10
"""Of one job. A row that kills each worker would otherwise go round for ever."""


class Link(Protocol):
    """The way between the work for an account and the program that started it."""

    def get_stop_request(self) -> StopRequest:
        """Return what the program wants."""

    def report_progress(self, progress: Progress) -> None:
        """Tell the program how far the present job is."""

    def report_judged(self, rows: int) -> None:
        """Tell the program how many rows of the present job are judged."""

    def open_sender(self, request: SendRequest) -> Sender | None:
        """Return what sends the rows of a job from another place, None to send them from here."""


class FetchedLists(msgspec.Struct, frozen=True):
    """Who an account is, without its key, and its lists."""

    identity: AccountIdentity
    titles: AccountTitles


class OpenedAccount(msgspec.Struct, frozen=True):
    """What must be known of an account to judge its jobs: who it is, its lists, and its state. Not its key."""

    identity: AccountIdentity
    titles: AccountTitles
    state: AccountState


class ListsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Fetch the lists of an account. `folder` is that of the manifest."""

    account: Account
    folder: Path
    settings: Settings


class JudgeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Judge a job."""

    job: Job
    opened: OpenedAccount
    state_dir: Path


class JudgedJob(msgspec.Struct, frozen=True):
    """A job after its check, and whether it may be sent: False if its file cannot be read, or has changed since."""

    report: JobReport
    is_ready: bool


class SendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Send a job, or look up its leads for a plan.

    `titles` are the account's lists and `opened_account` its state if that was a short time ago. `learnt_rate` is what the
    job before has learnt.
    """

    job: Job
    account: Account
    identity: AccountIdentity
    folder: Path
    state_dir: Path
    titles: AccountTitles = {}
    opened_account: AccountState | None = None
    learnt_rate: LearntRate | None = None
    plans_only: bool = False


class SentJob(msgspec.Struct, frozen=True):
    """How a job ended, and what its sending has learnt for the next one."""

    report: JobReport
    learnt_rate: LearntRate | None


def fetch_lists(request: ListsRequest) -> FetchedLists:
    """Return the account that the key opens. Raises MissingKeyError, RunStoppedError."""
    credentials = _find_credentials(request.account, request.folder)
    try:
        titles = fetch_account_titles(credentials, request.settings, lambda _: None)
    except KeyRefusedError as error:
        advice = batch_messages.REFUSED_KEY.format(account=request.account.name, key=request.account.key)
        raise KeyRefusedError(error.message, advice) from None
    return FetchedLists(identify_account(credentials), titles)


# --- judge


def judge_job(request: JudgeRequest, link: Link) -> JudgedJob:
    """Judge a job, unless its run is on disk as it should be. It needs neither a key nor the network.

    What is wrong with the file is in the report. Raises RunInterruptedError if the program stops.
    """
    _raise_if_stopping(link)
    try:
        return _judge_if_needed(request, link)
    except RunInterruptedError:
        raise
    except ImporterError as error:
        return JudgedJob(build_unread_report(request.job, str(error)), is_ready=False)


def _judge_if_needed(request: JudgeRequest, link: Link) -> JudgedJob:
    job, opened = request.job, request.opened
    found = peek_run(job.folder)
    if found is not None and found.end.state is RunState.FINISHED and not job.file.exists():
        return JudgedJob(read_report(job), is_ready=True)  # it was sent, and then moved away
    judging = decide_judging(
        found,
        sha256=_hash_file(job.file),
        account=opened.identity.key,
        options=get_inheritable(job.settings),
        titles=opened.titles,
    )
    match judging:
        case Judging.KEEP:
            return JudgedJob(read_report(job), is_ready=True)
        case Judging.REFUSE:
            reason = batch_messages.CHANGED_FILE.format(file=job.name, run_id=job.run_id)
            return JudgedJob(msgspec.structs.replace(read_report(job, reason), exit_code=1), is_ready=False)
        case Judging.JUDGE:
            _discard_unsent(job, found)
            return JudgedJob(_judge(request, link), is_ready=True)


def _judge(request: JudgeRequest, link: Link) -> JobReport:
    job, opened = request.job, request.opened
    context = RunContext(
        settings=job.settings,
        given_identity=opened.identity,
        titles=opened.titles,
        account=opened.state,
        state_dir=request.state_dir,
        observer=_LinkedObserver(link),
    )
    with open_file(job.file, make_open_options(job.settings)) as sheet:
        return build_report(job, judge(sheet, context))


def _discard_unsent(job: Job, found: PeekedRun | None) -> None:
    """Remove the run of an earlier check, which has sent nothing. Raises UsageError if somebody has edited its rows."""
    if found is None:
        return
    if edited := find_edited_tables(job.folder, found.metadata):
        raise UsageError(*batch_messages.EDITED_REPORT.format(file=job.name, path=job.folder / edited[0]))
    with Journal.open_unverified(job.folder) as journal:
        if rows := journal.edits.count_rows():
            raise UsageError(*batch_messages.format_edited_run(job.name, job.run_id, rows))
    discard_unsent_run(job.folder)


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFileError(
            *batch_messages.CANNOT_READ_FILE.format(path=path, reason=error.strerror)
        ) from None


# --- send


def send_job(request: SendRequest, link: Link) -> SentJob:
    """Take a job as far as it goes: to the end of its sending, or with `plans_only` to its plan.

    Whatever stops it is in the report. The rows that are not settled stay pending, and the next call goes on.
    """
    observer = _LinkedObserver(link)
    reason = ""
    try:
        _advance_past_lost_workers(request, _build_context(request, link, observer))
    except ImporterError as error:
        reason = str(error)
    return SentJob(read_report(request.job, reason), observer.learnt_rate)


def _build_context(request: SendRequest, link: Link, observer: _LinkedObserver) -> RunContext:
    sender = link.open_sender(request)
    return RunContext(
        settings=request.job.settings,
        credentials=_find_credentials(request.account, request.folder) if sender is None else None,
        given_identity=request.identity,
        observer=observer,
        titles=request.titles,
        state_dir=request.state_dir,
        coordination=Coordination(
            learnt_rate=request.learnt_rate,
            opened_account=request.opened_account,
            get_stop_request=link.get_stop_request,
            lock_wait_s=_LOCK_WAIT_S,
            sender=sender,
        ),
    )


def _advance_past_lost_workers(request: SendRequest, context: RunContext) -> None:
    """Go on with another worker each time one is lost: to the journal it is what kill -9 is. Raises WorkerLostError."""
    for lost in range(1, _MAX_LOST_WORKERS + 1):
        try:
            _advance(request, context)
        except WorkerLostError:
            if lost == _MAX_LOST_WORKERS:
                raise
            learnt_nothing = msgspec.structs.replace(context.coordination, learnt_rate=None)
            context = context.replace(coordination=learnt_nothing)
        else:
            return


def _advance(request: SendRequest, context: RunContext) -> None:
    """Take the next steps of a run, whatever state an earlier command left it in."""
    run = str(request.job.folder)
    found = peek_run(request.job.folder)
    assert found is not None, "only judged jobs are sent"
    if found.end.state is RunState.FINISHED and context.settings.verify:
        verify(run, context)  # its worker was lost while it read the leads back
        return
    if found.end.state in RESUMABLE:
        resume(run, context)
        if not found.end.is_planning or request.plans_only:
            return
        found = peek_run(request.job.folder) or found
    if found.end.state is RunState.CHECKED and request.plans_only:
        _plan(request.job, context)
    elif found.end.state in (RunState.CHECKED, RunState.PLANNED) and not request.plans_only:
        apply(run, context)


def _plan(job: Job, context: RunContext) -> Summary:
    wait_s = context.coordination.lock_wait_s
    with (
        Journal.open(job.folder) as journal,
        lock_journal(journal, wait_s=wait_s),
        lock_its_account(journal, context) as opened,
    ):
        return plan_unsent(journal, opened)


def _find_credentials(account: Account, folder: Path) -> Credentials:
    return Credentials(account.base_url, read_key(account.key, folder, os.environ))


def _raise_if_stopping(link: Link) -> None:
    if link.get_stop_request() is not StopRequest.NO:
        raise RunInterruptedError(batch_messages.CHECK_INTERRUPTED)


class _LinkedObserver(RunObserver):
    """Passes on how far a job is, keeps what its sending has learnt, and ends a check when the program stops."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.learnt_rate: LearntRate | None = None

    def on_rows_judged(self, rows: int) -> None:
        """Report the rows. Raises RunInterruptedError if the program stops."""
        self._link.report_judged(rows)
        _raise_if_stopping(self._link)

    def on_progress(self, progress: Progress) -> None:
        """Report the progress of the sending."""
        self._link.report_progress(progress)

    def on_look_up_progress(self, progress: Progress) -> None:
        """Report the progress of the look-ups."""
        self._link.report_progress(progress)

    def on_rate_learnt(self, learnt: LearntRate) -> None:
        """Keep it for the next job of the account."""
        self.learnt_rate = learnt
