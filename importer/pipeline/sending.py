"""The part of a run that talks to the CRM: its lists before, its leads after, and how the sending ended."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from importer.errors import RunStopped, before_the_first_write
from importer.journal import Journal, RunEnd
from importer.models import AccountTitles, RunState
from importer.pipeline.runs import now
from importer.pipeline.watch import Watch
from importer.report import Summary, write_reports
from importer.report.summary import exit_code_of
from importer.sender import SendSettings, Stop, open_client, send
from importer.settings import Access, Settings

_T = TypeVar("_T")


def fetch_titles(access: Access, settings: Settings) -> AccountTitles:
    """The account's lists. What stops this is exit 2: nothing was sent."""

    async def fetch() -> AccountTitles:
        async with open_client(access, timeout_s=settings.timeout, connections=2) as client:
            return await client.titles()

    with before_the_first_write():
        return _run(fetch())


def send_and_report(journal: Journal, settings: Settings, access: Access, watch: Watch) -> Summary:
    """Send what is pending, write down how it ended, write the reports."""
    journal.begin_sending()
    end = _send(journal, settings, access, watch)
    journal.end(end)
    return write_reports(journal, journal.folder)


def _send(journal: Journal, settings: Settings, access: Access, watch: Watch) -> RunEnd:
    try:
        with _signals() as asked:
            finished = _run(_sending(journal, settings, access, watch, asked))
    except RunStopped as error:
        return _end(journal, RunState.STOPPED, str(error))
    if finished:
        return _end(journal, RunState.FINISHED, "")
    return _end(journal, RunState.INTERRUPTED, "Interrupted; what was under way has been finished.")


async def _sending(
    journal: Journal, settings: Settings, access: Access, watch: Watch, asked: Callable[[], Stop]
) -> bool:
    sending = SendSettings(
        rate_per_s=None if settings.rate == "auto" else float(settings.rate),
        concurrency=settings.concurrency,
        patience_s=settings.patience,
        create=settings.create,
    )
    async with open_client(access, timeout_s=settings.timeout, connections=settings.concurrency) as client:
        return await send(
            journal, client, sending, total=journal.left, on_progress=watch.sending, asked=asked
        )


def _end(journal: Journal, state: RunState, reason: str) -> RunEnd:
    return RunEnd(
        state=state,
        exit_code=exit_code_of(state, journal.counts()),
        finished_at=now().isoformat(),
        reason=reason,
    )


@contextmanager
def _signals() -> Iterator[Callable[[], Stop]]:
    """Ctrl-C once drains, twice stops now; SIGTERM is like once. Outside the main thread nothing is caught."""
    seen = 0

    def catch(number: int, frame: object) -> None:
        nonlocal seen
        del frame
        seen += 1 if number == signal.SIGINT or not seen else 0

    def asked() -> Stop:
        return Stop(min(seen, 2))

    try:
        before = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: the program around us minds its signals
        yield asked
        return
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end, also where this thread has a loop running (a notebook, an async program).

    There it runs in a thread of its own, so that Ctrl-C is still caught by this one.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_here(work)
    with ThreadPoolExecutor(1, thread_name_prefix="sending") as thread:
        return thread.submit(_run_here, work).result()


def _run_here(work: Coroutine[Any, Any, _T]) -> _T:
    """Run on uvloop where there is one (not on Windows)."""
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415 - does not exist on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
