"""Retries of a row end, wait with full jitter, and share a budget."""

import pytest

from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.attempt_decision import Retry, Settle, decide
from importer.sender.retry import MAX_ATTEMPTS, RetryBudget, compute_max_backoff_s


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


def test_budget_is_a_hundred_retries():
    """A dead server receives a hundred retries in all; two successes earn one more."""
    budget = RetryBudget()
    assert sum(budget.spend() for _ in range(10_000)) == 100
    budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()
