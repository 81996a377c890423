"""Estimate how long the rest of the rows will take."""

from __future__ import annotations

from collections import deque

_ETA_WINDOW_S = 10.0
_LONG_WAIT_S = 5.0


class EtaEstimator:
    """Estimates the rate of rows and the seconds left. The caller gives the time of each update.

    Short waits are part of the rate: a CRM that answers 429 every second is that slow. A long wait (an outage, a
    Retry-After of minutes) is not: it is added to the time that the other rows take at the rate before it.
    """

    def __init__(self) -> None:
        self._history: deque[tuple[float, int]] = deque()
        self._counted_s = 0.0  # time without the long waits
        self._updated_at_s: float | None = None
        self._in_long_wait = False

    def update(self, now_s: float, done: int, waiting_s: float) -> None:
        """Record that at `now_s` `done` rows are finished, and that the sending waits `waiting_s` more."""
        if self._updated_at_s is not None and not self._in_long_wait:
            self._counted_s += now_s - self._updated_at_s
        self._updated_at_s = now_s
        self._in_long_wait = waiting_s > _LONG_WAIT_S or (self._in_long_wait and waiting_s > 0)
        self._history.append((self._counted_s, done))
        while len(self._history) > 2 and self._counted_s - self._history[1][0] >= _ETA_WINDOW_S:
            self._history.popleft()

    @property
    def rows_per_s(self) -> float:
        """Rows a second in the last seconds; 0 before the first rows."""
        if not self._history:
            return 0.0
        (first_s, first), (last_s, last) = self._history[0], self._history[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0

    def estimate_left_s(self, rows_left: int, waiting_s: float) -> float | None:
        """Return the seconds until the last row, or None if that cannot be estimated yet."""
        if not rows_left:
            return 0.0
        rate = self.rows_per_s
        return rows_left / rate + (waiting_s if self._in_long_wait else 0.0) if rate > 0 else None
