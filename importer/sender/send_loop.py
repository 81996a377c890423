"""Send every pending row: one feeder, a fixed number of workers, one writer, and the ways in which it ends."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import assert_never

import msgspec

from importer.errors import BlockedError, ImporterError
from importer.messages import sending_messages
from importer.models.delivery import CrmResponse, DeliveryOutcome, PendingRow
from importer.sender.block_detector import BlockDetector
from importer.sender.client import Client
from importer.sender.commit_writer import CommitWriter, DeliveryJournal
from importer.sender.in_flight_row import InFlightRow, InFlightState, build_result
from importer.sender.metrics import PROGRESS_INTERVAL_S, Progress, ProgressReporter, SendMetrics
from importer.sender.phone_queue import PhoneQueue, RowFeeder
from importer.sender.retry import Retry, Settle, Stop, Wait, decide
from importer.sender.stop_control import RowAbandoned, StopControl, StopRequest
from importer.sender.traffic_control import TrafficControl

__all__ = ["Progress", "Runtime", "SendSettings", "StopRequest", "send"]

_log = logging.getLogger(__name__)


class SendSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How to send. `rate_per_s` is None for `--rate auto`. `create` allows the CRM to create new leads."""

    rate_per_s: float | None
    concurrency: int
    max_wait_s: float
    create: bool


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
) -> bool:
    """Send every pending row of the journal. Return whether all are settled, False where a person stopped it.

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
    )
    return await loop.run()


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
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock, self._rng = runtime.clock, runtime.rng
        self._stop = StopControl(get_stop_request, runtime.clock, runtime.sleep)
        self._metrics = SendMetrics(journal.read_send_totals(), runtime.clock)
        self._traffic = TrafficControl(
            rate_per_s=settings.rate_per_s,
            max_wait_s=settings.max_wait_s,
            clock=runtime.clock,
            rng=runtime.rng,
            stop=self._stop,
            metrics=self._metrics,
        )
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
        )
        self._feeder = RowFeeder(
            PhoneQueue(journal.read_pending), self._writer, self._stop, self._traffic.get_rate_per_s
        )
        self._blocks = BlockDetector(client, self._traffic, self._stop, runtime.clock)
        self._logs_requests = _log.isEnabledFor(logging.DEBUG)  # asked once: it costs time for each request

    async def run(self) -> bool:
        """Send, write all that is known, then return or raise as `send` does."""
        writer = asyncio.create_task(self._writer.run(self._metrics.build_totals))
        workers = [asyncio.create_task(self._work()) for _ in range(self._settings.concurrency)]
        feeder = asyncio.create_task(self._feeder.run(len(workers)))
        reporter = asyncio.create_task(self._progress.run(self._writer))
        tasks = [feeder, *workers]
        try:
            await self._wait_until_done(tasks, writer)
        finally:
            reporter.cancel()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, reporter, return_exceptions=True)
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
        self._feeder.close()
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
        while (row := await self._feeder.get_row()) is not None:
            flight = InFlightRow(row)
            try:
                await self._deliver(flight)
            except BlockedError as error:
                self._stop.record_error(_add_row_number(error, row))
            except ImporterError as error:
                self._stop.record_error(error)
            except RowAbandoned:
                pass
            except asyncio.CancelledError:
                self._withdraw_if_possible(flight)
                raise
            self._withdraw_if_possible(flight)
            self._feeder.release(row, has_departed=flight.state is not InFlightState.READY)

    def _withdraw_if_possible(self, flight: InFlightRow) -> None:
        if flight.can_be_withdrawn:
            self._writer.withdraw(flight.row)

    async def _deliver(self, flight: InFlightRow) -> None:
        """Send a row until it is settled. Raise what stops the run."""
        while True:
            answer = await self._exchange(flight)
            if isinstance(answer, CrmResponse):
                self._traffic.record_response(answer, flight.left_at)
            decision = decide(answer, attempts=flight.attempts, is_server_away=self._traffic.is_server_away)
            match decision:
                case Settle(response):
                    await self._settle(flight, response)
                    return
                case Wait():
                    pass  # the next slot is free when the circuit breaker allows it
                case Retry(max_backoff_s):
                    flight.attempts += 1
                    self._log_retry(flight, answer, max_backoff_s)
                    await self._stop.sleep_unless_stopping(self._rng.uniform(0, max_backoff_s))
                case Stop(error):
                    raise error
                case _:
                    assert_never(decision)

    async def _exchange(self, flight: InFlightRow) -> CrmResponse | ImporterError:
        """Send one request of a row as soon as it may leave. Return the response, or the error that stops the run."""
        await self._traffic.acquire_slot()
        if flight.state is InFlightState.READY:
            if self._stop.is_stopping:
                raise RowAbandoned
            self._feeder.mark_departed()
        self._metrics.record_request(is_retry=flight.requests > 0)
        flight.requests += 1
        flight.left_at = self._clock()
        flight.state = InFlightState.SENDING
        answer: CrmResponse | ImporterError
        try:
            answer = await self._client.upsert(flight.build_body(create=self._settings.create))
        except ImporterError as error:
            answer = error
        flight.state = InFlightState.WAITING
        if _may_have_arrived(answer):
            flight.mark_doubt()
        if self._logs_requests:
            self._log_request(flight, answer)
        return answer

    async def _settle(self, flight: InFlightRow, response: CrmResponse) -> None:
        """Give the row its result, unless the response shows that the account is blocked."""
        flight.attempts += 1
        await self._blocks.check(response, flight.left_at)
        flight.state = InFlightState.SETTLED
        self._writer.add_result(
            build_result(
                flight.row,
                response,
                attempts=flight.attempts,
                may_have_arrived=flight.may_have_arrived,
            )
        )

    def _log_retry(
        self, flight: InFlightRow, answer: CrmResponse | ImporterError, max_backoff_s: float
    ) -> None:
        _log.info(
            "row %d: attempt %d failed (%s), retry within %.1f s",
            flight.row.number,
            flight.attempts,
            _describe_answer(answer),
            max_backoff_s,
        )

    def _log_request(self, flight: InFlightRow, answer: CrmResponse | ImporterError) -> None:
        _log.debug(
            "row %d: request %d: %s in %.3f s",
            flight.row.number,
            flight.requests,
            _describe_answer(answer),
            self._clock() - flight.left_at,
        )


def _describe_answer(answer: CrmResponse | ImporterError) -> str:
    """Describe an answer for the log: without the server's message, which may hold a phone."""
    if isinstance(answer, CrmResponse):
        return answer.outcome.value if answer.status is None else str(answer.status)
    return type(answer).__name__


def _may_have_arrived(answer: CrmResponse | ImporterError) -> bool:
    if isinstance(answer, CrmResponse):
        return answer.outcome is DeliveryOutcome.MAY_HAVE_ARRIVED
    return isinstance(answer, BlockedError) and answer.may_have_arrived


def _add_row_number(error: BlockedError, row: PendingRow) -> BlockedError:
    """Name the row that met the error: where each resume stops at the same row, that row is the cause."""
    message = sending_messages.AT_ROW.format(message=error.message, number=row.number)
    return BlockedError(message, error.advice)
