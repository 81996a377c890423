"""Decide what happens to a row after an attempt: settle it, wait, retry, or stop the run."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from importer.errors import ImporterError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.retry import MAX_ATTEMPTS, compute_max_backoff_s, is_final, is_hold


class Settle(msgspec.Struct, frozen=True):
    """The response is the row's result."""

    response: CrmResponse


class Wait(msgspec.Struct, frozen=True):
    """Send the row again when the circuit breaker allows it. This attempt does not count."""


class Retry(msgspec.Struct, frozen=True):
    """This attempt counts. Send the row again after a random wait of at most `max_backoff_s`."""

    max_backoff_s: float


class Stop(msgspec.Struct, frozen=True):
    """Stop the run: the key is refused, or something other than the API answers."""

    error: ImporterError


Decision: TypeAlias = Settle | Wait | Retry | Stop


def decide(answer: CrmResponse | ImporterError, *, attempts: int, is_server_away: bool) -> Decision:
    """Decide by the answer to an attempt, `attempts` that counted before it, and the circuit breaker's state.

    A request that finds no server while the server is known to be away does not count: an outage must not use up
    a row's attempts.
    """
    if isinstance(answer, ImporterError):
        return Stop(answer)
    if is_final(answer):
        return Settle(answer)
    is_unreached = answer.outcome is DeliveryOutcome.NOT_APPLIED
    if is_hold(answer) or (is_server_away and is_unreached):
        return Wait()
    if attempts + 1 >= MAX_ATTEMPTS:
        return Settle(answer)
    return Retry(compute_max_backoff_s(attempts + 1))
