"""The one gate: pauses hold everybody, an outage lets one at a time ask, and patience ends."""

import asyncio
import random

import pytest

from importer.errors import ServerUnavailableError
from importer.sender.circuit_breaker import CircuitBreaker
from importer.sender.retry import MOST_ATTEMPTS


class Time:
    """A clock that sleeping moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def gate(time):
    return CircuitBreaker(max_wait_s=900, clock=time, sleep=time.sleep, chance=random.Random(1))


def passed_at(gate, time):
    asyncio.run(gate.opened())
    gate.leaving()
    return time.now


def test_it_is_open_at_first(gate, time):
    assert passed_at(gate, time) == 0
    assert gate.waiting_s == 0


def test_a_retry_after_is_waited_out(gate, time):
    gate.pushed_back(7.0)
    assert gate.waiting_s == 7
    assert passed_at(gate, time) == 7


def test_the_longest_retry_after_holds(gate, time):
    gate.pushed_back(7.0)
    gate.pushed_back(2.0)
    assert passed_at(gate, time) == 7


def test_refusals_without_one_wait_a_second_then_longer(gate, time):
    waits = []
    for _ in range(8):
        gate.pushed_back(None)
        waits.append(gate.waiting_s)
        passed_at(gate, time)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_server_that_says_now_again_and_again_is_asked_once_a_second(gate, time):
    """`Retry-After: 0` without end is no leave for a storm."""
    waits = []
    for _ in range(8):
        gate.pushed_back(0.0)
        waits.append(gate.waiting_s)
        passed_at(gate, time)
    assert waits == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1, 1, 1])


@pytest.mark.parametrize("asked", [None, 0.0])
def test_a_patient_run_is_pushed_back_more_than_a_thousand_times(time, asked):
    """The wait was a power of two of their number, and the 1025th ended the run as a fault of ours."""
    gate = CircuitBreaker(max_wait_s=7 * 24 * 3600, clock=time, sleep=time.sleep, chance=random.Random(1))
    for _ in range(1200):
        gate.pushed_back(asked)
        passed_at(gate, time)
    gate.pushed_back(asked)
    assert gate.waiting_s == (60 if asked is None else 1)


def test_several_refusals_of_one_moment_count_once(gate):
    for _ in range(50):
        gate.pushed_back(None)
    assert gate.waiting_s == 1


def test_an_answer_that_was_under_way_when_it_shut_holds_it_no_longer(gate, time):
    """It tells of the same moment, however late it comes."""
    gate.pushed_back(None)
    time.now += 0.5
    gate.pushed_back(None)
    assert gate.waiting_s == 0.5


def test_a_success_forgets(gate, time):
    gate.pushed_back(None)
    passed_at(gate, time)
    gate.took()
    gate.pushed_back(None)
    assert gate.waiting_s == 1


def test_a_retry_after_beyond_patience_stops_and_names_the_time(gate):
    with pytest.raises(
        ServerUnavailableError, match=r"asks to wait until \d\d:\d\d on .*longer than --max-wait 900"
    ):
        gate.pushed_back(901.0)


def test_pushing_back_for_ever_stops(gate, time):
    with pytest.raises(ServerUnavailableError):
        for _ in range(1000):
            gate.pushed_back(30.0)
            passed_at(gate, time)
    assert 800 < time.now <= 930


def test_a_few_lost_connections_do_not_shut_it(gate):
    for _ in range(7):
        gate.failed(found_nobody=False, out_of_budget=False)
    assert not gate.is_away
    assert gate.waiting_s == 0


def test_many_in_a_row_mean_that_the_server_is_away(gate, time):
    for _ in range(8):
        gate.failed(found_nobody=False, out_of_budget=False)
    assert gate.is_away
    assert 0.25 <= gate.waiting_s <= 0.5
    gate.took()
    assert not gate.is_away


def test_a_few_connections_that_do_not_come_about_mean_it_sooner(gate):
    """Fewer than a row has attempts: a network that is gone uses no row up."""
    for _ in range(MOST_ATTEMPTS - 1):
        assert not gate.is_away
        gate.failed(found_nobody=True, out_of_budget=False)
    assert gate.is_away


def test_a_spent_budget_means_the_same(gate):
    gate.failed(found_nobody=False, out_of_budget=True)
    assert gate.is_away


def test_while_away_only_one_at_a_time_asks(gate, time):
    for _ in range(8):
        gate.failed(found_nobody=False, out_of_budget=False)

    async def two():
        await gate.opened()
        gate.leaving()
        second = asyncio.create_task(gate.opened())
        await asyncio.sleep(0.01)
        assert not second.done()
        gate.took()
        await asyncio.wait_for(second, 1)

    gate._sleep = lambda seconds: time.sleep(seconds) if seconds > 0.1 else asyncio.sleep(0.001)
    asyncio.run(two())


def test_who_only_waits_is_not_the_one_that_asks(gate, time):
    """To wait for the pace between the gate and the departure takes nobody's turn, one's own least."""
    for _ in range(8):
        gate.failed(found_nobody=False, out_of_budget=False)

    async def waits_twice():
        await gate.opened()
        await asyncio.wait_for(gate.opened(), 1)

    gate._sleep = lambda seconds: time.sleep(seconds) if seconds > 0.1 else asyncio.sleep(0.001)
    asyncio.run(waits_twice())


def test_failures_that_take_long_are_part_of_the_outage(gate, time):
    """Eight answers that each took half a minute to be given up: patience has begun with the first."""
    with pytest.raises(ServerUnavailableError):
        for _ in range(31):
            gate.failed(found_nobody=False, out_of_budget=False)
            time.now += 30
            asyncio.run(gate.opened())


@pytest.mark.parametrize(
    ("found_nobody", "status", "words"),
    [
        (True, None, "The CRM cannot be reached; the next try would be at"),
        (False, None, "The CRM does not answer; the next try"),
        (False, 500, "The CRM answers 500; the next try"),
    ],
)
def test_an_outage_beyond_patience_stops_and_says_what_it_was(gate, time, found_nobody, status, words):
    with pytest.raises(ServerUnavailableError, match=words):
        for _ in range(1000):
            gate.failed(found_nobody=found_nobody, out_of_budget=False, status=status)
            passed_at(gate, time)
    assert 700 < time.now <= 960


def test_a_server_that_asks_to_wait_amid_an_outage_is_said_to_ask(gate):
    for _ in range(8):
        gate.failed(found_nobody=True, out_of_budget=False)
    with pytest.raises(ServerUnavailableError, match="asks to wait until"):
        gate.pushed_back(2000.0)


def test_few_requests_knock_at_a_dead_server(gate, time):
    """Fifteen minutes of outage see some thirty probes, not a storm."""
    knocks = 0
    with pytest.raises(ServerUnavailableError):
        while True:
            gate.failed(found_nobody=False, out_of_budget=False)
            knocks += 1
            passed_at(gate, time)
    assert knocks < 50
