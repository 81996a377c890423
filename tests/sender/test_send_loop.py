"""The send loop in virtual time: every row ends once, a note is sent at most once, an outage uses up no row."""

import asyncio
import itertools
import logging

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import BlockedError, ServerUnavailableError
from importer.models.delivery import DeliveryOutcome, PendingRow
from importer.models.status import NoteState, RowStatus
from importer.sender.block_detector import MAX_TURNED_AWAY
from tests.sender.scripted_server import (
    BUSY,
    DOWN,
    LOST,
    NO,
    OK,
    SLOW,
    TURNED_AWAY,
    ScriptedServer,
    build_rows,
    run_sending,
)
from tests.sender.simulation import MemoryJournal


def test_healthy_server_accepts_every_row_in_file_order():
    """One worker sends the rows as they are in the file."""
    server = ScriptedServer()
    is_finished, journal, _ = run_sending(server, build_rows(50), concurrency=1)
    assert is_finished
    assert [body["customer_phone"] for body in server.bodies] == [f"+9198{n:08d}" for n in range(50)]
    assert {result.status for result in journal.results.values()} == {RowStatus.ACCEPTED}
    assert all(body["create_customer_if_customer_phone_not_found"] is True for body in server.bodies)


def test_intent_is_on_disk_before_the_request_leaves():
    """A crash right after the request finds the intent in the journal (docs/guarantees.md, "A note is sent at most once")."""
    journal = MemoryJournal()

    class CheckingServer(ScriptedServer):
        async def upsert(self, payload):
            assert any(intent.phones[0] == payload["customer_phone"] for intent in journal.intents)
            return await super().upsert(payload)

    is_finished, _, _ = run_sending(CheckingServer(), build_rows(30), journal=journal)
    assert is_finished


class CountingJournal(MemoryJournal):
    """Counts the commits, and how many rows were ready at once: their intents are on disk, and they had not left."""

    def __init__(self, server):
        super().__init__()
        self.commits = self.most_ready = 0
        self._server = server

    def record(self, batch):
        self.commits += 1
        rows = super().record(batch)
        self.most_ready = max(self.most_ready, len(self.intents) - len(self._server.bodies))
        return rows


def test_gather_times_are_settings():
    """A journal that is far away gathers longer: fewer commits, and more rows whose intent is on disk in the meantime."""
    found = {}
    for ready_s, gather_s in [(0.05, 0.005), (0.5, 0.2)]:
        journal = CountingJournal(server := ScriptedServer())
        is_finished, _, seconds = run_sending(
            server, build_rows(200), journal=journal, gather_s=gather_s, ready_s=ready_s
        )
        assert is_finished
        assert seconds < 3  # 200 rows at 100 a second
        found[gather_s] = journal
    near, far = found.values()
    assert far.commits * 5 < near.commits
    assert near.most_ready <= 8 < far.most_ready <= 51


# --- notes and doubt


def test_lost_answer_takes_the_note_off():
    """The note may have arrived, so the row is sent again without it."""
    server = ScriptedServer({build_rows(1)[0].phones[0]: [LOST]})
    _, journal, _ = run_sending(server, build_rows(1))
    assert ["customer_note" in body for body in server.bodies] == [True, False]
    assert journal.results[0].status is RowStatus.ACCEPTED
    assert journal.results[0].note is NoteState.UNKNOWN


def test_refused_connection_keeps_the_note():
    """A request that found no server cannot have delivered the note."""
    phone = build_rows(1)[0].phones[0]
    server = ScriptedServer({phone: [DOWN, SLOW, DOWN]})
    _, journal, _ = run_sending(server, build_rows(1))
    assert ["customer_note" in body for body in server.bodies] == [True] * 4
    assert journal.results[0].note is NoteState.SENT


def test_note_of_an_earlier_run_is_not_sent_again():
    """A note that the ledger knows as sent stays off, and keeps its state."""
    row = PendingRow(
        number=0,
        phones=("+911",),
        payload={"customer_phone": "+911"},
        notes=("x",),
        note_state=NoteState.SENT,
        note_run_id="r",
    )
    server = ScriptedServer()
    _, journal, _ = run_sending(server, [row])
    assert "customer_note" not in server.bodies[0]
    assert journal.results[0].note is NoteState.SENT


def test_note_that_the_commit_finds_sent_is_not_sent_again():
    """The ledger counts at the moment of the intent, not when the row was read."""

    class ClaimedJournal(MemoryJournal):
        def record(self, batch):
            intents = super().record(batch)
            return [
                msgspec.structs.replace(row, note_state=NoteState.SENT, note_run_id="r") for row in intents
            ]

    server = ScriptedServer()
    _, journal, _ = run_sending(server, build_rows(1), journal=ClaimedJournal())
    assert "customer_note" not in server.bodies[0]
    assert journal.results[0].note is NoteState.SENT


def test_doubt_of_an_earlier_run_stays():
    """A row that may have arrived before a crash is never "failed", even if the server is down now."""
    row, *others = build_rows(400)
    row = msgspec.structs.replace(row, may_have_arrived=True, note_state=NoteState.UNKNOWN)
    server = ScriptedServer({row.phones[0]: [DOWN] * 9})
    _, journal, _ = run_sending(server, [row, *others], rate=20)
    assert journal.results[0].status is RowStatus.UNKNOWN
    assert not any("customer_note" in b for b in server.bodies if b["customer_phone"] == row.phones[0])


# --- attempts and waits


@pytest.mark.parametrize(
    ("answer", "status"),
    [(LOST, RowStatus.UNKNOWN), (DOWN, RowStatus.FAILED), (BUSY, RowStatus.UNKNOWN)],
    ids=["lost", "down", "busy"],
)
def test_row_is_given_up_after_five_attempts(answer, status):
    """While the server answers others, a row that it does not answer ends by itself."""
    rows = build_rows(400)
    server = ScriptedServer({rows[0].phones[0]: [answer] * 99})
    _, journal, _ = run_sending(server, rows, rate=20)
    assert sum(body["customer_phone"] == rows[0].phones[0] for body in server.bodies) == 5
    assert journal.results[0].status is status
    assert journal.results[0].attempts == 5
    assert {result.status for n, result in journal.results.items() if n} == {RowStatus.ACCEPTED}


def test_retries_wait_with_full_jitter():
    """The wait before a retry is a random part of 0.5, 1, 2 and 4 s."""
    (row,) = build_rows(1)
    gaps_by_seed = set()
    for seed in range(5):
        sent_at = []

        class TimedServer(ScriptedServer):
            async def upsert(self, payload):
                sent_at.append(asyncio.get_running_loop().time())  # noqa: B023 - called in this turn of the loop
                await asyncio.sleep(0.01)
                return await super().upsert(payload)

        run_sending(TimedServer({row.phones[0]: [LOST] * 4}), [row], rate=1e6, seed=seed)
        gaps = tuple(after - before for before, after in itertools.pairwise(sent_at))
        assert all(0 < gap <= most + 0.2 for gap, most in zip(gaps, (0.5, 1, 2, 4), strict=True))
        gaps_by_seed.add(gaps)
    assert len(gaps_by_seed) == 5


def test_throttling_uses_up_no_attempt():
    """A 429 pauses the row, and never fails it (docs/guarantees.md, "A pause fails no row")."""
    phone = build_rows(1)[0].phones[0]
    server = ScriptedServer({phone: [SLOW] * 30})
    _, journal, seconds = run_sending(server, build_rows(1))
    assert journal.results[0].status is RowStatus.ACCEPTED
    assert journal.results[0].attempts == 1
    assert seconds >= 30
    assert journal.send_totals.throttled == 30


# --- outages


def test_dead_server_fails_no_row():
    """Fifteen minutes of refused connections see few rows and some thirty questions, and every row stays pending."""
    rows = build_rows(500)
    server = ScriptedServer({row.phones[0]: [DOWN] * 999 for row in rows})
    server.list_answer = DOWN
    journal = MemoryJournal()
    with pytest.raises(ServerUnavailableError):
        run_sending(server, rows, journal=journal)
    assert len(server.bodies) < 20
    assert len(server.asked_at) < 50
    assert journal.results == {}


def test_two_rows_wait_for_a_dead_server():
    """After two hours they are still pending, not failed."""
    rows = build_rows(2)
    server = ScriptedServer({row.phones[0]: [DOWN] * 999 for row in rows})
    server.list_answer = DOWN
    journal = MemoryJournal()
    with pytest.raises(ServerUnavailableError):
        run_sending(server, rows, journal=journal, max_wait_s=7200.0, concurrency=50)
    assert journal.results == {}


def test_outage_is_waited_out():
    """When the server comes back, all rows are accepted."""

    class OutageServer(ScriptedServer):
        async def upsert(self, payload):
            if 5 < asyncio.get_running_loop().time() < 200:
                await asyncio.sleep(0.001)
                self.bodies.append(payload)
                return DOWN
            return await super().upsert(payload)

        async def probe_once(self, sleep):
            is_down = 5 < asyncio.get_running_loop().time() < 200
            return DOWN if is_down else await super().probe_once(sleep)

    server = OutageServer()
    is_finished, journal, seconds = run_sending(server, build_rows(2000))
    assert is_finished
    assert {result.status for result in journal.results.values()} == {RowStatus.ACCEPTED}
    assert len(server.bodies) < 2150
    assert seconds > 200


# --- the log


def test_log_has_row_numbers_but_no_phone_and_no_text(caplog):
    """Decisions and requests are logged by row number. Phones, notes and the server's message stay out."""
    rows = build_rows(3, note="secret note")
    leaking = msgspec.structs.replace(LOST, message=f"no route for {rows[1].phones[0]}")
    with caplog.at_level(logging.DEBUG, logger="importer.sender"):
        run_sending(ScriptedServer({rows[1].phones[0]: [leaking, SLOW]}), rows)
    assert "row 1: attempt 1 failed (may have arrived), retry within 0.5 s" in caplog.text
    assert "row 0: request 1: 200 in 0." in caplog.text
    assert "hold all requests for 1.00 s" in caplog.text
    assert "secret" not in caplog.text
    assert not any(row.phones[0] in caplog.text for row in rows)


# --- any faults


ANSWERS = st.sampled_from([LOST, BUSY, DOWN, SLOW, NO, TURNED_AWAY, OK])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefghij"), st.lists(ANSWERS, max_size=7)), min_size=1, max_size=25
    ),
    st.integers(1, 6),
    st.randoms(use_true_random=False),
)
def test_random_faults_lose_and_double_nothing(plan, concurrency, rng):
    """Whatever the server answers, each row has one result, and its note is in the CRM at most once."""
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
    note_counts = {}
    turned_away = []

    class CountingServer(ScriptedServer):
        async def upsert(self, payload):
            response = await super().upsert(payload)
            turned_away.append(response.outcome is DeliveryOutcome.TURNED_AWAY)
            note = payload.get("customer_note")
            if note and response.outcome in (DeliveryOutcome.APPLIED, DeliveryOutcome.MAY_HAVE_ARRIVED):
                note_counts[note] = note_counts.get(note, 0) + 1
            return response

        async def probe_access(self, sleep):
            return True

    try:
        is_finished, journal, _ = run_sending(
            CountingServer(script, rng), rows, concurrency=concurrency, max_wait_s=10_000
        )
    except ServerUnavailableError:
        return
    except BlockedError:  # many rows in a row were turned away
        assert sum(turned_away) > MAX_TURNED_AWAY
        return
    assert is_finished
    assert sorted(journal.results) == list(range(len(rows)))
    assert all(count == 1 for count in note_counts.values())
    for number, result in journal.results.items():
        count = note_counts.get(f"n{number}", 0)
        if result.note is NoteState.SENT:
            assert count == 1
        if result.note is NoteState.NOT_SENT:
            assert count == 0
