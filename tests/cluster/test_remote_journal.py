"""The calls between a worker and the journal: lost answers, old epochs, cut networks, strangers."""

from __future__ import annotations

import asyncio
import socket
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from importer.cluster.journal_calls import Method, Outcome
from importer.cluster.journal_service import CALL_PATH, JournalService, ServiceAddress
from importer.cluster.remote_journal import JournalFailedError, LeaseLostError, RemoteJournal
from importer.credentials import Credentials, Secret
from importer.errors import DiskWriteError
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_metadata import SendTotals
from importer.models.delivery import DeliveryOutcome, PendingRow
from importer.pipeline.local_sender import ClientSettings, Sending, SendingObserver
from importer.sender.client import open_client
from importer.sender.request_kinds import Upserts
from importer.sender.send_loop import Progress, SendSettings, StopRequest
from importer.state.lease import LeaseKeeper

ROW = PendingRow(number=2, phones=("+919845000001",), payload={"customer_phone": "+919845000001"})
PROGRESS = Progress(done=1, total=2, not_accepted=0, rate_per_s=5.0, waiting_s=0.0)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Source:
    """A journal that counts what it is asked."""

    def __init__(self):
        self.recorded = []
        self.error = None

    def read_send_totals(self):
        return SendTotals(requests=7)

    def read_pending(self, after, limit):
        return [ROW] if after < 2 and limit else []

    def record(self, batch):
        if self.error:
            raise self.error
        self.recorded.append(batch)
        return batch.intents


class Bench:
    """A service with one door, and workers that come to it."""

    def __init__(self, folder, service, clock):
        self.source, self.clock, self.service = Source(), clock, service
        self.progress, self.stop_request = [], StopRequest.NO
        self.folder = folder
        self.door = self.open_door()

    def open_door(self):
        """Begin another sending to the account."""
        sending = Sending(
            source=self.source,
            kind=Upserts(create=True),
            total=1,
            settings=SendSettings(rate_per_s=10.0, concurrency=2, max_wait_s=60),
            client=ClientSettings(timeout_s=5, max_wait_s=60, connections=2),
        )
        observer = SendingObserver(
            on_progress=self.progress.append, get_stop_request=lambda: self.stop_request
        )
        return self.service.open_door(self.folder, sending, observer)

    def make_worker(self, holder="w1"):
        def sleep(seconds):
            self.clock.now += seconds

        return RemoteJournal(
            self.service.address,
            None,
            sending=self.door.sending_id,
            holder=holder,
            clock=self.clock,
            sleep=sleep,
        )

    def start_worker(self, holder="w1"):
        worker = self.make_worker(holder)
        worker.acquire(holder)
        return worker


@pytest.fixture
def bench(tmp_path):
    clock = Clock()

    def build(folder):
        return LeaseKeeper(folder, clock=clock)

    with JournalService("127.0.0.1", None, build_keeper=build) as service:
        yield Bench(tmp_path, service, clock)


@contextmanager
def lose(worker, monkeypatch, *, after_call):
    """Let each call of a worker fail: before it reaches the service, or with its answer lost."""
    post = worker._post

    def fail(call):
        if after_call:
            post(call)
        raise httpx.ReadTimeout("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(worker, "_post", fail)
        yield


def test_each_value_arrives_as_it_was_sent(bench):
    """Rows, totals, batches and progress; the wish to stop comes with an answer."""
    worker = bench.start_worker()
    assert worker.read_send_totals() == SendTotals(requests=7)
    assert worker.read_pending(-1, 10) == [ROW]
    assert worker.record(DeliveryBatch(intents=[ROW])) == [ROW]
    assert bench.source.recorded == [DeliveryBatch(intents=[ROW])]
    worker.report_progress(PROGRESS)
    bench.stop_request = StopRequest.DRAIN
    worker.record(DeliveryBatch())
    assert worker.get_stop_request() is StopRequest.DRAIN
    worker.release()


def test_commit_whose_answer_is_lost_is_not_made_twice(bench, monkeypatch):
    """The same call gets the same answer: two results of one row would be refused by the journal."""
    worker, post, posts = bench.start_worker(), RemoteJournal._post, []

    def lose_first(journal, call):
        answer = post(journal, call)
        if call.method is Method.RECORD:
            posts.append(call.sequence)
            if len(posts) == 1:
                raise httpx.ReadTimeout("no answer")
        return answer

    monkeypatch.setattr(RemoteJournal, "_post", lose_first)
    assert worker.record(DeliveryBatch(intents=[ROW])) == [ROW]
    assert posts[0] == posts[1]
    assert len(bench.source.recorded) == 1
    worker.release()


def test_short_cut_of_the_network_heals(bench, monkeypatch):
    """A worker asks again until its lease has ended."""
    worker = bench.start_worker()
    began = bench.clock.now
    post = RemoteJournal._post

    def cut(journal, call):
        if call.method is Method.RECORD and bench.clock.now < began + 12:
            raise httpx.ConnectTimeout("cut off")
        return post(journal, call)

    monkeypatch.setattr(RemoteJournal, "_post", cut)
    assert worker.record(DeliveryBatch(intents=[ROW])) == [ROW]
    assert bench.clock.now >= began + 12
    worker.release()


def test_worker_that_is_cut_off_stops_by_itself(bench, monkeypatch):
    """Its lease counts from before its last answered call, by its own clock; what it asks for then is refused by itself."""
    worker = bench.start_worker()
    with lose(worker, monkeypatch, after_call=True):
        bench.clock.now += 14.9
        worker.raise_if_lost()
        bench.clock.now += 0.1
        with pytest.raises(LeaseLostError):
            worker.raise_if_lost()
        assert worker.get_stop_request() is StopRequest.NOW
        with pytest.raises(LeaseLostError):
            worker.record(DeliveryBatch(intents=[ROW]))
    assert not bench.source.recorded


def test_second_worker_of_a_sending_is_refused(bench):
    """The cluster gave its task out twice."""
    first = bench.start_worker("w1")
    with pytest.raises(LeaseLostError):
        bench.start_worker("w2")
    first.raise_if_lost()
    first.release()


@pytest.mark.parametrize(
    "call",
    [
        lambda worker: worker.read_send_totals(),
        lambda worker: worker.read_pending(-1, 10),
        lambda worker: worker.record(DeliveryBatch(intents=[ROW])),
        lambda worker: worker.begin_writes([]),
        lambda worker: worker.begin_tasks([]),
    ],
    ids=["totals", "pending", "record", "writes", "tasks"],
)
@pytest.mark.parametrize("reason", ["an old epoch", "a closed door", "another batch"])
def test_fenced_worker_can_do_nothing(bench, reason, call):
    """What it asks for does not reach the journal, and it is lost from then on."""
    worker = bench.start_worker()
    if reason == "an old epoch":
        worker._epoch -= 1
    elif reason == "a closed door":
        bench.door.close()
    else:
        worker._http.headers["authorization"] = "Bearer of another batch"
    with pytest.raises(LeaseLostError):
        call(worker)
    assert worker.is_lost
    assert not bench.source.recorded
    worker.release()


def test_worker_waits_for_the_lease_of_the_one_before(bench):
    """It may still have requests under way."""
    bench.start_worker("w1")
    bench.door = bench.open_door()
    began = bench.clock.now
    second = bench.start_worker("w2")
    assert bench.clock.now - began >= 15 + 5 + 5 + 5  # time to live, connect, --timeout, margin
    second.release()


def test_released_lease_is_not_waited_for(bench):
    bench.start_worker("w1").release()
    bench.door = bench.open_door()
    began = bench.clock.now
    bench.start_worker("w2").release()
    assert bench.clock.now == began


def test_waiting_worker_hears_that_the_batch_stops(bench):
    bench.start_worker("w1")
    bench.door, bench.stop_request = bench.open_door(), StopRequest.DRAIN
    assert bench.make_worker("w2").acquire("w2") is False


def test_error_of_the_journal_stays_with_the_coordinator(bench):
    """The worker hears that it failed. Its words may name paths of the coordinator."""
    worker = bench.start_worker()
    bench.source.error = DiskWriteError("The disk is full.")
    with pytest.raises(JournalFailedError):
        worker.record(DeliveryBatch())
    assert bench.door.error is bench.source.error
    worker.release()


def test_silent_worker_is_noticed(bench, monkeypatch):
    """Once its lease has ended, so that another one can be asked."""
    assert not bench.door.is_silent
    worker = bench.start_worker()
    assert not bench.door.is_silent
    with lose(worker, monkeypatch, after_call=False):
        bench.clock.now += 16
        assert bench.door.is_silent
    worker._is_released.set()


def test_worker_that_waits_for_the_lease_is_not_taken_for_silent(bench):
    """The lease that has ended is that of the worker before."""
    bench.start_worker("w1")
    bench.door = bench.open_door()
    waiting = bench.make_worker("w2")
    bench.clock.now += 16
    assert waiting._ask_for_lease("w2").wait_s > 0
    assert not bench.door.is_silent


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({}, b"{}", 401),
        ({"authorization": "Bearer guess"}, b"{}", 401),
        (None, b'{"sending": 1}', 400),
        (None, b"not json", 400),
        (None, b'{"sending":"x","holder":"h","method":"drop_table"}', 400),
    ],
    ids=["no token", "wrong token", "wrong type", "not JSON", "unknown method"],
)
def test_service_refuses_strangers_and_nonsense(bench, headers, content, status):
    address = bench.service.address
    headers = {"authorization": f"Bearer {address.token}"} if headers is None else headers
    answer = httpx.post(address.url + CALL_PATH, content=content, headers=headers)
    assert (answer.status_code, answer.content) == (status, b"")


def test_endless_call_is_refused(bench, monkeypatch):
    """A worker that lies cannot fill the memory of the coordinator."""
    monkeypatch.setattr("importer.cluster.journal_service._MAX_CALL_BYTES", 1000)
    address = bench.service.address
    answer = httpx.post(
        address.url + CALL_PATH, content=b"x" * 5000, headers={"authorization": f"Bearer {address.token}"}
    )
    assert answer.status_code == 413


def test_service_with_certificates_is_not_called_without_them():
    """The client would take any certificate, and tell a stranger the token."""
    with pytest.raises(AssertionError, match="a stranger could be the service"):
        RemoteJournal(ServiceAddress("https://10.0.0.1:1", "token"), None, sending="s", holder="h")


def test_token_is_not_shown():
    assert "secret" not in repr(ServiceAddress("http://10.0.0.1:1", "secret"))


def test_service_listens_on_the_given_address_alone(bench):
    host, port = bench.service.address.url.removeprefix("http://").split(":")
    assert host == "127.0.0.1"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", int(port)), timeout=2)


def test_no_request_leaves_after_the_lease():
    """The check is made right before each request, whatever the sender has decided before."""
    sent, is_lost = [], False

    def check():
        if is_lost:
            raise LeaseLostError("lost")

    async def send():
        nonlocal is_lost
        credentials = Credentials("http://127.0.0.1:9", Secret("k"))
        async with open_client(credentials, timeout_s=1, max_wait_s=1, connections=1, check=check) as client:
            sent.append((await client.upsert({"customer_phone": "+919845000001"})).outcome)
            is_lost = True
            with pytest.raises(LeaseLostError):
                await client.upsert({"customer_phone": "+919845000001"})
            with pytest.raises(LeaseLostError):
                await client.look_up("+919845000001")

    asyncio.run(send())
    assert sent == [DeliveryOutcome.NOT_APPLIED]


def test_call_that_the_network_has_held_back_changes_nothing(bench):
    """Its worker gave up waiting, asked again, was answered and went on. Then the first copy arrives."""
    worker = bench.start_worker()
    worker.record(DeliveryBatch(intents=[ROW]))
    late = worker._build_call(Method.RECORD, DeliveryBatch(intents=[ROW]))
    worker.record(DeliveryBatch())
    assert worker._post(late).outcome is Outcome.FENCED
    assert len(bench.source.recorded) == 2
    worker.raise_if_lost()
    worker.release()


def test_late_question_does_not_take_a_lease_that_was_given_back(bench):
    """Nobody would renew it, so the next sending would wait for nothing."""
    worker = bench.make_worker()
    late = worker._build_call(Method.ACQUIRE, "w1")
    worker.acquire("w1")
    worker._is_released.set()
    worker._post(worker._build_call(Method.RELEASE))
    assert worker._post(late).outcome is Outcome.FENCED
    bench.door = bench.open_door()
    began = bench.clock.now
    bench.start_worker("w2").release()
    assert bench.clock.now == began


def test_worker_that_gives_back_a_lost_lease_takes_none_from_the_next(bench):
    """Only who has the lease can free the account."""
    worker = bench.start_worker("w1")
    stranger = bench.make_worker("w2")
    stranger._epoch = worker._epoch
    stranger._post(stranger._build_call(Method.RELEASE))
    assert worker.record(DeliveryBatch(intents=[ROW])) == [ROW]
    worker.release()


def test_worker_that_asks_and_then_hangs_is_noticed(bench):
    """It has no lease yet that could end."""
    bench.start_worker("w1")
    bench.door = bench.open_door()
    assert bench.make_worker("w2")._ask_for_lease("w2").wait_s > 0
    bench.clock.now += 14
    assert not bench.door.is_silent
    bench.clock.now += 2
    assert bench.door.is_silent


def test_full_disk_at_a_grant_is_the_reason_that_the_run_gets(bench, monkeypatch):
    """No lease is given out, and no worker is blamed."""

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("importer.state.lease.fsync_file", fail)
    with pytest.raises(JournalFailedError):
        bench.start_worker()
    assert isinstance(bench.door.error, DiskWriteError)


def test_account_that_another_coordinator_has_given_away_is_waited_for(tmp_path):
    """It was killed, so its lock is free; its worker may still send. This service knew the account from before."""
    clock = Clock()
    with (
        JournalService("127.0.0.1", None, build_keeper=partial(LeaseKeeper, clock=clock)) as service,
        JournalService("127.0.0.1", None, build_keeper=partial(LeaseKeeper, clock=clock)) as other,
    ):
        first = Bench(tmp_path, service, clock)
        first.start_worker("w1").release()
        Bench(tmp_path, other, clock).start_worker("w2")
        first.door = first.open_door()
        assert first.make_worker("w3")._ask_for_lease("w3").wait_s == 15 + 15


def test_lying_worker_can_neither_read_everything_at_once_nor_exhaust_the_stack(bench):
    """Each is refused as nonsense, and the service lives on."""
    worker = bench.start_worker()
    everything = worker._build_call(Method.READ_PENDING, {"after": -1, "limit": 10**9})
    assert worker._post(everything).outcome is Outcome.FENCED
    address = bench.service.address
    deep = (
        b'{"sending":"x","holder":"h","method":"renew","argument":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    )
    answer = httpx.post(
        address.url + CALL_PATH, content=deep, headers={"authorization": f"Bearer {address.token}"}
    )
    assert answer.status_code == 400
    worker.raise_if_lost()
    worker.release()


def test_worker_whose_lease_has_ended_does_not_give_it_back(bench):
    """It has stopped amid its requests, and the CRM may still carry them out. The next worker waits for the lock-delay."""
    worker = bench.start_worker("w1")
    worker._is_released.set()
    bench.clock.now += 15.1
    worker.release()
    bench.door = bench.open_door()
    assert bench.make_worker("w2")._ask_for_lease("w2").wait_s > 0


@pytest.mark.parametrize("method", [Method.ACQUIRE, Method.RECORD])
def test_lease_counts_from_before_the_question(bench, monkeypatch, method):
    """The coordinator counts from when the question came, and nobody knows how long the answer took."""
    post = RemoteJournal._post

    def answer_late(journal, call):
        answer = post(journal, call)
        bench.clock.now += 10 if call.method is method else 0
        return answer

    monkeypatch.setattr(RemoteJournal, "_post", answer_late)
    worker = bench.start_worker()
    worker._is_released.set()
    if method is Method.RECORD:
        worker.record(DeliveryBatch())
    bench.clock.now += 4.9
    worker.raise_if_lost()
    bench.clock.now += 0.2
    assert worker.is_lost
    worker.release()


def test_result_that_does_not_arrive_is_noticed(bench):
    """The worker has given its lease back, and the scheduler that has its result hangs."""
    bench.start_worker().release()
    assert not bench.door.is_silent
    bench.clock.now += 16
    assert bench.door.is_silent


def test_answer_of_another_program_ends_the_lease(bench, monkeypatch):
    """The coordinator is gone, and something else has its port, or a proxy answers in its place."""
    worker = bench.start_worker()
    page = httpx.Response(200, content=b"<html>welcome</html>")
    monkeypatch.setattr(worker._http, "post", lambda *_, **__: page)
    with pytest.raises(LeaseLostError):
        worker.record(DeliveryBatch(intents=[ROW]))
    assert worker.is_lost


def test_service_listens_on_ipv6():
    """Its address is a URL that a worker can use."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this computer has no IPv6")
    with JournalService("::1", None) as service:
        assert httpx.get(service.address.url, trust_env=False).status_code == 404
