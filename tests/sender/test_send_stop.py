"""How a sending stops: an error, Ctrl-C, a full disk. All that is known is kept, and the rest stays pending."""

import asyncio

import pytest

from importer.errors import BlockedError, DiskWriteError, KeyRefusedError, ServerUnavailableError
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.status import NoteState, RowStatus
from importer.sender.send_loop import StopRequest
from tests.sender.scripted_server import NO, RecordingJournal, ScriptedServer, build_rows, run_sending
from tests.sender.simulation import MemoryJournal, VirtualLoop

# --- errors


@pytest.mark.parametrize("error", [KeyRefusedError("no"), BlockedError("html")], ids=["key", "blocked"])
def test_stop_leaves_the_rest_pending(error):
    """The row that met the error, and those after it, are pending. A block names its row."""
    rows = build_rows(100)
    server = ScriptedServer({rows[20].phones[0]: [error]})
    journal = MemoryJournal()
    with pytest.raises(type(error)) as stopped:
        run_sending(server, rows, journal=journal)
    if isinstance(error, BlockedError):
        assert stopped.value.message.endswith("This happened at row 20.")
    assert 12 <= len(journal.results) <= 36
    assert 20 not in journal.results
    sent_phones = {body["customer_phone"] for body in server.bodies}
    assert {rows[n].phones[0] for n in journal.results} <= sent_phones


PAGE = CrmResponse(
    outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=200, message="an HTML page", is_web_page=True
)


def test_login_page_for_everything_stops_at_once():
    """One question for a list follows the first page. The page may stand before a CRM that took the row: it is in doubt."""

    class PortalServer(ScriptedServer):
        async def probe_once(self, sleep):
            await super().probe_once(sleep)
            raise BlockedError("a web page")

    rows = build_rows(100)
    server = PortalServer({row.phones[0]: [PAGE] * 99 for row in rows[21:]})
    journal = RecordingJournal()
    with pytest.raises(BlockedError):
        run_sending(server, rows, journal=journal)
    assert len(server.asked_at) == 1
    assert len(server.bodies) < 40
    assert 21 not in journal.results
    assert 21 not in journal.withdrawn_numbers
    assert journal.withdrawn
    assert journal.open_results[21].attempts == 1
    assert journal.open_results[21].http_status == 200


def test_web_page_now_and_then_stops_nothing():
    """The CRM gives its lists, so the row is in doubt: it goes again without its note, and the run goes on."""
    rows = build_rows(300)
    server = ScriptedServer({row.phones[0]: [PAGE] for row in rows[::20]})
    is_finished, journal, _ = run_sending(server, rows)
    assert is_finished
    assert {result.status for result in journal.results.values()} == {RowStatus.ACCEPTED}
    assert journal.results[60].note is NoteState.UNKNOWN
    assert journal.results[60].attempts == 2
    assert journal.results[63].note is NoteState.SENT
    assert 1 <= len(server.asked_at) <= 15


def test_row_that_always_gets_a_web_page_ends_by_itself():
    """Its five attempts are all in doubt, and the others go in."""
    rows = build_rows(100)
    server = ScriptedServer({rows[30].phones[0]: [PAGE] * 99})
    is_finished, journal, _ = run_sending(server, rows)
    assert is_finished
    assert journal.results[30].status is RowStatus.UNKNOWN
    assert journal.results[30].attempts == 5
    assert len(journal.results) == 100


def test_retry_after_beyond_max_wait_stops():
    """The row that was asked to wait is pending."""
    rows = build_rows(50)
    long = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="", retry_after_s=5000.0)
    journal = MemoryJournal()
    with pytest.raises(ServerUnavailableError, match="asks us to wait"):
        run_sending(ScriptedServer({rows[10].phones[0]: [long]}), rows, journal=journal)
    assert 10 not in journal.results


def test_full_disk_stops():
    """What cannot be written is not sent: few requests leave after the disk is full."""

    class FullJournal(MemoryJournal):
        def record(self, batch):
            if len(self.results) > 20:
                raise DiskWriteError("disk full")
            return super().record(batch)

    server = ScriptedServer()
    with pytest.raises(DiskWriteError):
        run_sending(server, build_rows(500), journal=FullJournal())
    assert len(server.bodies) < 100


@pytest.mark.parametrize("calls_that_work", [0, 3, 10**9])
def test_progress_that_raises_stops_with_everything_kept(calls_that_work):
    """An error in the caller's function is raised once all that is known is on disk, also by the last call."""
    calls = 0

    def on_progress(progress):
        nonlocal calls
        calls += 1
        if calls > calls_that_work or progress.done == progress.total:
            raise ZeroDivisionError

    server = ScriptedServer()
    journal = MemoryJournal()
    with pytest.raises(ZeroDivisionError):
        run_sending(server, build_rows(200), journal=journal, on_progress=on_progress)
    assert len(journal.results) == len(server.bodies)
    assert calls_that_work > 3 or len(server.bodies) < 100


# --- an account that refuses everything


class RefusingServer(ScriptedServer):
    """Refuse every row from the eleventh on with the same message. `access` is the answer to an access probe."""

    def __init__(self, access):
        super().__init__()
        self.access = access
        self.probes = 0

    async def upsert(self, payload):
        response = await super().upsert(payload)
        return response if len(self.bodies) <= 10 else NO

    async def probe_access(self, sleep):
        self.probes += 1
        if isinstance(self.access, Exception):
            raise self.access
        return self.access


@pytest.mark.parametrize(
    ("access", "error"),
    [(False, BlockedError), (KeyRefusedError("no"), KeyRefusedError)],
    ids=["refused", "key refused"],
)
def test_blocked_account_stops_the_run(access, error):
    """A block that answers 400 must not use up the whole sheet. What was refused so far is kept."""
    server = RefusingServer(access)
    journal = MemoryJournal()
    with pytest.raises(error):
        run_sending(server, build_rows(500), journal=journal)
    assert 50 <= len(journal.results) < 80
    assert len(journal.results) == len(server.bodies)


def test_many_bad_rows_are_not_a_block():
    """A sheet whose assignee has left is refused row by row to its end: the account still answers."""
    server = RefusingServer(access=True)
    is_finished, journal, _ = run_sending(server, build_rows(500))
    assert is_finished
    assert server.probes == 1
    assert len(journal.results) == 500


def test_ctrl_c_ends_an_access_probe():
    """A CRM that asks us to wait ten minutes is not waited for. The refused row stays refused."""
    stop_request = StopRequest.NO

    class BusyServer(RefusingServer):
        async def probe_access(self, sleep):
            nonlocal stop_request
            self.probes += 1
            stop_request = StopRequest.DRAIN
            await sleep(600)
            return True

    server = BusyServer(access=True)
    is_finished, journal, seconds = run_sending(
        server, build_rows(500), get_stop_request=lambda: stop_request
    )
    assert not is_finished
    assert seconds < 5
    assert server.probes == 1
    assert len(journal.results) == len(server.bodies)


# --- Ctrl-C once


def test_ctrl_c_once_finishes_requests_under_way():
    """Nothing new leaves, what has left is settled and written, and all other intents are withdrawn."""
    stop_request = StopRequest.NO

    class StoppingServer(ScriptedServer):
        async def upsert(self, payload):
            nonlocal stop_request
            if len(self.bodies) == 100:
                stop_request = StopRequest.DRAIN
            return await super().upsert(payload)

    server = StoppingServer()
    is_finished, journal, _ = run_sending(
        server, build_rows(1000), get_stop_request=lambda: stop_request, journal=RecordingJournal()
    )
    assert not is_finished
    assert len(journal.results) == len(server.bodies)
    intended = {intent.number for intent in journal.intents}
    assert intended - set(journal.results) == journal.withdrawn_numbers


def test_ready_rows_do_not_leave_after_ctrl_c():
    """Also at a rate without waits, rows with their intent on disk are withdrawn, not sent."""
    stop_request = StopRequest.NO
    sent_after = []

    class StoppingServer(ScriptedServer):
        async def upsert(self, payload):
            nonlocal stop_request
            if stop_request is StopRequest.DRAIN:
                sent_after.append(payload)
            if len(self.bodies) == 50:
                stop_request = StopRequest.DRAIN
            return await super().upsert(payload)

    is_finished, _, _ = run_sending(
        StoppingServer(), build_rows(1000), get_stop_request=lambda: stop_request, rate=1e6, concurrency=2
    )
    assert not is_finished
    assert sent_after == []


# --- Ctrl-C twice


def test_ctrl_c_twice_stops_at_once():
    """A request that hangs is not waited for."""
    stop_request = StopRequest.NO

    class HangingServer(ScriptedServer):
        async def upsert(self, payload):
            nonlocal stop_request
            if len(self.bodies) >= 10:
                stop_request = StopRequest.NOW
                await asyncio.sleep(3600)
            return await super().upsert(payload)

    is_finished, journal, seconds = run_sending(
        HangingServer(), build_rows(100), get_stop_request=lambda: stop_request
    )
    assert not is_finished
    assert seconds < 5
    assert journal.results
    assert set(journal.results) < set(range(20))


def test_ctrl_c_twice_keeps_rows_under_way_in_doubt():
    """A request that was cancelled may have arrived: its row is not withdrawn as if it had not left."""
    stop_request = StopRequest.NO
    under_way = set()

    class HangingServer(ScriptedServer):
        async def upsert(self, payload):
            nonlocal stop_request
            under_way.add(int(payload["customer_phone"][5:]))
            if len(under_way) == 4:
                stop_request = StopRequest.NOW
            await asyncio.sleep(3600)
            return await super().upsert(payload)

    is_finished, journal, _ = run_sending(
        HangingServer(), build_rows(100), get_stop_request=lambda: stop_request, journal=RecordingJournal()
    )
    assert not is_finished
    assert len(under_way) >= 4
    assert journal.results == {}
    assert journal.open_results.keys() == under_way
    assert {result.attempts for result in journal.open_results.values()} == {1}
    assert {row.number for row in journal.intents} - under_way == journal.withdrawn_numbers


def test_ctrl_c_twice_withdraws_a_waiting_row():
    """A row that was asked to wait has surely not arrived: it is pending, not in doubt."""
    stop_request = StopRequest.NO

    class SlowServer(ScriptedServer):
        async def upsert(self, payload):
            nonlocal stop_request
            response = await super().upsert(payload)
            stop_request = StopRequest.NOW
            return response

    rows = build_rows(1)
    hold = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="", retry_after_s=60)
    is_finished, journal, _ = run_sending(
        SlowServer({rows[0].phones[0]: [hold]}),
        rows,
        get_stop_request=lambda: stop_request,
        journal=RecordingJournal(),
    )
    assert not is_finished
    assert journal.results == {}
    assert journal.withdrawn == rows


class SlowDiskLoop(VirtualLoop):
    """An event loop in which every commit takes a third of a second."""

    def run_in_executor(self, executor, function, *arguments):
        future = self.create_future()
        done = super().run_in_executor(executor, function, *arguments)
        self.call_later(0.3, lambda: future.cancelled() or future.set_result(done.result()))
        return future


@pytest.mark.parametrize("commits", [0, 1, 2, 3])
def test_ctrl_c_twice_withdraws_what_is_being_committed(commits):
    """An intent that reaches the disk after its row was given up is withdrawn: that row never left."""
    begun = 0

    class CountingJournal(RecordingJournal):
        def record(self, batch):
            nonlocal begun
            begun += bool(batch.intents)
            return super().record(batch)

    server = ScriptedServer()
    is_finished, journal, _ = run_sending(
        server,
        build_rows(1000),
        get_stop_request=lambda: StopRequest.NOW if begun > commits else StopRequest.NO,
        journal=CountingJournal(),
        loop=SlowDiskLoop(),
    )
    assert not is_finished
    sent = {int(body["customer_phone"][5:]) for body in server.bodies}
    assert {row.number for row in journal.intents} - sent == journal.withdrawn_numbers
