"""Rows that somebody before the CRM turns away: one is refused and the run goes on, a ban or a wall stops it."""

import asyncio

import msgspec
import pytest

from importer.errors import BlockedError, KeyRefusedError, ServerUnavailableError
from importer.models.status import NoteState, RowStatus
from importer.sender.block_detector import MOST_IN_A_ROW
from importer.sender.send_loop import StopRequest
from tests.sender.simulation import MemoryJournal
from tests.sender.test_loop import DOWN, LOST, NO, SLOW, TURNED_AWAY, Scripted, rows_of, sending


class Behind(Scripted):
    """A CRM behind a firewall that turns some rows away. `welcome` is what it answers to a plain question."""

    def __init__(self, turned_away=(), *, script=None, welcome=True):
        super().__init__({**{row.phones[0]: [TURNED_AWAY] for row in turned_away}, **(script or {})})
        self.welcome = welcome
        self.asked_at = []

    async def probe_access(self, sleep):
        self.asked_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.2)
        if isinstance(self.welcome, Exception):
            raise self.welcome
        return self.welcome


class Journal(MemoryJournal):
    """One that knows which rows were given back."""

    def __init__(self):
        super().__init__(0)
        self.given_back = set()

    def record(self, *, withdrawn=(), **rest):
        self.given_back |= {row.number for row in withdrawn}
        return super().record(**rest)

    def of(self, status):
        return {number for number, result in self.results.items() if result.status is status}


def test_one_row_is_refused_and_the_others_go_in():
    """The run does not die at row 40, nor does each resume of it."""
    rows = rows_of(100)
    server = Behind([rows[40]])
    finished, journal, _ = sending(server, rows, journal=Journal())
    assert finished
    assert journal.of(RowStatus.REFUSED) == {40}
    assert journal.of(RowStatus.ACCEPTED) == set(range(100)) - {40}
    assert [issue.machine_code for issue in journal.results[40].issues] == ["row.turned_away"]
    assert journal.results[40].http_status == 403
    assert len(server.asked_at) == 1
    assert sum(body["customer_phone"] == rows[40].phones[0] for body in server.bodies) == 1


def test_workers_that_meet_strangers_at_once_share_one_question():
    """Fifty requests are under way; twenty of them are turned away before the CRM has said that it is there."""
    rows = rows_of(50)
    server = Behind(rows[10:30])
    finished, journal, _ = sending(server, rows, rate=1e6, concurrency=50, journal=Journal())
    assert finished
    assert journal.of(RowStatus.REFUSED) == set(range(10, 30))
    assert len(server.asked_at) == 1


def test_an_answer_does_not_hold_for_what_left_after_it():
    """A ban may begin at any moment."""
    rows = rows_of(300)
    server = Behind([rows[20], rows[200]])
    sending(server, rows)
    assert len(server.asked_at) == 2


@pytest.mark.parametrize(
    ("welcome", "error", "words"),
    [
        (False, BlockedError, "refuses every request, also for its lists"),
        (BlockedError("403 (access denied) came."), BlockedError, "403 .access denied. came"),
        (KeyRefusedError("401"), KeyRefusedError, "401"),
        (ServerUnavailableError("nobody"), BlockedError, "403 .access denied. came. That was at row"),
    ],
)
def test_where_the_lists_refuse_or_nobody_answers_the_run_stops(welcome, error, words):
    """A ban: the rows that met it are pending, however many they were, and one question was asked."""
    rows = rows_of(200)
    server = Behind(rows[100:], welcome=welcome)
    journal = Journal()
    with pytest.raises(error, match=words):
        sending(server, rows, rate=1e6, concurrency=50, journal=journal)
    assert len(server.asked_at) == 1
    assert journal.of(RowStatus.REFUSED) == set()
    assert journal.of(RowStatus.ACCEPTED) == set(range(100))
    assert journal.given_back == {row.number for row in journal.intents} - set(range(100))


@pytest.mark.parametrize("concurrency", [1, 50])
def test_so_many_in_a_row_are_a_wall(concurrency):
    """The lists answer and every row is turned away: the sheet is not used up."""
    rows = rows_of(300)
    server = Behind(rows[100:])
    journal = Journal()
    with pytest.raises(BlockedError, match=r"25 rows in a row were turned away with 403 \(a page of HTML\)"):
        sending(server, rows, rate=1000, concurrency=concurrency, journal=journal)
    assert len(journal.of(RowStatus.REFUSED)) == MOST_IN_A_ROW == 25
    assert journal.of(RowStatus.ACCEPTED) == set(range(100))
    assert len(journal.results) == 125


@pytest.mark.parametrize("ordinary", ["ok", "no"])
def test_a_row_that_is_let_through_between_them_shows_that_there_is_no_wall(ordinary):
    """Taken or refused: an answer of the CRM's own to a row is what counts."""
    rows = rows_of(300)
    through = rows[::20]
    server = Behind(
        [row for row in rows if row not in through],
        script={row.phones[0]: [NO] for row in through} if ordinary == "no" else {},
    )
    finished, journal, _ = sending(server, rows, rate=1000, concurrency=1, journal=Journal())
    assert finished
    assert len(journal.results) == 300


@pytest.mark.parametrize("note", ["hello", ""])
@pytest.mark.parametrize("doubt_is", ["of this run", "of a run before a crash"])
def test_after_a_doubt_a_row_that_is_turned_away_is_unknown(note, doubt_is):
    """Law 3: its first request may have arrived, whatever somebody else says of the second. The note stays off."""
    (row,) = rows_of(1, note=note)
    answers = [LOST, TURNED_AWAY]
    if doubt_is != "of this run":
        answers = [TURNED_AWAY]
        unsure = NoteState.UNKNOWN if note else NoteState.NONE
        row = msgspec.structs.replace(row, may_have_arrived=True, note_state=unsure)
    server = Behind(script={row.phones[0]: answers})
    finished, journal, _ = sending(server, [row], journal=Journal())
    assert finished
    assert journal.results[0].status is RowStatus.UNKNOWN
    assert journal.results[0].note is (NoteState.UNKNOWN if note else NoteState.NONE)
    assert "customer_note" not in server.bodies[-1]
    codes = [issue.code for issue in journal.results[0].issues]
    assert codes == ["turned_away", "unsure", *(["note_unsure"] if note else [])]


def test_a_note_that_was_turned_away_with_its_row_has_not_been_sent():
    """A connection that did not come about is no doubt: the row is refused, its note goes again with a retry."""
    (row,) = rows_of(1)
    server = Behind(script={row.phones[0]: [DOWN, SLOW, TURNED_AWAY]})
    _, journal, _ = sending(server, [row], journal=Journal())
    assert journal.results[0].status is RowStatus.REFUSED
    assert journal.results[0].note is NoteState.NOT_SENT


@pytest.mark.parametrize("stop", [StopRequest.DRAIN, StopRequest.NOW])
@pytest.mark.parametrize("busy", [False, True])
def test_ctrl_c_during_the_question_leaves_the_rows_pending(stop, busy):
    """Those that wait for the answer too; and a CRM that asks to be asked later is not waited for."""
    asked = StopRequest.NO

    class Asked(Behind):
        async def probe_access(self, sleep):
            nonlocal asked
            await asyncio.sleep(0.3)  # meanwhile all ten of them have come, and wait for this answer
            asked = stop
            if busy:
                await sleep(800)
            return await super().probe_access(sleep)

    rows = rows_of(200)
    server = Asked(rows[100:110])
    finished, journal, seconds = sending(
        server, rows, rate=1e6, concurrency=50, journal=Journal(), asked=lambda: asked
    )
    assert not finished
    assert seconds < 5
    assert len(server.asked_at) <= 1
    assert journal.of(RowStatus.REFUSED) == set()
    assert set(range(100, 110)) <= journal.given_back


def test_the_question_does_not_leave_while_all_are_asked_to_wait():
    """Law 5 holds for a question too."""
    rows = rows_of(2)
    wait = msgspec.structs.replace(SLOW, retry_after_s=30.0)
    server = Behind(script={rows[0].phones[0]: [wait], rows[1].phones[0]: [TURNED_AWAY]})
    server.chance.uniform = lambda low, high: 0.05 if len(server.bodies) == 1 else 0.1
    finished, journal, _ = sending(server, rows, rate=1e6, concurrency=2, journal=Journal())
    assert finished
    assert journal.of(RowStatus.REFUSED) == {1}
    assert server.asked_at[0] > 30


def test_an_answer_to_the_question_ends_an_outage():
    """While the server is away one request at a time knocks: where it is the question, its answer lets the others go on."""
    rows = rows_of(30, note="")
    answers = [[TURNED_AWAY], [SLOW, DOWN], *[[DOWN] for _ in range(5)]]
    server = Behind(script={row.phones[0]: own for row, own in zip(rows, answers, strict=False)})
    # All are asked to wait; then a row is turned away, and its question waits too; then nobody is there for the others.
    latencies_s = [0.1, 0.05, *[0.15] * 5]
    server.chance.uniform = lambda *_: latencies_s.pop(0) if latencies_s else 0.05
    finished, journal, _ = sending(server, rows, rate=1e6, concurrency=7, journal=Journal())
    assert finished
    assert journal.of(RowStatus.REFUSED) == {0}
    assert len(journal.of(RowStatus.ACCEPTED)) == 29
