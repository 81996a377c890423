"""Threads for work that mostly waits, and that Python does not wait for when it ends.

Python joins the threads of a ThreadPoolExecutor before it exits. A CRM that accepts connections and does not answer kept
a batch from ending for two minutes after Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")


class DaemonThreads:
    """Up to `count` threads, which are started as they are needed."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._threads: list[Thread] = []
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[Any], Any], Any] | None] = SimpleQueue()

    def submit(self, work: Callable[[_Request], _Result], request: _Request) -> Future[_Result]:
        """Begin the work as soon as a thread is free. What it raises is in the future."""
        future: Future[_Result] = Future()
        self._tasks.put((future, work, request))
        if len(self._threads) < self._count:
            name = f"{self._name} {len(self._threads)}"
            self._threads.append(Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()
        return future

    def close(self) -> None:
        """Drop the work that has not begun. What runs is not waited for."""
        with suppress(Empty):
            while task := self._tasks.get_nowait():
                task[0].cancel()
        for _ in self._threads:
            self._tasks.put(None)

    def _work(self) -> None:
        while task := self._tasks.get():
            future, work, request = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work(request))
            except BaseException as error:  # noqa: BLE001 - as in any executor: the one who asked for it gets it
                future.set_exception(error)
