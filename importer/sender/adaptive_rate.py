"""`--rate auto`: find how many requests a second the account allows, and stay just below that.

As in TCP's slow start, the rate doubles while all goes well. The first throttled request shows the limit, because
the limit is what the server accepted in the last second. From there the rate is held a little below. CUBIC and AIMD
would climb into the next refusal again and again, and each one costs a pause. Where a refusal does not show the
limit (a token bucket that empties slowly, a limit on requests at once), the rate is cut by small steps that grow,
and the gap between the rates that worked and did not work is halved. Once a minute a probe asks whether the limit
has grown. docs/decisions/0005-rate.md has the comparison.
"""

from __future__ import annotations

import logging
from collections import deque
from enum import Enum, auto
from math import inf

import msgspec

from importer.sender.overload_detector import OverloadDetector

_log = logging.getLogger(__name__)

_START_PER_S = 5.0
_MAX_PER_S = 20_000.0
_MIN_PER_S = 0.2
_TRIAL_S = 1.2  # servers count by the second: a rate that worked for longer than that is proven
_MIN_RESPONSES = 5
_MIN_RESPONSES_NEAR_LIMIT = 30  # a bucket empties slowly: what looks well at first is only its stock
_MAX_RESPONSES = 500
_SHARE_OF_LIMIT = 0.98  # leaves space for requests that the network bunches together
_MAX_GAP = 1.045  # the search is over where the rates that worked and did not work are this close
_MAX_SEEN_SHARE = 0.93  # the limit was seen where the server accepted less than this share of the rate
_CUTS = (0.02, 0.05, 0.12, 0.24)
_CALM_S = 3.0  # after so long without a refusal, the next one gets the smallest cut again
_PROBE_INTERVAL_S = 60.0  # a failed probe costs a pause: one a minute keeps that below 2%
_PROBE_FACTOR = 1.05
_PROBE_TRIAL_S = 3.0  # just above a limit, a second or two may go well by luck
_STEPS = (1.1, 1.25, 1.5, 2.0)
_MAX_LATENCY_FACTOR = 3.0  # latency over its best value that means: requests wait in the server's queue
_MIN_LATENCY_RISE_S = 0.05


class Phase(Enum):
    """What the adaptive rate is doing."""

    SLOW_START = auto()  # no limit is known: the rate grows by steps
    SEARCHING = auto()  # a limit is known: the gap between rates that worked and did not is halved
    HOLDING = auto()  # the gap is small: the rate stays
    PROBING = auto()  # the rate is a little above the known limit, to see whether that has grown


class _Bounds(msgspec.Struct):
    """The limit lies between these rates. `high` is infinite while no limit is known."""

    high_at: float  # when `high` was last confirmed
    low: float = 0.0  # the fastest rate that worked
    high: float = inf  # the slowest rate that did not

    def lower_high(self, rate: float, now: float) -> None:
        """Record that `rate` is too fast."""
        self.high = min(self.high, rate)
        self.high_at = now


class _Flow(msgspec.Struct):
    """The accepted requests since the server last throttled."""

    counted_since: float
    count: int = 0
    flowing_since: float = inf  # when the first of them was accepted
    throttled_at: float = -inf

    def restart(self, now: float) -> None:
        """Begin to count anew after a throttled request."""
        self.flowing_since = inf
        self.count, self.counted_since = 0, now


class _Latency:
    """Seconds that requests take: the best, a moving average, and the average when the rate was last cut for it."""

    def __init__(self) -> None:
        self._best_s = inf
        self._average_s = 0.0
        self._average_at_cut_s = 0.0

    def record(self, latency_s: float) -> None:
        self._best_s = min(self._best_s, latency_s)
        self._average_s = latency_s if not self._average_s else 0.9 * self._average_s + 0.1 * latency_s

    @property
    def is_queueing(self) -> bool:
        return self._average_s > max(_MAX_LATENCY_FACTOR * self._best_s, _MIN_LATENCY_RISE_S + self._best_s)

    @property
    def is_rising(self) -> bool:
        """Whether the queue has grown since the last cut: while it drains, the rate is not cut again."""
        return self._average_s > self._average_at_cut_s

    def mark_cut(self) -> None:
        self._best_s *= 1.1  # so that a network that has become slower for good is accepted after a while
        self._average_at_cut_s = self._average_s

    def clear_cut(self) -> None:
        self._average_at_cut_s = 0.0


class AdaptiveRate:
    """The rate in requests a second, and what responses teach it. Times are seconds of one clock."""

    def __init__(self, now: float, max_per_s: float = _MAX_PER_S) -> None:
        self.rate = min(_START_PER_S, max_per_s)
        self._max_per_s = max_per_s
        self._phase = Phase.SLOW_START
        self._step = len(_STEPS) - 1
        self._cut = -1
        self._bounds = _Bounds(high_at=now)
        self._flow = _Flow(counted_since=now)
        self._latency = _Latency()
        self._overload = OverloadDetector()
        self._accepted_at: deque[float] = deque()
        self._trial_since = now
        self._trial_responses = 0

    def record_success(self, now: float, latency_s: float) -> None:
        """Record that the server accepted a request."""
        if self._flow.flowing_since == inf:
            self._flow.flowing_since = now
        self._flow.count += 1
        self._overload.record_success()
        self._accepted_at.append(now)
        while self._accepted_at[0] < now - 2:
            self._accepted_at.popleft()
        self._latency.record(latency_s)
        self._trial_responses += 1
        if self._has_proven_rate(now):
            self._adjust(now)

    def record_throttled(self, now: float, left_at: float) -> None:
        """Record that the server refused, as too fast, a request that had left at `left_at`."""
        if left_at <= self._flow.throttled_at:
            return  # it was under way when the last refusal came, and says nothing new
        self._flow.throttled_at = now
        if self._phase is Phase.PROBING:
            self._bounds.lower_high(self.rate, now)
            self._phase = Phase.SEARCHING
            self._set_rate(self._bounds.low, now, "the probe was throttled")
        else:
            if self.rate <= self._bounds.low * 1.001:
                self._bounds.low = 0.0  # a rate that worked does not work any more
            rate = self._find_rate_below_limit(now)
            self._phase = Phase.SEARCHING
            self._set_rate(max(rate, self._bounds.low, self.rate * 0.3, _MIN_PER_S), now, "throttled")
        self._flow.restart(now)

    def record_busy(self, now: float, left_at: float) -> None:
        """Record a 503 without a Retry-After. If they come at any rate, the known limit was none."""
        if left_at <= self._flow.throttled_at:
            return
        was_limiting = self._overload.is_limiting
        if self._overload.record_busy(self.rate):
            self.record_throttled(now, left_at)
            self._overload.mark_slowed_to(self.rate)
        elif was_limiting:
            _log.info("503 answers come at any rate: forget the limit at %.1f/s", self._bounds.high)
            self._bounds.high, self._step = inf, 0
            self._phase = Phase.SLOW_START
            self._restart_trial(now)

    # --- the rate has worked for long enough

    def _has_proven_rate(self, now: float) -> bool:
        min_s = _PROBE_TRIAL_S if self._phase is Phase.PROBING else _TRIAL_S
        if now - self._trial_since < min_s:
            return False
        least = _MIN_RESPONSES if self._phase is Phase.SLOW_START else _MIN_RESPONSES_NEAR_LIMIT
        return self._trial_responses >= max(least, min(self.rate * _TRIAL_S * 0.8, _MAX_RESPONSES))

    def _adjust(self, now: float) -> None:
        """Take the step of the present phase."""
        if self._latency.is_queueing:
            self._drain_queue(now)
            return
        self._latency.clear_cut()
        is_reached = self._count_accepted_since(now - 1) >= self.rate * 0.7
        if is_reached:
            self._bounds.low = max(self._bounds.low, self.rate)
        match self._phase:
            case Phase.SLOW_START:
                self._grow(now, is_reached=is_reached)
            case Phase.SEARCHING:
                self._search(now)
            case Phase.HOLDING:
                self._hold(now)
            case Phase.PROBING:
                self._accept_probe(now, is_reached=is_reached)

    def _grow(self, now: float, *, is_reached: bool) -> None:
        """Go faster, by steps that grow while all goes well."""
        self._set_rate(self.rate * (_STEPS[self._step] if is_reached else 1), now, "no limit met")
        self._step = min(self._step + 1, len(_STEPS) - 1)

    def _search(self, now: float) -> None:
        """Halve the gap to the limit, until it is small."""
        if self._is_probe_due(now):
            self._start_probe(now)
        elif self._bounds.high / self.rate > _MAX_GAP:
            self._set_rate((self.rate + self._bounds.high) / 2, now, "halving the gap to the limit")
        else:
            self._phase = Phase.HOLDING
            self._restart_trial(now)

    def _hold(self, now: float) -> None:
        """Keep the rate until the next probe."""
        if self._is_probe_due(now):
            self._start_probe(now)
        else:
            self._restart_trial(now)

    def _accept_probe(self, now: float, *, is_reached: bool) -> None:
        """Forget the limit: it has grown."""
        self._bounds.high, self._step = inf, 0
        self._phase = Phase.SLOW_START
        self._grow(now, is_reached=is_reached)

    def _is_probe_due(self, now: float) -> bool:
        return now - self._bounds.high_at > _PROBE_INTERVAL_S

    def _start_probe(self, now: float) -> None:
        self._phase = Phase.PROBING
        self._set_rate(max(self.rate * _PROBE_FACTOR, self._bounds.high), now, "probing for a higher limit")

    def _drain_queue(self, now: float) -> None:
        """Go below what the server completes, because latency grows, and no lower while its queue drains."""
        if not self._latency.is_rising:
            self._restart_trial(now)
            return
        completed = self._count_accepted_since(now - 1)
        self._bounds.lower_high(self.rate, now)
        self._latency.mark_cut()
        if self._phase is not Phase.PROBING:
            self._phase = Phase.SEARCHING
        self._set_rate(max(min(self.rate, completed) * 0.9, _MIN_PER_S), now, "latency grows")

    # --- the rate was too fast

    def _find_rate_below_limit(self, now: float) -> float:
        """Return the rate after a throttled request: just below the limit where it was seen, else a cut."""
        accepted = self._count_accepted_since(now - 1 - 0.3 / self.rate)
        flowing_s = now - self._flow.flowing_since  # -inf where nothing was accepted since the last refusal
        if flowing_s >= 1 and accepted < self.rate * _MAX_SEEN_SHARE:
            self._bounds.lower_high(accepted + 0.5, now)
            return accepted * _SHARE_OF_LIMIT
        self._bounds.lower_high(self.rate, now)
        is_calm = flowing_s > _CALM_S
        self._cut = 0 if is_calm else min(self._cut + 1, len(_CUTS) - 1)
        rate = self.rate * (1 - _CUTS[self._cut])
        if is_calm or self._cut > 0:
            # A bucket that was empty at the last refusal and is empty again gave out exactly what flowed into it.
            refill_per_s = self._flow.count / max(now - self._flow.counted_since, 1e-9)
            rate = min(rate, max(refill_per_s * _SHARE_OF_LIMIT, self.rate * 0.5))
            self._bounds.low = min(self._bounds.low, rate)
        return rate

    def _count_accepted_since(self, start: float) -> int:
        return sum(1 for at in self._accepted_at if at > start)

    def _set_rate(self, rate: float, now: float, reason: str) -> None:
        old, self.rate = self.rate, min(rate, self._max_per_s)
        if self.rate != old:
            _log.info("rate %.1f/s -> %.1f/s: %s", old, self.rate, reason)
        self._restart_trial(now)

    def _restart_trial(self, now: float) -> None:
        self._trial_since = now
        self._trial_responses = 0
