"""Departures: evenly spaced, no burst at the start, never more than N + 1 in any second that slides."""

import itertools
import random
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.sender.rate_limiter import FixedRate, Pacer


def depart(rate, seconds, lateness=lambda: 0.0, pause=None):
    """Departure times when every wake-up is `lateness()` late."""
    now, pacer, left = 0.0, Pacer(FixedRate(rate), 0.0), []
    while now < seconds:
        wait = pacer.delay(now)
        if wait > 0:
            now += wait + lateness()
        else:
            left.append(now)
            if pause and len(left) == 5:
                now += pause
    return left


def most_in_a_second(times):
    """Of times in order: how many there are in the fullest second that begins with one of them."""
    return max(bisect_left(times, at + 1) - first for first, at in enumerate(times))


@pytest.mark.parametrize("rate", [0.5, 1, 3, 7, 50, 333])
def test_the_rate_is_kept_and_no_second_holds_more(rate):
    chance = random.Random(1)
    seconds = 60
    times = depart(rate, seconds, lambda: chance.uniform(0, 0.003))
    assert 0.99 * rate * seconds - 1 <= len(times) <= rate * seconds + 1
    assert most_in_a_second(times) <= rate + 1


def test_there_is_no_burst_at_the_start():
    assert [round(at, 6) for at in depart(10, 0.45)] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_a_pause_is_not_made_good():
    """After ten idle seconds the next ones leave as evenly as ever."""
    times = depart(10, 15, pause=10)
    after = [at for at in times if at >= 10]
    assert all(b - a > 0.099 for a, b in itertools.pairwise(after))


@given(
    st.floats(min_value=0.3, max_value=400),
    st.lists(st.sampled_from([0.0, 0.001, 0.015, 0.019, 0.3, 1.5]), min_size=5, max_size=300),
)
def test_no_pattern_of_late_wake_ups_puts_more_than_n_plus_one_into_a_second(rate, delays):
    late = iter(delays)
    times = []
    now, pacer = 0.0, Pacer(FixedRate(rate), 0.0)
    for extra in late:
        while (wait := pacer.delay(now)) > 0:
            now += wait
        times.append(now)
        now += extra
    assert most_in_a_second(times) <= rate + 1 + 1e-9


def test_catching_up_after_a_late_wake_up_stays_within_the_second():
    """19 ms late at 200 a second are made good, but not all at once: the window keeps its bound."""
    late = iter([0.019])
    times = depart(200, 3, lambda: next(late, 0.0))
    assert most_in_a_second(times) <= 201
    assert len(times) >= 0.99 * 200 * 3
