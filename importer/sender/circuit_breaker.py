"""The one gate that all workers pass before a request leaves: shut while the server asks to wait or is away."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from math import ldexp

from importer.errors import ServerUnavailableError

_FLOOR_S = 1.0  # a refusal without a usable Retry-After
_LEAST_S = 0.05
_MOST_PUSH_S = 60.0
_FIRST_PROBE_S = 0.5
_MOST_PROBE_S = 60.0
_ASKS = "asks to wait until"
_LOST_IN_A_ROW = 8  # failures without a success between them that mean: the server is away
_REFUSED_IN_A_ROW = 4  # the same for connections that did not come about: fewer than a row has attempts


class CircuitBreaker:
    """Pauses and outages. Clock, sleep and random are given; times are seconds of the clock."""

    def __init__(
        self,
        *,
        max_wait_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        chance: random.Random,
    ) -> None:
        self._max_wait_s = max_wait_s
        self._clock = clock
        self._sleep = sleep
        self._chance = chance
        self._shut_until = clock()
        self._waiting_since: float | None = None
        self._pushes = 0
        self._failures = self._unreached = 0
        self._away = False
        self._probing = False
        self._probe_wait_s = _FIRST_PROBE_S

    @property
    def waiting_s(self) -> float:
        """Seconds until the gate opens, 0 while it is open."""
        return max(0.0, self._shut_until - self._clock())

    @property
    def is_away(self) -> bool:
        """Whether the server has been given up for the moment; only one request at a time asks for it."""
        return self._away

    async def opened(self) -> None:
        """Wait until a request may leave. While the server is away, that is when no other asks for it."""
        while True:
            if (wait := self.waiting_s) > 0:
                await self._sleep(wait)
            elif self._away and self._probing:
                await self._sleep(0.05)
            else:
                return

    def leaving(self) -> None:
        """A request leaves through the open gate: while the server is away, none follows before its answer."""
        self._probing = self._away

    def took(self) -> None:
        """The server answered as it should."""
        self._failures = self._unreached = 0
        self._pushes = 0
        self._waiting_since = None
        self._away = self._probing = False
        self._probe_wait_s = _FIRST_PROBE_S

    def pushed_back(self, retry_after_s: float | None) -> None:
        """The server asks to wait: shut for as long as it says. Raises ServerUnavailableError where that is too long."""
        self._probing = False
        is_open = self.waiting_s <= 0
        if not is_open and retry_after_s is None:
            return  # an answer to a request that had left before the gate shut
        self._pushes += is_open
        if retry_after_s is None:
            self._shut(push_s(self._pushes), _ASKS)
        else:
            # A server that says "now" again and again is not asked more than once a second.
            self._shut(max(retry_after_s, _doubled(_LEAST_S, self._pushes, _FLOOR_S)), _ASKS)

    def failed(self, *, found_nobody: bool, out_of_budget: bool, status: int | None = None) -> None:
        """A request got no connection (`found_nobody`), no answer, or one that says that the server is not well.

        Raises ServerUnavailableError where that lasts too long.
        """
        self._failures += 1
        if self._waiting_since is None:
            self._waiting_since = self._clock()  # failures that take long are part of the outage
        self._unreached = self._unreached + 1 if found_nobody else 0
        self._probing = False
        many = self._failures >= _LOST_IN_A_ROW or self._unreached >= _REFUSED_IN_A_ROW
        if self._away or out_of_budget or many:
            self._away = True
            what = _what_it_does(status, found_nobody=found_nobody)
            self._shut(self._probe_wait_s * self._chance.uniform(0.5, 1.0), what)
            self._probe_wait_s = min(self._probe_wait_s * 2, _MOST_PROBE_S)

    def _shut(self, wait_s: float, what: str) -> None:
        now = self._clock()
        if self._waiting_since is None:
            self._waiting_since = now
        self._shut_until = max(self._shut_until, now + wait_s)
        waited = self._shut_until - self._waiting_since
        if waited > self._max_wait_s:
            raise too_long(what, self.waiting_s, self._max_wait_s, "The rows that are left are kept.")


def push_s(times: int) -> float:
    """Seconds to wait where the server says "not now" and no time, so many times in a row."""
    return _doubled(_FLOOR_S, times, _MOST_PUSH_S)


def _doubled(first_s: float, times: int, most_s: float) -> float:
    """The wait that doubles each time. A patient run may meet a thousand, whose power no float can hold."""
    return min(ldexp(first_s, min(times - 1, 20)), most_s)


def _what_it_does(status: int | None, *, found_nobody: bool) -> str:
    """What people are told of a server that is away: one that answers can be reached."""
    does = (
        "cannot be reached" if found_nobody else "does not answer" if status is None else f"answers {status}"
    )
    return f"{does}; the next try would be at"


def too_long(what: str, wait_s: float, max_wait_s: float, advice: str) -> ServerUnavailableError:
    """The CRM is back in `wait_s` seconds, which is more than anybody wants to wait."""
    until = datetime.now().astimezone() + timedelta(seconds=wait_s)
    return ServerUnavailableError(
        f"The CRM {what} {until:%H:%M on %d %b}, longer than --max-wait {max_wait_s:g} s.", advice
    )
