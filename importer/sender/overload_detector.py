"""Whether a 503 that names no time is about the pace: some servers say "too fast" so (nginx's limit_req), others just fail."""

from __future__ import annotations

from collections import deque

_RECENT = 20  # answers
_CROWD = 5
_CROWD_PER_SHARE = 50  # for each hundredth of answers that are 503 by chance, half a one more
_MEMORY = 200  # answers by which chance is known


class OverloadDetector:
    """Counts them. Who is used too fast refuses in crowds, and no more when it is used less fast.

    Who fails now and then does so at any pace: then a crowd was chance, and must be a larger one next time.
    """

    def __init__(self) -> None:
        self._recent: deque[bool] = deque(maxlen=_RECENT)
        self._by_chance = 0.0  # share of the answers
        self._slowed_to: float | None = None

    @property
    def is_heeded(self) -> bool:
        """Whether each of them counts, for a crowd was met."""
        return self._slowed_to is not None

    def took(self) -> None:
        """The server took a request."""
        self._met(busy=False)

    def is_about_the_pace(self, rate: float) -> bool:
        """Whether this one asks for a pace below `rate`."""
        self._met(busy=True)
        if self._slowed_to is None:
            return sum(self._recent) >= min(_CROWD + _CROWD_PER_SHARE * self._by_chance, _RECENT)
        if rate >= self._slowed_to / 2:
            return True
        self._slowed_to = None  # half as fast, and it goes on
        self._recent.clear()
        return False

    def slowed_to(self, rate: float) -> None:
        """The pace that was taken for it."""
        self._slowed_to = max(self._slowed_to or 0.0, rate)

    def _met(self, *, busy: bool) -> None:
        self._recent.append(busy)
        if self._slowed_to is None:
            self._by_chance += (busy - self._by_chance) / _MEMORY
