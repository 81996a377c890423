"""Pause all workers while the server asks to wait, or while it is away (the circuit breaker pattern)."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import Enum, auto
from math import ldexp

from importer.errors import ServerUnavailableError
from importer.messages import format_time, sending_messages

_log = logging.getLogger(__name__)

_FIRST_HOLD_S = 1.0  # for a refusal without a usable Retry-After
_MAX_HOLD_S = 60.0
_MIN_HOLD_S = 0.05
_FIRST_PROBE_WAIT_S = 0.5
_MAX_PROBE_WAIT_S = 60.0
_PROBE_POLL_S = 0.05  # how often a worker looks whether the probe has been answered
_MAX_FAILURES = 8  # failures without a success between them that mean: the server is away
_MAX_UNREACHED = 4  # the same for failed connects: fewer than a row has attempts


class BreakerState(Enum):
    """Whether requests may leave, apart from a hold that the server asked for."""

    CLOSED = auto()  # requests leave
    OPEN = auto()  # the server is away: no request leaves before the next probe is due
    HALF_OPEN = auto()  # one request is under way as a probe; its answer decides


class CircuitBreaker:
    """Holds and outages. Clock, sleep and random are given. Times are seconds of the clock."""

    def __init__(
        self,
        *,
        max_wait_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        rng: random.Random,
    ) -> None:
        self.state = BreakerState.CLOSED
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._held_until = clock()
        self._trouble_since: float | None = None
        self._holds = 0
        self._failures = self._unreached = 0
        self._probe_wait_s = _FIRST_PROBE_WAIT_S

    @property
    def remaining_wait_s(self) -> float:
        """Seconds until the next request may leave, 0 where it may leave now."""
        return max(0.0, self._held_until - self._clock())

    @property
    def is_half_open(self) -> bool:
        """Whether a probe is under way."""
        return self.state is BreakerState.HALF_OPEN

    @property
    def is_server_away(self) -> bool:
        """Whether the server is away: requests leave only one at a time, as probes."""
        return self.state is not BreakerState.CLOSED

    async def wait_until_allowed(self) -> None:
        """Wait until a request may leave. While the server is away, only one probe is under way at a time."""
        while True:
            if (wait_s := self.remaining_wait_s) > 0:
                await self._sleep(wait_s)
            elif self.is_half_open:
                await self._sleep(_PROBE_POLL_S)
            else:
                return

    def record_departure(self) -> None:
        """Record that a request leaves. While the server is away, it is the probe."""
        if self.state is BreakerState.OPEN:
            _log.info("circuit breaker half-open: one request leaves as a probe")
            self.state = BreakerState.HALF_OPEN

    def record_success(self) -> None:
        """Record that the server answered as it should: close."""
        if self.state is not BreakerState.CLOSED:
            _log.info("circuit breaker closed: the server answers again")
        self.state = BreakerState.CLOSED
        self._failures = self._unreached = 0
        self._holds = 0
        self._trouble_since = None
        self._probe_wait_s = _FIRST_PROBE_WAIT_S

    def hold(self, retry_after_s: float | None) -> None:
        """Hold all requests for as long as the server asks.

        Raises:
            ServerUnavailableError: the wait is longer than the user accepts.
        """
        self._end_probe()
        is_new = self.remaining_wait_s <= 0
        if not is_new and retry_after_s is None:
            return  # the answer to a request that had left before this hold began
        self._holds += is_new
        if retry_after_s is None:
            wait_s = compute_hold_s(self._holds)
        else:
            # A server that says "now" again and again is not asked more than once a second.
            wait_s = max(retry_after_s, _double(_MIN_HOLD_S, self._holds, _FIRST_HOLD_S))
        _log.info("hold all requests for %.2f s (Retry-After: %s)", wait_s, retry_after_s)
        self._hold_for(wait_s)
        if self._is_wait_too_long():
            raise build_hold_error(self.remaining_wait_s, self._max_wait_s, sending_messages.ROWS_ARE_KEPT)

    def record_failure(self, *, is_unreached: bool, is_budget_spent: bool, status: int | None = None) -> None:
        """Record a failed connect (`is_unreached`), a lost answer, or a status that says the server is not well.

        Raises:
            ServerUnavailableError: the outage lasts longer than the user accepts.
        """
        self._failures += 1
        if self._trouble_since is None:
            self._trouble_since = self._clock()  # failures that take long are part of the outage
        self._unreached = self._unreached + 1 if is_unreached else 0
        self._end_probe()
        is_over_limit = self._failures >= _MAX_FAILURES or self._unreached >= _MAX_UNREACHED
        if self.is_server_away or is_budget_spent or is_over_limit:
            self._open(is_unreached=is_unreached, status=status)

    def _open(self, *, is_unreached: bool, status: int | None) -> None:
        """Open, and let the next probe leave after a wait that doubles each time."""
        self.state = BreakerState.OPEN
        wait_s = self._probe_wait_s * self._rng.uniform(0.5, 1.0)
        _log.info("circuit breaker open: %d failures, next probe in %.2f s", self._failures, wait_s)
        self._hold_for(wait_s)
        if self._is_wait_too_long():
            problem = _describe_problem(status, is_unreached=is_unreached)
            raise _build_outage_error(problem, self.remaining_wait_s, self._max_wait_s)
        self._probe_wait_s = min(self._probe_wait_s * 2, _MAX_PROBE_WAIT_S)

    def _end_probe(self) -> None:
        if self.is_half_open:
            self.state = BreakerState.OPEN

    def _hold_for(self, wait_s: float) -> None:
        now = self._clock()
        if self._trouble_since is None:
            self._trouble_since = now
        self._held_until = max(self._held_until, now + wait_s)

    def _is_wait_too_long(self) -> bool:
        assert self._trouble_since is not None
        return self._held_until - self._trouble_since > self._max_wait_s


def compute_hold_s(count: int) -> float:
    """Return how long to wait after `count` refusals in a row without a Retry-After: 1, 2, 4 ... 60 s."""
    return _double(_FIRST_HOLD_S, count, _MAX_HOLD_S)


def _double(first_s: float, count: int, max_s: float) -> float:
    """Return `first_s` doubled `count` - 1 times. The exponent is bounded: 2.0 ** 1024 overflows."""
    return min(ldexp(first_s, min(count - 1, 20)), max_s)


def build_hold_error(wait_s: float, max_wait_s: float, advice: str) -> ServerUnavailableError:
    """Build the error of a Retry-After that is longer than --max-wait. It names the time."""
    message = sending_messages.HOLD_TOO_LONG.format(until=_format_time_in(wait_s), max_wait_s=max_wait_s)
    return ServerUnavailableError(message, advice)


def _build_outage_error(problem: str, wait_s: float, max_wait_s: float) -> ServerUnavailableError:
    message = sending_messages.OUTAGE_TOO_LONG.format(
        problem=problem, until=_format_time_in(wait_s), max_wait_s=max_wait_s
    )
    return ServerUnavailableError(message, sending_messages.ROWS_ARE_KEPT)


def _describe_problem(status: int | None, *, is_unreached: bool) -> str:
    """Say what the server does while it is away. One that answers a status can be reached."""
    if is_unreached:
        return sending_messages.CANNOT_BE_REACHED
    if status is None:
        return sending_messages.DOES_NOT_ANSWER
    return sending_messages.ANSWERS_STATUS.format(status=status)


def _format_time_in(wait_s: float) -> str:
    return format_time(datetime.now().astimezone() + timedelta(seconds=wait_s))
