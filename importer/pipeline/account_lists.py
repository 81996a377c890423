"""Fetch the account's dropdown lists, and run the event loop for everything that talks to the CRM.

This module is apart from the sending, so that a command that only reads lists does not load the rest.
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
_POLL_S = 0.1
_LONG_WAIT_S = 5.0  # shorter waits are not worth a line on the terminal


def fetch_account_titles(
    credentials: Credentials, settings: Settings, on_wait: Callable[[float], None]
) -> AccountTitles:
    """Return the account's lists. `on_wait` gets the seconds of each long wait that the CRM asks for.

    Raises RunStoppedError.
    """

    async def sleep(seconds: float) -> None:
        if seconds > _LONG_WAIT_S:
            on_wait(seconds)
        await asyncio.sleep(seconds)

    async def fetch() -> AccountTitles:
        async with open_client(
            credentials, timeout_s=settings.timeout, max_wait_s=settings.max_wait, connections=2
        ) as client:
            return await client.fetch_titles(sleep)

    return run_async(fetch)


def run_async(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run a coroutine to its end, also if this thread already runs a loop (a notebook, an async program).

    In that case it runs in another thread, so that this one still catches Ctrl-C. This one waits in short steps,
    because on Windows no signal interrupts a wait without an end.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run_here(work)
    with ThreadPoolExecutor(1, thread_name_prefix="sending") as thread:
        running = thread.submit(_run_here, work)
        while not running.done():
            wait([running], timeout=_POLL_S)
        return running.result()


def _run_here(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run the coroutine on uvloop if there is one (not on Windows).

    The coroutine is made when its loop exists: Python would warn if a signal kept it from being awaited.
    """
    if sys.platform == "win32":
        return asyncio.run(work())
    import uvloop  # noqa: PLC0415 - does not exist on Windows

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())
