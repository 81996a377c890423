"""Tell from the time that requests take whether they wait in a queue of the server."""

from __future__ import annotations

from math import inf

_MAX_FACTOR = 3.0  # latency over its best value that means: requests wait in the server's queue
_MIN_RISE_S = 0.05


class LatencyMonitor:
    """Seconds that requests take: the best, a moving average, and the average when the rate was last cut for it."""

    def __init__(self) -> None:
        self._best_s = inf
        self._average_s = 0.0
        self._average_at_cut_s = 0.0

    def record(self, latency_s: float) -> None:
        """Record how long a request took."""
        self._best_s = min(self._best_s, latency_s)
        self._average_s = latency_s if not self._average_s else 0.9 * self._average_s + 0.1 * latency_s

    @property
    def is_queueing(self) -> bool:
        """Whether requests take so much longer than the best one that they wait for each other."""
        return self._average_s > max(_MAX_FACTOR * self._best_s, _MIN_RISE_S + self._best_s)

    @property
    def is_rising(self) -> bool:
        """Whether the queue has grown since the last cut: while it drains, the rate is not cut again."""
        return self._average_s > self._average_at_cut_s

    def mark_cut(self) -> None:
        """Record that the rate is cut now."""
        self._best_s *= 1.1  # so that a network that has become slower for good is accepted after a while
        self._average_at_cut_s = self._average_s

    def clear_cut(self) -> None:
        """Record that the queue has drained."""
        self._average_at_cut_s = 0.0
