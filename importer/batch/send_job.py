"""Send one job of a batch, or plan it: take its run as far as it goes, whatever state an earlier command left it in."""

from __future__ import annotations

import msgspec

from importer.batch.account_work import (
    Link,
    LinkedObserver,
    SendRequest,
    SentJob,
    find_credentials,
)
from importer.batch.job_report import read_report
from importer.batch.manifest import Job
from importer.errors import ImporterError
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import peek_run
from importer.models.status import RESUMABLE, RunState
from importer.pipeline.context import Coordination, RunContext
from importer.pipeline.local_sender import WorkerLostError
from importer.pipeline.plan import apply, plan_unsent
from importer.pipeline.resume import lock_its_account, lock_journal, resume, verify
from importer.report.summary import Summary

_LOCK_WAIT_S = 45.0
"""How long to wait for the sending of a batch that was killed: its process finishes the requests under way (--timeout)."""
_MAX_LOST_WORKERS = 10
"""Of one job. A row that kills each worker would otherwise never end."""


def send_job(request: SendRequest, link: Link) -> SentJob:
    """Take a job as far as it goes: to the end of its sending, or with `plans_only` to its plan.

    Whatever stops it is in the report. The rows that are not settled stay pending, and the next call goes on.
    """
    observer = LinkedObserver(link)
    reason = ""
    try:
        _advance_past_lost_workers(request, _build_context(request, link, observer))
    except ImporterError as error:
        reason = str(error)
    return SentJob(read_report(request.job, reason), observer.learnt_rate)


def _build_context(request: SendRequest, link: Link, observer: LinkedObserver) -> RunContext:
    sender = link.open_sender(request)
    return RunContext(
        settings=request.job.settings,
        credentials=find_credentials(request.account, request.folder) if sender is None else None,
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
        if request.plans_only and not found.end.is_planning:
            return  # its sending has begun: a plan sends nothing, and the rest of it neither
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
