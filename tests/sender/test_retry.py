"""What follows an attempt, as a table; retries end, and wait with full jitter."""

from __future__ import annotations

import pytest

from importer.errors import BlockedError, KeyRefusedError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.retry import (
    MAX_ATTEMPTS,
    Retry,
    Settle,
    Stop,
    Wait,
    compute_max_backoff_s,
    decide,
)


def build_response(outcome, status=None, retry_after_s=None):
    return CrmResponse(outcome=outcome, status=status, message="", retry_after_s=retry_after_s)


APPLIED = build_response(DeliveryOutcome.APPLIED, 200)
REFUSED = build_response(DeliveryOutcome.REFUSED, 400)
TURNED_AWAY = build_response(DeliveryOutcome.TURNED_AWAY, 403)
THROTTLED = build_response(DeliveryOutcome.NOT_APPLIED, 429)
TOO_EARLY = build_response(DeliveryOutcome.NOT_APPLIED, 425)
MAINTENANCE = build_response(DeliveryOutcome.MAY_HAVE_ARRIVED, 503, retry_after_s=5.0)
BUSY = build_response(DeliveryOutcome.MAY_HAVE_ARRIVED, 503)
LOST = build_response(DeliveryOutcome.MAY_HAVE_ARRIVED)
UNREACHED = build_response(DeliveryOutcome.NOT_APPLIED)
LAST = MAX_ATTEMPTS - 1

TABLE = {
    "applied": (APPLIED, 0, False, Settle(APPLIED)),
    "refused": (REFUSED, 0, False, Settle(REFUSED)),
    "turned away": (TURNED_AWAY, 0, False, Settle(TURNED_AWAY)),
    "applied while the server was away": (APPLIED, 3, True, Settle(APPLIED)),
    "429": (THROTTLED, 0, False, Wait()),
    "429 after four attempts": (THROTTLED, LAST, False, Wait()),
    "425": (TOO_EARLY, 0, False, Wait()),
    "503 with Retry-After": (MAINTENANCE, 0, False, Wait()),
    "503 with Retry-After, after four attempts": (MAINTENANCE, LAST, True, Wait()),
    "503": (BUSY, 0, False, Retry(0.5)),
    "503 while the server is away": (BUSY, 0, True, Wait()),
    "lost": (LOST, 0, False, Retry(0.5)),
    "lost a second time": (LOST, 1, False, Retry(1.0)),
    "lost a third time": (LOST, 2, False, Retry(2.0)),
    "lost a fourth time": (LOST, 3, False, Retry(4.0)),
    "lost a fifth time": (LOST, LAST, False, Settle(LOST)),
    "lost a fifth time while the server is away": (LOST, LAST, True, Wait()),
    "no connection": (UNREACHED, 0, False, Retry(0.5)),
    "no connection, a fifth time": (UNREACHED, LAST, False, Settle(UNREACHED)),
    "no connection while the server is away": (UNREACHED, 0, True, Wait()),
    "no connection while it is away, after four attempts": (UNREACHED, LAST, True, Wait()),
}


@pytest.mark.parametrize(
    ("response", "attempts", "is_server_away", "decision"), TABLE.values(), ids=TABLE.keys()
)
def test_decision(response, attempts, is_server_away, decision):
    """A wait uses up no attempt. The fifth failed attempt settles the row."""
    assert decide(response, attempts=attempts, is_server_away=is_server_away) == decision


@pytest.mark.parametrize("error", [KeyRefusedError("401"), BlockedError("302")], ids=["key", "redirect"])
def test_error_stops_the_run(error):
    """What is not about the row stops the run, however often the row was tried."""
    decision = decide(error, attempts=LAST, is_server_away=True)
    assert isinstance(decision, Stop)
    assert decision.error is error


def test_attempts_end_with_growing_backoffs():
    """A row that always fails gets five attempts, with four waits between them."""
    lost = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=None, message="")
    backoffs_s = []
    decision = decide(lost, attempts=0, is_server_away=False)
    while isinstance(decision, Retry):
        backoffs_s.append(decision.max_backoff_s)
        decision = decide(lost, attempts=len(backoffs_s), is_server_away=False)
    assert decision == Settle(lost)
    assert backoffs_s == [0.5, 1, 2, 4]
    assert len(backoffs_s) + 1 == MAX_ATTEMPTS == 5


@pytest.mark.parametrize(("attempts", "max_backoff_s"), [(1, 0.5), (6, 16.0), (7, 30.0), (20, 30.0)])
def test_backoff_is_bounded(attempts, max_backoff_s):
    """The wait doubles up to half a minute."""
    assert compute_max_backoff_s(attempts) == max_backoff_s
