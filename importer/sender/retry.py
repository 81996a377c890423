"""When an attempt is followed by another, how long after, and when it is enough."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from importer.models.delivery import CrmResponse, DeliveryOutcome

MOST_ATTEMPTS = 5
_FIRST_WAIT_S = 0.5
_MOST_WAIT_S = 30.0
_BUDGET = 100.0
_REFUND = 0.5
THROTTLED = frozenset({425, 429})
"""Answers that say "later", not "no": they are no attempt and never fail a row."""


def is_final(reply: CrmResponse) -> bool:
    """Whether the row is settled by this reply."""
    return reply.outcome in (DeliveryOutcome.APPLIED, DeliveryOutcome.REFUSED, DeliveryOutcome.TURNED_AWAY)


def is_throttled(reply: CrmResponse) -> bool:
    """Whether the server asked for patience."""
    return reply.status in THROTTLED


def attempts(sleep: Callable[[float], Awaitable[None]]) -> AsyncRetrying:
    """Tenacity's part: at most five attempts, full jitter between them (AWS: Exponential Backoff And Jitter)."""
    return AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(MOST_ATTEMPTS),
        wait=wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_MOST_WAIT_S),
        retry=retry_if_result(lambda reply: not is_final(reply)),
        retry_error_callback=last_result,
    )


def last_result(state: RetryCallState) -> Any:
    """What the last try gave."""
    assert state.outcome is not None
    return state.outcome.result()


class RetryBudget:
    """Retries that the whole run may spend; each success earns half a one (AWS SDKs: retry quota).

    A server that is down sees a hundred retries, not five for each row of the file.
    """

    def __init__(self) -> None:
        self._left = _BUDGET

    def earn(self) -> None:
        """A request went well."""
        self._left = min(_BUDGET, self._left + _REFUND)

    def spend(self) -> bool:
        """Take one retry; False where none is left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
