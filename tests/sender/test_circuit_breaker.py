"""The circuit breaker: a hold pauses every request, an outage lets one probe at a time leave, --max-wait ends both."""

import asyncio
import random

import pytest

from importer.errors import ServerUnavailableError
from importer.sender.circuit_breaker import BreakerState, CircuitBreaker
from importer.sender.retry import MAX_ATTEMPTS


class FakeTime:
    """A clock that sleeping moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def breaker(time):
    return CircuitBreaker(max_wait_s=900, clock=time, sleep=time.sleep, rng=random.Random(1))


def depart(breaker, time):
    """Let one request leave, and return when it does."""
    asyncio.run(breaker.wait_until_allowed())
    breaker.record_departure()
    return time.now


def record_failures(breaker, count, *, is_unreached=False):
    for _ in range(count):
        breaker.record_failure(is_unreached=is_unreached, is_budget_spent=False)


def test_closed_at_first(breaker, time):
    """Nothing waits before the first request."""
    assert depart(breaker, time) == 0
    assert breaker.remaining_wait_s == 0


# --- holds


def test_retry_after_is_waited_out(breaker, time):
    """A Retry-After holds all requests for as long as it says."""
    breaker.hold(7.0)
    assert breaker.remaining_wait_s == 7
    assert depart(breaker, time) == 7


def test_longest_retry_after_counts(breaker, time):
    """A shorter Retry-After does not end a longer one."""
    breaker.hold(7.0)
    breaker.hold(2.0)
    assert depart(breaker, time) == 7


def test_holds_without_retry_after_double(breaker, time):
    """A 429 without a time waits 1, 2, 4 s and so on, at most 60 s."""
    waits_s = []
    for _ in range(8):
        breaker.hold(None)
        waits_s.append(breaker.remaining_wait_s)
        depart(breaker, time)
    assert waits_s == [1, 2, 4, 8, 16, 32, 60, 60]


def test_retry_after_zero_is_asked_once_a_second(breaker, time):
    """Endless `Retry-After: 0` must not cause a storm of requests."""
    waits_s = []
    for _ in range(8):
        breaker.hold(0.0)
        waits_s.append(breaker.remaining_wait_s)
        depart(breaker, time)
    assert waits_s == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1, 1, 1])


@pytest.mark.parametrize(("retry_after_s", "wait_s"), [(None, 60), (0.0, 1)])
def test_more_than_a_thousand_holds_do_not_overflow(time, retry_after_s, wait_s):
    """The wait is a power of two of their number: the 1025th once ended the run with an internal error."""
    breaker = CircuitBreaker(max_wait_s=7 * 24 * 3600, clock=time, sleep=time.sleep, rng=random.Random(1))
    for _ in range(1200):
        breaker.hold(retry_after_s)
        depart(breaker, time)
    breaker.hold(retry_after_s)
    assert breaker.remaining_wait_s == wait_s


def test_simultaneous_refusals_count_once(breaker):
    """Fifty workers that are refused at once cause one hold."""
    for _ in range(50):
        breaker.hold(None)
    assert breaker.remaining_wait_s == 1


def test_late_refusal_does_not_lengthen_the_hold(breaker, time):
    """An answer to a request that left before the hold says nothing new."""
    breaker.hold(None)
    time.now += 0.5
    breaker.hold(None)
    assert breaker.remaining_wait_s == 0.5


def test_success_resets_the_holds(breaker, time):
    """After a success the next hold is short again."""
    breaker.hold(None)
    depart(breaker, time)
    breaker.record_success()
    breaker.hold(None)
    assert breaker.remaining_wait_s == 1


def test_retry_after_beyond_max_wait_stops_and_names_the_time(breaker):
    """The run stops at once, and says until when the CRM asks us to wait."""
    with pytest.raises(
        ServerUnavailableError,
        match=r"asks us to wait until \d+ \w+ 20\d\d, \d+:\d\d [ap]m.*longer than --max-wait 900",
    ):
        breaker.hold(901.0)


def test_endless_holds_stop(breaker, time):
    """Holds without a success between them add up to --max-wait."""
    with pytest.raises(ServerUnavailableError):
        for _ in range(1000):
            breaker.hold(30.0)
            depart(breaker, time)
    assert 800 < time.now <= 930


# --- outages


def test_few_lost_connections_do_not_open(breaker):
    """Seven lost answers may be chance."""
    record_failures(breaker, 7)
    assert not breaker.is_server_away
    assert breaker.remaining_wait_s == 0


def test_many_failures_open(breaker):
    """Eight failures without a success mean that the server is away; one success closes again."""
    record_failures(breaker, 8)
    assert breaker.state is BreakerState.OPEN
    assert 0.25 <= breaker.remaining_wait_s <= 0.5
    breaker.record_success()
    assert breaker.state is BreakerState.CLOSED


def test_failed_connects_open_sooner(breaker):
    """Fewer than a row has attempts: a network that is down uses up no row."""
    for _ in range(MAX_ATTEMPTS - 1):
        assert not breaker.is_server_away
        breaker.record_failure(is_unreached=True, is_budget_spent=False)
    assert breaker.is_server_away


def test_spent_budget_opens(breaker):
    """Where no retry is left, the server counts as away."""
    breaker.record_failure(is_unreached=False, is_budget_spent=True)
    assert breaker.is_server_away


def test_only_one_probe_at_a_time(breaker, time):
    """While the server is away, the next request waits for the answer to the probe."""
    record_failures(breaker, 8)

    async def probe_and_wait():
        await breaker.wait_until_allowed()
        breaker.record_departure()
        assert breaker.is_half_open
        second = asyncio.create_task(breaker.wait_until_allowed())
        await asyncio.sleep(0.01)
        assert not second.done()
        breaker.record_success()
        await asyncio.wait_for(second, 1)

    breaker._sleep = lambda seconds: time.sleep(seconds) if seconds > 0.1 else asyncio.sleep(0.001)
    asyncio.run(probe_and_wait())


@pytest.mark.parametrize("end", ["hold", "failure"])
def test_unsuccessful_probe_opens_again(breaker, time, end):
    """After it, the next probe may leave when its wait is over."""
    record_failures(breaker, 8)
    depart(breaker, time)
    if end == "hold":
        breaker.hold(5.0)
    else:
        record_failures(breaker, 1)
    assert breaker.state is BreakerState.OPEN
    depart(breaker, time)
    assert breaker.is_half_open


def test_waiting_worker_is_not_the_probe(breaker, time):
    """A worker may wait for the rate after the breaker: it is the probe only once its request leaves."""
    record_failures(breaker, 8)

    async def wait_twice():
        await breaker.wait_until_allowed()
        await asyncio.wait_for(breaker.wait_until_allowed(), 1)

    breaker._sleep = lambda seconds: time.sleep(seconds) if seconds > 0.1 else asyncio.sleep(0.001)
    asyncio.run(wait_twice())


def test_slow_failures_are_part_of_the_outage(breaker, time):
    """Each answer took half a minute to be given up: the outage began with the first of them."""
    with pytest.raises(ServerUnavailableError):
        for _ in range(31):
            breaker.record_failure(is_unreached=False, is_budget_spent=False)
            time.now += 30
            asyncio.run(breaker.wait_until_allowed())


@pytest.mark.parametrize(
    ("is_unreached", "status", "words"),
    [
        (True, None, "The CRM cannot be reached; the next try at"),
        (False, None, "The CRM does not answer; the next try"),
        (False, 500, "The CRM answers 500; the next try"),
    ],
    ids=["no connection", "no answer", "status 500"],
)
def test_outage_beyond_max_wait_stops_and_says_why(breaker, time, is_unreached, status, words):
    """The error says what the server did."""
    with pytest.raises(ServerUnavailableError, match=words):
        for _ in range(1000):
            breaker.record_failure(is_unreached=is_unreached, is_budget_spent=False, status=status)
            depart(breaker, time)
    assert 700 < time.now <= 960


def test_hold_during_an_outage_is_named_as_a_hold(breaker):
    """A server that asks us to wait answers again: the error must not say that it is away."""
    record_failures(breaker, 8, is_unreached=True)
    with pytest.raises(ServerUnavailableError, match="asks us to wait until"):
        breaker.hold(2000.0)


def test_dead_server_receives_few_requests(breaker, time):
    """Fifteen minutes of outage see some thirty probes, not a storm."""
    requests = 0
    with pytest.raises(ServerUnavailableError):
        while True:
            breaker.record_failure(is_unreached=False, is_budget_spent=False)
            requests += 1
            depart(breaker, time)
    assert requests < 50
