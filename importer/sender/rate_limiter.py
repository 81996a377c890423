"""Space departures evenly: no burst, and never more than N + 1 requests in any sliding second."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from importer.sender.circuit_breaker import FIRST_HOLD_S

_MAX_CATCH_UP_S = 0.02  # a late wake-up is caught up, a long pause is not


class Rate(Protocol):
    """A source of the present rate."""

    @property
    def rate(self) -> float:
        """Requests a second, above 0."""


class FixedRate:
    """The rate of `--rate N`. It learns nothing: holds are the circuit breaker's work."""

    def __init__(self, rate_per_s: float) -> None:
        self.rate = rate_per_s
        self.first_hold_s = FIRST_HOLD_S

    def record_success(self, now: float, latency_s: float) -> None:
        """Do nothing."""

    def record_throttled(self, now: float, left_at: float) -> None:
        """Do nothing."""

    def record_busy(self, now: float, left_at: float) -> None:
        """Do nothing."""


class Pacer:
    """Give out departure times. Pure: the caller waits and passes the time."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._next_at = now
        self._departures: deque[float] = deque()

    def reserve_departure(self, now: float) -> float:
        """Reserve a departure and return 0, or return the seconds to wait before asking again."""
        rate = self._rate.rate
        due = max(self._next_at, self._find_window_start(rate, now))
        if due > now:
            return due - now
        # After a pause the spacing begins anew: a shorter first gap would put one request too many into a second.
        self._next_at = (self._next_at if now - self._next_at <= _MAX_CATCH_UP_S else now) + 1 / rate
        self._departures.append(now)
        return 0.0

    def _find_window_start(self, rate: float, now: float) -> float:
        """Return when one more departure keeps every sliding second at `rate` + 1 or less."""
        max_departures = max(1, int(rate)) + (1 if rate >= 1 else 0)
        while self._departures and self._departures[0] <= now - 1:
            self._departures.popleft()
        if len(self._departures) < max_departures:
            return now
        return self._departures[len(self._departures) - max_departures] + 1
