"""The sender's smaller parts: the feed, the retries and their budget, and what a last reply makes of a row."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.issues import describe_issue
from importer.models.delivery import CrmResponse, DeliveryOutcome, PendingRow
from importer.models.status import NoteState, RowStatus
from importer.sender.delivery_result import build_result
from importer.sender.retry import MOST_ATTEMPTS, RetryBudget, attempts
from importer.sender.row_queue import KeyedRowQueue


def row(number, *phones, note_state=NoteState.NONE, **kw):
    return PendingRow(
        number=number, phones=phones or (f"+{number}",), payload={}, note_state=note_state, **kw
    )


def feed_of(rows):
    def fetch(after, limit):
        return [r for r in rows if r.number > after][:limit]

    feed = KeyedRowQueue(fetch)
    feed.add(feed.fetch())
    return feed


def numbers(rows):
    return [r.number for r in rows]


# --- the feed (law 4)


def test_rows_of_one_phone_are_never_out_together_and_go_in_order():
    rows = [row(1, "+a"), row(2, "+b"), row(3, "+a"), row(4, "+c")]
    feed = feed_of(rows)
    assert numbers(feed.take(10)) == [1, 2, 4]
    assert numbers(feed.take(10)) == []
    feed.settled(rows[0])
    assert numbers(feed.take(10)) == [3]


def test_a_phone_named_in_add_phones_counts_too():
    rows = [row(1, "+a", "+x"), row(2, "+b", "+a"), row(3, "+x")]
    feed = feed_of(rows)
    assert numbers(feed.take(10)) == [1]
    feed.settled(rows[0])
    assert numbers(feed.take(10)) == [2, 3]


def test_a_waiting_row_holds_back_those_behind_it():
    """3 shares a phone with 2, which waits for 1: 3 must not overtake."""
    rows = [row(1, "+a"), row(2, "+a", "+b"), row(3, "+b")]
    feed = feed_of(rows)
    assert numbers(feed.take(10)) == [1]
    feed.settled(rows[0])
    assert numbers(feed.take(10)) == [2]
    feed.settled(rows[1])
    assert numbers(feed.take(10)) == [3]
    assert feed.is_empty


def test_rows_of_one_phone_do_not_hold_back_the_rows_behind_them():
    """Thousands of rows that name the office's number wait in line; the others pass them, and none is searched for."""
    rows = [row(n, f"+{n}", "+office") for n in range(3000)] + [row(n) for n in range(3000, 4000)]
    feed = feed_of(rows)
    out = []
    while len(out) < 1001:
        while feed.needs_rows(64):
            feed.add(feed.fetch())
        out += feed.take(64)
    assert [r.number for r in out[:2]] == [0, 3000]
    assert len(out) == 1001
    for waiting in range(1, 3000):
        feed.settled(rows[waiting - 1])
        assert numbers(feed.take(64)) == [waiting]
    assert feed.is_empty


@given(
    st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True), max_size=40),
    st.randoms(),
)
def test_any_tangle_of_phones_keeps_file_order_per_phone(phones, chance):
    rows = [row(n, *own) for n, own in enumerate(phones)]
    feed = feed_of(rows)
    out, gone = [], []
    while not feed.is_empty or out:
        taken = feed.take(chance.randint(1, 5))
        busy = [phone for r in out for phone in r.phones]
        for r in taken:
            assert not set(r.phones) & set(busy)
            busy += r.phones
        out += taken
        if out:
            done = out.pop(chance.randrange(len(out)))
            gone.append(done)
            feed.settled(done)
    for phone in "abcde":
        order = [r.number for r in gone if phone in r.phones]
        assert order == sorted(order)
    assert len(gone) == len(rows)


# --- retries


def test_attempts_end_and_wait_with_full_jitter():
    """Tenacity's defaults never stop and never wait: ours do both."""
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    calls = 0

    async def fail():
        nonlocal calls
        calls += 1
        return CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=None, message="")

    reply = asyncio.run(attempts(sleep)(fail))
    assert reply.outcome is DeliveryOutcome.NOT_APPLIED
    assert calls == MOST_ATTEMPTS == 5
    assert len(waits) == 4
    assert all(0 <= wait <= most for wait, most in zip(waits, (0.5, 1, 2, 4), strict=True))
    assert len({round(wait, 6) for wait in waits}) > 1


def test_the_budget_of_a_dead_server_is_a_hundred_retries():
    budget = RetryBudget()
    assert sum(budget.spend() for _ in range(10_000)) == 100
    budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend()


# --- the last reply


def reply(applied, status=200, message="success"):
    return CrmResponse(outcome=applied, status=status, message=message)


@pytest.mark.parametrize(
    ("applied", "may_have_arrived", "status"),
    [
        (DeliveryOutcome.APPLIED, False, RowStatus.ACCEPTED),
        (DeliveryOutcome.APPLIED, True, RowStatus.ACCEPTED),
        (DeliveryOutcome.REFUSED, False, RowStatus.REFUSED),
        (DeliveryOutcome.REFUSED, True, RowStatus.REFUSED),
        (DeliveryOutcome.TURNED_AWAY, False, RowStatus.REFUSED),
        (DeliveryOutcome.TURNED_AWAY, True, RowStatus.UNKNOWN),
        (DeliveryOutcome.MAY_HAVE_ARRIVED, True, RowStatus.UNKNOWN),
        (DeliveryOutcome.NOT_APPLIED, False, RowStatus.FAILED),
        (DeliveryOutcome.NOT_APPLIED, True, RowStatus.UNKNOWN),
    ],
)
def test_a_rows_status(applied, may_have_arrived, status):
    assert (
        build_result(row(1), reply(applied), attempts=3, may_have_arrived=may_have_arrived).status is status
    )


@pytest.mark.parametrize(
    ("state", "applied", "note"),
    [
        (NoteState.NONE, DeliveryOutcome.APPLIED, NoteState.NONE),
        (NoteState.NOT_SENT, DeliveryOutcome.APPLIED, NoteState.SENT),
        (NoteState.NOT_SENT, DeliveryOutcome.REFUSED, NoteState.NOT_SENT),
        (NoteState.NOT_SENT, DeliveryOutcome.TURNED_AWAY, NoteState.NOT_SENT),
        (NoteState.NOT_SENT, DeliveryOutcome.NOT_APPLIED, NoteState.NOT_SENT),
        (NoteState.NOT_SENT, DeliveryOutcome.MAY_HAVE_ARRIVED, NoteState.UNKNOWN),
        (NoteState.UNKNOWN, DeliveryOutcome.APPLIED, NoteState.UNKNOWN),
        (NoteState.UNKNOWN, DeliveryOutcome.REFUSED, NoteState.UNKNOWN),
        (NoteState.UNKNOWN, DeliveryOutcome.TURNED_AWAY, NoteState.UNKNOWN),
        (NoteState.SENT, DeliveryOutcome.APPLIED, NoteState.SENT),
    ],
)
def test_doubt_about_a_note_sticks(state, applied, note):
    found = build_result(
        row(1, notes=("hello",), note_state=state), reply(applied), attempts=1, may_have_arrived=False
    )
    assert found.note is note


def test_what_the_crm_said_is_in_the_issue():
    found = build_result(
        row(1), reply(DeliveryOutcome.REFUSED, 404, "Assignee not found"), attempts=1, may_have_arrived=False
    )
    assert [(issue.code, issue.value) for issue in found.issues] == [("refused", "Assignee not found")]
    no_lead = build_result(
        row(1), reply(DeliveryOutcome.REFUSED, 400, "Customer not found"), attempts=1, may_have_arrived=False
    )
    assert [issue.code for issue in no_lead.issues] == ["no_such_lead"]


@pytest.mark.parametrize(
    ("may_have_arrived", "codes"), [(False, ["turned_away"]), (True, ["turned_away", "unsure"])]
)
def test_who_turned_the_row_away_is_in_the_issue(may_have_arrived, codes):
    """With what to do about it; after a doubt the row may be in all the same, and the report says both."""
    found = build_result(
        row(1),
        reply(DeliveryOutcome.TURNED_AWAY, 403, "a page of HTML"),
        attempts=1,
        may_have_arrived=may_have_arrived,
    )
    assert [issue.code for issue in found.issues] == codes
    assert "turned this row away with 403 (a page of HTML). Shorten or reword" in describe_issue(
        found.issues[0]
    )
