"""`--rate auto`: finds how fast the account may be used, and stays just below that.

Like TCP it starts slowly and doubles while all is well. The first refusal tells the limit itself, because
what the server went on accepting in the last second is the limit; from there the rate is held a little below,
where CUBIC and AIMD climb into the next refusal again and again and pay for each with a pause. Where a refusal
does not tell (a bucket that empties slowly, a limit on requests at once), the rate is cut by small steps that
grow, and the gap between what went well and what did not is halved. Once a minute it asks whether the limit
has grown. docs/decisions/0005-rate.md has the comparison.
"""

from __future__ import annotations

from collections import deque

from importer.sender.overload_detector import OverloadDetector

_START = 5.0
_MOST = 20_000.0
_LEAST = 0.2
_HEALTHY_S = 1.2  # a rate that went well for longer than the second that servers count is proven
_HEALTHY_REPLIES = 5
_PROVING_REPLIES = 30  # once a limit was met: a bucket empties slowly, and what looked well was its store
_BELOW = 0.98  # of the limit: room for requests that the network bunches together
_NEAR = 1.045  # the gap at which the search is over
_SEEN = 0.93  # so much less accepted than sent means that the server's limit was seen
_CUTS = (0.02, 0.05, 0.12, 0.24)
_CALM_S = 3.0  # a refusal after so long without one asks for the smallest cut again
_PROBE_S = 60.0  # a probe that fails costs a pause: one a minute keeps that below 2%
_PROBE = 1.05
_PROBED_S = 3.0  # just above a limit a second or two may go well by luck
_STEPS = (1.1, 1.25, 1.5, 2.0)
_SLOWER = 3.0  # latency over its floor that means: the server queues
_LATENCY_FLOOR_S = 0.05


class AdaptiveRate:
    """The rate, and what replies teach it. Times are seconds of one clock."""

    def __init__(self, now: float, most: float = _MOST) -> None:
        self.rate = min(_START, most)
        self._most = most
        self._low = 0.0  # the fastest rate that went well
        self._high: float | None = None  # the slowest that did not
        self._high_at = now
        self._step = len(_STEPS) - 1
        self._cut = -1
        self._probing = False
        self._pushed_at = float("-inf")
        self._busy = OverloadDetector()
        self._flowing_since: float | None = None
        self._accepted: deque[float] = deque()
        self._taken, self._taken_since = 0, now  # since the last refusal
        self._best_latency = float("inf")
        self._latency = 0.0
        self._latency_at_cut = 0.0
        self._since = now
        self._replies = 0

    def replied(self, now: float, latency_s: float) -> None:
        """The server took a request."""
        if self._flowing_since is None:
            self._flowing_since = now
        self._busy.took()
        self._taken += 1
        self._accepted.append(now)
        while self._accepted[0] < now - 2:
            self._accepted.popleft()
        self._replies += 1
        self._best_latency = min(self._best_latency, latency_s)
        self._latency = latency_s if not self._latency else 0.9 * self._latency + 0.1 * latency_s
        least = _HEALTHY_REPLIES if self._high is None else _PROVING_REPLIES
        enough = max(least, min(self.rate * _HEALTHY_S * 0.8, 500))
        if now - self._since >= (_PROBED_S if self._probing else _HEALTHY_S) and self._replies >= enough:
            self._proven(now)

    def pushed_back(self, now: float, left_at: float) -> None:
        """The server refused, for coming too fast, a request that had left at `left_at`."""
        if left_at <= self._pushed_at:
            return  # it was under way already when the last refusal came, and tells nothing new
        self._pushed_at = now
        if self._probing:
            self._probing = False
            self._not_above(self.rate, now)
            self._go(self._low, now)
        else:
            if self.rate <= self._low * 1.001:
                self._low = 0.0  # what was proven is not true any more
            self._go(max(self._below_limit(now), self._low, self.rate * 0.3, _LEAST), now)
        self._flowing_since = None
        self._taken, self._taken_since = 0, now

    def found_busy(self, now: float, left_at: float) -> None:
        """The server answered 503 and named no time. Where it does so at any pace, the limit is not what was thought."""
        if left_at <= self._pushed_at:
            return
        was_heeded = self._busy.is_heeded
        if self._busy.is_about_the_pace(self.rate):
            self.pushed_back(now, left_at)
            self._busy.slowed_to(self.rate)
        elif was_heeded:
            self._high, self._step, self._probing = None, 0, False
            self._restart(now)

    def _below_limit(self, now: float) -> float:
        """The rate after a refusal: from the limit where it was seen, else a cut."""
        limit = self._accepted_since(now - 1 - 0.3 / self.rate)
        whole_second = self._flowing_since is not None and now - self._flowing_since >= 1
        if whole_second and limit < self.rate * _SEEN:
            self._not_above(limit + 0.5, now)
            return limit * _BELOW
        self._not_above(self.rate, now)
        calm = self._flowing_since is not None and now - self._flowing_since > _CALM_S
        self._cut = 0 if calm else min(self._cut + 1, len(_CUTS) - 1)
        rate = self.rate * (1 - _CUTS[self._cut])
        if calm or self._cut > 0:
            # A bucket that was empty at the last refusal and is empty now gave out just what flowed into it.
            flow = self._taken / max(now - self._taken_since, 1e-9)
            rate = min(rate, max(flow * _BELOW, self.rate * 0.5))
            self._low = min(self._low, rate)
        return rate

    def _accepted_since(self, start: float) -> int:
        return sum(1 for at in self._accepted if at > start)

    def _not_above(self, rate: float, now: float) -> None:
        self._high = rate if self._high is None else min(self._high, rate)
        self._high_at = now

    def _proven(self, now: float) -> None:
        """The present rate has gone well for long enough."""
        if self._is_queueing:
            self._let_the_queue_drain(now)
            return
        self._latency_at_cut = 0.0
        reached = self._accepted_since(now - 1) >= self.rate * 0.7
        if reached:
            self._low = max(self._low, self.rate)
        if self._probing or self._high is None:
            self._climb(now, reached=reached)
        elif now - self._high_at > _PROBE_S:
            self._probing = True
            self._go(max(self.rate * _PROBE, self._high), now)
        elif self._high / self.rate > _NEAR:
            self._go((self.rate + self._high) / 2, now)
        else:
            self._restart(now)

    def _climb(self, now: float, *, reached: bool) -> None:
        """No limit is known: faster, by steps that grow while all is well."""
        if self._probing:
            self._probing = False
            self._high = None
            self._step = 0
        self._go(self.rate * (_STEPS[self._step] if reached else 1), now)
        self._step = min(self._step + 1, len(_STEPS) - 1)

    def _let_the_queue_drain(self, now: float) -> None:
        """Latency grows: go below what the server gets done, and no lower while the queue is draining."""
        done = self._accepted_since(now - 1)
        if self._latency > self._latency_at_cut:
            self._not_above(self.rate, now)
            self._best_latency *= 1.1  # a network that has become slower for good is believed after a while
            self._latency_at_cut = self._latency
            self._go(max(min(self.rate, done) * 0.9, _LEAST), now)
        else:
            self._restart(now)

    @property
    def _is_queueing(self) -> bool:
        return self._latency > max(_SLOWER * self._best_latency, _LATENCY_FLOOR_S + self._best_latency)

    def _go(self, rate: float, now: float) -> None:
        self.rate = min(rate, self._most)
        self._restart(now)

    def _restart(self, now: float) -> None:
        self._since = now
        self._replies = 0
