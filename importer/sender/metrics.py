"""What is counted while rows are sent: requests, retries, refusals for speed, and the pace by the second."""

from __future__ import annotations

from collections import deque

from importer.journal.run_metadata import SecondMetrics, SendTotals

_RATE_WINDOW = 5  # seconds over which the reached rate is averaged


class SendMetrics:
    """Counters of one sending on top of the run's earlier ones. Times are seconds since it began."""

    def __init__(self, earlier: SendTotals) -> None:
        self._earlier = earlier
        self._requests = self._retries = 0
        self.throttled = 0
        self._told = (0, 0, 0)
        self._told_at = 0
        self._seconds: deque[int] = deque(maxlen=_RATE_WINDOW)
        self._reached = earlier.rate_reached

    def sent(self, *, retry: bool) -> None:
        """A request leaves."""
        self._requests += 1
        self._retries += retry

    def beat(self, elapsed_s: float, *, last: bool = False) -> SecondMetrics | None:
        """What happened since the last beat, once a second; None in between."""
        if int(elapsed_s) == self._told_at and not last:
            return None
        now = (self._requests, self.throttled, self._retries)
        requests, throttled, retries = (new - old for new, old in zip(now, self._told, strict=True))
        second = int(self._earlier.seconds) + self._told_at
        self._told, self._told_at = now, int(elapsed_s)
        self._seconds.append(requests)
        if not last or elapsed_s >= 1:
            self._reached = max(self._reached, sum(self._seconds) / len(self._seconds))
        return SecondMetrics(second, requests, throttled, retries)

    def rate(self, elapsed_s: float) -> float:
        """Requests a second of late."""
        if self._seconds:
            return sum(self._seconds) / len(self._seconds)
        return self._requests / max(elapsed_s, 0.1)

    def totals(self, elapsed_s: float) -> SendTotals:
        """The run's totals, this sending and the earlier ones."""
        earlier = self._earlier
        reached = self._reached or self._requests / max(elapsed_s, 0.001)
        return SendTotals(
            requests=earlier.requests + self._requests,
            retries=earlier.retries + self._retries,
            throttled=earlier.throttled + self.throttled,
            seconds=round(earlier.seconds + elapsed_s, 3),
            rate_reached=round(reached, 2),
        )
