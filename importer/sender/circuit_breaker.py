"""Pause all workers while the server asks to wait, or while it is away (the circuit breaker pattern).

Whether the server is there is never asked by a row: a row on which the CRM always fails would say "no" for all others.
It is asked by a request for a list (`TrafficControl.run_prober`), or shown by any answer to any row.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from enum import Enum, auto
from math import inf, ldexp

import msgspec

from importer.errors import ServerUnavailableError
from importer.messages import format_time, sending_messages
from importer.models.delivery import CrmResponse

_log = logging.getLogger(__name__)

FIRST_HOLD_S = 1.0  # for a refusal without a usable Retry-After
_MAX_HOLD_S = 60.0
_MIN_HOLD_S = 0.05
_FIRST_PROBE_WAIT_S = 0.5
_MAX_PROBE_WAIT_S = 60.0
_MAX_LATE_S = 0.25  # how late a worker that waits for an answer may notice that the run stops
_MAX_FAILURES = 8  # failures without a success between them: time to ask whether the server is there
_MAX_UNREACHED = 4  # the same for failed connects: fewer than a row has attempts
_MIN_TRUST_S = 1.0
_TRUST_FACTOR = 20  # trust a probe for 20 times as long as it took: then probes take at most 5% of the time
MAX_FAILED_ROWS = 50
"""Rows whose first attempts fail one after another, while none goes in. The server may give its lists and yet take no
lead (a database that can only be read): then a row must go in before the others follow."""


class BreakerState(Enum):
    """Whether requests may leave, apart from a hold that the server asked for."""

    CLOSED = auto()  # requests leave
    HALF_OPEN = auto()  # a list is asked for: its answer decides
    OPEN = auto()  # the server is away: the next probe follows after a wait
    ROW_DUE = auto()  # the server gives its lists, but no row went in for long: one row may leave
    ROW_SENT = auto()  # that row is under way: its answer decides


class RowFailure(msgspec.Struct, frozen=True):
    """An attempt of a row that failed. `response` has no status where no answer came."""

    left_at: float
    response: CrmResponse
    is_unreached: bool  # a failed connect
    is_first: bool  # no earlier attempt of the row counts
    needs_proof: bool  # it may not count against the row before the server has answered somebody


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
        self._has_changed = asyncio.Event()  # of this state; the next one has another
        self.is_server_away = False  # a probe was not answered, and nothing has been since
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._is_probe_wanted = asyncio.Event()
        self._held_until = clock()
        self._answered_at = self._trusted_until = -inf
        self._trouble_since: float | None = None
        self._holds = 0
        self._failures = self._unreached = self._failed_rows = 0
        self._row_sent_at = -inf
        self._probe_wait_s = _FIRST_PROBE_WAIT_S

    @property
    def remaining_wait_s(self) -> float:
        """Seconds until the next request may leave, 0 where it may leave now."""
        return max(0.0, self._held_until - self._clock())

    # --- before a request

    async def wait_until_allowed(self) -> None:
        """Wait until the request of a row may leave."""
        while True:
            if (wait_s := self.remaining_wait_s) > 0:
                await self._sleep(wait_s)
            elif self.state in (BreakerState.CLOSED, BreakerState.ROW_DUE):
                return
            else:
                await self._wait_for_change()

    def record_departure(self) -> None:
        """Record that the request of a row leaves."""
        if self.state is BreakerState.ROW_DUE:
            self._row_sent_at = self._clock()
            self._enter(BreakerState.ROW_SENT)

    async def wait_until_probe_is_due(self) -> None:
        """Wait until the server is to be asked whether it is there. While it is away, this is after a wait."""
        while True:
            await self._is_probe_wanted.wait()
            while (wait_s := self.remaining_wait_s) > 0:
                await self._sleep(wait_s)
            self._is_probe_wanted.clear()
            if self.state is BreakerState.OPEN:
                self._enter(BreakerState.HALF_OPEN)
            if self.state is BreakerState.HALF_OPEN:
                return

    async def wait_for_verdict(self) -> None:
        """Return when it is known whether the server is there. Until then no failed row is judged."""
        while self.state is BreakerState.HALF_OPEN and not self.is_server_away:
            await self._wait_for_change()

    async def _wait_for_change(self) -> None:
        """Return when the state changes, or look again after a moment. Where the run stops, the sleep ends at once."""
        has_changed = self._has_changed
        await self._sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(_MAX_LATE_S):
                await has_changed.wait()

    # --- after an answer

    def record_success(self) -> None:
        """Record that the server answered a row as it should: close."""
        self._failed_rows = 0
        self._record_answer(_MIN_TRUST_S)

    def record_probe_success(self, asked_at: float) -> None:
        """Record that the server answered a question that was not about a row: close, unless no row goes in."""
        if self._failed_rows < MAX_FAILED_ROWS:
            self._record_answer(max(_MIN_TRUST_S, _TRUST_FACTOR * (self._clock() - asked_at)))
        elif self.state is BreakerState.HALF_OPEN:
            self.is_server_away = True
            self._enter(BreakerState.ROW_DUE)

    def record_probe_failure(self, response: CrmResponse, asked_at: float, *, is_unreached: bool) -> None:
        """Record that the server did not answer a question that was not about a row.

        Raises:
            ServerUnavailableError: the outage lasts longer than the user accepts.
        """
        if self.state is BreakerState.HALF_OPEN and asked_at >= self._answered_at:
            self._open(_describe_problem(response, is_unreached=is_unreached))

    def record_row_failure(self, failure: RowFailure) -> None:
        """Record that an attempt of a row failed. If that may not be about the row alone, ask whether the server is there.

        It is about the row alone where the server has answered another one since. A second failure of a row says
        little too, as long as others were answered a moment ago: rows that always fail must not cause a question each.

        Raises:
            ServerUnavailableError: no row goes in for longer than the user accepts.
        """
        self._failed_rows += failure.is_first
        if self.state is BreakerState.ROW_SENT and failure.left_at >= self._row_sent_at:
            self._open(sending_messages.NO_ROW_GOES_IN.format(problem=_describe_answer(failure.response)))
            return
        says_little = not failure.is_first and not failure.is_unreached
        if failure.left_at < (self._trusted_until if says_little else self._answered_at):
            return
        self._note_trouble()
        self._failures += 1
        self._unreached = self._unreached + 1 if failure.is_unreached else 0
        is_over_limit = self._failures >= _MAX_FAILURES or self._unreached >= _MAX_UNREACHED
        if self.state is BreakerState.CLOSED and (is_over_limit or failure.needs_proof):
            _log.info("circuit breaker half-open: %d failures, ask for a list", self._failures)
            self._enter(BreakerState.HALF_OPEN)
            self._is_probe_wanted.set()

    def hold(self, retry_after_s: float | None, first_hold_s: float = FIRST_HOLD_S) -> None:
        """Hold all requests for as long as the server asks, or where it does not say, `first_hold_s` and longer.

        Raises:
            ServerUnavailableError: the wait is longer than the user accepts.
        """
        if self.state is BreakerState.ROW_SENT:
            self._enter(BreakerState.ROW_DUE)
        is_new = self.remaining_wait_s <= 0
        if not is_new and retry_after_s is None:
            return  # the answer to a request that had left before this hold began
        self._holds += is_new
        if retry_after_s is None:
            wait_s = compute_hold_s(self._holds, first_hold_s)
        else:
            # A server that says "now" again and again is not asked more than once a second.
            wait_s = max(retry_after_s, _double(_MIN_HOLD_S, self._holds, FIRST_HOLD_S))
        _log.info("hold all requests for %.2f s (Retry-After: %s)", wait_s, retry_after_s)
        self._hold_for(wait_s)
        if self._is_wait_too_long():
            raise build_hold_error(self.remaining_wait_s, self._max_wait_s, sending_messages.ROWS_ARE_KEPT)

    def repeat_probe(self) -> None:
        """Ask again when the hold is over: the server asked the probe to wait."""
        if self.state is BreakerState.HALF_OPEN:
            self._is_probe_wanted.set()

    def _record_answer(self, trust_s: float) -> None:
        if self.state is not BreakerState.CLOSED:
            _log.info("circuit breaker closed: the server answers")
        self.is_server_away = False
        self._enter(BreakerState.CLOSED)
        self._is_probe_wanted.clear()
        self._answered_at = self._clock()
        self._trusted_until = max(self._trusted_until, self._answered_at + trust_s)
        self._failures = self._unreached = 0
        self._holds = 0
        self._trouble_since = None
        self._probe_wait_s = _FIRST_PROBE_WAIT_S

    def _enter(self, state: BreakerState) -> None:
        """Go to a state, and wake who waits for it."""
        if state is not self.state:
            self.state = state
            self._has_changed.set()
            self._has_changed = asyncio.Event()

    def _open(self, problem: str) -> None:
        """Open, and ask again after a wait that doubles each time."""
        self.is_server_away = True
        self._enter(BreakerState.OPEN)
        self._is_probe_wanted.set()
        wait_s = self._probe_wait_s * self._rng.uniform(0.5, 1.0)
        _log.info("circuit breaker open: next probe in %.2f s", wait_s)
        self._hold_for(wait_s)
        if self._is_wait_too_long():
            raise _build_outage_error(problem, self.remaining_wait_s, self._max_wait_s)
        self._probe_wait_s = min(self._probe_wait_s * 2, _MAX_PROBE_WAIT_S)

    def _hold_for(self, wait_s: float) -> None:
        self._note_trouble()
        self._held_until = max(self._held_until, self._clock() + wait_s)

    def _note_trouble(self) -> None:
        if self._trouble_since is None:
            self._trouble_since = self._clock()  # failures that take long are part of the outage

    def _is_wait_too_long(self) -> bool:
        assert self._trouble_since is not None
        return self._held_until - self._trouble_since > self._max_wait_s


def compute_hold_s(count: int, first_s: float = FIRST_HOLD_S) -> float:
    """Return how long to wait after `count` refusals in a row without a Retry-After: 1, 2, 4 ... 60 s."""
    return _double(first_s, count, _MAX_HOLD_S)


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


def _describe_problem(response: CrmResponse, *, is_unreached: bool) -> str:
    """Say what the server does while it is away. One that answers a status can be reached."""
    return sending_messages.CANNOT_BE_REACHED if is_unreached else _describe_answer(response)


def _describe_answer(response: CrmResponse) -> str:
    if response.status is None:
        return sending_messages.DOES_NOT_ANSWER
    return sending_messages.ANSWERS_STATUS.format(status=response.status, message=response.message)


def _format_time_in(wait_s: float) -> str:
    return format_time(datetime.now().astimezone() + timedelta(seconds=wait_s))
