"""The sandbox's limit on requests a second, counted in each of the ways that gateways have."""

from __future__ import annotations

import math
from collections import deque
from enum import StrEnum


class LimitKind(StrEnum):
    """How a gateway counts the requests of a second."""

    SLIDING = "sliding"  # in any second
    CLOCK = "clock"  # in each second of the clock, so twice the limit can pass around a full second
    BUCKET = "bucket"  # tokens that fill up evenly


class RequestLimit:
    """At most `per_s` requests a second; 0 means no limit. Refused requests do not count.

    A bucket holds at most `bucket_size` tokens, those of a second if it is 0.
    """

    def __init__(
        self, per_s: float, kind: LimitKind = LimitKind.SLIDING, *, bucket_size: float = 0.0
    ) -> None:
        self.per_s = per_s
        self.kind = kind
        self.bucket_size = bucket_size
        self._times: deque[float] = deque()
        self._tokens = math.inf  # a bucket begins full
        self._filled_at = 0.0

    def wait(self, now: float) -> float:
        """Return 0.0 and count the request, or the seconds until it would be allowed."""
        if not self.per_s:
            return 0.0
        return self._take_token(now) if self.kind is LimitKind.BUCKET else self._count_in_second(now)

    def _count_in_second(self, now: float) -> float:
        starts_at = math.floor(now) if self.kind is LimitKind.CLOCK else math.nextafter(now - 1, now)
        while self._times and self._times[0] < starts_at:
            self._times.popleft()
        if len(self._times) < max(1, self.per_s):
            self._times.append(now)
            return 0.0
        return starts_at + 1 - now if self.kind is LimitKind.CLOCK else self._times[0] + 1 - now

    def _take_token(self, now: float) -> float:
        size = max(1.0, self.bucket_size or self.per_s)
        self._tokens = min(size, self._tokens + self.per_s * (now - self._filled_at))
        self._filled_at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self.per_s
        self._tokens -= 1
        return 0.0
