"""The circuit breaker: a hold pauses every request, one question at a time asks for an absent server, --max-wait ends both."""

import asyncio
import itertools
import random

import pytest

from importer.errors import ServerUnavailableError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.circuit_breaker import MAX_FAILED_ROWS, BreakerState, CircuitBreaker, RowFailure
from importer.sender.retry import MAX_ATTEMPTS
from importer.sender.stop_control import RowAbandoned, StopControl, StopRequest

LOST = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=None, message="lost")
DOWN = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=None, message="down")
BROKEN = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=500, message="broken")
GARBLED = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=200, message="an HTML page")


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


def record_failures(breaker, count, response=LOST, *, left_at=0.0, is_first=True, needs_proof=False):
    for _ in range(count):
        is_unreached = response is DOWN
        breaker.record_row_failure(
            RowFailure(
                left_at=left_at,
                response=response,
                is_unreached=is_unreached,
                is_first=is_first,
                needs_proof=needs_proof,
            )
        )


def ask(breaker, time, answer):
    """Let the next probe leave, record its answer, and return when it left."""
    asyncio.run(breaker.wait_until_probe_is_due())
    asked_at = time.now
    if answer is None:
        breaker.record_probe_success(asked_at)
    else:
        breaker.record_probe_failure(answer, asked_at, is_unreached=answer is DOWN)
    return asked_at


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


# --- is the server there?


def test_few_lost_connections_ask_nothing(breaker):
    """Seven lost answers may be chance."""
    record_failures(breaker, 7)
    assert breaker.state is BreakerState.CLOSED


def test_many_failures_ask_for_a_list(breaker, time):
    """Eight failures without a success between them: a list is asked for at once, and no row leaves before its answer."""
    record_failures(breaker, 8)
    assert breaker.state is BreakerState.HALF_OPEN
    assert not breaker.is_server_away
    assert ask(breaker, time, None) == 0
    assert breaker.state is BreakerState.CLOSED


def test_failed_connects_ask_sooner(breaker):
    """Fewer than a row has attempts: a network that is down uses up no row."""
    record_failures(breaker, MAX_ATTEMPTS - 2, DOWN)
    assert breaker.state is BreakerState.CLOSED
    record_failures(breaker, 1, DOWN)
    assert breaker.state is BreakerState.HALF_OPEN


def test_row_is_not_given_up_unasked(breaker):
    """A single row may meet an outage five times: before its last attempt counts, the server must answer somebody."""
    record_failures(breaker, 1, is_first=False, needs_proof=True)
    assert breaker.state is BreakerState.HALF_OPEN


def test_success_since_its_departure_blames_the_row(breaker, time):
    """The server answered another row after the request had left: the failure says nothing about the server."""
    time.now = 5.0
    breaker.record_success()
    record_failures(breaker, 20, left_at=4.9, needs_proof=True)
    assert breaker.state is BreakerState.CLOSED
    record_failures(breaker, 8, left_at=5.1)
    assert breaker.state is BreakerState.HALF_OPEN


def test_repeated_attempts_say_little_for_a_moment(breaker, time):
    """Rows that always fail must not cause a question each. A second after the last answer they count too."""
    breaker.record_success()
    record_failures(breaker, 20, left_at=0.9, is_first=False)
    assert breaker.state is BreakerState.CLOSED
    record_failures(breaker, 8, left_at=1.1, is_first=False)
    assert breaker.state is BreakerState.HALF_OPEN


def test_failed_connect_is_never_about_a_row(breaker):
    """Nothing of the row has left this computer, so repeated attempts count at once."""
    breaker.record_success()
    record_failures(breaker, 4, DOWN, left_at=0.1, is_first=False)
    assert breaker.state is BreakerState.HALF_OPEN


def test_probes_take_a_small_part_of_the_time(breaker, time):
    """A probe that took 2 s is trusted for 40 s."""
    record_failures(breaker, 8)
    time.now = 2.0
    breaker.record_probe_success(0.0)
    record_failures(breaker, 20, left_at=41.0, is_first=False)
    assert breaker.state is BreakerState.CLOSED


def test_rows_wait_for_the_answer(breaker, time):
    """No request of a row leaves while the list is asked for, and no failed row is judged."""
    record_failures(breaker, 8)

    async def wait():
        waiting = [
            asyncio.create_task(breaker.wait_until_allowed()),
            asyncio.create_task(breaker.wait_for_verdict()),
        ]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in waiting)
        breaker.record_probe_success(0.0)
        await asyncio.wait_for(asyncio.gather(*waiting), 1)

    breaker._sleep = lambda _: asyncio.sleep(0.001)
    asyncio.run(wait())


def test_rows_go_on_at_the_moment_of_the_answer():
    """Workers are woken; they do not look again and again, which cost more than the rest of an outage."""
    from tests.sender.simulation import (
        VirtualLoop,
    )  # at the top, it would make all tests of this file slow ones

    loop = VirtualLoop()
    breaker = CircuitBreaker(max_wait_s=900, clock=loop.time, sleep=asyncio.sleep, rng=random.Random(1))
    record_failures(breaker, 8)

    async def wait():
        waiting = [asyncio.create_task(breaker.wait_for_verdict()) for _ in range(3)]
        await asyncio.sleep(0.1111)
        breaker.record_probe_success(0.0)
        await asyncio.gather(*waiting)
        return loop.time()

    assert loop.run_until_complete(wait()) == pytest.approx(0.1111, abs=1e-6)
    loop.close()


def test_a_short_sleep_too_ends_where_the_run_stops():
    """A real clock moves between two looks: a sleep of a microsecond was over before it asked whether the run stops."""
    clock = itertools.count(0.0, 0.5).__next__
    stop = StopControl(lambda: StopRequest.DRAIN, clock, asyncio.sleep)
    with pytest.raises(RowAbandoned):
        asyncio.run(stop.sleep_unless_stopping(0))


def test_workers_in_line_leave_together_where_the_run_stops():
    """Each waited a quarter of a second for the one in front, so a run with 50 workers stopped after 12 seconds."""
    from tests.sender.simulation import VirtualLoop

    loop = VirtualLoop()
    stop = StopControl(lambda: StopRequest.NO, loop.time, asyncio.sleep)
    breaker = CircuitBreaker(
        max_wait_s=900, clock=loop.time, sleep=stop.sleep_unless_stopping, rng=random.Random(1)
    )
    record_failures(breaker, 8)

    async def wait():
        line = asyncio.Lock()

        async def leave():
            async with line:
                await breaker.wait_until_allowed()

        waiting = [asyncio.create_task(leave()) for _ in range(50)]
        await asyncio.sleep(0.1)
        stop.record_error(RuntimeError("a login page for everything"))
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(error) for error in ended} == {RowAbandoned}
        return loop.time()

    assert loop.run_until_complete(wait()) < 0.5
    loop.close()


@pytest.mark.parametrize("answer", ["row", "probe"])
def test_server_that_comes_back_closes(breaker, time, answer):
    """While the server is away one probe follows another, after waits that double. Any answer ends that."""
    record_failures(breaker, 8)
    times_s = [ask(breaker, time, LOST) for _ in range(5)]
    assert breaker.is_server_away
    assert breaker.state is BreakerState.OPEN
    assert times_s == pytest.approx([0, 0.375, 1.125, 2.6, 5.6], rel=0.35)
    if answer == "row":
        breaker.record_success()
    else:
        ask(breaker, time, None)
    assert breaker.state is BreakerState.CLOSED
    assert not breaker.is_server_away


def test_late_answer_to_a_probe_is_ignored(breaker, time):
    """A row was answered after the probe had left: its failure is of the past."""
    record_failures(breaker, 8)
    time.now = 3.0
    breaker.record_success()
    record_failures(breaker, 8, left_at=3.5)
    breaker.record_probe_failure(LOST, 0.0, is_unreached=False)
    assert breaker.state is BreakerState.HALF_OPEN


def test_hold_delays_the_probe(breaker, time):
    """A Retry-After counts for the question too. It is asked again afterwards."""
    record_failures(breaker, 8)
    asyncio.run(breaker.wait_until_probe_is_due())
    breaker.hold(5.0)
    breaker.repeat_probe()
    assert ask(breaker, time, None) == 5


def test_slow_failures_are_part_of_the_outage(breaker, time):
    """Each answer took half a minute to be given up: the outage began with the first of them."""
    record_failures(breaker, 8)
    with pytest.raises(ServerUnavailableError):
        for _ in range(31):
            asyncio.run(breaker.wait_until_probe_is_due())
            time.now += 30
            breaker.record_probe_failure(LOST, time.now, is_unreached=False)
    assert time.now < 1000


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (DOWN, "The CRM cannot be reached; the next try at"),
        (LOST, "The CRM does not answer; the next try"),
        (BROKEN, r"The CRM answers 500 \(broken\); the next try"),
        (GARBLED, r"The CRM answers 200 \(an HTML page\); the next try"),
    ],
    ids=["no connection", "no answer", "status 500", "not the API"],
)
def test_outage_beyond_max_wait_stops_and_says_why(breaker, time, answer, words):
    """The error says what the server did. Fifteen minutes of outage see some thirty probes, not a storm."""
    record_failures(breaker, 8, answer)
    probes = 0
    with pytest.raises(ServerUnavailableError, match=words):
        while True:
            ask(breaker, time, answer)
            probes += 1
    assert 700 < time.now <= 960
    assert probes < 50


def test_hold_during_an_outage_is_named_as_a_hold(breaker):
    """A server that asks us to wait answers again: the error must not say that it is away."""
    record_failures(breaker, 8, DOWN)
    with pytest.raises(ServerUnavailableError, match="asks us to wait until"):
        breaker.hold(2000.0)


# --- a server that gives its lists but takes no lead


@pytest.fixture
def refusing_breaker(breaker, time):
    """Fifty rows failed one after another, though the lists came between them."""
    record_failures(breaker, MAX_FAILED_ROWS)
    ask(breaker, time, None)
    return breaker


def test_one_row_is_tried_before_the_others(refusing_breaker, time):
    """The lists prove nothing any more: one row may leave. The others wait for its answer."""
    assert refusing_breaker.state is BreakerState.ROW_DUE
    depart(refusing_breaker, time)
    assert refusing_breaker.state is BreakerState.ROW_SENT
    refusing_breaker.record_success()
    assert refusing_breaker.state is BreakerState.CLOSED


def test_row_that_fails_opens_again(refusing_breaker, time):
    """An older request that fails meanwhile says nothing. After --max-wait the run stops and says why."""
    with pytest.raises(
        ServerUnavailableError, match=r"gives its lists but takes no lead: it answers 500 .broken."
    ):
        while True:
            left_at = depart(refusing_breaker, time)
            record_failures(refusing_breaker, 1, BROKEN, left_at=left_at - 1)
            assert refusing_breaker.state is BreakerState.ROW_SENT
            record_failures(refusing_breaker, 1, BROKEN, left_at=left_at)
            assert refusing_breaker.is_server_away
            ask(refusing_breaker, time, None)
    assert 700 < time.now <= 960


def test_throttled_row_is_tried_again(refusing_breaker, time):
    """A 429 is no answer to the question."""
    depart(refusing_breaker, time)
    refusing_breaker.hold(2.0)
    assert refusing_breaker.state is BreakerState.ROW_DUE
