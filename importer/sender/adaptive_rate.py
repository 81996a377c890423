"""`--rate auto`: find how many requests a second the account allows, and stay just below that.

As in TCP's slow start, the rate doubles while all goes well. The first throttled request shows about where the limit
is. From there the rate holds a little below, and probes look for what is left: steps up, each for as long as it takes
to empty a bucket of a few requests. A probe that fails costs one request and a short pause, so that the next ones,
which ask whether the limit has grown, come as often as their cost allows. CUBIC and AIMD would climb into the next
refusal again and again. docs/decisions/0005-rate.md has the comparison.
"""

from __future__ import annotations

import logging
from enum import Enum, auto
from math import inf

import msgspec

from importer.sender.circuit_breaker import FIRST_HOLD_S
from importer.sender.latency_monitor import LatencyMonitor
from importer.sender.limit_estimator import LimitEstimator
from importer.sender.overload_detector import OverloadDetector

_log = logging.getLogger(__name__)

_SHORT_HOLD_S = (
    0.25  # after a refusal of a rate that was only a little too fast: the server has room again at once
)
_START_PER_S = 5.0
_MAX_PER_S = 20_000.0
_MIN_PER_S = 0.2
_MIN_CUT = 0.3  # one refusal never cuts the rate to less than this share

_TRIAL_S = 1.2  # servers count by the second: a rate that worked for longer than that is proven
_TRIAL_NEAR_LIMIT_S = 3.0  # just above a limit, a second or two may go well by luck
_MIN_RESPONSES = 5
_MAX_RESPONSES = 500
_PROBE_STOCK = 6  # a probe lasts for so many requests more than the rate that works: they empty a bucket of 5

_GROWTH = (1.1, 1.25, 1.5, 2.0)
_PROBES = (1.03, 1.08, 1.16, 1.32, 1.6, 2.0)
_MAX_FIRST_PROBE_S = 10.0
_RISE_PROBE = 2  # the first step that asks whether the limit has grown: large, so that it is over soon
_MAX_NEAR = 1.2  # up to here a rate is only a little above the one that works
_CALM_S = 3.0  # after so long without a refusal, a refusal at the rate that works means: a little too fast
_SHARE_OF_LIMIT = 0.98  # leaves space for requests that the network bunches together
_SHARE_OF_SURE_LIMIT = 0.99  # the estimate is already below the rate that was refused

_MIN_PROBE_INTERVAL_S = 10.0
_MAX_PAUSED_SHARE = 1 / 60
_MAX_REFUSED_SHARE = 1 / 200


class Phase(Enum):
    """What the adaptive rate is doing."""

    SLOW_START = auto()  # no limit is known: the rate grows by steps
    HOLDING = auto()  # the rate is a little below the limit
    PROBING = auto()  # the rate is above one that works, to see whether that works too


class _ProbeBudget(msgspec.Struct):
    """What probes cost, so that the next one comes only when enough has gone well since."""

    spent_at: float
    refusals: int = 0

    def restart(self, now: float, *, refusals: int) -> None:
        """Forget what was spent before: what the search cost is no reason to look later for a higher limit."""
        self.spent_at, self.refusals = now, refusals

    def is_covered(self, now: float, rate: float, paused_s: float) -> bool:
        """Return whether refusals, and the pause of `paused_s` after the last one, are again below their share."""
        refused_s = self.refusals / rate / _MAX_REFUSED_SHARE
        return now - self.spent_at > max(_MIN_PROBE_INTERVAL_S, paused_s / _MAX_PAUSED_SHARE, refused_s)


class LearntRate(msgspec.Struct, frozen=True):
    """What one sending has learnt of the account's limit, so that the next one need not begin slowly.

    The time of `rate` stood still at `ended_at`, and goes on when the next sending begins: a pause between two files
    is no time in which the server accepted little.
    """

    rate: AdaptiveRate
    ended_at: float


class AdaptiveRate:
    """The rate in requests a second, and what responses teach it. Times are seconds of one clock."""

    def __init__(self, now: float) -> None:
        self.rate = _START_PER_S
        self.first_hold_s = FIRST_HOLD_S
        self._phase = Phase.SLOW_START
        self._growth = len(_GROWTH) - 1
        self._base = self.rate  # the rate that works, from which probes start
        self._probe = 0
        self._is_searching = False  # whether probes follow each other until the smallest has failed
        self._is_exact = False  # whether the smallest probe from this base has failed
        self._refused_per_s = inf  # the rate that was refused last in this search
        self._is_climbing = (
            False  # whether a probe of this search was not refused: the limit is above its first rate
        )
        self._stock: float | None = None  # requests that the last failed probe got beyond the base
        self._limit = LimitEstimator(now)
        self._budget = _ProbeBudget(spent_at=now)
        self._latency = LatencyMonitor()
        self._overload = OverloadDetector()
        self._trial_since = now
        self._trial_responses = 0

    def record_success(self, now: float, latency_s: float) -> None:
        """Record that the server accepted a request."""
        self._limit.record_success(now, now - latency_s)
        self._overload.record_success()
        self._latency.record(latency_s)
        self._trial_responses += 1
        if self._has_proven_rate(now):
            self._adjust(now)

    def record_throttled(self, now: float, left_at: float) -> None:
        """Record that the server refused, as too fast, a request that had left at `left_at`."""
        self._budget.refusals += 1
        self._budget.spent_at = now
        if left_at <= self._limit.refused_at:
            return  # it was under way when the last refusal came, and says nothing new
        is_probe = self._phase is Phase.PROBING and self.rate <= self._base * _MAX_NEAR
        is_calm = self._phase is Phase.HOLDING and self._limit.compute_flowing_s(now) > _CALM_S
        self.first_hold_s = _SHORT_HOLD_S if is_probe or is_calm else FIRST_HOLD_S
        if is_probe:
            self._fail_probe(now)
        else:
            self._go_below_limit(now)
        self._limit.record_refusal(now)

    def record_busy(self, now: float, left_at: float) -> None:
        """Record a 503 without a Retry-After. If they come at any rate, the known limit was none."""
        if left_at <= self._limit.refused_at:
            return
        was_limiting = self._overload.is_limiting
        if self._overload.record_busy(self.rate):
            self.record_throttled(now, left_at)
            self._overload.mark_slowed_to(self.rate)
        elif was_limiting:
            _log.info("503 answers come at any rate: forget the limit near %.1f/s", self.rate)
            self._growth = 0
            self._phase = Phase.SLOW_START
            self._restart_trial(now)

    # --- the rate has worked for long enough

    def _has_proven_rate(self, now: float) -> bool:
        min_s, least = _TRIAL_S, float(_MIN_RESPONSES)
        if self._phase is Phase.PROBING:
            step = self.rate / self._base
            min_s = _TRIAL_NEAR_LIMIT_S if step <= _MAX_NEAR else _TRIAL_S
            least = _PROBE_STOCK / max(step - 1, 0.01)  # 1 where _MAX_PER_S ends the steps
        if now - self._trial_since < min_s:
            return False
        return self._trial_responses >= max(least, min(self.rate * _TRIAL_S * 0.8, _MAX_RESPONSES))

    def _adjust(self, now: float) -> None:
        """Take the step of the present phase."""
        if self._latency.is_queueing:
            self._drain_queue(now)
            return
        self._latency.clear_cut()
        is_reached = self._limit.count_last_second(now) >= self.rate * 0.7
        match self._phase:
            case Phase.SLOW_START:
                self._grow(now, is_reached=is_reached)
            case Phase.HOLDING:
                self._hold(now)
            case Phase.PROBING:
                self._accept_probe(now, is_reached=is_reached)

    def _grow(self, now: float, *, is_reached: bool) -> None:
        """Go faster, by steps that grow while all goes well."""
        self._set_rate(self.rate * (_GROWTH[self._growth] if is_reached else 1), now, "no limit met")
        self._growth = min(self._growth + 1, len(_GROWTH) - 1)

    def _hold(self, now: float) -> None:
        """Keep the rate until the next probe is due."""
        if self._is_searching:
            self._start_probe(now)
        elif self._budget.is_covered(now, self.rate, self._limit.paused_s):
            self._budget.restart(now, refusals=0)
            self._probe = _RISE_PROBE
            self._refused_per_s = inf
            self._is_climbing = False
            self._is_searching = not self._is_exact
            self._start_probe(now)
        else:
            self._restart_trial(now)

    def _start_probe(self, now: float) -> None:
        self._phase = Phase.PROBING
        self._set_rate(self._base * _PROBES[self._probe], now, "probe")

    def _accept_probe(self, now: float, *, is_reached: bool) -> None:
        """Take the next, larger step from the rate that has worked."""
        if is_reached:
            self._base = self.rate
            self._is_exact = False
            self._is_searching = True
        self._is_climbing = True
        self._choose_probe(min(self._probe + 1, len(_PROBES) - 1))
        self._start_probe(now)

    def _choose_probe(self, largest: int) -> None:
        """Choose the largest step that stays below the rate that was refused, or else the smallest step."""
        below = (step for step in range(largest, 0, -1) if self._base * _PROBES[step] < self._refused_per_s)
        self._probe = next(below, 0)

    # --- the rate was too fast

    def _fail_probe(self, now: float) -> None:
        """Return to the rate that worked before, and try a smaller step. The search ends when the smallest has failed."""
        self._refused_per_s = self.rate
        self._stock = max((self.rate - self._base) * (now - self._trial_since), 1.0)
        if self._probe == 0:
            self._is_exact = True
            self._is_searching = False
            self._budget.restart(now, refusals=1)
        self._choose_probe(min(self._probe - 1, _find_short_step(self._base)) if self._is_climbing else 0)
        self._phase = Phase.HOLDING
        self._set_rate(self._base, now, "the probe was throttled")

    def _go_below_limit(self, now: float) -> None:
        """Go just below the best estimate of the limit."""
        self._refused_per_s = self.rate
        estimate = self._limit.estimate(now, self.rate, self._stock)
        share = _SHARE_OF_SURE_LIMIT if estimate.is_sure else _SHARE_OF_LIMIT
        slowest = self._base if self._phase is Phase.PROBING else max(self.rate * _MIN_CUT, _MIN_PER_S)
        self._hold_at(max(estimate.per_s * share, slowest), now, "throttled")
        self._is_exact = estimate.is_sure
        self._is_searching = not estimate.is_sure
        if estimate.is_sure:
            self._budget.restart(now, refusals=1)

    def _drain_queue(self, now: float) -> None:
        """Go below what the server completes, because latency grows, and no lower while its queue drains."""
        if not self._latency.is_rising:
            self._restart_trial(now)
            return
        completed = self._limit.count_last_second(now)
        self._latency.mark_cut()
        self._budget.spent_at = now
        self._hold_at(max(min(self.rate, completed) * 0.9, _MIN_PER_S), now, "latency grows")
        self._is_exact = self._is_searching = False

    def _hold_at(self, rate: float, now: float, reason: str) -> None:
        self._phase = Phase.HOLDING
        self._base = rate
        self._is_climbing = False
        self._choose_probe(_find_short_step(rate))
        self._set_rate(rate, now, reason)

    def _set_rate(self, rate: float, now: float, reason: str) -> None:
        old, self.rate = self.rate, min(rate, _MAX_PER_S)
        if self.rate != old:
            _log.info("rate %.1f/s -> %.1f/s: %s", old, self.rate, reason)
            self._limit.record_rate(now)
        self._restart_trial(now)

    def _restart_trial(self, now: float) -> None:
        self._trial_since = now
        self._trial_responses = 0


def _find_short_step(rate: float) -> int:
    """Return the smallest step from a rate that is over soon: at 4 a second, the smallest of all takes 50 s."""
    is_short = (_PROBE_STOCK / (factor - 1) <= rate * _MAX_FIRST_PROBE_S for factor in _PROBES[:_RISE_PROBE])
    return next((step for step, short in enumerate(is_short) if short), _RISE_PROBE)
