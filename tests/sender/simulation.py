"""Run the real send loop in virtual time against a fake server: minutes pass in seconds."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_metadata import SendTotals
from importer.models.delivery import CrmResponse, DeliveryOutcome, PendingRow
from importer.sender.adaptive_rate import LearntRate
from importer.sender.send_loop import Runtime, SendSettings, StopRequest, send


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: where nothing is ready, its clock jumps to the next timer. No threads."""

    def __init__(self) -> None:
        self._virtual = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._virtual

    def jump(self, seconds: float) -> None:
        self._virtual += seconds

    def run_in_executor(self, executor: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        future = self.create_future()
        try:
            future.set_result(function(*arguments))
        except BaseException as error:  # noqa: BLE001 - passed on, as an executor does
            future.set_exception(error)
        return future


class _JumpingSelector(selectors.DefaultSelector):
    """Let the time pass instead of asking the system what is ready: a simulation has no sockets and no threads."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("the simulation waits for something that never comes")
        if timeout > 0:
            self._loop.jump(timeout)
        return []


class MemoryJournal:
    """The sender's journal without a disk."""

    def __init__(self, rows: int = 0) -> None:
        self.send_totals = SendTotals()
        self.rows = [
            PendingRow(number=n, phones=(f"+9198{n:08d}",), payload={"customer_phone": f"+9198{n:08d}"})
            for n in range(rows)
        ]
        self.results: dict[int, Any] = {}
        self.open_results: dict[int, Any] = {}
        self.intents: list[Any] = []

    def read_send_totals(self) -> SendTotals:
        return self.send_totals

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        return self.rows[after + 1 : after + 1 + limit]

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        self.intents += batch.intents
        for result in batch.results:
            assert result.number not in self.results
            self.results[result.number] = result
        self.open_results |= {result.number: result for result in batch.open_results}
        self.send_totals = batch.send_totals or SendTotals()
        return batch.intents


OK = CrmResponse(outcome=DeliveryOutcome.APPLIED, status=200, message="success")


class LimitedServer:
    """A server with a limit on requests a second, and one on requests at once.

    `window` is how it measures a second: `sliding`, `clock` (each second of the clock anew, as many gateways
    do) or `bucket` (tokens that fill up evenly, at most `stock` of them, those of a second if it is None).
    `just_before` requests were accepted right before the first: those for the dropdown values.
    """

    def __init__(
        self,
        limit: Callable[[float], float],
        *,
        retry_after: bool = False,
        hold_s: float = 1.0,
        at_once: int = 10_000,
        latency_s: float = 0.05,
        jitter_s: float = 0.005,
        window: str = "sliding",
        stock: float | None = None,
        just_before: int = 0,
        seed: int = 1,
    ) -> None:
        self._window_kind = window
        self._stock = stock
        self._tokens = (stock or limit(0.0)) - just_before
        self._filled_at = 0.0
        self.limit = limit
        self.retry_after = retry_after
        self.hold_s = hold_s
        self.at_once = at_once
        self.latency_s = latency_s
        self.jitter_s = jitter_s
        self.rng = random.Random(seed)
        self.accepted: list[float] = []
        self.refused: list[float] = []
        self.sent: list[float] = []
        self.requests_inside_hold = 0
        self._window = deque(-0.01 * n for n in range(just_before, 0, -1))
        self._in_flight = 0
        self._held_until = 0.0

    async def upsert(self, payload: dict[str, Any]) -> CrmResponse:
        loop = asyncio.get_running_loop()
        self.sent.append(loop.time())
        self.requests_inside_hold += loop.time() < self._held_until - 1e-6
        await asyncio.sleep(self.latency_s / 2 + self.rng.uniform(0, self.jitter_s))
        now = loop.time()
        if not self._has_capacity(now) or self._in_flight >= self.at_once:
            self.refused.append(now)
            wait = self.hold_s if self.retry_after else None
            await asyncio.sleep(self.latency_s / 2)
            if wait:
                self._held_until = max(self._held_until, loop.time() + wait)
            return CrmResponse(
                outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="slow down", retry_after_s=wait
            )
        self._window.append(now)
        self._tokens -= 1
        self._in_flight += 1
        self.accepted.append(now)
        await asyncio.sleep(self.latency_s / 2 + self.rng.uniform(0, self.jitter_s))
        self._in_flight -= 1
        return OK

    async def probe_once(self, sleep: Any) -> CrmResponse:
        """Answer a question for a list: it does not count."""
        await asyncio.sleep(self.latency_s)
        return OK

    def _has_capacity(self, now: float) -> bool:
        limit = self.limit(now)
        if self._window_kind == "bucket":
            self._tokens = min(self._stock or limit, self._tokens + limit * (now - self._filled_at))
            self._filled_at = now
            return self._tokens >= 1
        since = float(int(now)) if self._window_kind == "clock" else now - 1
        while self._window and (self._window[0] < since or self._window[0] == now - 1):
            self._window.popleft()
        return len(self._window) < limit


BUSY = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=503, message="busy")


class FailingServer(LimitedServer):
    """A server without a limit that answers 503 now and then, at any rate. `share` gives the share by the time."""

    def __init__(self, share: Callable[[float], float]) -> None:
        super().__init__(lambda _: 1e9)
        self._share = share

    async def upsert(self, payload: dict[str, Any]) -> CrmResponse:
        loop = asyncio.get_running_loop()
        if self.rng.random() >= self._share(loop.time()):
            return await super().upsert(payload)
        self.sent.append(loop.time())
        await asyncio.sleep(self.latency_s)
        self.refused.append(loop.time())
        return BUSY


class BusyServer(LimitedServer):
    """A server that says "too fast" with a 503 without a Retry-After, as nginx's limit_req does."""

    async def upsert(self, payload: dict[str, Any]) -> CrmResponse:
        response = await super().upsert(payload)
        return BUSY if response.outcome is DeliveryOutcome.NOT_APPLIED else response


class Simulation(msgspec.Struct):
    """What a simulated sending did. `rate` is accepted requests a second from `warm_up_s` to the end."""

    is_finished: bool
    seconds: float
    rate: float
    refused: int
    requests: int
    server: LimitedServer
    journal: MemoryJournal

    @property
    def refused_share(self) -> float:
        return self.refused / self.requests


def simulate(
    server: Any, *, rows: int, rate: float | None = None, concurrency: int = 50, warm_up_s: float = 20.0
) -> Simulation:
    """Send `rows` rows to the server in virtual time, and return what happened."""
    journal = MemoryJournal(rows)
    loop = VirtualLoop()

    async def run() -> bool:
        settings = SendSettings(rate_per_s=rate, concurrency=concurrency, max_wait_s=900)
        runtime = Runtime(clock=loop.time, sleep=asyncio.sleep, rng=random.Random(7))
        return await send(
            journal,
            server,
            settings,
            total=rows,
            on_progress=lambda _: None,
            get_stop_request=lambda: StopRequest.NO,
            runtime=runtime,
        )

    try:
        is_finished = loop.run_until_complete(run())
        seconds = loop.time()
    finally:
        loop.close()
    end = server.accepted[-1]
    accepted = sum(1 for at in server.accepted if warm_up_s < at <= end)
    return Simulation(
        is_finished=is_finished, seconds=seconds, rate=accepted / max(end - warm_up_s, 1e-9), refused=len(server.refused),
        requests=len(server.sent), server=server, journal=journal,
    )  # fmt: skip


class QueueingServer(LimitedServer):
    """A server that never refuses: it completes `per_s` requests a second and lets the others wait."""

    def __init__(self, per_s: float) -> None:
        super().__init__(lambda _: 1e9)
        self._per_s = per_s
        self._free_at = 0.0
        self.latencies: list[float] = []

    async def upsert(self, payload: dict[str, Any]) -> CrmResponse:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.sent.append(began)
        self._free_at = max(self._free_at, began) + 1 / self._per_s
        await asyncio.sleep(self._free_at - began + self.latency_s)
        self.accepted.append(loop.time())
        self.latencies.append(loop.time() - began)
        return OK


PAUSE_S = 0.5  # between two files: reports are written, and the next journal is opened


def simulate_files(server: Any, *, files: int, rows: int, is_rate_carried: bool) -> float:
    """Send files one after another to one account in virtual time. Return how many seconds that took, without pauses."""
    loop = VirtualLoop()
    learnt: list[LearntRate | None] = [None]

    async def run() -> None:
        settings = SendSettings(rate_per_s=None, concurrency=50, max_wait_s=900)
        for number in range(files):
            assert await send(
                MemoryJournal(rows),
                server,
                settings,
                total=rows,
                on_progress=lambda _: None,
                get_stop_request=lambda: StopRequest.NO,
                runtime=Runtime(clock=loop.time, sleep=asyncio.sleep, rng=random.Random(number)),
                learnt_rate=learnt[-1] if is_rate_carried else None,
                on_rate_learnt=learnt.append,
            )
            await asyncio.sleep(PAUSE_S)

    try:
        loop.run_until_complete(run())
        return loop.time() - files * PAUSE_S
    finally:
        loop.close()
