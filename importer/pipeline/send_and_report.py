"""Send the pending rows of a journal, write down how the sending ended, and write the reports."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import msgspec

from importer.command_hints import format_run_command
from importer.errors import (
    DiskWriteError,
    ImporterError,
    JournalReadError,
    RunInterruptedError,
    RunStoppedError,
    raise_as_nothing_sent,
)
from importer.journal.lookup_journal import LookupJournal
from importer.journal.planning_journal import PlanningJournal
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.messages import run_messages
from importer.models.status import RESUMABLE, RunKind, RunState
from importer.pipeline.context import RunContext
from importer.pipeline.create_tasks import create_tasks, wait_unless_stopped
from importer.pipeline.local_sender import ClientSettings, Sending, SendingObserver
from importer.pipeline.reports_folder import now
from importer.pipeline.resolve_owners import forget_refused_owners, remember_owners
from importer.planner.drift import OnDrift
from importer.process_setup import handle_signals
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.report.summary_builder import compute_exit_code
from importer.sender.commit_writer import DeliveryJournal
from importer.sender.request_kinds import Lookups, PlannedWrites, RequestKind, Upserts
from importer.sender.send_loop import SendSettings, StopRequest
from importer.state.field_memory import UNDO

_LOOKUPS = Lookups()
_INTERRUPTED = {
    StopRequest.NO: run_messages.INTERRUPTED,
    StopRequest.DRAIN: run_messages.INTERRUPTED_DRAINED,
    StopRequest.NOW: run_messages.INTERRUPTED_AT_ONCE,
}


def send_and_report(journal: Journal, context: RunContext) -> Summary:
    """Send what is pending, write how it ended, and write the reports.

    Raises DiskWriteError or JournalReadError if the disk fails, and RunInterruptedError if a person does not wait for
    the reports. Each says how to continue.
    """
    assert context.account is not None
    with raise_as_nothing_sent() if journal.run.end.state not in RESUMABLE else nullcontext():
        journal.begin_sending(context.account)
        journal.delivery.remember_policies(_describe_policies(journal, context))
        remember_owners(journal, context.account)
        if journal.metadata.applied_at:
            journal.plans.settle_unsent()
            journal.delivery.unsettle_held_back()
    with _count_signals(journal, context) as signals:
        try:
            end = _run_to_end(
                journal, lambda: _send_pending(journal, context, signals.get_stop_request), signals
            )
            signals.is_reporting = True
            journal.run.write_end(end)
            forget_refused_owners(journal, context)
            return write_reports(journal, journal.folder)
        except (JournalReadError, DiskWriteError) as error:
            advice = f"{error.advice} {_format_continuation(journal)}"
            raise type(error)(error.message, advice) from error
        except Exception as error:
            if not signals.is_reporting:
                journal.run.write_end(_build_interrupted_end(journal, error))
            if not isinstance(error, ImporterError):
                error.add_note(f"{_format_continuation(journal)}.")
            raise


def look_up_phones(journal: Journal, context: RunContext) -> RunEnd | None:
    """Look up the phones without an answer. Return None if all were asked, else how the look-ups ended."""
    phones, answered = journal.plans.count_phones()
    context.observer.on_look_ups_begin(phones - answered)
    source = LookupJournal(journal.plans, journal.delivery)
    try:
        end = read_leads(journal, source, phones - answered, context)
    except Exception as error:
        journal.run.write_end(
            msgspec.structs.replace(_build_interrupted_end(journal, error), is_planning=True)
        )
        raise
    return None if end.state is RunState.FINISHED else msgspec.structs.replace(end, is_planning=True)


def read_leads(
    journal: Journal,
    source: DeliveryJournal,
    total: int,
    context: RunContext,
    *,
    wait_s: float = 0,
    kind: RequestKind[Any] = _LOOKUPS,
) -> RunEnd:
    """Read the leads of `total` phones, which `source` gives out, after a wait. Return how that ended; it is not written.

    Another `kind` reads something else of them.
    """
    sending = build_sending(journal, context, source, kind, total)

    def read() -> bool:
        wait_unless_stopped(wait_s, signals.get_stop_request)
        observer = SendingObserver(
            on_progress=context.observer.on_look_up_progress, get_stop_request=signals.get_stop_request
        )
        return context.sender.send(sending, observer)

    with _count_signals(journal, context) as signals:
        return _run_to_end(journal, read, signals)


def stop_and_report(journal: Journal, error: RunStoppedError) -> Summary:
    """Write the reports of a resume that was stopped before its first row: it ends like a stopped run, with exit 3."""
    end = _build_end(journal, RunState.STOPPED, str(error))
    journal.run.write_end(msgspec.structs.replace(end, is_planning=journal.run.end.is_planning))
    return write_reports(journal, journal.folder)


def _run_to_end(journal: Journal, work: Callable[[], bool], signals: _SignalCounter) -> RunEnd:
    """Send, or look up, and return how it ended."""
    try:
        is_finished = work()
    except RunStoppedError as error:
        return _build_end(journal, RunState.STOPPED, str(error))
    if is_finished:
        return _build_end(journal, RunState.FINISHED, "")
    return _build_end(journal, RunState.INTERRUPTED, _INTERRUPTED[signals.get_stop_request()])


def _send_pending(journal: Journal, context: RunContext, get_stop_request: Callable[[], StopRequest]) -> bool:
    """Send all pending rows, then create their tasks. Return False if a person stopped it."""
    source, kind = _choose_requests(journal, context)
    sending = build_sending(journal, context, source, kind, journal.delivery.count_pending())
    observer = SendingObserver(
        on_progress=context.observer.on_progress,
        get_stop_request=get_stop_request,
        on_rate_learnt=context.observer.on_rate_learnt,
    )
    is_sent = context.sender.send(
        msgspec.structs.replace(sending, learnt_rate=context.coordination.learnt_rate), observer
    )
    return is_sent and create_tasks(
        journal, context, get_stop_request, partial(build_sending, journal, context)
    )


def _choose_requests(journal: Journal, context: RunContext) -> tuple[DeliveryJournal, RequestKind[Any]]:
    """Return one upsert a row, or what plans each row before it is sent: it is part of a plan, or its lead is read first.

    An undo protects what was changed after its plan by its own rules, field by field.
    """
    rules, metadata, settings = context.choose_rules(journal.metadata), journal.metadata, context.settings
    only_new = settings.task_for == "new" and not journal.tasks.is_empty
    reads_first = settings.snapshot or only_new or not rules.policies.is_overwrite
    if not metadata.applied_at and not reads_first:
        return journal.delivery, Upserts(create=settings.create)
    planning = PlanningJournal(
        journal.file,
        journal.plans,
        journal.delivery,
        is_promised=bool(metadata.applied_at),
        is_undo=metadata.kind is RunKind.UNDO,
    )
    on_drift = OnDrift(settings.on_drift) if rules.edited is None else OnDrift.REPLAN
    return planning, PlannedWrites(rules=rules, on_drift=on_drift, max_age_s=settings.max_age)


def _describe_policies(journal: Journal, context: RunContext) -> str:
    """Return what the run does with fields that have a value in the CRM, as the memory of the account keeps it."""
    if journal.metadata.kind is RunKind.UNDO:
        return UNDO
    return context.choose_policies(journal.metadata.mapping).describe()


def build_sending(
    journal: Journal, context: RunContext, source: DeliveryJournal, kind: RequestKind[Any], total: int
) -> Sending:
    """Return a pass over `total` rows of `source`, with the options of the run."""
    settings = context.settings
    return Sending(
        source=source,
        kind=kind,
        total=total,
        settings=SendSettings(
            rate_per_s=None if settings.rate == "auto" else float(settings.rate),
            concurrency=settings.concurrency,
            max_wait_s=settings.max_wait,
            sheets=journal.metadata.sheets,
            gather_s=context.coordination.gather_s,
            ready_s=context.coordination.ready_s,
        ),
        client=ClientSettings(
            timeout_s=settings.timeout, max_wait_s=settings.max_wait, connections=settings.concurrency
        ),
    )


def _format_continuation(journal: Journal) -> str:
    """Return the sentence that says how to continue the run, without its full stop."""
    return run_messages.CONTINUE_WITH.format(command=_format_resume_command(journal))


def _format_resume_command(journal: Journal) -> str:
    return format_run_command("resume", journal.folder)


def _build_interrupted_end(journal: Journal, error: Exception) -> RunEnd:
    """Return the end of a run by an error in our code or in the caller's observer: the run can continue after it."""
    reason = run_messages.INTERRUPTED_BY_ERROR.format(error=type(error).__name__)
    return _build_end(journal, RunState.INTERRUPTED, reason)


def _build_end(journal: Journal, state: RunState, reason: str) -> RunEnd:
    counts = journal.reports.count_by_status() if state is RunState.FINISHED else {}
    return RunEnd(
        state=state,
        exit_code=compute_exit_code(state, counts),
        finished_at=now().isoformat(),
        reason=reason,
    )


class _SignalCounter:
    """Counts signals. Ctrl-C once lets requests finish, twice stops at once; SIGTERM and SIGHUP are like once."""

    def __init__(self, resume_command: str, get_other_request: Callable[[], StopRequest]) -> None:
        self._resume_command = resume_command
        self._get_other_request = get_other_request
        self._signals = 0
        self.is_reporting = False
        """Whether rows are sent and only the reports are missing: a second signal then stops their writing."""

    def get_stop_request(self) -> StopRequest:
        """Return what the signals have asked for so far, or the program around this run."""
        return StopRequest(max(min(self._signals, StopRequest.NOW.value), self._get_other_request().value))

    def handle(self, number: int, frame: object) -> None:
        """Count a signal."""
        del frame
        self._signals += 1 if number == signal.SIGINT or not self._signals else 0
        if self.is_reporting and self._signals > 1:
            text = run_messages.INTERRUPTED_REPORTS.format(command=self._resume_command)
            raise RunInterruptedError(*text)


@contextmanager
def _count_signals(journal: Journal, context: RunContext) -> Iterator[_SignalCounter]:
    """Count the signals that end a run while the block runs. Outside the main thread there are none."""
    counter = _SignalCounter(_format_resume_command(journal), context.coordination.get_stop_request)
    # The last two exist on one system each.
    with handle_signals(("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"), counter.handle):
        yield counter
