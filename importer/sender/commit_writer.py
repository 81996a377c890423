"""Write intents and results to the journal in group commits, in the journal's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_metadata import SecondMetrics, SendTotals
from importer.models.delivery import DeliveryResult, PendingRow

_T = TypeVar("_T")


class DeliveryJournal(Protocol):
    """What the sender needs of a journal."""

    def read_send_totals(self) -> SendTotals:
        """Return the totals of earlier sendings of the run."""

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        """Return the next rows to send."""

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        """Write one durable commit. Return the rows of `batch.intents` as they may be sent."""


class CommitWriter:
    """Collect while a commit is under way. The next commit writes all that came meanwhile.

    `on_results` receives results that are on disk, `on_intents` receives rows whose intent is on disk. After a commit it
    waits for `gather_s`, so that several rows share the next one.
    """

    def __init__(
        self,
        journal: DeliveryJournal,
        *,
        on_results: Callable[[list[DeliveryResult]], None],
        on_intents: Callable[[list[PendingRow]], None],
        gather_s: float,
    ) -> None:
        self._gather_s = gather_s
        self._journal = journal
        self._on_results = on_results
        self._on_intents = on_intents
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._batch = DeliveryBatch()
        self._intent_waiters: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._is_closing = False

    def add_result(self, result: DeliveryResult) -> None:
        """Add the result of a row to the next commit."""
        self._batch.results.append(result)
        self._wake.set()

    def withdraw(self, row: PendingRow) -> None:
        """Withdraw the intent of a row that did not leave, and will not leave in this sending."""
        self._batch.withdrawn.append(row)
        self._wake.set()

    def add_open_result(self, result: DeliveryResult) -> None:
        """Add what is known of a row that the run leaves in doubt."""
        self._batch.open_results.append(result)
        self._wake.set()

    def add_metrics(self, second: SecondMetrics) -> None:
        """Add the figures of a second to the next commit."""
        self._batch.metrics.append(second)

    async def write_intents(self, rows: list[PendingRow]) -> None:
        """Return once it is on disk that these rows are about to leave, and `on_intents` has them.

        `on_intents` receives them also where the caller was cancelled meanwhile: an intent on disk is never lost.
        """
        is_written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._batch.intents += rows
        self._intent_waiters.append(is_written)
        self._wake.set()
        await is_written

    async def run_in_thread(self, work: Callable[[], _T]) -> _T:
        """Run other work that needs the journal in the journal's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def run(self, get_totals: Callable[[], SendTotals]) -> None:
        """Commit until closed.

        Raises:
            DiskWriteError: the journal cannot be written.
        """
        while not (self._is_closing and not self._has_work):
            await self._wake.wait()
            self._wake.clear()
            if self._has_work:
                await self._commit(get_totals())
                if not self._is_closing:
                    await asyncio.sleep(self._gather_s)

    def close(self) -> None:
        """Let `run` end after it has written what is left."""
        self._is_closing = True
        self._wake.set()

    def shut_down(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=True)

    @property
    def _has_work(self) -> bool:
        return self._batch.has_outcome or bool(self._batch.intents)

    async def _commit(self, totals: SendTotals) -> None:
        batch, self._batch = self._batch, DeliveryBatch()
        waiters, self._intent_waiters = self._intent_waiters, []
        batch.send_totals = totals
        try:
            rows = await self.run_in_thread(lambda: self._journal.record(batch))
        except BaseException as error:
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(error)
                    waiter.exception()  # marks it as seen, where the caller was cancelled
            raise
        self._on_results(batch.results)
        self._on_intents(rows)
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
