"""`--rate auto`: finds how fast the account may be used, and stays just below that.

Like TCP it starts slowly and doubles while all is well. The first refusal tells the limit, because what the
server went on accepting in the last second is the limit. From there it narrows the gap between the fastest
rate that went well and the slowest that did not (bisection, where CUBIC uses a curve and AIMD a saw: both
pay for each tooth with refusals), and holds. Rarely, and ever more rarely, it asks whether the limit has
grown. docs/decisions/0005-rate.md has the comparison.
"""

from __future__ import annotations

from collections import deque

_START = 5.0
_MOST = 2_000.0
_HEALTHY_S = 1.0  # a rate that went well for so long (and for some requests) is proven
_HEALTHY_REPLIES = 5
_NEAR = 1.04  # the gap at which the search is over
_BACK = 0.97  # of what was accepted: just below the limit
_FIRST_PROBE_S = 30.0
_MOST_PROBE_S = 600.0
_SAME_PUSH_S = 1.0  # refusals of requests that were under way already tell nothing new
_SLOWER = 3.0  # latency over its floor that means: the server queues
_LATENCY_FLOOR_S = 0.05


class AutoPace:
    """The rate, and what replies teach it. Times are seconds of one clock."""

    def __init__(self, now: float, most: float = _MOST) -> None:
        self.rate = min(_START, most)
        self._most = most
        self._since = now
        self._replies = 0
        self._low = 0.0
        self._high: float | None = None
        self._high_at = now
        self._probe_s = _FIRST_PROBE_S
        self._pushed_at = -1e9
        self._accepted: deque[float] = deque()
        self._best_latency = float("inf")
        self._latency = 0.0

    def replied(self, now: float, latency_s: float) -> None:
        """The server took a request."""
        self._accepted.append(now)
        while self._accepted[0] < now - 1:
            self._accepted.popleft()
        self._replies += 1
        self._best_latency = min(self._best_latency, latency_s)
        self._latency = latency_s if not self._latency else 0.9 * self._latency + 0.1 * latency_s
        enough = max(_HEALTHY_REPLIES, min(self.rate * _HEALTHY_S * 0.8, 500))
        if now - self._since >= _HEALTHY_S and self._replies >= enough:
            self._proven(now)

    def pushed_back(self, now: float) -> None:
        """The server refused a request for coming too fast (429, 503)."""
        if now - self._pushed_at < _SAME_PUSH_S:
            self._pushed_at = now
            return
        self._pushed_at = now
        if self._high is None and self._low and now - self._high_at > _FIRST_PROBE_S:
            self._probe_s = min(self._probe_s * 2, _MOST_PROBE_S)
        accepted = sum(1 for at in self._accepted if at >= now - 1)
        self._high, self._high_at = self.rate, now
        if self.rate <= self._low * 1.001:
            self._low = 0.0  # what was proven is not true any more
        self._go(max(min(accepted * _BACK, self.rate * 0.9), self._low, self.rate * 0.3, 0.2), now)

    def _proven(self, now: float) -> None:
        """The present rate has gone well for long enough."""
        if self._latency > max(_SLOWER * self._best_latency, _LATENCY_FLOOR_S + self._best_latency):
            self._high, self._high_at = self.rate, now
            self._best_latency *= 1.2  # a network that has become slower for good is believed after a while
            self._go(max(self.rate * 0.85, 0.2), now)
            return
        reached = len(self._accepted) >= self.rate * 0.7
        self._low = max(self._low, self.rate)
        if self._high is not None and now - self._high_at > self._probe_s:
            self._high = None
            self._high_at = now
            self._go(self.rate * 1.03, now)
        elif self._high is None:
            self._go(self.rate * (2 if reached and not self._probing else 1.05 if reached else 1), now)
        elif self._high / self.rate > _NEAR:
            self._go((self.rate + self._high) / 2 if self._high / self.rate < 1.5 else self.rate * 1.3, now)
        else:
            self._restart(now)

    @property
    def _probing(self) -> bool:
        return self._pushed_at > -1e9 and self._since - self._pushed_at < self._probe_s + 5

    def _go(self, rate: float, now: float) -> None:
        self.rate = min(rate, self._most)
        self._restart(now)

    def _restart(self, now: float) -> None:
        self._since = now
        self._replies = 0
