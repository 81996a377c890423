"""Estimate the account's limit from what the server accepted before it refused a request as too fast.

A server may count by a sliding second, by the clock, or with a bucket that fills evenly and holds some requests (its
stock). All three accept what the limit allows between two moments at which they are full, and at most the stock more
from a moment at which they are not.
"""

from __future__ import annotations

from collections import deque
from math import inf

import msgspec

_WINDOW_S = 1.0  # servers count by the second, and a bucket holds no more than a second's worth
_MIN_STEADY_S = 1.1  # a refusal before that shows what fits into the window, not what flows
_MIN_SURE_S = 3.0  # over a shorter time one request more or less makes too great a difference
_MAX_SHARE_AT_ONCE = 0.9  # a rate that is refused again within a second is at least so much too fast
_MIN_FIRST_SHARE = 0.8  # in the first second: requests for dropdown values may have been counted before it
_NEVER_SHARE = 0.5  # not one request was accepted between two refusals


class LimitEstimate(msgspec.Struct, frozen=True):
    """Requests a second that the server seems to allow. One that is not sure may be a quarter too low or too high."""

    per_s: float
    is_sure: bool


class _Count(msgspec.Struct):
    """Accepted requests that had left at `since` or later, and when the first of them was accepted."""

    since: float
    accepted: int = 0
    first_at: float = inf

    def record(self, now: float, left_at: float) -> None:
        if left_at >= self.since:
            self.accepted += 1
            self.first_at = min(self.first_at, now)

    def compute_flow(self, now: float) -> float:
        """Return accepted requests a second since the first of them."""
        return self.accepted / max(now - self.first_at, 1e-3)


class LimitEstimator:
    """What the server accepted in the last second, at the present rate, and since the last refusal.

    Times are seconds of one clock. A request belongs to a rate if it left after the rate began: the answers to the
    earlier ones still come in, also during a pause.
    """

    def __init__(self, now: float) -> None:
        self.refused_at = -inf
        self._began_at = self._counted_since = now
        self._accepted = 0  # since the last refusal, or the start
        self._after_refusal = _Count(since=now)
        self._at_rate = _Count(since=now)
        self._accepted_at: deque[float] = deque()

    def record_success(self, now: float, left_at: float) -> None:
        """Record that the server accepted a request that had left at `left_at`."""
        self._accepted += 1
        self._after_refusal.record(now, left_at)
        self._at_rate.record(now, left_at)
        self._accepted_at.append(now)
        while self._accepted_at[0] < now - 2 * _WINDOW_S:
            self._accepted_at.popleft()

    def record_rate(self, now: float) -> None:
        """Record that requests leave at another rate from now on."""
        self._at_rate = _Count(since=now)

    def record_refusal(self, now: float) -> None:
        """Begin to count from zero. The pause begins."""
        self.refused_at = self._counted_since = now
        self._accepted = 0
        self._after_refusal = _Count(since=now)

    @property
    def paused_s(self) -> float:
        """For how long nothing new was accepted after the last refusal: infinite while the pause lasts."""
        return self._after_refusal.first_at - self._counted_since

    def compute_flowing_s(self, now: float) -> float:
        """Return for how long requests have been accepted since the pause after the last refusal."""
        return max(0.0, now - self._after_refusal.first_at)

    def count_last_second(self, now: float, extra_s: float = 0.0) -> int:
        """Count the requests that were accepted in the last second and `extra_s` more."""
        return sum(1 for at in self._accepted_at if at > now - _WINDOW_S - extra_s)

    def estimate(self, now: float, rate: float, stock: float | None) -> LimitEstimate:
        """Estimate the limit at a refusal of `rate`, before it is recorded. `stock` is None while nothing shows it."""
        if self._after_refusal.first_at == inf:
            return LimitEstimate(rate * _NEVER_SHARE, is_sure=False)
        if self._at_rate.first_at > self._after_refusal.first_at:  # a slower rate before it left stock
            steady_s = max(0.0, now - self._at_rate.first_at)
            least = self._at_rate.accepted / (steady_s + _WINDOW_S)
            most = min(rate, self._at_rate.compute_flow(now))
            most_at_once = rate
        else:
            steady_s = self.compute_flowing_s(now)
            least = self._accepted / (now - self._counted_since)
            most = min(rate, self._after_refusal.compute_flow(now))
            most_at_once = rate * _MAX_SHARE_AT_ONCE
        if steady_s <= _MIN_STEADY_S:  # a third of a gap more: the first request may be a little early
            seen = float(self.count_last_second(now, 0.3 / rate))
            if now - self._began_at < _WINDOW_S:
                seen = max(seen, rate * _MIN_FIRST_SHARE)
            return LimitEstimate(min(seen, most_at_once), is_sure=False)
        if stock is None or steady_s < _MIN_SURE_S:
            return LimitEstimate((least + most) / 2, is_sure=False)
        return LimitEstimate(max(least, rate - stock / steady_s), is_sure=True)
