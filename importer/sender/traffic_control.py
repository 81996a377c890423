"""Decide when the next request may leave: rate, circuit breaker and retry budget together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.adaptive_rate import AdaptiveRate
from importer.sender.circuit_breaker import CircuitBreaker
from importer.sender.metrics import SendMetrics
from importer.sender.rate_limiter import FixedRate, Pacer
from importer.sender.retry import RetryBudget, is_final, is_hold, is_throttled
from importer.sender.stop_control import StopControl

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
    ) -> None:
        now = clock()
        self._clock = clock
        self._stop = stop
        self._metrics = metrics
        self._rate = AdaptiveRate(now) if rate_per_s is None else FixedRate(rate_per_s)
        self._pacer = Pacer(self._rate, now)
        self._breaker = CircuitBreaker(
            max_wait_s=max_wait_s, clock=clock, sleep=stop.sleep_unless_stopping, rng=rng
        )
        self._budget = RetryBudget()
        self._slot_lock = asyncio.Lock()

    @property
    def is_server_away(self) -> bool:
        """Whether the circuit breaker is open or half-open."""
        return self._breaker.is_server_away

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

    def record_response(self, response: CrmResponse, left_at: float) -> None:
        """Record what a response says about the server, to a request that had left at `left_at`.

        Raises:
            ServerUnavailableError: a hold or an outage is longer than --max-wait.
        """
        now = self._clock()
        if is_final(response):
            self._rate.record_success(now, now - left_at)
            self._breaker.record_success()
            self._budget.earn()
        elif is_hold(response):
            self._rate.record_throttled(now, left_at)
            if is_throttled(response):
                self._metrics.record_throttled()
            self._breaker.hold(response.retry_after_s)
        else:
            if response.status == _BUSY_STATUS:
                self._rate.record_busy(now, left_at)
            self._breaker.record_failure(
                is_unreached=response.outcome is DeliveryOutcome.NOT_APPLIED,
                is_budget_spent=not self._budget.spend(),
                status=response.status,
            )

    def record_probe_success(self) -> None:
        """Record that the CRM answered a question that was not about a row."""
        self._breaker.record_success()
