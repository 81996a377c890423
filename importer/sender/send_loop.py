"""Send every pending row: one feeder, a fixed number of workers, one writer, and the ways in which it ends."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import msgspec

from importer.errors import BlockedError, ImporterError
from importer.messages import sending_messages
from importer.models.delivery import PendingRow
from importer.models.row import name_row
from importer.sender.adaptive_rate import LearntRate
from importer.sender.block_detector import BlockDetector
from importer.sender.client import Client
from importer.sender.commit_writer import CommitWriter, DeliveryJournal
from importer.sender.in_flight_row import InFlightState
from importer.sender.metrics import PROGRESS_INTERVAL_S, Progress, ProgressReporter, SendMetrics
from importer.sender.phone_queue import PhoneQueue, RowFeeder
from importer.sender.retry_queue import RetryQueue
from importer.sender.row_delivery import RowDelivery
from importer.sender.row_requests import RowRequests, UpsertRequests
from importer.sender.stop_control import RowAbandoned, StopControl, StopRequest
from importer.sender.traffic_control import TrafficControl

__all__ = ["Progress", "Runtime", "SendSettings", "StopRequest", "send"]

GATHER_S = 0.005  # a commit costs as much as sending a row, so several rows should share one
READY_S = 0.05


class SendSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to send. `rate_per_s` is None for `--rate auto`.

    `sheets` are the names of the run's sheets, if there are several. A commit gathers what comes within `gather_s`, and
    rows whose intent is on disk are those that leave within `ready_s`: after a crash they are in doubt.
    """

    rate_per_s: float | None
    concurrency: int
    max_wait_s: float
    sheets: tuple[str, ...] = ()
    gather_s: float = GATHER_S
    ready_s: float = READY_S


def build_upserts(writer: CommitWriter) -> RowRequests:
    """Return one upsert a row, which may create its lead."""
    del writer
    return UpsertRequests(create=True)


class Runtime(msgspec.Struct, frozen=True):
    """Clock, sleep and random numbers, given so that tests need no real time and no chance."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rng: random.Random = msgspec.field(default_factory=random.Random)


async def send(
    journal: DeliveryJournal,
    client: Client,
    settings: SendSettings,
    *,
    total: int,
    on_progress: Callable[[Progress], None],
    get_stop_request: Callable[[], StopRequest],
    runtime: Runtime | None = None,
    make_requests: Callable[[CommitWriter], RowRequests] = build_upserts,
    learnt_rate: LearntRate | None = None,
    on_rate_learnt: Callable[[LearntRate], None] | None = None,
) -> bool:
    """Send every pending row of the journal, with one upsert each unless `make_requests` makes others. Return whether all are settled, False where a person stopped it.

    `learnt_rate` is what an earlier sending to the account has learnt. `on_rate_learnt` gets what this one has, however it ends.

    Raises, once requests under way have ended and all that is known is on disk:
        KeyRefusedError, BlockedError, ServerUnavailableError, DiskWriteError: what stops the run.
        Exception: whatever `on_progress` raised.
    """
    loop = SendLoop(
        journal,
        client,
        settings,
        total=total,
        on_progress=on_progress,
        get_stop_request=get_stop_request,
        runtime=runtime or Runtime(),
        make_requests=make_requests,
        learnt_rate=learnt_rate,
    )
    try:
        return await loop.run()
    finally:
        if on_rate_learnt is not None and (learnt := loop.learnt_rate) is not None:
            on_rate_learnt(learnt)


class SendLoop:
    """One sending. Rows go from the feeder to the workers; their results go to the writer."""

    def __init__(
        self,
        journal: DeliveryJournal,
        client: Client,
        settings: SendSettings,
        *,
        total: int,
        on_progress: Callable[[Progress], None],
        get_stop_request: Callable[[], StopRequest],
        runtime: Runtime,
        make_requests: Callable[[CommitWriter], RowRequests] = build_upserts,
        learnt_rate: LearntRate | None = None,
    ) -> None:
        self._client = client
        self._settings = settings
        self._runtime = runtime
        self._stop = StopControl(get_stop_request, runtime.clock, runtime.sleep)
        self._metrics = SendMetrics(journal.read_send_totals(), runtime.clock)
        self._traffic = self._build_traffic_control(learnt_rate)
        self._progress = ProgressReporter(
            total,
            on_progress,
            metrics=self._metrics,
            stop=self._stop,
            get_waiting_s=self._traffic.get_waiting_s,
        )
        self._writer = CommitWriter(
            journal,
            on_results=self._progress.count_results,
            on_intents=self._add_ready_rows,
            gather_s=settings.gather_s,
        )
        self._feeder = RowFeeder(
            PhoneQueue(journal.read_pending),
            self._writer,
            self._stop,
            self._traffic.get_rate_per_s,
            lambda: self._retries.is_full,
            ready_s=settings.ready_s,
        )
        self._retries = RetryQueue(
            workers=settings.concurrency,
            clock=runtime.clock,
            has_fresh_rows=lambda: self._feeder.has_fresh_rows,
            add_ready=self._feeder.add_again,
        )
        self._delivery = self._build_delivery(make_requests(self._writer))

    def _build_traffic_control(self, learnt_rate: LearntRate | None) -> TrafficControl:
        return TrafficControl(
            rate_per_s=self._settings.rate_per_s,
            max_wait_s=self._settings.max_wait_s,
            clock=self._runtime.clock,
            rng=self._runtime.rng,
            stop=self._stop,
            metrics=self._metrics,
            learnt_rate=learnt_rate,
        )

    def _build_delivery(self, requests: RowRequests) -> RowDelivery:
        return RowDelivery(
            self._client,
            requests=requests,
            feeder=self._feeder,
            retries=self._retries,
            traffic=self._traffic,
            blocks=BlockDetector(self._client, self._traffic, self._stop, self._runtime.clock),
            writer=self._writer,
            stop=self._stop,
            metrics=self._metrics,
            clock=self._runtime.clock,
            rng=self._runtime.rng,
        )

    @property
    def learnt_rate(self) -> LearntRate | None:
        """What was learnt about the account's limit so far."""
        return self._traffic.learnt_rate

    async def run(self) -> bool:
        """Send, write all that is known, then return or raise as `send` does."""
        writer = asyncio.create_task(self._writer.run(self._metrics.build_totals))
        workers = [asyncio.create_task(self._work()) for _ in range(self._settings.concurrency)]
        feeder = asyncio.create_task(self._feeder.run(len(workers)))
        helpers = [
            asyncio.create_task(self._progress.run(self._writer)),
            asyncio.create_task(self._retries.run()),
            asyncio.create_task(self._traffic.run_prober(self._client.probe_once)),
        ]
        tasks = [feeder, *workers]
        try:
            await self._wait_until_done(tasks, writer)
        finally:
            for task in (*helpers, *tasks):
                task.cancel()
            await asyncio.gather(*tasks, *helpers, return_exceptions=True)
            await self._close(writer)
            self._progress.report_progress()  # the last rows were counted while the writer closed
        if self._stop.error is not None:
            raise self._stop.error
        return (self._feeder.is_empty and not self._stop.is_requested) or self._progress.is_complete

    async def _wait_until_done(self, tasks: list[asyncio.Task[None]], writer: asyncio.Task[None]) -> None:
        """Wait until all tasks have ended, one of them or the writer failed, or a person wants to stop now."""
        pending: set[asyncio.Task[None]] = set(tasks)
        while pending:
            done, pending = await asyncio.wait(
                {*pending, writer}, timeout=PROGRESS_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED
            )
            pending.discard(writer)
            for task in done:
                if error := task.exception():
                    raise error
            if self._stop.is_immediate:
                return
            if self._stop.is_stopping:
                self._feeder.wake()

    async def _close(self, writer: asyncio.Task[None]) -> None:
        """Write all that is known. Where the disk refuses, that is why the run stops."""
        for flight in (*self._feeder.close(), *self._retries.take_all()):
            self._delivery.give_up(flight)
        if second := self._metrics.take_second(is_last=True):
            self._writer.add_metrics(second)
        self._writer.close()
        try:
            await writer
        except ImporterError as error:
            self._stop.record_error(error)
        finally:
            self._writer.shut_down()

    def _add_ready_rows(self, rows: list[PendingRow]) -> None:
        self._feeder.add_ready_rows(rows)  # the feeder needs the writer, so it is created after it

    # --- one row

    async def _work(self) -> None:
        """Deliver rows until no row follows."""
        while (flight := await self._feeder.get_row()) is not None:
            is_repeated = flight.state is InFlightState.PARKED
            try:
                await self._delivery.attempt(flight)
            except BlockedError as error:
                self._stop.record_error(
                    _name_the_row(error, name_row(flight.row.number, self._settings.sheets))
                )
            except ImporterError as error:
                self._stop.record_error(error)
            except RowAbandoned:
                pass
            except asyncio.CancelledError:
                self._delivery.give_up(flight)
                raise
            if is_repeated:
                self._retries.mark_ended()
            if flight.state is not InFlightState.PARKED:
                self._delivery.give_up(flight)
                self._feeder.release(flight.row, has_departed=flight.requests > 0)


def _name_the_row(error: BlockedError, row: str) -> BlockedError:
    """Name the row that met the error: where each resume stops at the same row, that row is the cause."""
    message = sending_messages.AT_ROW.format(message=error.message, row=row)
    return BlockedError(message, error.advice)
