"""Queue rows in file order, keep rows of one phone apart, and feed the workers once an intent is on disk."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from heapq import heappop, heappush

from importer.errors import ImporterError
from importer.models.delivery import PendingRow
from importer.sender.commit_writer import CommitWriter
from importer.sender.in_flight_row import InFlightRow
from importer.sender.stop_control import StopControl

_FETCH_ROWS = 500
_MAX_WAITING_ROWS = 10_000  # rows that wait for a phone do not hold back the rows behind them
# Rows whose intent is on disk and that have not left: after a crash they are in doubt. So there are only as many as
# leave in `ready_s`, and never more than this number.
_MAX_READY_ROWS = 512

FetchRows = Callable[[int, int], list[PendingRow]]


class PhoneQueue:
    """The rows to send. `take` gives rows that may leave now, `release` frees the phones of a row.

    Each phone has a line of its rows in file order. A row may leave once it is the first in all of its lines: so two
    rows of one phone are never in flight together (docs/guarantees.md, "One phone, one request at a time").
    """

    def __init__(self, fetch_rows: FetchRows) -> None:
        self._fetch_rows = fetch_rows
        self._last_number = -1
        self._is_exhausted = False
        self._lines: defaultdict[str, deque[PendingRow]] = defaultdict(deque)
        self._free: list[tuple[int, PendingRow]] = []
        self._waiting = 0  # rows that were fetched and not taken

    @property
    def is_empty(self) -> bool:
        """Whether no row is left to take, now or later."""
        return self._is_exhausted and not self._waiting

    @property
    def has_rows_to_take(self) -> bool:
        """Whether a row can be taken now, perhaps after more were fetched."""
        return bool(self._free) or self.needs_rows(1)

    def needs_rows(self, limit: int) -> bool:
        """Return whether the caller must `fetch` and `add` before it takes `limit` rows."""
        return not self._is_exhausted and len(self._free) < limit and self._waiting < _MAX_WAITING_ROWS

    def fetch(self) -> list[PendingRow]:
        """Read more rows from the journal. This is slow: call it in the journal's thread."""
        return self._fetch_rows(self._last_number, _FETCH_ROWS)

    def add(self, rows: list[PendingRow]) -> None:
        """Add the rows that `fetch` returned."""
        self._is_exhausted = len(rows) < _FETCH_ROWS
        if rows:
            self._last_number = rows[-1].number
        self._waiting += len(rows)
        for row in rows:
            for phone in set(row.phones):
                self._lines[phone].append(row)
            self._free_if_first(row)

    def take(self, limit: int) -> list[PendingRow]:
        """Return up to `limit` rows whose phones are free, in file order."""
        taken = [heappop(self._free)[1] for _ in range(min(limit, len(self._free)))]
        self._waiting -= len(taken)
        return taken

    def release(self, row: PendingRow) -> None:
        """Free the phones of a row that is no longer in flight: the rows behind it move up."""
        for phone in set(row.phones):
            line = self._lines[phone]
            line.popleft()
            if line:
                self._free_if_first(line[0])
            else:
                del self._lines[phone]

    def _free_if_first(self, row: PendingRow) -> None:
        if all(self._lines[phone][0] is row for phone in row.phones):
            heappush(self._free, (row.number, row))


class RowFeeder:
    """The rows that are ready to leave. A worker takes one, and it is released when it is settled or given up."""

    def __init__(
        self,
        queue: PhoneQueue,
        writer: CommitWriter,
        stop: StopControl,
        get_rate_per_s: Callable[[], float],
        is_paused: Callable[[], bool],
        *,
        ready_s: float,
    ) -> None:
        self._ready_s = ready_s
        self._queue = queue
        self._writer = writer
        self._stop = stop
        self._is_paused = is_paused
        self._get_rate_per_s = get_rate_per_s
        self._ready: asyncio.Queue[InFlightRow | None] = asyncio.Queue()
        self._unsent = 0  # rows whose intent is on disk, or on its way there, and that have not left
        self._unreleased = 0
        self._has_changed = asyncio.Event()
        self._is_closed = False

    @property
    def is_empty(self) -> bool:
        """Whether every row was given to a worker."""
        return self._queue.is_empty

    @property
    def has_fresh_rows(self) -> bool:
        """Whether a row waits for its first attempt, and may be begun."""
        return self._unsent > 0 or (self._queue.has_rows_to_take and not self._is_paused())

    @property
    def _is_done(self) -> bool:
        return self._queue.is_empty and not self._unreleased

    async def run(self, workers: int) -> None:
        """Feed rows until all are released or the run stops. Then end the workers."""
        try:
            while not self._is_done and not self._stop.is_stopping:
                await self._feed_rows(workers)
        except ImporterError as error:
            self._stop.record_error(error)
        finally:
            for _ in range(workers):
                self._ready.put_nowait(None)

    def get_row(self) -> Awaitable[InFlightRow | None]:
        """Wait for the next row of a worker. The result is None where no row follows."""
        return self._ready.get()

    def add_again(self, flight: InFlightRow) -> None:
        """Take a row whose next attempt is due."""
        self._ready.put_nowait(flight)

    def mark_departed(self) -> None:
        """Record that the first request of a row leaves: another row may become ready."""
        self._unsent -= 1
        self._has_changed.set()

    def release(self, row: PendingRow, *, has_departed: bool) -> None:
        """Free the phones of a row that has ended."""
        if not has_departed:
            self._unsent -= 1
        self._unreleased -= 1
        self._queue.release(row)
        self._has_changed.set()

    def wake(self) -> None:
        """Let `run` see that the run stops."""
        self._has_changed.set()

    def add_ready_rows(self, rows: list[PendingRow]) -> None:
        """Take rows whose intent is on disk. After `close` they are withdrawn, because no worker sends them."""
        for row in rows:
            if self._is_closed:
                self._writer.withdraw(row)
            else:
                self._ready.put_nowait(InFlightRow(row))

    def close(self) -> list[InFlightRow]:
        """Return the rows that no worker took. Rows whose intent reaches the disk after this are withdrawn."""
        self._is_closed = True
        left = []
        while not self._ready.empty():
            if flight := self._ready.get_nowait():
                left.append(flight)
        return left

    async def _feed_rows(self, workers: int) -> None:
        """Write the intents of the next rows, or wait until a row is released."""
        limit = 0 if self._is_paused() else self._count_free_places()
        if self._queue.needs_rows(limit):
            self._queue.add(await self._writer.run_in_thread(self._queue.fetch))
        # At first a row for each worker, which is soon on disk. The others follow while those are on their way.
        rows = self._queue.take(limit if self._unsent else min(limit, workers))
        if rows:
            self._unsent += len(rows)
            self._unreleased += len(rows)
            await self._writer.write_intents(rows)
        elif not self._is_done:
            self._has_changed.clear()
            await self._has_changed.wait()

    def _count_free_places(self) -> int:
        """Return how many more rows may become ready: 0 until half are free, so that one commit serves many."""
        max_ready = max(1, min(_MAX_READY_ROWS, int(self._get_rate_per_s() * self._ready_s)))
        free = max(0, max_ready - self._unsent)
        return 0 if free * 2 < max_ready and self._unsent else free
