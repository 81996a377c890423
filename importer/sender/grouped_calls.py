"""Make calls together that come while one is under way: one commit serves many rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from importer.sender.commit_writer import CommitWriter

_Given = TypeVar("_Given")
_Result = TypeVar("_Result")


class GroupedCalls(Generic[_Given, _Result]):
    """Calls `work` in the journal's thread with a list of what callers gave, and gives each of them its result."""

    def __init__(self, work: Callable[[list[_Given]], list[_Result]], writer: CommitWriter) -> None:
        self._work = work
        self._writer = writer
        self._waiting: list[tuple[object, _Given]] = []
        self._lock = asyncio.Lock()
        self._done: dict[object, _Result] = {}

    async def __call__(self, given: _Given) -> _Result:
        """Return the result for `given`, which is at the same place as its own in the list."""
        key = object()
        self._waiting.append((key, given))
        async with self._lock:
            if key not in self._done:
                waiting, self._waiting = self._waiting, []
                values = [value for _, value in waiting]
                results = await self._writer.run_in_thread(lambda: self._work(values))
                self._done |= {key: result for (key, _), result in zip(waiting, results, strict=True)}
        return self._done.pop(key)
