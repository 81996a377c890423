"""Group commits: what is about to leave and what has come back, written together in the journal's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from importer.journal.run_metadata import SecondMetrics, SendTotals
from importer.models.delivery import DeliveryResult, PendingRow

_T = TypeVar("_T")
_GATHER_S = 0.005  # between two commits: a commit costs as much as sending a row, so several should share one


class DeliveryJournal(Protocol):
    """What the sender needs of a journal."""

    @property
    def send_totals(self) -> SendTotals:
        """Totals of earlier sendings of the run."""

    def pending(self, after: int, limit: int) -> list[PendingRow]:
        """The next rows to send."""

    def record(
        self,
        *,
        intents: Sequence[PendingRow] = (),
        results: Sequence[DeliveryResult] = (),
        withdrawn: Sequence[PendingRow] = (),
        pace: Sequence[SecondMetrics] = (),
        send_totals: SendTotals | None = None,
    ) -> list[PendingRow]:
        """One durable commit; answers with the rows of `intents` as they may leave."""


class CommitWriter:
    """Collects while a commit is under way; the next one writes all that came meanwhile."""

    def __init__(
        self,
        journal: DeliveryJournal,
        *,
        counted: Callable[[list[DeliveryResult]], None],
        may_leave: Callable[[list[PendingRow]], None],
    ) -> None:
        self._journal = journal
        self._counted = counted
        self._may_leave = may_leave
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._results: list[DeliveryResult] = []
        self._intents: list[PendingRow] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._withdrawn: list[PendingRow] = []
        self._pace: list[SecondMetrics] = []
        self._wake = asyncio.Event()
        self._closing = False

    def result(self, result: DeliveryResult) -> None:
        """A row is settled; it is counted once this is on disk."""
        self._results.append(result)
        self._wake.set()

    def withdraw(self, row: PendingRow) -> None:
        """A row whose intent is on disk did not leave, and will not in this sending."""
        self._withdrawn.append(row)
        self._wake.set()

    def beat(self, beat: SecondMetrics) -> None:
        """Keep what happened in a second; written with the next commit."""
        self._pace.append(beat)

    async def intend(self, rows: list[PendingRow]) -> None:
        """Return once it is on disk that these rows are about to leave; `may_leave` has them then, as they may.

        It has them also where whoever asked was cancelled meanwhile: an intent on disk is never forgotten.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._intents += rows
        self._waiting.append(done)
        self._wake.set()
        await done

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """Run something else that needs the journal."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def run(self, send_totals: Callable[[], SendTotals]) -> None:
        """Commit until closed. Raises what a commit raises (DiskWriteError)."""
        while not (self._closing and not self._has_work):
            await self._wake.wait()
            self._wake.clear()
            if self._has_work:
                await self._commit(send_totals())
                if not self._closing:
                    await asyncio.sleep(_GATHER_S)

    def close(self) -> None:
        """Let `run` end after what is left."""
        self._closing = True
        self._wake.set()

    def shut_down(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)

    @property
    def _has_work(self) -> bool:
        return bool(self._results or self._intents or self._withdrawn or self._pace)

    async def _commit(self, send_totals: SendTotals) -> None:
        results, self._results = self._results, []
        intents, self._intents = self._intents, []
        waiting, self._waiting = self._waiting, []
        withdrawn, self._withdrawn = self._withdrawn, []
        pace, self._pace = self._pace, []
        try:
            leaving = await self.in_thread(
                lambda: self._journal.record(
                    intents=intents, results=results, withdrawn=withdrawn, pace=pace, send_totals=send_totals
                )
            )
        except BaseException as error:
            for done in waiting:
                if not done.done():
                    done.set_exception(error)
                    done.exception()  # also where nobody waits any more
            raise
        self._counted(results)
        self._may_leave(leaving)
        for done in waiting:
            if not done.done():
                done.set_result(None)
