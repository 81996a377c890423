"""Decide what happens to a row after an attempt, and how long it waits."""

from __future__ import annotations

import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TypeAlias

import httpx
import msgspec

from importer.errors import ImporterError
from importer.models.delivery import CrmResponse, DeliveryOutcome

MAX_ATTEMPTS = 5
_FIRST_BACKOFF_S = 0.5
_MAX_BACKOFF_S = 30.0
_MAX_RETRY_AFTER_S = 7 * 24 * 3600.0
_SECONDS = re.compile(r"[0-9]{1,400}(\.[0-9]*)?")  # ASCII digits only: float() also accepts "inf" and "1e3"

_FINAL_OUTCOMES = (DeliveryOutcome.APPLIED, DeliveryOutcome.REFUSED, DeliveryOutcome.TURNED_AWAY)

THROTTLED_STATUSES = frozenset({425, 429})
"""Answers that say "later", not "no". They use up no attempt and never fail a row."""


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
    """Decide by the answer to an attempt, `attempts` that counted before it, and the circuit breaker's verdict.

    An attempt that failed while the server is known to be away does not count: an outage must not use up a row.
    """
    if isinstance(answer, ImporterError):
        return Stop(answer)
    if is_final(answer):
        return Settle(answer)
    if is_hold(answer) or is_server_away:
        return Wait()
    if is_last_attempt(attempts):
        return Settle(answer)
    return Retry(compute_max_backoff_s(attempts + 1))


def is_last_attempt(attempts: int) -> bool:
    """Return whether a row is given up if its next attempt fails, after `attempts` that counted."""
    return attempts + 1 >= MAX_ATTEMPTS


def is_final(response: CrmResponse) -> bool:
    """Return whether this response settles its row."""
    return response.outcome in _FINAL_OUTCOMES


def is_throttled(response: CrmResponse) -> bool:
    """Return whether the server says that requests come too fast."""
    return response.status in THROTTLED_STATUSES


def is_hold(response: CrmResponse) -> bool:
    """Return whether the server asks every worker to wait, with or without a Retry-After."""
    return is_throttled(response) or response.retry_after_s is not None


def compute_max_backoff_s(attempts: int) -> float:
    """Return the longest wait after `attempts` failed attempts: 0.5, 1, 2, 4 s ...

    The caller waits a random part of it (AWS: Exponential Backoff And Jitter, "full jitter").
    """
    return min(_FIRST_BACKOFF_S * 2.0 ** (attempts - 1), _MAX_BACKOFF_S)


def parse_retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds of a Retry-After header, None where it is missing or unreadable.

    The header holds seconds or a date. A date is compared with the server's own clock (its Date header).
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text) if _SECONDS.fullmatch(text) else _count_seconds_until(text, headers.get("date"))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S)


def _count_seconds_until(date: str, server_now: str | None) -> float:
    return _parse_date(date) - (_parse_date(server_now) if server_now else time.time())


def _parse_date(date: str) -> float:
    """Return seconds since 1970. HTTP dates are UTC, also in the old form without a zone (RFC 9110, 5.6.7)."""
    moment = parsedate_to_datetime(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
