"""Deliver one row: an attempt when it may leave, and what follows from the answer."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import assert_never

from importer.errors import ImporterError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.block_detector import BlockDetector
from importer.sender.client import Client
from importer.sender.commit_writer import CommitWriter
from importer.sender.in_flight_row import InFlightRow, InFlightState, build_open_result
from importer.sender.metrics import SendMetrics
from importer.sender.phone_queue import RowFeeder
from importer.sender.retry import Retry, Settle, Stop, Wait, decide
from importer.sender.retry_queue import RetryQueue
from importer.sender.row_requests import RowRequests
from importer.sender.stop_control import RowAbandoned, StopControl
from importer.sender.traffic_control import TrafficControl

_log = logging.getLogger(__name__)


class RowDelivery:
    """The attempts of all rows. `requests` says which requests a row needs."""

    def __init__(
        self,
        client: Client,
        *,
        requests: RowRequests,
        feeder: RowFeeder,
        retries: RetryQueue,
        traffic: TrafficControl,
        blocks: BlockDetector,
        writer: CommitWriter,
        stop: StopControl,
        metrics: SendMetrics,
        clock: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._client = client
        self._requests = requests
        self._feeder = feeder
        self._retries = retries
        self._traffic = traffic
        self._blocks = blocks
        self._writer = writer
        self._stop = stop
        self._metrics = metrics
        self._clock, self._rng = clock, rng
        self._logs_requests = _log.isEnabledFor(logging.DEBUG)  # asked once: it costs time for each request

    async def attempt(self, flight: InFlightRow) -> None:
        """Make one attempt that counts: then the row is settled, or waits in the retry queue.

        A row may need several requests, one after another.

        Raises:
            ImporterError: what stops the run.
            RowAbandoned: the run stops for another reason.
        """
        while True:
            answer = await self._exchange(flight)
            if isinstance(answer, CrmResponse):
                flight.response = answer
                await self._traffic.record_response(answer, flight)
            decision = decide(answer, attempts=flight.attempts, is_server_away=self._traffic.is_server_away)
            match decision:
                case Settle(response):
                    if await self._settle(flight, response):
                        return
                    if flight.not_before > self._clock():
                        self._park(flight, 0.0)
                        return
                case Wait():
                    pass  # the next slot is free when the circuit breaker allows it
                case Retry(max_backoff_s):
                    flight.attempts += 1
                    self._log_retry(flight, answer, max_backoff_s)
                    self._park(flight, self._rng.uniform(0, max_backoff_s))
                    return
                case Stop(error):
                    raise error
                case _:
                    assert_never(decision)

    def _park(self, flight: InFlightRow, backoff_s: float) -> None:
        """Let a row wait without a worker: for its backoff, and until its next request may leave at all."""
        self._retries.add(flight, max(backoff_s, flight.not_before - self._clock()))

    def give_up(self, flight: InFlightRow) -> None:
        """Make a row pending again that cannot have arrived. Of a row in doubt, write what is known."""
        if flight.can_be_withdrawn:
            self._writer.withdraw(flight.row)
        elif flight.state is not InFlightState.SETTLED:
            self._writer.add_open_result(build_open_result(flight))

    async def _exchange(self, flight: InFlightRow) -> CrmResponse | ImporterError:
        """Send one request of a row as soon as it may leave. Return the response, or the error that stops the run."""
        await self._traffic.acquire_slot()
        if self._stop.is_stopping:
            raise RowAbandoned
        if flight.state is InFlightState.READY:
            self._feeder.mark_departed()
        self._metrics.record_request(is_retry=flight.requests > 0)
        flight.requests += 1
        flight.left_at = self._clock()
        flight.state = InFlightState.SENDING
        answer: CrmResponse | ImporterError
        try:
            answer = await self._requests.send(self._client, flight)
        except ImporterError as error:
            answer = error
        flight.state = InFlightState.WAITING
        is_lost = isinstance(answer, CrmResponse) and answer.outcome is DeliveryOutcome.MAY_HAVE_ARRIVED
        if is_lost and not flight.is_reading:
            flight.mark_doubt()
        if self._logs_requests:
            self._log_request(flight, answer)
        return answer

    async def _settle(self, flight: InFlightRow, response: CrmResponse) -> bool:
        """Give the row its result, unless the response shows that the account is blocked. False: a request follows."""
        flight.attempts += 1
        await self._blocks.check(response, flight.left_at)
        result = await self._requests.finish(flight, response)
        if result is None:
            flight.begin_request()
            return False
        flight.state = InFlightState.SETTLED
        self._retries.budget.earn()
        self._writer.add_result(result)
        return True

    def _log_retry(
        self, flight: InFlightRow, answer: CrmResponse | ImporterError, max_backoff_s: float
    ) -> None:
        _log.info(
            "%s %d: attempt %d failed (%s), retry within %.1f s",
            self._requests.noun,
            flight.row.number,
            flight.attempts,
            _describe_answer(answer),
            max_backoff_s,
        )

    def _log_request(self, flight: InFlightRow, answer: CrmResponse | ImporterError) -> None:
        _log.debug(
            "%s %d: request %d: %s in %.3f s",
            self._requests.noun,
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
