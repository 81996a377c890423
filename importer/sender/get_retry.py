"""Decide which reads are sent again, and when: nothing is written by them, so a lost answer costs only time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_result, wait_random_exponential

from importer.models.delivery import CrmResponse
from importer.sender.circuit_breaker import compute_hold_s
from importer.sender.retry import is_throttled

_MAX_GETS = 4
_FIRST_GET_JITTER_S = 0.3
_MAX_GET_JITTER_S = 5.0

Sleep = Callable[[float], Awaitable[None]]


def build_get_retrying(sleep: Sleep, max_wait_s: float) -> AsyncRetrying:
    """Return what repeats a read: while the CRM asks to wait, for `max_wait_s` in all; otherwise four times."""
    jitter = wait_random_exponential(multiplier=_FIRST_GET_JITTER_S, max=_MAX_GET_JITTER_S)

    def compute_wait_s(state: RetryCallState) -> float:
        return max(_find_hold_s(state) or 0.0, jitter(state))

    def is_enough(state: RetryCallState) -> bool:
        hold_s = _find_hold_s(state)
        if hold_s is None:
            return state.attempt_number >= _MAX_GETS
        return state.idle_for + hold_s > max_wait_s

    return AsyncRetrying(
        sleep=sleep,
        retry=retry_if_result(lambda found: is_retryable_get(found[0])),
        wait=compute_wait_s,
        stop=is_enough,
        retry_error_callback=_get_last_result,
    )


def _get_last_result(state: RetryCallState) -> Any:
    assert state.outcome is not None
    return state.outcome.result()


def _find_hold_s(state: RetryCallState) -> float | None:
    """Return the wait that the server asks for. As in the circuit breaker, 429 without a time means 1, 2, 4 s ..."""
    response: CrmResponse = _get_last_result(state)[0]
    if response.retry_after_s is None and is_throttled(response):
        return compute_hold_s(state.attempt_number)
    return response.retry_after_s


def is_retryable_get(response: CrmResponse) -> bool:
    """Return whether a read may succeed if it is sent again."""
    if response.status is None or response.is_web_page:
        return True
    return response.status in (408, 425, 429) or response.status >= 500
