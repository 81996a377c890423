"""Rows that a firewall turns away: one is refused and the run goes on, a blocked account stops it."""

import asyncio

import msgspec
import pytest

from importer.errors import BlockedError, KeyRefusedError, ServerUnavailableError
from importer.models.status import NoteState, RowStatus
from importer.sender.block_detector import MAX_TURNED_AWAY
from importer.sender.send_loop import StopRequest
from tests.sender.scripted_server import (
    DOWN,
    LOST,
    NO,
    SLOW,
    TURNED_AWAY,
    RecordingJournal,
    ScriptedServer,
    build_rows,
    run_sending,
)


class FirewalledServer(ScriptedServer):
    """A CRM behind a firewall that turns some rows away. `access` is its answer to an access probe."""

    def __init__(self, turned_away=(), *, script=None, access=True):
        super().__init__({**{row.phones[0]: [TURNED_AWAY] for row in turned_away}, **(script or {})})
        self.access = access
        self.probed_at = []

    async def probe_access(self, sleep):
        self.probed_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.2)
        if isinstance(self.access, Exception):
            raise self.access
        return self.access


def test_one_row_is_refused_and_the_run_goes_on():
    """The run does not stop at row 40, and neither does each resume."""
    rows = build_rows(100)
    server = FirewalledServer([rows[40]])
    is_finished, journal, _ = run_sending(server, rows, journal=RecordingJournal())
    assert is_finished
    assert journal.find_numbers(RowStatus.REFUSED) == {40}
    assert journal.find_numbers(RowStatus.ACCEPTED) == set(range(100)) - {40}
    assert [issue.machine_code for issue in journal.results[40].issues] == ["row.turned_away"]
    assert journal.results[40].http_status == 403
    assert len(server.probed_at) == 1
    assert sum(body["customer_phone"] == rows[40].phones[0] for body in server.bodies) == 1


def test_workers_share_one_probe():
    """Twenty of fifty requests under way are turned away before the CRM has answered the probe."""
    rows = build_rows(50)
    server = FirewalledServer(rows[10:30])
    is_finished, journal, _ = run_sending(server, rows, rate=1e6, concurrency=50, journal=RecordingJournal())
    assert is_finished
    assert journal.find_numbers(RowStatus.REFUSED) == set(range(10, 30))
    assert len(server.probed_at) == 1


def test_later_request_needs_a_new_probe():
    """The account may be blocked at any moment: an answer does not count for requests that left after it."""
    rows = build_rows(300)
    server = FirewalledServer([rows[20], rows[200]])
    run_sending(server, rows)
    assert len(server.probed_at) == 2


@pytest.mark.parametrize(
    ("access", "error", "words"),
    [
        (False, BlockedError, "refuses every request, even for its dropdown lists"),
        (BlockedError("We got 403 (access denied)."), BlockedError, "got 403 .access denied."),
        (KeyRefusedError("401"), KeyRefusedError, "401"),
        (ServerUnavailableError("nobody"), BlockedError, "got 403 .access denied.. This happened at row"),
    ],
)
def test_blocked_account_stops_the_run(access, error, words):
    """The rows that were turned away are pending, however many they are, after one probe."""
    rows = build_rows(200)
    server = FirewalledServer(rows[100:], access=access)
    journal = RecordingJournal()
    with pytest.raises(error, match=words):
        run_sending(server, rows, rate=1e6, concurrency=50, journal=journal)
    assert len(server.probed_at) == 1
    assert journal.find_numbers(RowStatus.REFUSED) == set()
    assert journal.find_numbers(RowStatus.ACCEPTED) == set(range(100))
    assert journal.withdrawn_numbers == {row.number for row in journal.intents} - set(range(100))


@pytest.mark.parametrize("concurrency", [1, 50])
def test_too_many_in_a_row_stop_the_run(concurrency):
    """The lists answer, but every row is turned away: the sheet is not used up."""
    rows = build_rows(300)
    server = FirewalledServer(rows[100:])
    journal = RecordingJournal()
    with pytest.raises(BlockedError, match=r"25 consecutive rows were blocked .* CRM: 403 \(an HTML page\)"):
        run_sending(server, rows, rate=1000, concurrency=concurrency, journal=journal)
    assert len(journal.find_numbers(RowStatus.REFUSED)) == MAX_TURNED_AWAY == 25
    assert journal.find_numbers(RowStatus.ACCEPTED) == set(range(100))
    assert len(journal.results) == 125


@pytest.mark.parametrize("answer", ["accepted", "refused"])
def test_row_let_through_resets_the_count(answer):
    """Accepted or refused: an answer by the CRM itself shows that rows get through."""
    rows = build_rows(300)
    through = rows[::20]
    server = FirewalledServer(
        [row for row in rows if row not in through],
        script={row.phones[0]: [NO] for row in through} if answer == "refused" else {},
    )
    is_finished, journal, _ = run_sending(server, rows, rate=1000, concurrency=1, journal=RecordingJournal())
    assert is_finished
    assert len(journal.results) == 300


@pytest.mark.parametrize("note", ["hello", ""], ids=["note", "no note"])
@pytest.mark.parametrize("doubt", ["of this run", "of a run before a crash"])
def test_turned_away_after_a_doubt_is_unknown(note, doubt):
    """Its first request may have arrived, whatever the firewall says of the second. The note stays off."""
    (row,) = build_rows(1, note=note)
    answers = [LOST, TURNED_AWAY]
    if doubt != "of this run":
        answers = [TURNED_AWAY]
        unsure = NoteState.UNKNOWN if note else NoteState.NONE
        row = msgspec.structs.replace(row, may_have_arrived=True, note_state=unsure)
    server = FirewalledServer(script={row.phones[0]: answers})
    is_finished, journal, _ = run_sending(server, [row], journal=RecordingJournal())
    assert is_finished
    assert journal.results[0].status is RowStatus.UNKNOWN
    assert journal.results[0].note is (NoteState.UNKNOWN if note else NoteState.NONE)
    assert "customer_note" not in server.bodies[-1]
    codes = [issue.code for issue in journal.results[0].issues]
    assert codes == ["turned_away", "unsure", *(["note_unsure"] if note else [])]


def test_note_of_a_turned_away_row_was_not_sent():
    """A failed connect leaves no doubt: the row is refused, and a retry sends its note."""
    (row,) = build_rows(1)
    server = FirewalledServer(script={row.phones[0]: [DOWN, SLOW, TURNED_AWAY]})
    _, journal, _ = run_sending(server, [row], journal=RecordingJournal())
    assert journal.results[0].status is RowStatus.REFUSED
    assert journal.results[0].note is NoteState.NOT_SENT


@pytest.mark.parametrize("stop", [StopRequest.DRAIN, StopRequest.NOW])
@pytest.mark.parametrize("is_busy", [False, True], ids=["answers", "asks us to wait"])
def test_ctrl_c_during_the_probe_leaves_rows_pending(stop, is_busy):
    """So are the rows that wait for its answer. A CRM that asks us to wait is not waited for."""
    stop_request = StopRequest.NO

    class StoppedServer(FirewalledServer):
        async def probe_access(self, sleep):
            nonlocal stop_request
            await asyncio.sleep(0.3)  # meanwhile all ten were turned away, and wait for this answer
            stop_request = stop
            if is_busy:
                await sleep(800)
            return await super().probe_access(sleep)

    rows = build_rows(200)
    server = StoppedServer(rows[100:110])
    is_finished, journal, seconds = run_sending(
        server,
        rows,
        rate=1e6,
        concurrency=50,
        journal=RecordingJournal(),
        get_stop_request=lambda: stop_request,
    )
    assert not is_finished
    assert seconds < 5
    assert len(server.probed_at) <= 1
    assert journal.find_numbers(RowStatus.REFUSED) == set()
    assert set(range(100, 110)) <= journal.withdrawn_numbers


def test_probe_obeys_a_hold():
    """A Retry-After pauses the access probe too."""
    rows = build_rows(2)
    wait = msgspec.structs.replace(SLOW, retry_after_s=30.0)
    server = FirewalledServer(script={rows[0].phones[0]: [wait], rows[1].phones[0]: [TURNED_AWAY]})
    server.rng.uniform = lambda low, high: 0.05 if len(server.bodies) == 1 else 0.1
    is_finished, journal, _ = run_sending(server, rows, rate=1e6, concurrency=2, journal=RecordingJournal())
    assert is_finished
    assert journal.find_numbers(RowStatus.REFUSED) == {1}
    assert server.probed_at[0] > 30


def test_access_probe_ends_an_outage():
    """While the server is away, the one request that leaves may be the access probe: its answer ends the outage."""
    rows = build_rows(30, note="")
    answers = [[TURNED_AWAY], [SLOW, DOWN], *[[DOWN] for _ in range(5)]]
    server = FirewalledServer(script={row.phones[0]: own for row, own in zip(rows, answers, strict=False)})
    # All are asked to wait. Then a row is turned away, and its probe waits too. Then the server is away for the others.
    latencies_s = [0.1, 0.05, *[0.15] * 5]
    server.rng.uniform = lambda *_: latencies_s.pop(0) if latencies_s else 0.05
    is_finished, journal, _ = run_sending(server, rows, rate=1e6, concurrency=7, journal=RecordingJournal())
    assert is_finished
    assert journal.find_numbers(RowStatus.REFUSED) == {0}
    assert len(journal.find_numbers(RowStatus.ACCEPTED)) == 29
