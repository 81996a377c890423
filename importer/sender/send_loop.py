"""The sending: one feeder, one writer, a fixed set of workers, and the ways in which it ends."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from enum import Enum

import msgspec

from importer.errors import BlockedError, ImporterError, ServerUnavailableError
from importer.journal.run_metadata import SendTotals
from importer.models.delivery import CrmResponse, DeliveryOutcome, DeliveryResult, PendingRow
from importer.models.status import RowStatus
from importer.sender.adaptive_rate import AdaptiveRate
from importer.sender.block_detector import BlockDetector, banned
from importer.sender.circuit_breaker import CircuitBreaker
from importer.sender.client import Client
from importer.sender.commit_writer import CommitWriter, DeliveryJournal
from importer.sender.delivery_result import build_result
from importer.sender.in_flight import InFlightRow
from importer.sender.metrics import SendMetrics
from importer.sender.rate_limiter import FixedRate, Pacer
from importer.sender.refusals import RefusalStreak
from importer.sender.retry import RetryBudget, attempts, is_final, is_throttled
from importer.sender.row_queue import KeyedRowQueue

_READY_S = 0.05  # rows whose intent is on disk and that have not left: what this much time sends, and
_MOST_READY = 512  # no more than these: after a crash they are in doubt
_PROGRESS_S = 0.1
_BUSY = 503


class SendSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`rate_per_s` None finds the account's own limit; times in seconds."""

    rate_per_s: float | None
    concurrency: int
    max_wait_s: float
    create: bool


class Progress(msgspec.Struct, frozen=True):
    """How the sending stands: rows settled of `total`, those that did not go in, and what it waits for."""

    done: int
    total: int
    not_in: int
    rate_per_s: float
    waiting_s: float


class StopRequest(Enum):
    """What a person asks for: Ctrl-C once, or twice."""

    NO = 0
    DRAIN = 1
    NOW = 2


class Runtime(msgspec.Struct, frozen=True):
    """Time and chance, given so that tests need neither."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: random.Random = msgspec.field(default_factory=random.Random)


async def send(
    journal: DeliveryJournal,
    client: Client,
    settings: SendSettings,
    *,
    total: int,
    on_progress: Callable[[Progress], None],
    asked: Callable[[], StopRequest],
    clockwork: Runtime | None = None,
) -> bool:
    """Send every pending row of the journal; answers whether all were settled (False: a person stopped it).

    What must stop the run is raised (KeyRefusedError, BlockedError, ServerUnavailableError, DiskWriteError) after requests under way
    have ended and all that is known is on disk; so is what `on_progress` raises.
    """
    sending = _Sending(journal, client, settings, total, on_progress, asked, clockwork or Runtime())
    return await sending.run()


class _Sending:
    """The state of one sending. Public: `run`; below it in calling order."""

    def __init__(
        self,
        journal: DeliveryJournal,
        client: Client,
        settings: SendSettings,
        total: int,
        on_progress: Callable[[Progress], None],
        asked: Callable[[], StopRequest],
        clockwork: Runtime,
    ) -> None:
        self._client = client
        self._settings = settings
        self._total = total
        self._on_progress = on_progress
        self._asked = asked
        self._clock, self._sleep = clockwork.clock, clockwork.sleep
        self._began = self._clock()
        self._rate = (
            AdaptiveRate(self._began) if settings.rate_per_s is None else FixedRate(settings.rate_per_s)
        )
        self._pacer = Pacer(self._rate, self._began)
        self._turn = asyncio.Lock()
        self._gate = CircuitBreaker(
            max_wait_s=settings.max_wait_s, clock=self._clock, sleep=self._nap, chance=clockwork.chance
        )
        self._budget = RetryBudget()
        self._refusals = RefusalStreak()
        self._strangers = BlockDetector(self._ask, self._clock)
        self._feed = KeyedRowQueue(journal.pending)
        self._writer = CommitWriter(journal, counted=self._count, may_leave=self._make_ready)
        self._ready: asyncio.Queue[PendingRow | None] = asyncio.Queue()
        self._is_closing = False
        self._unsent = 0  # rows whose intent is on disk and that have not left yet
        self._moved = asyncio.Event()
        self._stopping: Exception | None = None
        self._meter = SendMetrics(journal.send_totals)
        self._done = self._not_in = 0

    async def run(self) -> bool:
        writer = asyncio.create_task(self._writer.run(self._traffic))
        workers = [asyncio.create_task(self._work()) for _ in range(self._settings.concurrency)]
        feeder = asyncio.create_task(self._feed_rows(len(workers)))
        ticker = asyncio.create_task(self._tick())
        tasks = [feeder, *workers]
        try:
            await self._until_done(tasks, writer)
        finally:
            ticker.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, ticker, return_exceptions=True)
            await self._close(writer)
            self._tell()  # the last rows were counted while the writer closed
        if self._stopping is not None:
            raise self._stopping
        return (self._feed.is_empty and self._asked() is StopRequest.NO) or self._done == self._total

    async def _until_done(self, tasks: list[asyncio.Task[None]], writer: asyncio.Task[None]) -> None:
        """Until all tasks have ended, the writer failed, or a person wants it to stop now."""
        left: set[asyncio.Task[None]] = set(tasks)
        while left:
            done, left = await asyncio.wait(
                {*left, writer}, timeout=_PROGRESS_S, return_when=asyncio.FIRST_COMPLETED
            )
            left.discard(writer)
            for task in done:
                if error := task.exception():
                    raise error
            if self._asked() is StopRequest.NOW:
                return
            if self._should_stop:
                self._moved.set()

    async def _close(self, writer: asyncio.Task[None]) -> None:
        """Write all that is known; a disk that refuses is the reason of the stop."""
        self._is_closing = True
        while not self._ready.empty():
            if row := self._ready.get_nowait():
                self._writer.withdraw(row)
        if beat := self._meter.beat(self._clock() - self._began, last=True):
            self._writer.beat(beat)
        self._writer.close()
        try:
            await writer
        except ImporterError as error:
            self._stopping = self._stopping or error
        finally:
            self._writer.shut_down()

    # --- rows to the workers

    async def _feed_rows(self, workers: int) -> None:
        try:
            while not self._feed.is_empty and not self._should_stop:
                room = self._room()
                if room * 2 < self._most_ready and self._unsent:
                    room = 0  # by halves, so that one commit serves many rows
                if self._feed.needs_rows(room):
                    self._feed.add(await self._writer.in_thread(self._feed.fetch))
                # Where nothing is ready, a row for each worker is soon on disk; the others follow while those leave.
                rows = self._feed.take(room if self._unsent else min(room, workers))
                if rows:
                    self._unsent += len(rows)
                    await self._writer.intend(rows)
                elif not self._feed.is_empty:
                    self._moved.clear()
                    await self._moved.wait()
        except ImporterError as error:
            self._stopping = self._stopping or error
        finally:
            for _ in range(workers):
                self._ready.put_nowait(None)

    def _make_ready(self, rows: list[PendingRow]) -> None:
        """The intent of these rows is on disk: they may leave, or are given back where nobody sends any more."""
        for row in rows:
            if self._is_closing:
                self._writer.withdraw(row)
            else:
                self._ready.put_nowait(row)

    def _room(self) -> int:
        """How many more rows may wait with their intent on disk."""
        return max(0, self._most_ready - self._unsent)

    @property
    def _most_ready(self) -> int:
        return max(1, min(_MOST_READY, int(self._rate.rate * _READY_S)))

    @property
    def _should_stop(self) -> bool:
        return self._stopping is not None or self._asked() is not StopRequest.NO

    # --- one row

    async def _work(self) -> None:
        while (row := await self._ready.get()) is not None:
            trip = InFlightRow(row)
            try:
                await self._deliver(trip)
            except BlockedError as error:
                self._stopping = self._stopping or _at(row, error)
            except ImporterError as error:
                self._stopping = self._stopping or error
            except _Abandoned:
                pass  # somebody else stopped the run while this row waited
            except asyncio.CancelledError:
                if not (trip.is_under_way or trip.is_settled or trip.may_have_arrived):
                    self._writer.withdraw(trip.row)
                raise
            if not trip.is_settled and not trip.may_have_arrived:
                self._writer.withdraw(trip.row)
            if not trip.has_left:
                self._unsent -= 1
            self._feed.settled(row)
            self._moved.set()

    async def _deliver(self, trip: InFlightRow) -> None:
        """Send a row until it is settled; tenacity counts the attempts and waits between them."""
        reply = await self._attempt(trip)
        if not is_final(reply):
            first: list[CrmResponse] = [reply]

            async def again() -> CrmResponse:
                return first.pop() if first else await self._attempt(trip)

            reply = await attempts(self._nap)(again)
        trip.is_settled = True
        self._writer.result(
            build_result(trip.row, reply, attempts=trip.attempts, may_have_arrived=trip.was_in_doubt)
        )

    async def _attempt(self, trip: InFlightRow) -> CrmResponse:
        """One attempt that counts: what is asked to wait, or finds no server, waits at the gate and goes again."""
        while True:
            reply = await self._exchange(trip)
            if is_final(reply):
                self._gate.took()
                self._budget.earn()
                await self._suspect(reply, trip)
                return reply
            if reply.outcome is DeliveryOutcome.MAY_HAVE_ARRIVED:
                trip.doubt()
            if is_throttled(reply) or reply.retry_after_s is not None:
                self._rate.pushed_back(self._clock(), trip.left_at)
                self._meter.throttled += is_throttled(reply)
                self._gate.pushed_back(reply.retry_after_s)
                continue  # who is asked to wait has not tried (law 5); a doubt stays
            if reply.status == _BUSY:
                self._rate.found_busy(self._clock(), trip.left_at)
            found_nobody = reply.outcome is DeliveryOutcome.NOT_APPLIED
            self._gate.failed(
                found_nobody=found_nobody, out_of_budget=not self._budget.spend(), status=reply.status
            )
            if self._gate.is_away and found_nobody:
                continue  # a network that is gone uses no row up
            trip.attempts += 1
            return reply

    async def _exchange(self, trip: InFlightRow) -> CrmResponse:
        await self._turn_to_leave()
        if self._should_stop and not trip.has_left:
            raise _Abandoned
        if not trip.has_left:
            trip.has_left = True
            self._unsent -= 1
            self._moved.set()
        trip.left_at = self._clock()
        self._meter.sent(retry=trip.sent > 0)
        trip.sent += 1
        trip.is_under_way = True
        try:
            reply = await self._client.upsert(trip.body(create=self._settings.create))
        except BlockedError as error:
            if error.may_have_arrived:
                trip.doubt()
            raise
        trip.is_under_way = False
        if is_final(reply):
            now = self._clock()
            self._rate.replied(now, now - trip.left_at)
            trip.attempts += 1
        return reply

    async def _suspect(self, reply: CrmResponse, trip: InFlightRow) -> None:
        """Raise what stops the run where a refusal is not about this row: then the row is not settled by it."""
        if reply.outcome is DeliveryOutcome.TURNED_AWAY:
            await self._strangers.judge(reply, trip.left_at)
            return
        self._strangers.met_the_crm()
        if self._refusals.saw(reply):
            await self._ask_whether_banned(reply.message)

    async def _ask(self) -> bool:
        """Whether the CRM gives its lists; asked when a request may leave, given up where the run is stopping."""
        await self._turn_to_leave()
        is_welcome = not self._should_stop and await self._client.probe_access(self._nap)
        if self._should_stop:
            raise _Abandoned
        self._gate.took()
        return is_welcome

    async def _ask_whether_banned(self, words: str) -> None:
        """Stop the run where the CRM refuses whatever it is asked; this row's own result is kept."""
        try:
            if await self._client.probe_access(self._nap):
                return
            error: ImporterError = banned(words)
        except (ServerUnavailableError, _Abandoned):
            return  # nobody says so; the rows go on, and find out
        except ImporterError as stop:
            error = stop
        self._stopping = self._stopping or error

    async def _turn_to_leave(self) -> None:
        """Wait for the gate and the pace; one at a time, so that a crowd of workers does not wake for each departure."""
        async with self._turn:
            await self._gate.opened()
            while (wait := self._pacer.delay(self._clock())) > 0:
                await self._nap(wait)
                await self._gate.opened()
            self._gate.leaving()

    async def _nap(self, seconds: float) -> None:
        """Wait, but not when the run is stopping: then the row is given up as it is."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            if self._should_stop:
                raise _Abandoned
            await self._sleep(min(left, 0.25))

    # --- telling

    def _count(self, results: list[DeliveryResult]) -> None:
        """Rows are counted once they are on disk."""
        self._done += len(results)
        self._not_in += sum(result.status is not RowStatus.ACCEPTED for result in results)

    async def _tick(self) -> None:
        while True:
            self._tell()
            await asyncio.sleep(_PROGRESS_S)
            if beat := self._meter.beat(self._clock() - self._began):
                self._writer.beat(beat)

    def _tell(self) -> None:
        rate = self._meter.rate(self._clock() - self._began)
        progress = Progress(self._done, self._total, self._not_in, rate, self._gate.waiting_s)
        try:
            self._on_progress(progress)
        except Exception as error:  # noqa: BLE001 - whatever it is: raised once all that is known is on disk
            self._stopping = self._stopping or error

    def _traffic(self) -> SendTotals:
        return self._meter.totals(self._clock() - self._began)


def _at(row: PendingRow, error: BlockedError) -> BlockedError:
    """The same, with the row that met it: where it is the same row each time, that row is what is wrong."""
    return BlockedError(f"{error.message} That was at row {row.number}.", error.advice)


class _Abandoned(Exception):
    """The run is stopping while this row waits."""
