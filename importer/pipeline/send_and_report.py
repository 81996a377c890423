"""Send the pending rows of a journal, write down how the sending ended, and write the reports."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from importer.command_hints import format_run_command
from importer.errors import (
    DiskWriteError,
    ImporterError,
    JournalReadError,
    RunInterruptedError,
    RunStoppedError,
    raise_as_nothing_sent,
)
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.messages import run_messages
from importer.models.status import RESUMABLE, RunState
from importer.pipeline.account_lists import run_async
from importer.pipeline.context import RunContext
from importer.pipeline.reports_folder import now
from importer.process_setup import handle_signals
from importer.report.report_writer import write_reports
from importer.report.summary import Summary, compute_exit_code
from importer.sender.client import open_client
from importer.sender.send_loop import SendSettings, StopRequest, send

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
    with _count_signals(journal) as signals:
        try:
            end = _send(journal, context, signals)
            signals.is_reporting = True
            journal.run.write_end(end)
            return write_reports(journal, journal.folder)
        except (JournalReadError, DiskWriteError) as error:
            advice = f"{error.advice} {_format_continuation(journal)}"
            raise type(error)(error.message, advice) from error
        except ImporterError:
            raise
        except Exception as error:
            error.add_note(f"{_format_continuation(journal)}.")
            raise


def stop_and_report(journal: Journal, error: RunStoppedError) -> Summary:
    """Write the reports of a resume that was stopped before its first row: it ends like a stopped run, with exit 3."""
    journal.run.write_end(_build_end(journal, RunState.STOPPED, str(error)))
    return write_reports(journal, journal.folder)


def _send(journal: Journal, context: RunContext, signals: _SignalCounter) -> RunEnd:
    """Send and return how it ended."""
    try:
        is_finished = run_async(lambda: _send_pending(journal, context, signals.get_stop_request))
    except RunStoppedError as error:
        return _build_end(journal, RunState.STOPPED, str(error))
    except Exception as error:
        # An error in our code or in the caller's observer: it must be seen, and the run can continue after it.
        reason = run_messages.INTERRUPTED_BY_ERROR.format(error=type(error).__name__)
        journal.run.write_end(_build_end(journal, RunState.INTERRUPTED, reason))
        raise
    if is_finished:
        return _build_end(journal, RunState.FINISHED, "")
    return _build_end(journal, RunState.INTERRUPTED, _INTERRUPTED[signals.get_stop_request()])


async def _send_pending(
    journal: Journal, context: RunContext, get_stop_request: Callable[[], StopRequest]
) -> bool:
    """Send all pending rows. Return False if a person stopped it."""
    settings = context.settings
    send_settings = SendSettings(
        rate_per_s=None if settings.rate == "auto" else float(settings.rate),
        concurrency=settings.concurrency,
        max_wait_s=settings.max_wait,
        create=settings.create,
        sheets=journal.metadata.sheets,
    )
    async with open_client(
        context.credentials,
        timeout_s=settings.timeout,
        max_wait_s=settings.max_wait,
        connections=settings.concurrency,
    ) as client:
        return await send(
            journal.delivery,
            client,
            send_settings,
            total=journal.delivery.count_pending(),
            on_progress=context.observer.on_progress,
            get_stop_request=get_stop_request,
        )


def _format_continuation(journal: Journal) -> str:
    """Return the sentence that says how to continue the run, without its full stop."""
    return run_messages.CONTINUE_WITH.format(command=_format_resume_command(journal))


def _format_resume_command(journal: Journal) -> str:
    return format_run_command("resume", journal.folder)


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

    def __init__(self, resume_command: str) -> None:
        self._resume_command = resume_command
        self._signals = 0
        self.is_reporting = False
        """Whether rows are sent and only the reports are missing: a second signal then stops their writing."""

    def get_stop_request(self) -> StopRequest:
        """Return what the signals have asked for so far."""
        return StopRequest(min(self._signals, StopRequest.NOW.value))

    def handle(self, number: int, frame: object) -> None:
        """Count a signal."""
        del frame
        self._signals += 1 if number == signal.SIGINT or not self._signals else 0
        if self.is_reporting and self._signals > 1:
            text = run_messages.INTERRUPTED_REPORTS.format(command=self._resume_command)
            raise RunInterruptedError(*text)


@contextmanager
def _count_signals(journal: Journal) -> Iterator[_SignalCounter]:
    """Count the signals that end a run while the block runs. Outside the main thread there are none."""
    counter = _SignalCounter(_format_resume_command(journal))
    # The last two exist on one system each.
    with handle_signals(("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"), counter.handle):
        yield counter
