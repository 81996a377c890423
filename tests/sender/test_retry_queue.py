"""Rows that wait for their next attempt: due rows go back, first attempts go first, and no worker waits with them."""

import asyncio

import pytest

from importer.models.delivery import PendingRow
from importer.sender.in_flight_row import InFlightRow, InFlightState
from importer.sender.retry_queue import RetryBudget, RetryQueue
from tests.sender.simulation import VirtualLoop


class Fixture:
    """A retry queue over virtual time. `has_fresh_rows` says whether other rows wait for their first attempt."""

    def __init__(self, workers=50):
        self.loop = VirtualLoop()
        self.has_fresh_rows = False
        self.given_back = []
        self.queue = RetryQueue(
            workers=workers,
            clock=self.loop.time,
            has_fresh_rows=lambda: self.has_fresh_rows,
            add_ready=self.given_back.append,
        )

    def add(self, number, backoff_s=0.0):
        flight = InFlightRow(PendingRow(number=number, phones=(f"+{number}",), payload={}))
        self.queue.add(flight, backoff_s)
        return flight

    def run(self, seconds):
        async def run():
            task = asyncio.create_task(self.queue.run())
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self.loop.run_until_complete(run())

    @property
    def numbers(self):
        return [flight.row.number for flight in self.given_back]


@pytest.fixture
def fixture():
    found = Fixture()
    yield found
    found.loop.close()


def test_row_comes_back_when_its_backoff_is_over(fixture):
    """Not before, and in the order in which they are due."""
    late, early = fixture.add(1, 2.0), fixture.add(2, 1.0)
    assert late.state is early.state is InFlightState.PARKED
    fixture.run(0.9)
    assert fixture.numbers == []
    fixture.run(0.2)
    assert fixture.numbers == [2]
    fixture.run(1.0)
    assert fixture.numbers == [2, 1]


def test_first_attempts_leave_a_tenth_of_the_workers(fixture):
    """Of fifty workers, five repeat attempts. When one of them is free, the next row follows."""
    fixture.has_fresh_rows = True
    for number in range(20):
        fixture.add(number)
    fixture.run(1)
    assert fixture.numbers == [0, 1, 2, 3, 4]
    fixture.queue.mark_ended()
    fixture.run(1)
    assert fixture.numbers == [0, 1, 2, 3, 4, 5]


def test_first_attempts_leave_a_tenth_of_the_requests(fixture):
    """Ten are repeated at once. Each ten settled rows earn one more."""
    fixture.has_fresh_rows = True
    for number in range(40):
        fixture.add(number)
    for _ in range(30):
        fixture.run(0.2)
        fixture.queue.mark_ended()
    assert len(fixture.numbers) == 10
    for _ in range(21):
        fixture.queue.budget.earn()
    fixture.run(1)
    assert len(fixture.numbers) == 12


def test_after_the_last_first_attempt_all_workers_repeat(fixture):
    """Those that nothing else keeps busy are used at once."""
    fixture.has_fresh_rows = True
    for number in range(80):
        fixture.add(number)
    fixture.run(1)
    fixture.has_fresh_rows = False
    fixture.run(1)
    assert len(fixture.numbers) == 50


def test_one_worker_repeats_too():
    """A tenth of one worker is one worker."""
    fixture = Fixture(workers=1)
    fixture.has_fresh_rows = True
    fixture.add(1)
    fixture.run(1)
    fixture.loop.close()
    assert fixture.numbers == [1]


def test_full_queue_says_so(fixture):
    """Rows that wait are in memory, and in doubt after a crash."""
    for number in range(10_000):
        assert not fixture.queue.is_full
        fixture.add(number)
    assert fixture.queue.is_full
    assert len(fixture.queue.take_all()) == 10_000
    assert not fixture.queue.is_full


def test_stock_is_bounded():
    """A long run without failures does not save up a burst of repeated attempts."""
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1000)) == 10
