"""Decide whether a 503 without a Retry-After means "too fast" (as nginx's limit_req says it) or just a failure."""

from __future__ import annotations

from collections import deque

_RECENT_ANSWERS = 20
_MIN_CROWD = 5  # 503s among the recent answers
_CROWD_PER_SHARE = 50  # where 1% of the answers are 503 by chance, a crowd must be half an answer larger
_CHANCE_ANSWERS = 200  # answers by which the share of chance is averaged


class OverloadDetector:
    """Tell crowds of 503 answers from single ones.

    A server that is used too fast answers 503 in crowds, and stops when requests come more slowly. A server that
    fails now and then does so at any rate: then a crowd was chance, and the next one must be larger to count.
    """

    def __init__(self) -> None:
        self._recent_busy: deque[bool] = deque(maxlen=_RECENT_ANSWERS)
        self._chance_share = 0.0
        self._slowed_to: float | None = None

    @property
    def is_limiting(self) -> bool:
        """Whether a crowd was seen, so that every 503 counts as "too fast"."""
        return self._slowed_to is not None

    def record_success(self) -> None:
        """Record that the server accepted a request."""
        self._record(is_busy=False)

    def record_busy(self, rate: float) -> bool:
        """Record a 503 at `rate`. Return whether it asks for a lower rate."""
        self._record(is_busy=True)
        if self._slowed_to is None:
            crowd = min(_MIN_CROWD + _CROWD_PER_SHARE * self._chance_share, _RECENT_ANSWERS)
            return sum(self._recent_busy) >= crowd
        if rate >= self._slowed_to / 2:
            return True
        self._slowed_to = None  # half the rate, and they still come: they are not about the rate
        self._recent_busy.clear()
        return False

    def mark_slowed_to(self, rate: float) -> None:
        """Record the rate that was chosen because of a crowd."""
        self._slowed_to = max(self._slowed_to or 0.0, rate)

    def _record(self, *, is_busy: bool) -> None:
        self._recent_busy.append(is_busy)
        if self._slowed_to is None:
            self._chance_share += (is_busy - self._chance_share) / _CHANCE_ANSWERS
