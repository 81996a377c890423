"""The part of a run that talks to the CRM: its lists before, its leads after, and how the sending ended."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from importer.command_hints import format_run_command
from importer.credentials import Credentials
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
from importer.models.status import RunState
from importer.pipeline.account_lists import run_async
from importer.pipeline.observer import RunObserver
from importer.pipeline.runs import RESUMABLE, now
from importer.process_setup import handle_signals
from importer.report.report_writer import write_reports
from importer.report.summary import Summary, compute_exit_code
from importer.sender.client import open_client
from importer.sender.send_loop import SendSettings, StopRequest, send
from importer.settings import Settings

_INTERRUPTED = {
    StopRequest.NO: "RunInterruptedError.",
    StopRequest.DRAIN: "RunInterruptedError; what was under way has been finished.",
    StopRequest.NOW: "Stopped at once; what was under way may have gone in, and is sent again without its notes.",
}


def send_and_report(
    journal: Journal, settings: Settings, credentials: Credentials, observer: RunObserver
) -> Summary:
    """Send what is pending, write down how it ended, write the reports.

    Raises DiskWriteError where the disk takes neither, JournalReadError where it gives no journal back, RunInterruptedError where
    a person does not wait for the reports.
    """
    with raise_as_nothing_sent() if journal.run_end.state not in RESUMABLE else nullcontext():
        journal.begin_sending()
    with _signals(journal) as asked:
        try:
            end = _send(journal, settings, credentials, observer, asked)
            asked.is_reporting = True
            journal.end(end)
            return write_reports(journal, journal.folder)
        except (JournalReadError, DiskWriteError) as error:
            raise type(error)(error.message, f"{error.advice} Then go on with: {_resume(journal)}") from error
        except ImporterError:
            raise
        except Exception as error:
            error.add_note(f"Go on with: {_resume(journal)}.")
            raise


def stop_and_report(journal: Journal, error: RunStoppedError) -> Summary:
    """A resume that is stopped before its first row is what the run was, for a reason of its own: exit 3 again."""
    journal.end(_end(journal, RunState.STOPPED, str(error)))
    return write_reports(journal, journal.folder)


def _send(
    journal: Journal, settings: Settings, credentials: Credentials, observer: RunObserver, asked: _Asked
) -> RunEnd:
    try:
        finished = run_async(lambda: _sending(journal, settings, credentials, observer, asked))
    except RunStoppedError as error:
        return _end(journal, RunState.STOPPED, str(error))
    except Exception as error:
        # A fault of ours, or of who shows the progress: it must be seen, and the run can go on after it.
        journal.end(
            _end(journal, RunState.INTERRUPTED, f"RunInterruptedError by a fault ({type(error).__name__}).")
        )
        raise
    if finished:
        return _end(journal, RunState.FINISHED, "")
    return _end(journal, RunState.INTERRUPTED, _INTERRUPTED[asked()])


async def _sending(
    journal: Journal,
    settings: Settings,
    credentials: Credentials,
    observer: RunObserver,
    asked: Callable[[], StopRequest],
) -> bool:
    sending = SendSettings(
        rate_per_s=None if settings.rate == "auto" else float(settings.rate),
        concurrency=settings.concurrency,
        max_wait_s=settings.max_wait,
        create=settings.create,
    )
    async with open_client(
        credentials,
        timeout_s=settings.timeout,
        max_wait_s=settings.max_wait,
        connections=settings.concurrency,
    ) as client:
        return await send(
            journal,
            client,
            sending,
            total=journal.left,
            on_progress=observer.on_progress,
            get_stop_request=asked,
        )


def _resume(journal: Journal) -> str:
    return format_run_command("resume", journal.folder)


def _end(journal: Journal, state: RunState, reason: str) -> RunEnd:
    return RunEnd(
        state=state,
        exit_code=compute_exit_code(state, journal.counts() if state is RunState.FINISHED else {}),
        finished_at=now().isoformat(),
        reason=reason,
    )


class _Asked:
    """What the signals have asked for so far: Ctrl-C once drains, twice stops now; SIGTERM and SIGHUP are like once."""

    def __init__(self, resume: str) -> None:
        self._resume = resume
        self._times = 0
        self.is_reporting = False

    def __call__(self) -> StopRequest:
        return StopRequest(min(self._times, 2))

    def catch(self, number: int, frame: object) -> None:
        """Count a signal. The reports are soon written, so that only a second one stops their writing."""
        del frame
        self._times += 1 if number == signal.SIGINT or not self._times else 0
        if self.is_reporting and self._times >= 2:
            raise RunInterruptedError(
                "Stopped while the reports were written; all that was sent is in the journal.",
                f"Write them with: {self._resume}",
            )


@contextmanager
def _signals(journal: Journal) -> Iterator[_Asked]:
    """Catch the signals that end a run. Outside the main thread nothing is caught."""
    asked = _Asked(_resume(journal))
    # The last two exist on one system each.
    with handle_signals(("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"), asked.catch):
        yield asked
