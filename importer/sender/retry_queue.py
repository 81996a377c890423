"""Rows that wait for their next attempt, outside the workers: rows that were not tried yet go first.

Rows on which the CRM always fails cost up to five requests each, and up to five times --timeout where it hangs. So
while other rows wait for their first attempt, repeated attempts get a tenth of the requests and a tenth of the workers.
What is left of them follows after the last first attempt. Few failures are repeated at once: there is a small stock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush

from importer.sender.in_flight_row import InFlightRow, InFlightState

_SHARE = 0.1
_STOCK = 10.0
_MAX_ROWS = (
    10_000  # in memory, and in doubt if the process is killed: no more rows are begun while so many wait
)
_MIN_WAIT_S = 0.001
_POLL_S = 0.1  # how late a row that is due may notice that no first attempt is left


class RetryBudget:
    """Repeated attempts that may leave although other rows wait for their first (as in gRPC's retry throttling)."""

    def __init__(self) -> None:
        self._left = _STOCK

    def earn(self) -> None:
        """Add the share of a request that a settled row earns."""
        self._left = min(_STOCK, self._left + _SHARE)

    def spend(self) -> bool:
        """Take one repeated attempt. Return False where none is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class RetryQueue:
    """Give rows back to the workers, through `add_ready`, when their backoff is over and there is room for them."""

    def __init__(
        self,
        *,
        workers: int,
        clock: Callable[[], float],
        has_fresh_rows: Callable[[], bool],
        add_ready: Callable[[InFlightRow], None],
    ) -> None:
        self.budget = RetryBudget()
        self._workers = workers
        self._clock = clock
        self._has_fresh_rows = has_fresh_rows
        self._add_ready = add_ready
        self._waiting: list[tuple[float, int, InFlightRow]] = []
        self._busy = 0  # rows that were given back and have not ended their attempt
        self._has_changed = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether so many rows wait that no other should be begun."""
        return len(self._waiting) >= _MAX_ROWS

    def add(self, flight: InFlightRow, backoff_s: float) -> None:
        """Let a row wait for its next attempt."""
        flight.state = InFlightState.PARKED
        heappush(self._waiting, (self._clock() + backoff_s, flight.row.number, flight))
        self._has_changed.set()

    def mark_ended(self) -> None:
        """Record that a row that was given back has ended its attempt."""
        self._busy -= 1
        self._has_changed.set()

    async def run(self) -> None:
        """Give rows back until cancelled."""
        while True:
            self._give_back()
            self._has_changed.clear()
            with suppress(
                TimeoutError
            ):  # wait_for could lose a cancellation that comes together with the event
                async with asyncio.timeout(self._find_wait_s()):
                    await self._has_changed.wait()

    def take_all(self) -> list[InFlightRow]:
        """Take every row that waits, when the run stops."""
        flights = [flight for *_, flight in self._waiting]
        self._waiting.clear()
        return flights

    def _give_back(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._clock() and self._has_room():
            self._busy += 1
            self._add_ready(heappop(self._waiting)[2])

    def _has_room(self) -> bool:
        if not self._has_fresh_rows():
            return self._busy < self._workers
        return self._busy < max(1, int(self._workers * _SHARE)) and self.budget.spend()

    def _find_wait_s(self) -> float | None:
        """Return when to look again, None where no row waits."""
        if not self._waiting:
            return None
        wait_s = self._waiting[0][0] - self._clock()
        return max(wait_s, _MIN_WAIT_S) if wait_s > 0 else _POLL_S
