"""The sending as a whole, in virtual time: every row ends once, a note travels at most once, a stop keeps what is known."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import Blocked, CannotWrite, KeyRefused, ServerAway
from importer.models import Applied, NoteState, PendingRow, Reply, Status
from importer.sender.loop import Clockwork, SendSettings, Stop, send
from tests.sender.simulation import OK, MemoryJournal, VirtualLoop

LOST = Reply(applied=Applied.MAY_HAVE_ARRIVED, status=None, message="lost")
BUSY = Reply(applied=Applied.MAY_HAVE_ARRIVED, status=503, message="busy")
DOWN = Reply(applied=Applied.NOT_APPLIED, status=None, message="down")
SLOW = Reply(applied=Applied.NOT_APPLIED, status=429, message="slow", retry_after_s=1.0)
NO = Reply(applied=Applied.REFUSED, status=400, message="no")


class Scripted:
    """A server that answers each phone from its own list, then OK. It watches over the laws while it does."""

    def __init__(self, script=None, chance=None):
        self.script = script or {}
        self.chance = chance or random.Random(1)
        self.bodies = []
        self.busy = set()
        self.notes_in = {}

    async def upsert(self, payload):
        phones = {payload["customer_phone"], *payload.get("add_phones", ())}
        assert not phones & self.busy, "two rows of one phone are in flight together"
        self.busy |= phones
        self.bodies.append(payload)
        await asyncio.sleep(self.chance.uniform(0.01, 0.1))
        self.busy -= phones
        answers = self.script.get(payload["customer_phone"], [])
        answer = answers.pop(0) if answers else OK
        if isinstance(answer, Exception):
            raise answer
        if answer.applied in (Applied.APPLIED, Applied.MAY_HAVE_ARRIVED) and payload.get("customer_note"):
            self.notes_in[payload["customer_phone"]] = self.notes_in.get(payload["customer_phone"], 0) + 1
        return answer


def rows_of(count, phones=None, note="hello"):
    rows = []
    for n in range(count):
        phone = phones[n] if phones else f"+9198{n:08d}"
        state = NoteState.NOT_SENT if note and n % 3 == 0 else NoteState.NONE
        rows.append(
            PendingRow(
                number=n,
                phones=(phone,),
                payload={"customer_phone": phone},
                notes=(note,) if state else (),
                note_state=state,
            )
        )
    return rows


def sending(server, rows, *, asked=lambda: Stop.NO, rate=100.0, concurrency=8, patience=900.0, journal=None):
    """Run it; answers (finished, the journal, virtual seconds)."""
    journal = journal or MemoryJournal(0)
    journal._rows = rows
    loop = VirtualLoop()
    options = SendSettings(rate_per_s=rate, concurrency=concurrency, patience_s=patience, create=True)
    clockwork = Clockwork(clock=loop.time, sleep=asyncio.sleep, chance=random.Random(3))
    try:
        finished = loop.run_until_complete(
            send(
                journal,
                server,
                options,
                total=len(rows),
                on_progress=lambda _: None,
                asked=asked,
                clockwork=clockwork,
            )
        )
        return finished, journal, loop.time()
    finally:
        pending = asyncio.all_tasks(loop)
        assert not pending, "a task was left behind"
        loop.close()


def test_a_healthy_server_takes_every_row_in_file_order():
    server = Scripted()
    finished, journal, _ = sending(server, rows_of(50), concurrency=1)
    assert finished
    assert [body["customer_phone"] for body in server.bodies] == [f"+9198{n:08d}" for n in range(50)]
    assert {result.status for result in journal.results.values()} == {Status.ACCEPTED}
    assert all(body["create_customer_if_customer_phone_not_found"] is True for body in server.bodies)


def test_the_intent_is_on_disk_before_the_bytes_leave():
    """Law 2: a crash right after the request finds the intent in the journal."""
    journal = MemoryJournal(0)

    class Watching(Scripted):
        async def upsert(self, payload):
            assert any(intent.phones[0] == payload["customer_phone"] for intent in journal.intents)
            return await super().upsert(payload)

    finished, _, _ = sending(Watching(), rows_of(30), journal=journal)
    assert finished


def test_after_a_lost_answer_the_row_goes_on_without_its_note():
    server = Scripted({rows_of(1)[0].phones[0]: [LOST]})
    _, journal, _ = sending(server, rows_of(1))
    assert ["customer_note" in body for body in server.bodies] == [True, False]
    assert journal.results[0].status is Status.ACCEPTED
    assert journal.results[0].note is NoteState.UNKNOWN


def test_after_a_refused_connection_the_note_still_travels():
    phone = rows_of(1)[0].phones[0]
    server = Scripted({phone: [DOWN, SLOW, DOWN]})
    _, journal, _ = sending(server, rows_of(1))
    assert ["customer_note" in body for body in server.bodies] == [True] * 4
    assert journal.results[0].note is NoteState.SENT


def test_a_note_that_an_earlier_run_sent_does_not_travel():
    row = PendingRow(
        number=0,
        phones=("+911",),
        payload={"customer_phone": "+911"},
        notes=("x",),
        note_state=NoteState.SENT,
        note_run="r",
    )
    server = Scripted()
    _, journal, _ = sending(server, [row])
    assert "customer_note" not in server.bodies[0]
    assert journal.results[0].note is NoteState.SENT


def test_five_attempts_are_enough():
    phone = rows_of(1)[0].phones[0]
    for answer, status in ((LOST, Status.UNKNOWN), (DOWN, Status.FAILED), (BUSY, Status.UNKNOWN)):
        server = Scripted({phone: [answer] * 99})
        _, journal, _ = sending(server, rows_of(1))
        assert len(server.bodies) == 5
        assert journal.results[0].status is status
        assert journal.results[0].attempts == 5


def test_throttling_is_no_attempt_and_fails_no_row():
    phone = rows_of(1)[0].phones[0]
    server = Scripted({phone: [SLOW] * 30})
    _, journal, seconds = sending(server, rows_of(1))
    assert journal.results[0].status is Status.ACCEPTED
    assert journal.results[0].attempts == 1
    assert seconds >= 30
    assert journal.traffic.throttled == 30


@pytest.mark.parametrize("error", [KeyRefused("no"), Blocked("html")])
def test_what_stops_the_run_leaves_the_rest_pending(error):
    rows = rows_of(100)
    server = Scripted({rows[20].phones[0]: [error]})
    journal = MemoryJournal(0)
    with pytest.raises(type(error)):
        sending(server, rows, journal=journal)
    assert 12 <= len(journal.results) <= 36
    assert 20 not in journal.results
    gone_out = {body["customer_phone"] for body in server.bodies}
    assert {rows[n].phones[0] for n in journal.results} <= gone_out


def test_a_dead_server_sees_no_storm_and_no_row_fails_by_it():
    """Fifteen minutes of refused connections: some hundred requests, every row still pending."""
    rows = rows_of(500)
    server = Scripted({row.phones[0]: [DOWN] * 999 for row in rows})
    journal = MemoryJournal(0)
    with pytest.raises(ServerAway):
        sending(server, rows, journal=journal)
    assert len(server.bodies) < 150
    assert journal.results == {}


def test_an_outage_in_mid_run_is_waited_out():
    class Outage(Scripted):
        async def upsert(self, payload):
            if 5 < asyncio.get_running_loop().time() < 200:
                await asyncio.sleep(0.001)
                self.bodies.append(payload)
                return DOWN
            return await super().upsert(payload)

    server = Outage()
    finished, journal, seconds = sending(server, rows_of(2000))
    assert finished
    assert {result.status for result in journal.results.values()} == {Status.ACCEPTED}
    assert len(server.bodies) < 2150
    assert seconds > 200


def test_ctrl_c_once_drains_what_is_in_flight():
    """Nothing new leaves, what left is settled and written, and the rest has no intent left behind."""
    asked = Stop.NO
    rows = rows_of(1000)

    class Stopping(Scripted):
        async def upsert(self, payload):
            nonlocal asked
            if len(self.bodies) == 100:
                asked = Stop.DRAIN
            return await super().upsert(payload)

    server = Stopping()
    given_back = []

    class Journal(MemoryJournal):
        def record(self, *, withdrawn=(), **rest):
            given_back.extend(withdrawn)
            return super().record(**rest)

    finished, journal, _ = sending(server, rows, asked=lambda: asked, journal=Journal(0))
    assert not finished
    assert len(journal.results) == len(server.bodies)
    intended = {intent.number for intent in journal.intents}
    assert intended - set(journal.results) == {row.number for row in given_back}


def test_rows_that_were_ready_when_ctrl_c_came_do_not_leave():
    """At a rate without waits, rows with their intent on disk are given back, not sent."""
    asked = Stop.NO
    sent_after = []

    class Stopping(Scripted):
        async def upsert(self, payload):
            nonlocal asked
            if asked is Stop.DRAIN:
                sent_after.append(payload)
            if len(self.bodies) == 50:
                asked = Stop.DRAIN
            return await super().upsert(payload)

    finished, _, _ = sending(Stopping(), rows_of(1000), asked=lambda: asked, rate=1e6, concurrency=2)
    assert not finished
    assert sent_after == []


def test_a_row_that_knocks_at_a_dead_server_is_not_used_up_by_it():
    """Two rows, two hours of refused connections: still pending, not failed."""
    rows = rows_of(2)
    server = Scripted({row.phones[0]: [DOWN] * 999 for row in rows})
    journal = MemoryJournal(0)
    with pytest.raises(ServerAway):
        sending(server, rows, journal=journal, patience=7200.0, concurrency=50)
    assert journal.results == {}


def test_ctrl_c_twice_stops_at_once():
    asked = Stop.NO

    class Hanging(Scripted):
        async def upsert(self, payload):
            nonlocal asked
            if len(self.bodies) >= 10:
                asked = Stop.NOW
                await asyncio.sleep(3600)
            return await super().upsert(payload)

    finished, journal, seconds = sending(Hanging(), rows_of(100), asked=lambda: asked)
    assert not finished
    assert seconds < 5
    assert journal.results
    assert set(journal.results) < set(range(20))


def test_a_disk_that_fills_up_stops_the_run():
    class Full(MemoryJournal):
        def record(self, *, results=(), **rest):
            if len(self.results) > 20:
                raise CannotWrite("disk full")
            return super().record(results=results, **rest)

    server = Scripted()
    with pytest.raises(CannotWrite):
        sending(server, rows_of(500), journal=Full(0))
    assert len(server.bodies) < 100


def test_a_retry_after_beyond_patience_stops_with_everything_kept():
    rows = rows_of(50)
    long = Reply(applied=Applied.NOT_APPLIED, status=429, message="", retry_after_s=5000.0)
    journal = MemoryJournal(0)
    with pytest.raises(ServerAway, match="asks to wait"):
        sending(Scripted({rows[10].phones[0]: [long]}), rows, journal=journal)
    assert 10 not in journal.results


ANSWERS = st.sampled_from([LOST, BUSY, DOWN, SLOW, NO, OK])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefghij"), st.lists(ANSWERS, max_size=7)), min_size=1, max_size=25
    ),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_any_faults_in_any_order_lose_nothing_and_double_nothing(plan, concurrency, chance):
    """Laws 1, 2 and 4 under random faults: one result each, a note in the CRM at most once for each row."""
    rows, script = [], {}
    for number, (letter, answers) in enumerate(plan):
        phone = f"+{letter}"
        rows.append(
            PendingRow(
                number=number,
                phones=(phone,),
                payload={"customer_phone": phone},
                notes=(f"n{number}",),
                note_state=NoteState.NOT_SENT,
            )
        )
        script.setdefault(phone, []).extend(answers)
    server = Scripted(script, chance)
    seen = {}

    original = server.upsert

    async def upsert(payload):
        answer = await original(payload)
        note = payload.get("customer_note")
        if note and answer.applied in (Applied.APPLIED, Applied.MAY_HAVE_ARRIVED):
            seen[note] = seen.get(note, 0) + 1
        return answer

    server.upsert = upsert
    try:
        finished, journal, _ = sending(server, rows, concurrency=concurrency, patience=10_000)
    except ServerAway:
        return
    assert finished
    assert sorted(journal.results) == list(range(len(rows)))
    assert all(count == 1 for count in seen.values())
    for number, result in journal.results.items():
        was_there = seen.get(f"n{number}", 0)
        if result.note is NoteState.SENT:
            assert was_there == 1
        if result.note is NoteState.NOT_SENT:
            assert was_there == 0
