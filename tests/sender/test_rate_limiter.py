"""Departures are evenly spaced: no burst at the start, never more than N + 1 in any sliding second."""

import itertools
import random
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.sender.rate_limiter import FixedRate, Pacer


def list_departures(rate, seconds, get_delay=lambda: 0.0, pause=None):
    """Return the departure times when every wake-up is `get_delay()` late."""
    now, pacer, departures = 0.0, Pacer(FixedRate(rate), 0.0), []
    while now < seconds:
        wait = pacer.reserve_departure(now)
        if wait > 0:
            now += wait + get_delay()
        else:
            departures.append(now)
            if pause and len(departures) == 5:
                now += pause
    return departures


def count_fullest_second(times):
    """Return how many of the sorted times are in the fullest second that begins with one of them."""
    return max(bisect_left(times, at + 1) - first for first, at in enumerate(times))


@pytest.mark.parametrize("rate", [0.5, 1, 3, 7, 50, 333])
def test_rate_is_kept_in_every_second(rate):
    """The rate is reached, and no sliding second has more than N + 1 departures."""
    rng = random.Random(1)
    seconds = 60
    times = list_departures(rate, seconds, lambda: rng.uniform(0, 0.003))
    assert 0.99 * rate * seconds - 1 <= len(times) <= rate * seconds + 1
    assert count_fullest_second(times) <= rate + 1


def test_no_burst_at_the_start():
    """The first requests are spaced like all others."""
    assert [round(at, 6) for at in list_departures(10, 0.45)] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_pause_is_not_caught_up():
    """After ten idle seconds the next requests are spaced as before."""
    times = list_departures(10, 15, pause=10)
    after = [at for at in times if at >= 10]
    assert all(b - a > 0.099 for a, b in itertools.pairwise(after))


@given(
    st.floats(min_value=0.3, max_value=400),
    st.lists(st.sampled_from([0.0, 0.001, 0.015, 0.019, 0.3, 1.5]), min_size=5, max_size=300),
)
def test_no_pattern_of_late_wake_ups_makes_a_burst(rate, delays):
    """Whatever the delays, no sliding second has more than N + 1 departures."""
    times = []
    now, pacer = 0.0, Pacer(FixedRate(rate), 0.0)
    for delay in delays:
        while (wait := pacer.reserve_departure(now)) > 0:
            now += wait
        times.append(now)
        now += delay
    assert count_fullest_second(times) <= rate + 1 + 1e-9


def test_late_wake_up_is_caught_up_without_a_burst():
    """19 ms late at 200 a second are caught up, within the bound of the sliding second."""
    delays = iter([0.019])
    times = list_departures(200, 3, lambda: next(delays, 0.0))
    assert count_fullest_second(times) <= 201
    assert len(times) >= 0.99 * 200 * 3
