"""Asking the CRM for the account's lists, and the loop in which everything runs that talks to the CRM.

It stands apart from the sending, so that a command that only asks does not load what reads, judges and reports.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

from importer.credentials import Credentials
from importer.models.mapping import AccountTitles
from importer.sender.client import open_client
from importer.settings import Settings

_T = TypeVar("_T")
_STEP_S = 0.1
_LONG_WAIT_S = 5.0


def fetch_account_titles(
    credentials: Credentials, settings: Settings, waits: Callable[[float], None]
) -> AccountTitles:
    """The account's lists; `waits` is told of each long wait that the CRM asks for, in seconds. Raises RunStoppedError."""

    async def sleep(seconds: float) -> None:
        if seconds > _LONG_WAIT_S:
            waits(seconds)
        await asyncio.sleep(seconds)

    async def fetch() -> AccountTitles:
        async with open_client(
            credentials, timeout_s=settings.timeout, max_wait_s=settings.max_wait, connections=2
        ) as client:
            return await client.fetch_titles(sleep)

    return run_async(fetch)


def run_async(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run to the end, also where this thread has a loop running (a notebook, an async program).

    There it runs in a thread of its own, so that Ctrl-C is still caught by this one: it waits in short steps, since on
    Windows no signal comes through a wait without an end.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_here(work)
    with ThreadPoolExecutor(1, thread_name_prefix="sending") as thread:
        running = thread.submit(_run_here, work)
        while not running.done():
            wait([running], timeout=_STEP_S)
        return running.result()


def _run_here(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run on uvloop where there is one (not on Windows).

    The work is begun when its loop is there: of one that a signal keeps from being awaited Python would warn.
    """
    if sys.platform == "win32":
        return asyncio.run(work())
    import uvloop  # noqa: PLC0415 - does not exist on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())
