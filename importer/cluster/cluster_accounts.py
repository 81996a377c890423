"""The accounts of a batch whose rows are sent from workers: a thread here has the journal, and a worker there the requests.

The thread runs what a single import runs: locks, journal, reports. A worker that is lost is to it what kill -9 is to an
import, so it goes on as `resume` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from importer.batch.account_processes import AccountExecutor, Board, BoardLink, Phase
from importer.batch.account_work import (
    FetchedLists,
    JudgeRequest,
    Link,
    ListsRequest,
    SendRequest,
    fetch_lists,
)
from importer.batch.batch_context import AccountPlaces
from importer.batch.daemon_threads import DaemonThreads
from importer.batch.manifest import Account
from importer.cluster.journal_service import JournalService
from importer.cluster.remote_journal import LeaseLostError
from importer.cluster.send_task import SendTask, SentRows, WorkerPlace, send_task
from importer.cluster.sending_door import SendingDoor
from importer.errors import RunStoppedError
from importer.messages import ErrorText, batch_messages
from importer.pipeline.local_sender import Sending, SendingObserver, WorkerLostError
from importer.reader.range_places import RangePlaces
from importer.sender.send_loop import StopRequest
from importer.state.state_folder import open_account

_POLL_S = 0.25
_MAX_UNCLAIMED_S = 60.0
"""How long a worker with a free thread may take to ask for the lease. Loading importer takes a few seconds of it."""
_MAX_WITHOUT_WORKERS_S = 60.0
"""Long enough for a nanny, or an orchestrator, to start one again."""
_LISTS_AT_ONCE = 16
_GATHER_S = 0.03
"""A call over the network costs more than a commit, so more rows share one."""
_READY_S = 0.2
"""Longer than a call takes, and no longer: the notes of these rows are in doubt when a worker is killed."""
_Request = TypeVar("_Request")
_Result = TypeVar("_Result")


class WorkerPool(Protocol):
    """Where work runs (DaskPool)."""

    @property
    def is_connected(self) -> bool:
        """Whether the scheduler is there."""

    @property
    def places(self) -> int:
        """How many tasks run at the same time."""

    def submit(
        self,
        work: Callable[[_Request, WorkerPlace], _Result],
        request: _Request,
        *,
        avoid: frozenset[str] = frozenset(),
    ) -> Future[_Result]:
        """Begin work on a worker, and not on those to avoid as long as there are others."""

    def can_run(self, future: Future[Any]) -> bool:
        """Return whether one of the workers for which the work was meant is there."""

    def find_worker(self, future: Future[Any]) -> str:
        """Return the worker that has the work and a thread for it, "" while it waits for one."""

    def is_lost(self, error: BaseException) -> bool:
        """Return whether an error of a future means that its worker is gone."""


class Cluster(msgspec.Struct, frozen=True):
    """The workers, and the service by which they reach the journals. `on_worker_lost` gets an account and a worker."""

    pool: WorkerPool
    service: JournalService
    on_worker_lost: Callable[[str, str], None]
    lost_workers: set[str] = msgspec.field(default_factory=set)

    def submit(self, work: Callable[[_Request, WorkerPlace], _Result], request: _Request) -> Future[_Result]:
        """Begin work on a worker that was not lost, as long as there are others."""
        return self.pool.submit(work, request, avoid=frozenset(self.lost_workers))

    def poll(self, future: Future[_Result]) -> Iterator[float]:
        """Yield the seconds so far, a few times each second, until the future is done.

        Raises RunStoppedError if the scheduler is gone, or all workers for too long.
        """
        began = with_workers_at = time.monotonic()
        while not wait([future], timeout=_POLL_S).done:
            now = time.monotonic()
            with_workers_at = now if self.pool.places else with_workers_at
            reason = self._find_failure(now - with_workers_at)
            if reason is not None:
                future.cancel()
                raise RunStoppedError(*reason)
            yield now - began

    def _find_failure(self, without_workers_s: float) -> ErrorText | None:
        if not self.pool.is_connected:
            return batch_messages.CLUSTER_LOST
        return batch_messages.WORKERS_LOST if without_workers_s > _MAX_WITHOUT_WORKERS_S else None

    def fetch_lists(self, request: ListsRequest) -> FetchedLists:
        """Let a worker fetch the lists of an account: it has the key."""
        future = self.submit(_fetch_lists, request)
        for _ in self.poll(future):
            pass
        try:
            return future.result()
        except Exception as error:
            if not self.pool.is_lost(error):
                raise
            raise RunStoppedError(*batch_messages.LISTS_LOST) from None


class WorkerSender:
    """Sends the rows of one account from a worker."""

    def __init__(self, cluster: Cluster, account: Account, folder: Path, state: Path) -> None:
        self._cluster = cluster
        self._account = account
        self._folder = folder
        self._state = state

    def send(self, sending: Sending, observer: SendingObserver) -> bool:
        """Send all rows. Return False where a person stopped it.

        Raises WorkerLostError if the worker is gone, and what importer.sender.send_loop.send raises.
        """
        door = self._cluster.service.open_door(self._state, sending, observer)
        try:
            future = self._find_future(door, sending, observer)
            if future is None:
                return False
            sent = self._get_result(future, door)
        finally:
            door.close()
        if observer.on_rate_learnt is not None and sent.learnt_rate is not None:
            observer.on_rate_learnt(sent.learnt_rate)
        return sent.is_finished

    def _find_future(
        self, door: SendingDoor, sending: Sending, observer: SendingObserver
    ) -> Future[SentRows] | None:
        """Return the future of the worker that has ended, None where a person stops what no worker has begun.

        Raises WorkerLostError if the worker does not renew its lease: it may be cut off. One that does not even ask for it
        is given up, and another one gets the task.
        """
        while True:
            future = self._submit(door, sending)
            for waited_s in self._cluster.poll(future):
                if door.is_silent:
                    future.cancel()
                    raise self._lose(door.worker)
                if door.worker:
                    continue  # it is the worker's, whose lease says how long
                if observer.get_stop_request() is not StopRequest.NO:
                    future.cancel()
                    return None
                if self._is_stuck(future, waited_s):
                    future.cancel()
                    break
            else:
                return future

    def _submit(self, door: SendingDoor, sending: Sending) -> Future[SentRows]:
        task = SendTask(
            service=self._cluster.service.address,
            sending=door.sending_id,
            key=self._account.key,
            folder=self._folder,
            base_url=self._account.base_url,
            kind=sending.kind,
            total=sending.total,
            settings=msgspec.structs.replace(sending.settings, gather_s=_GATHER_S, ready_s=_READY_S),
            client=sending.client,
            learnt_rate=sending.learnt_rate,
        )
        return self._cluster.submit(send_task, task)

    def _is_stuck(self, future: Future[SentRows], waited_s: float) -> bool:
        """Return whether a task that no worker has begun should be given to another one."""
        if not self._cluster.pool.can_run(future):
            return True
        if waited_s > _MAX_UNCLAIMED_S and (hung := self._cluster.pool.find_worker(future)):
            self._lose(hung)
            return True
        return False

    def _get_result(self, future: Future[SentRows], door: SendingDoor) -> SentRows:
        """Return what a worker has done, or raise why it could not."""
        error = None if future.cancelled() else future.exception()
        if error is None and not future.cancelled():
            return future.result()
        if door.error is not None:
            raise door.error
        if not self._cluster.pool.is_connected:
            raise RunStoppedError(*batch_messages.CLUSTER_LOST)
        if error is None or isinstance(error, LeaseLostError) or self._cluster.pool.is_lost(error):
            raise self._lose(door.worker)
        raise error

    def _lose(self, worker: str) -> WorkerLostError:
        """Avoid a worker from now on, and tell the person."""
        if worker:
            self._cluster.lost_workers.add(worker)
        name = worker or batch_messages.UNKNOWN_WORKER
        self._cluster.on_worker_lost(self._account.name, name)
        return WorkerLostError(*batch_messages.WORKER_LOST.format(worker=name))


class ClusterAccount:
    """The jobs of one account, one after another, in a thread of the coordinator."""

    def __init__(self, cluster: Cluster, board: Board, account: str) -> None:
        self._cluster = cluster
        self._link = _ClusterLink(cluster, board, account)
        self._thread: Executor = ThreadPoolExecutor(1, thread_name_prefix=f"account {account}")

    def submit(self, work: Callable[[_Request, Link], _Result], request: _Request) -> Future[_Result]:
        """Begin the work in the thread."""
        return self._thread.submit(self._work, work, request)

    def close(self) -> None:
        """End the thread after its work."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _work(self, work: Callable[[_Request, Link], _Result], request: _Request) -> _Result:
        return work(self._open_account(request), self._link)

    def _open_account(self, request: _Request) -> _Request:
        """Return the request with the lists and the state of its account. The key is on the workers, so they fetch lists."""
        if not isinstance(request, SendRequest) or request.opened_account is not None:
            return request
        lists = ListsRequest(account=request.account, folder=request.folder, settings=request.job.settings)
        fetched = self._cluster.fetch_lists(lists)
        account = open_account(request.state_dir, fetched.identity, fetched.titles)
        return msgspec.structs.replace(request, titles=fetched.titles, opened_account=account)


class _ClusterLink(BoardLink):
    """Writes the figures of an account on the board, and sends from a worker."""

    def __init__(self, cluster: Cluster, board: Board, account: str) -> None:
        super().__init__(board.cells, board.get_place(account))
        self._cluster = cluster

    def open_sender(self, request: SendRequest) -> WorkerSender:
        """Return what sends the rows of a job from a worker."""
        assert request.opened_account is not None, "the account is opened before its jobs are sent"
        return WorkerSender(self._cluster, request.account, request.folder, request.opened_account.folder)


class _JudgingAccount:
    """The process that judges the jobs of one account. Workers judge ranges of its large CSV files."""

    def __init__(self, process: AccountExecutor, range_places: RangePlaces) -> None:
        self._process = process
        self._range_places = range_places

    def submit(self, work: Callable[[_Request, Link], _Result], request: _Request) -> Future[_Result]:
        """Begin the work in the process."""
        if isinstance(request, JudgeRequest):
            request = msgspec.structs.replace(request, range_places=self._range_places)
        return self._process.submit(work, request)

    def close(self) -> None:
        """End the process."""
        self._process.close()


class ClusterPlaces:
    """Judges in processes of this computer, where the journals are, with help of the workers, and sends from these."""

    def __init__(self, cluster: Cluster, processes: AccountPlaces, range_places: RangePlaces) -> None:
        self._cluster = cluster
        self._processes = processes
        self._range_places = range_places
        self._lists = DaemonThreads(_LISTS_AT_ONCE, "lists")

    def close(self) -> None:
        """Begin no further fetch, also after Ctrl-C."""
        self._lists.close()

    def fetch_lists(self, request: ListsRequest) -> Future[FetchedLists]:
        """Let a worker fetch the lists of an account."""
        return self._lists.submit(self._cluster.fetch_lists, request)

    def open_place(self, board: Board, account: str, phase: Phase) -> AccountExecutor:
        """Return a new place for the jobs of an account."""
        if phase is Phase.JUDGING:
            process = self._processes.open_place(board, account, phase)
            return _JudgingAccount(process, self._range_places)
        return ClusterAccount(self._cluster, board, account)


def _fetch_lists(request: ListsRequest, place: WorkerPlace) -> FetchedLists:
    del place
    return fetch_lists(request)
