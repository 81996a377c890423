"""When the next request may leave: evenly spaced, no burst, never more than N + 1 in any second that slides."""

from __future__ import annotations

from collections import deque
from typing import Protocol

_CATCH_UP_S = 0.02  # a late wake-up is made good, a long pause is not


class Rate(Protocol):
    """A source of the present rate, in requests a second."""

    @property
    def rate(self) -> float:
        """Requests a second, above 0."""


class FixedRate:
    """The rate of `--rate N`."""

    def __init__(self, rate_per_s: float) -> None:
        self.rate = rate_per_s

    def replied(self, now: float, latency_s: float) -> None:
        """A fixed rate learns nothing."""

    def pushed_back(self, now: float, left_at: float) -> None:
        """The gate waits out what the server asks for; the rate stays."""

    def found_busy(self, now: float, left_at: float) -> None:
        """The same."""


class Pacer:
    """Gives out departure times. Pure: the caller waits and tells the time."""

    def __init__(self, pace: Rate, now: float) -> None:
        self._pace = pace
        self._next = now
        self._left: deque[float] = deque()

    def delay(self, now: float) -> float:
        """0 and the departure is taken, or the seconds to wait before asking again."""
        rate = self._pace.rate
        due = max(self._next, self._window_opens(rate, now))
        if due > now:
            return due - now
        # After a pause the pace begins anew: a shorter first gap would put one too many into a second.
        self._next = (self._next if now - self._next <= _CATCH_UP_S else now) + 1 / rate
        self._left.append(now)
        return 0.0

    def _window_opens(self, rate: float, now: float) -> float:
        """The time from which one more departure keeps every sliding second at `rate` + 1 or less."""
        most = max(1, int(rate)) + (1 if rate >= 1 else 0)
        while self._left and self._left[0] <= now - 1:
            self._left.popleft()
        return self._left[len(self._left) - most] + 1 if len(self._left) >= most else now
