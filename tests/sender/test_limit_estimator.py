"""What the accepted requests before a refusal say about the limit, for each way in which a server may count."""

import pytest

from importer.sender.limit_estimator import LimitEstimator

_LATENCY_S = 0.02


def send_evenly(estimator, rate, start, end):
    """Record requests that are accepted at `rate` from `start` to `end`."""
    count = int((end - start) * rate)
    for n in range(count):
        left_at = start + n / rate
        estimator.record_success(left_at + _LATENCY_S, left_at)


def test_first_refusal_shows_what_the_server_took_in_a_second():
    """Half a second at 10 and half at 40: the window of a sliding second was full with 25."""
    estimator = LimitEstimator(0.0)
    send_evenly(estimator, 10, 0.0, 1.5)
    estimator.record_rate(1.5)
    send_evenly(estimator, 40, 1.5, 2.0)
    estimate = estimator.estimate(2.0, 40, None)
    assert estimate.per_s == pytest.approx(25, abs=1)
    assert not estimate.is_sure


def test_nothing_accepted_between_two_refusals_halves_the_rate():
    """The limit has fallen far: there is nothing to count."""
    estimator = LimitEstimator(0.0)
    send_evenly(estimator, 40, 0.0, 5.0)
    estimator.record_refusal(5.0)
    assert estimator.estimate(5.3, 40, None).per_s == 20


def test_known_stock_is_taken_off():
    """A bucket of 5 that lasts for 10 s at 50 a second fills with 49.5, not with what flowed over the pause too."""
    estimator = LimitEstimator(0.0)
    estimator.record_refusal(0.0)
    send_evenly(estimator, 50, 1.0, 11.0)
    estimate = estimator.estimate(11.0, 50, 5.0)
    assert estimate.per_s == pytest.approx(49.5, rel=1e-3)
    assert estimate.is_sure


def test_unknown_stock_leaves_the_middle():
    """Between no stock at all and a stock that the pause filled."""
    estimator = LimitEstimator(0.0)
    estimator.record_refusal(0.0)
    send_evenly(estimator, 50, 1.0, 3.0)
    estimate = estimator.estimate(3.0, 50, None)
    assert estimate.per_s == pytest.approx((100 / 3 + 50) / 2, rel=0.02)
    assert not estimate.is_sure


def test_answers_that_come_in_during_a_pause_do_not_end_it():
    """They belong to requests that had left before. Once, they made 13 out of a limit of 20."""
    estimator = LimitEstimator(0.0)
    estimator.record_refusal(1.0)
    estimator.record_success(1.1, left_at=0.9)
    assert estimator.paused_s == float("inf")
    estimator.record_success(2.2, left_at=2.0)
    assert estimator.paused_s == pytest.approx(1.2)


def test_rate_refused_again_at_once_is_cut_by_a_tenth_at_least():
    """A bucket that was full after the pause lets a whole second of any rate pass."""
    estimator = LimitEstimator(0.0)
    estimator.record_refusal(0.0)
    send_evenly(estimator, 30, 1.0, 2.0)
    assert estimator.estimate(2.0, 30, None).per_s == pytest.approx(27)
