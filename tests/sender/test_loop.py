"""The sending as a whole, in virtual time: every row ends once, a note travels at most once, a stop keeps what is known."""

import asyncio
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import BlockedError, DiskWriteError, KeyRefusedError, ServerUnavailableError
from importer.models.delivery import CrmResponse, DeliveryOutcome, PendingRow
from importer.models.status import NoteState, RowStatus
from importer.sender.block_detector import MOST_IN_A_ROW
from importer.sender.send_loop import Runtime, SendSettings, StopRequest, send
from tests.sender.simulation import OK, MemoryJournal, VirtualLoop

LOST = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=None, message="lost")
BUSY = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=503, message="busy")
DOWN = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=None, message="down")
SLOW = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="slow", retry_after_s=1.0)
NO = CrmResponse(outcome=DeliveryOutcome.REFUSED, status=400, message="no")
TURNED_AWAY = CrmResponse(outcome=DeliveryOutcome.TURNED_AWAY, status=403, message="a page of HTML")


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
        if answer.outcome in (DeliveryOutcome.APPLIED, DeliveryOutcome.MAY_HAVE_ARRIVED) and payload.get(
            "customer_note"
        ):
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


def sending(
    server,
    rows,
    *,
    asked=lambda: StopRequest.NO,
    rate=100.0,
    concurrency=8,
    max_wait=900.0,
    journal=None,
    loop=None,
    on_progress=lambda _: None,
):
    """Run it; answers (finished, the journal, virtual seconds)."""
    journal = journal or MemoryJournal(0)
    journal._rows = rows
    loop = loop or VirtualLoop()
    options = SendSettings(rate_per_s=rate, concurrency=concurrency, max_wait_s=max_wait, create=True)
    clockwork = Runtime(clock=loop.time, sleep=asyncio.sleep, chance=random.Random(3))
    try:
        finished = loop.run_until_complete(
            send(
                journal,
                server,
                options,
                total=len(rows),
                on_progress=on_progress,
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
    assert {result.status for result in journal.results.values()} == {RowStatus.ACCEPTED}
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
    assert journal.results[0].status is RowStatus.ACCEPTED
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
        note_run_id="r",
    )
    server = Scripted()
    _, journal, _ = sending(server, [row])
    assert "customer_note" not in server.bodies[0]
    assert journal.results[0].note is NoteState.SENT


@pytest.mark.parametrize(
    ("answer", "status"), [(LOST, RowStatus.UNKNOWN), (DOWN, RowStatus.FAILED), (BUSY, RowStatus.UNKNOWN)]
)
def test_five_attempts_are_enough(answer, status):
    """While the server answers others, a row that it does not answer is given up after five."""
    rows = rows_of(400)
    server = Scripted({rows[0].phones[0]: [answer] * 99})
    _, journal, _ = sending(server, rows, rate=20)
    assert sum(body["customer_phone"] == rows[0].phones[0] for body in server.bodies) == 5
    assert journal.results[0].status is status
    assert journal.results[0].attempts == 5
    assert {result.status for n, result in journal.results.items() if n} == {RowStatus.ACCEPTED}


def test_throttling_is_no_attempt_and_fails_no_row():
    phone = rows_of(1)[0].phones[0]
    server = Scripted({phone: [SLOW] * 30})
    _, journal, seconds = sending(server, rows_of(1))
    assert journal.results[0].status is RowStatus.ACCEPTED
    assert journal.results[0].attempts == 1
    assert seconds >= 30
    assert journal.send_totals.throttled == 30


@pytest.mark.parametrize("error", [KeyRefusedError("no"), BlockedError("html")])
def test_what_stops_the_run_leaves_the_rest_pending(error):
    rows = rows_of(100)
    server = Scripted({rows[20].phones[0]: [error]})
    journal = MemoryJournal(0)
    with pytest.raises(type(error)) as stopped:
        sending(server, rows, journal=journal)
    if isinstance(error, BlockedError):
        assert stopped.value.message.endswith("That was at row 20.")
    assert 12 <= len(journal.results) <= 36
    assert 20 not in journal.results
    gone_out = {body["customer_phone"] for body in server.bodies}
    assert {rows[n].phones[0] for n in journal.results} <= gone_out


class Refusing(Scripted):
    """Refuses every row from the eleventh on with the same words; `welcome` is its answer to a plain question."""

    def __init__(self, welcome):
        super().__init__()
        self.welcome = welcome
        self.asked = 0

    async def upsert(self, payload):
        answer = await super().upsert(payload)
        return answer if len(self.bodies) <= 10 else NO

    async def probe_access(self, sleep):
        self.asked += 1
        if isinstance(self.welcome, Exception):
            raise self.welcome
        return self.welcome


@pytest.mark.parametrize(
    ("welcome", "error"), [(False, BlockedError), (KeyRefusedError("no"), KeyRefusedError)]
)
def test_an_account_that_refuses_everything_stops_the_run(welcome, error):
    """A ban that answers 400 must not use up the whole sheet; what was refused so far is kept."""
    server = Refusing(welcome)
    journal = MemoryJournal(0)
    with pytest.raises(error):
        sending(server, rows_of(500), journal=journal)
    assert 50 <= len(journal.results) < 80
    assert len(journal.results) == len(server.bodies)


def test_bad_rows_in_a_row_are_no_ban():
    """A sheet whose assignee has left is refused row by row to its end: the account still answers."""
    server = Refusing(welcome=True)
    finished, journal, _ = sending(server, rows_of(500))
    assert finished
    assert server.asked == 1
    assert len(journal.results) == 500


def test_ctrl_c_during_the_question_about_a_ban_is_heard():
    """A CRM that asks to be asked in ten minutes is not waited for; the row that was refused stays refused."""
    asked = StopRequest.NO

    class Busy(Refusing):
        async def probe_access(self, sleep):
            nonlocal asked
            self.asked += 1
            asked = StopRequest.DRAIN
            await sleep(600)
            return True

    server = Busy(welcome=True)
    finished, journal, seconds = sending(server, rows_of(500), asked=lambda: asked)
    assert not finished
    assert seconds < 5
    assert server.asked == 1
    assert len(journal.results) == len(server.bodies)


def test_a_row_that_may_have_gone_in_before_a_crash_is_never_failed():
    """Law 3 across runs: what an earlier attempt may have done is not undone by a server that is down now."""
    row, *others = rows_of(400)
    row = msgspec.structs.replace(row, may_have_arrived=True, note_state=NoteState.UNKNOWN)
    server = Scripted({row.phones[0]: [DOWN] * 9})
    _, journal, _ = sending(server, [row, *others], rate=20)
    assert journal.results[0].status is RowStatus.UNKNOWN
    assert not any("customer_note" in b for b in server.bodies if b["customer_phone"] == row.phones[0])


def test_a_note_that_the_commit_found_sent_does_not_travel():
    """The ledger's word at the moment of the intent counts, not what was read before."""

    class Claimed(MemoryJournal):
        def record(self, *, intents=(), **rest):
            super().record(intents=intents, **rest)
            return [
                msgspec.structs.replace(row, note_state=NoteState.SENT, note_run_id="r") for row in intents
            ]

    server = Scripted()
    _, journal, _ = sending(server, rows_of(1), journal=Claimed(0))
    assert "customer_note" not in server.bodies[0]
    assert journal.results[0].note is NoteState.SENT


def test_ctrl_c_twice_gives_back_what_was_only_waiting():
    """A row that was asked to wait has not gone in, as far as anybody knows: it is pending, not in doubt."""
    asked = StopRequest.NO
    given_back = []

    class Slow(Scripted):
        async def upsert(self, payload):
            nonlocal asked
            answer = await super().upsert(payload)
            asked = StopRequest.NOW
            return answer

    class Journal(MemoryJournal):
        def record(self, *, withdrawn=(), **rest):
            given_back.extend(withdrawn)
            return super().record(**rest)

    rows = rows_of(1)
    server = Slow(
        {
            rows[0].phones[0]: [
                CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="", retry_after_s=60)
            ]
        }
    )
    finished, journal, _ = sending(server, rows, asked=lambda: asked, journal=Journal(0))
    assert not finished
    assert journal.results == {}
    assert given_back == rows


class SlowDisk(VirtualLoop):
    """Every commit takes a third of a second."""

    def run_in_executor(self, executor, function, *arguments):
        future = self.create_future()
        done = super().run_in_executor(executor, function, *arguments)
        self.call_later(0.3, lambda: future.cancelled() or future.set_result(done.result()))
        return future


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_ctrl_c_twice_gives_back_what_was_just_being_committed(commits):
    """An intent that reaches the disk after its row was given up is withdrawn: that row never left."""
    begun = 0
    intended, given_back = set(), set()

    class Journal(MemoryJournal):
        def record(self, *, intents=(), withdrawn=(), **rest):
            nonlocal begun
            begun += bool(intents)
            intended.update(row.number for row in intents)
            given_back.update(row.number for row in withdrawn)
            return super().record(intents=intents, withdrawn=withdrawn, **rest)

    server = Scripted()
    rows = rows_of(1000)
    finished, _, _ = sending(
        server,
        rows,
        asked=lambda: StopRequest.NOW if begun > commits else StopRequest.NO,
        journal=Journal(0),
        loop=SlowDisk(),
    )
    assert not finished
    left = {int(body["customer_phone"][5:]) for body in server.bodies}
    assert intended - left == given_back


def test_a_page_that_says_200_keeps_its_row_in_doubt():
    """Laws 3 and 6 together: the run stops, and the one row behind the page is not given back as if it had not left."""
    given_back = []

    class Journal(MemoryJournal):
        def record(self, *, withdrawn=(), **rest):
            given_back.extend(row.number for row in withdrawn)
            return super().record(**rest)

    page = BlockedError("a web page")
    page.may_have_arrived = True
    rows = rows_of(100)
    journal = Journal(0)
    with pytest.raises(BlockedError):
        sending(Scripted({rows[20].phones[0]: [page]}), rows, journal=journal)
    assert 20 not in journal.results
    assert 20 not in given_back
    assert given_back


@pytest.mark.parametrize("since", [0, 3, 10**9])
def test_a_progress_that_raises_ends_the_run_with_everything_kept(since):
    """The fault of who shows the progress is theirs to see, after all that is known is on disk; also the last call's."""
    calls = 0

    def show(progress):
        nonlocal calls
        calls += 1
        if calls > since or progress.done == progress.total:
            raise ZeroDivisionError

    server = Scripted()
    journal = MemoryJournal(0)
    with pytest.raises(ZeroDivisionError):
        sending(server, rows_of(200), journal=journal, on_progress=show)
    assert len(journal.results) == len(server.bodies)
    assert since > 3 or len(server.bodies) < 100


def test_a_dead_server_sees_no_storm_and_no_row_fails_by_it():
    """Fifteen minutes of refused connections: some hundred requests, every row still pending."""
    rows = rows_of(500)
    server = Scripted({row.phones[0]: [DOWN] * 999 for row in rows})
    journal = MemoryJournal(0)
    with pytest.raises(ServerUnavailableError):
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
    assert {result.status for result in journal.results.values()} == {RowStatus.ACCEPTED}
    assert len(server.bodies) < 2150
    assert seconds > 200


def test_ctrl_c_once_drains_what_is_in_flight():
    """Nothing new leaves, what left is settled and written, and the rest has no intent left behind."""
    asked = StopRequest.NO
    rows = rows_of(1000)

    class Stopping(Scripted):
        async def upsert(self, payload):
            nonlocal asked
            if len(self.bodies) == 100:
                asked = StopRequest.DRAIN
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
    asked = StopRequest.NO
    sent_after = []

    class Stopping(Scripted):
        async def upsert(self, payload):
            nonlocal asked
            if asked is StopRequest.DRAIN:
                sent_after.append(payload)
            if len(self.bodies) == 50:
                asked = StopRequest.DRAIN
            return await super().upsert(payload)

    finished, _, _ = sending(Stopping(), rows_of(1000), asked=lambda: asked, rate=1e6, concurrency=2)
    assert not finished
    assert sent_after == []


def test_a_row_that_knocks_at_a_dead_server_is_not_used_up_by_it():
    """Two rows, two hours of refused connections: still pending, not failed."""
    rows = rows_of(2)
    server = Scripted({row.phones[0]: [DOWN] * 999 for row in rows})
    journal = MemoryJournal(0)
    with pytest.raises(ServerUnavailableError):
        sending(server, rows, journal=journal, max_wait=7200.0, concurrency=50)
    assert journal.results == {}


def test_ctrl_c_twice_stops_at_once():
    asked = StopRequest.NO

    class Hanging(Scripted):
        async def upsert(self, payload):
            nonlocal asked
            if len(self.bodies) >= 10:
                asked = StopRequest.NOW
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
                raise DiskWriteError("disk full")
            return super().record(results=results, **rest)

    server = Scripted()
    with pytest.raises(DiskWriteError):
        sending(server, rows_of(500), journal=Full(0))
    assert len(server.bodies) < 100


def test_a_retry_after_beyond_patience_stops_with_everything_kept():
    rows = rows_of(50)
    long = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="", retry_after_s=5000.0)
    journal = MemoryJournal(0)
    with pytest.raises(ServerUnavailableError, match="asks to wait"):
        sending(Scripted({rows[10].phones[0]: [long]}), rows, journal=journal)
    assert 10 not in journal.results


ANSWERS = st.sampled_from([LOST, BUSY, DOWN, SLOW, NO, TURNED_AWAY, OK])


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
    turned_away = []

    original = server.upsert

    async def upsert(payload):
        answer = await original(payload)
        turned_away.append(answer.outcome is DeliveryOutcome.TURNED_AWAY)
        note = payload.get("customer_note")
        if note and answer.outcome in (DeliveryOutcome.APPLIED, DeliveryOutcome.MAY_HAVE_ARRIVED):
            seen[note] = seen.get(note, 0) + 1
        return answer

    async def is_welcome(sleep):
        return True

    server.upsert, server.probe_access = upsert, is_welcome
    try:
        finished, journal, _ = sending(server, rows, concurrency=concurrency, max_wait=10_000)
    except ServerUnavailableError:
        return
    except BlockedError:  # a wall is more than one row in many
        assert sum(turned_away) > MOST_IN_A_ROW
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
