"""Decide when the next request may leave: rate and circuit breaker together. Ask whether the server is there."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from importer.errors import ImporterError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.adaptive_rate import AdaptiveRate, LearntRate
from importer.sender.circuit_breaker import CircuitBreaker, RowFailure
from importer.sender.in_flight_row import InFlightRow
from importer.sender.metrics import SendMetrics
from importer.sender.rate_limiter import FixedRate, Pacer
from importer.sender.retry import is_final, is_hold, is_last_attempt, is_throttled
from importer.sender.stop_control import RowAbandoned, StopControl

Probe = Callable[[Callable[[float], Awaitable[None]]], Awaitable[CrmResponse]]
"""Ask the CRM for a list, with a sleep that ends when the run stops."""

_BUSY_STATUS = 503


class TrafficControl:
    """What all workers share: they acquire a slot before each request, and record each response."""

    def __init__(
        self,
        *,
        rate_per_s: float | None,
        max_wait_s: float,
        clock: Callable[[], float],
        rng: random.Random,
        stop: StopControl,
        metrics: SendMetrics,
        learnt_rate: LearntRate | None = None,
    ) -> None:
        now = clock()
        self._clock = clock
        self._stop = stop
        self._metrics = metrics
        self._paused_s = 0.0  # time that the rate does not know, because nothing was sent in it
        self._rate = (
            FixedRate(rate_per_s) if rate_per_s is not None else self._continue_rate(learnt_rate, now)
        )
        self._pacer = Pacer(self._rate, now)
        self._breaker = CircuitBreaker(
            max_wait_s=max_wait_s, clock=clock, sleep=stop.sleep_unless_stopping, rng=rng
        )
        self._slot_lock = asyncio.Lock()

    @property
    def is_server_away(self) -> bool:
        """Whether the server did not answer a question that was not about a row, and nothing since."""
        return self._breaker.is_server_away

    @property
    def learnt_rate(self) -> LearntRate | None:
        """What was learnt about the account's limit: nothing at a fixed rate."""
        rate = self._rate
        return LearntRate(rate, self._read_rate_clock()) if isinstance(rate, AdaptiveRate) else None

    def get_rate_per_s(self) -> float:
        """Return the present rate."""
        return self._rate.rate

    def get_waiting_s(self) -> float:
        """Return the seconds until the circuit breaker lets a request leave."""
        return self._breaker.remaining_wait_s

    async def acquire_slot(self) -> None:
        """Wait until a request may leave. Workers wait in line, so that not all of them wake for each departure."""
        async with self._slot_lock:
            await self._breaker.wait_until_allowed()
            while (wait_s := self._pacer.reserve_departure(self._clock())) > 0:
                await self._stop.sleep_unless_stopping(wait_s)
                await self._breaker.wait_until_allowed()
            self._breaker.record_departure()

    async def record_response(self, response: CrmResponse, flight: InFlightRow) -> None:
        """Record what the response to a row says about the server. Return when it is known whether it is there.

        Raises:
            ServerUnavailableError: a hold or an outage is longer than --max-wait.
            RowAbandoned: the run stops.
        """
        now = self._clock()
        if is_final(response):
            self._rate.record_success(now - self._paused_s, now - flight.left_at)
            self._breaker.record_success()
        elif is_hold(response):
            self._record_hold(response, flight.left_at)
        else:
            if response.status == _BUSY_STATUS:
                self._rate.record_busy(now - self._paused_s, flight.left_at - self._paused_s)
            self._breaker.record_row_failure(_build_failure(response, flight))
            await self._breaker.wait_for_verdict()

    async def run_prober(self, probe: Probe) -> None:
        """Ask for a list whenever the circuit breaker wants to know whether the server is there, until cancelled."""
        try:
            while True:
                await self._breaker.wait_until_probe_is_due()
                while (wait_s := self._pacer.reserve_departure(self._clock())) > 0:
                    await self._stop.sleep_unless_stopping(wait_s)
                await self._probe(probe)
        except RowAbandoned:
            pass
        except ImporterError as error:
            self._stop.record_error(error)

    def record_probe_success(self, asked_at: float) -> None:
        """Record that the CRM answered a question that was not about a row."""
        self._breaker.record_probe_success(asked_at)

    def _continue_rate(self, learnt: LearntRate | None, now: float) -> AdaptiveRate:
        """Return the rate that an earlier sending has learnt, as if no time had passed since."""
        if learnt is None:
            return AdaptiveRate(now)
        self._paused_s = now - learnt.ended_at
        return learnt.rate

    def _read_rate_clock(self) -> float:
        return self._clock() - self._paused_s

    async def _probe(self, probe: Probe) -> None:
        asked_at = self._clock()
        response = await probe(self._stop.sleep_unless_stopping)
        if is_final(response):
            self._breaker.record_probe_success(asked_at)
        elif is_hold(response):
            self._record_hold(response, asked_at)
            self._breaker.repeat_probe()
        else:
            self._breaker.record_probe_failure(response, asked_at, is_unreached=_is_unreached(response))

    def _record_hold(self, response: CrmResponse, left_at: float) -> None:
        self._rate.record_throttled(self._read_rate_clock(), left_at - self._paused_s)
        if is_throttled(response):
            self._metrics.record_throttled()
        self._breaker.hold(response.retry_after_s, self._rate.first_hold_s)


def _build_failure(response: CrmResponse, flight: InFlightRow) -> RowFailure:
    return RowFailure(
        left_at=flight.left_at,
        response=response,
        is_unreached=_is_unreached(response),
        is_first=flight.attempts == 0,
        needs_proof=response.is_web_page or is_last_attempt(flight.attempts),
    )


def _is_unreached(response: CrmResponse) -> bool:
    return response.outcome is DeliveryOutcome.NOT_APPLIED
