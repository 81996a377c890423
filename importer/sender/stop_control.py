"""Whether the run must stop: because of its first error, or because a person asked for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum

_MIN_SLEEP_S = (
    1e-6  # a wait that rounding makes too small to move the clock would be asked for again without end
)
_MAX_SLEEP_S = 0.25  # how late a sleeping worker may notice that the run stops


class StopRequest(Enum):
    """What a person asks for: nothing, Ctrl-C once (finish the requests under way), or twice (stop now)."""

    NO = 0
    DRAIN = 1
    NOW = 2


class RowAbandoned(Exception):
    """The run stops while a row waits: its worker gives it up."""


class StopControl:
    """The one place that knows why a run stops, and the sleep that ends when it does."""

    def __init__(
        self,
        get_stop_request: Callable[[], StopRequest],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.error: Exception | None = None
        self._get_stop_request = get_stop_request
        self._clock = clock
        self._sleep = sleep

    @property
    def is_stopping(self) -> bool:
        """Whether no new request may leave."""
        return self.error is not None or self._get_stop_request() is not StopRequest.NO

    @property
    def is_requested(self) -> bool:
        """Whether a person asked to stop."""
        return self._get_stop_request() is not StopRequest.NO

    @property
    def is_immediate(self) -> bool:
        """Whether requests under way are not waited for either."""
        return self._get_stop_request() is StopRequest.NOW

    def record_error(self, error: Exception) -> None:
        """Stop the run with this error, unless an earlier one stops it already."""
        self.error = self.error or error

    async def sleep_unless_stopping(self, seconds: float) -> None:
        """Sleep. Raise RowAbandoned as soon as the run stops."""
        until = self._clock() + max(seconds, _MIN_SLEEP_S)
        while True:
            if self.is_stopping:
                raise RowAbandoned
            if (left_s := until - self._clock()) <= 0:
                return
            await self._sleep(min(left_s, _MAX_SLEEP_S))
