"""Rows on which the CRM always fails end by themselves and hold up nobody. A real outage still uses up no row."""

import itertools

import pytest

from importer.errors import ServerUnavailableError
from importer.models.status import RowStatus
from importer.sender.circuit_breaker import MAX_FAILED_ROWS
from importer.sender.retry import MAX_ATTEMPTS
from tests.sender.poisoned_rows import KINDS, LATENCY_S, TIMEOUT_S, PoisonedServer, measure

RATE = 20.0
WORKERS = 50
MIN_SHARE = 0.8  # of the pace that first attempts allow


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_others_flow_beside_poisoned_rows(kind, share):
    """They cost one request each before the last healthy row is in, and five in all. Where they hang, also the workers."""
    rows = 600
    poisoned = int(rows * share)
    flow = measure(kind, share, rows=rows, rate=RATE, concurrency=WORKERS, limit_s=20_000)
    assert flow.end is True
    assert flow.statuses == {RowStatus.ACCEPTED: rows - poisoned, RowStatus.UNKNOWN: poisoned}
    assert all(flow.attempts[number] == MAX_ATTEMPTS for number in flow.server.poisoned)
    assert flow.requests == rows - poisoned + MAX_ATTEMPTS * poisoned
    hanging_s = poisoned * TIMEOUT_S / WORKERS if kind == "hang" else 0.0
    assert flow.healthy_s <= max(rows / RATE, hanging_s) / MIN_SHARE
    last_row_s = MAX_ATTEMPTS * (TIMEOUT_S if kind == "hang" else LATENCY_S) + 0.5 + 1 + 2 + 4
    all_s = max(flow.requests / RATE, MAX_ATTEMPTS * hanging_s)
    assert flow.seconds <= all_s / MIN_SHARE + last_row_s


def test_thirty_of_three_hundred_rows():
    """They took 1,432 s of what takes 21 s (FINDINGS, Independent checks)."""
    flow = measure("reset after", 0.1, rows=300, rate=RATE, limit_s=2_000)
    assert flow.end is True
    assert flow.seconds < (270 + 5 * 30) / RATE + 8


@pytest.mark.parametrize("kind", KINDS)
def test_outage_beside_poisoned_rows_uses_up_no_row(kind):
    """The control: for two minutes nothing answers. One question at a time is asked, and nobody else ends `unknown`."""
    rows, begin, end = 1000, 20.0, 140.0
    server = PoisonedServer(kind, 0.1, rows, is_down=lambda now: begin < now < end)
    flow = measure(kind, 0.1, rows=rows, rate=RATE, server=server, limit_s=20_000)
    assert flow.end is True
    assert flow.statuses == {RowStatus.ACCEPTED: 900, RowStatus.UNKNOWN: 100}
    known_s = begin + server.failure_s + 3
    asked_at = [at for at in server.asked_at if known_s < at < end]
    assert 2 <= len(asked_at) <= 15
    assert all(later - earlier >= server.failure_s for earlier, later in itertools.pairwise(asked_at))
    assert not [at for at in server.sent_at if known_s + TIMEOUT_S < at < end]


def test_outage_after_the_last_first_attempt_uses_up_no_row():
    """Only rows that failed before are left. Their attempts during the outage do not count, however often they fail."""
    rows = 40
    server = PoisonedServer("reset after", 0.0, rows, is_down=lambda now: 1.0 < now < 300.0)
    flow = measure("reset after", 0.0, rows=rows, rate=RATE, server=server)
    assert flow.statuses == {RowStatus.ACCEPTED: rows}


def test_all_rows_of_a_small_sheet_are_poisoned():
    """The CRM gives its lists, so each row ends by itself."""
    flow = measure("500", 1.0, rows=20, rate=RATE, limit_s=1_000)
    assert flow.statuses == {RowStatus.UNKNOWN: 20}
    assert flow.seconds < 20


def test_crm_that_takes_no_lead_does_not_use_up_the_sheet():
    """It gives its lists, but fails on every row: after fifty rows, one at a time is tried, and --max-wait ends it."""
    server = PoisonedServer("500", 0.0, 2000, is_down=lambda now: now > 5)
    server.asks_get_answers = True
    flow = measure("500", 0.0, rows=2000, rate=RATE, server=server, max_wait_s=300)
    assert isinstance(flow.end, ServerUnavailableError)
    assert "gives its lists but takes no lead: it answers 500" in flow.end.message
    assert flow.statuses == {RowStatus.ACCEPTED: len(server.accepted_at)}
    assert len(server.sent_at) - len(server.accepted_at) < MAX_FAILED_ROWS + 40


def test_crm_that_takes_leads_again_gets_the_rest():
    """After two minutes in which it took none. Nothing is lost but the attempts of the first fifty rows."""
    server = PoisonedServer("500", 0.0, 2000, is_down=lambda now: 5 < now < 125)
    server.asks_get_answers = True
    flow = measure("500", 0.0, rows=2000, rate=RATE, server=server)
    assert flow.statuses == {RowStatus.ACCEPTED: 2000}
