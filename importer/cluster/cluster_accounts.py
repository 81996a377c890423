"""The accounts of a batch whose rows are sent from workers: a thread here has the journal, and a worker there the requests.

The thread runs what a single import runs: locks, journal, reports. A worker that is lost is to it what kill -9 is to an
import, so it goes on as `resume` does.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from importer.batch.account_processes import AccountExecutor, Board, BoardLink, Phase
from importer.batch.account_work import FetchedLists, Link, ListsRequest, SendRequest, fetch_lists
from importer.batch.batch_context import AccountPlaces
from importer.batch.manifest import Account
from importer.cluster.journal_service import JournalService
from importer.cluster.remote_journal import LeaseLostError
from importer.cluster.send_task import SendTask, SentRows, WorkerPlace, send_task
from importer.cluster.sending_door import SendingDoor
from importer.errors import RunStoppedError, WorkerLostError
from importer.messages import batch_messages
from importer.pipeline.local_sender import Sending, SendingObserver
from importer.state.state_folder import open_account

_POLL_S = 0.25
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

    def submit(
        self,
        work: Callable[[_Request, WorkerPlace], _Result],
        request: _Request,
        *,
        avoid: frozenset[str] = frozenset(),
    ) -> Future[_Result]:
        """Begin work on a worker, and not on those to avoid as long as there are others."""

    def is_lost(self, error: BaseException) -> bool:
        """Return whether an error of a future means that its worker is gone."""


class Cluster(msgspec.Struct, frozen=True):
    """The workers, and the service by which they reach the journals. `on_worker_lost` gets an account and a worker."""

    pool: WorkerPool
    service: JournalService
    on_worker_lost: Callable[[str, str], None]
    lost_workers: set[str] = msgspec.field(default_factory=set)


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
            sent = self._wait(self._submit(door, sending), door)
        finally:
            door.close()
        if observer.on_rate_learnt is not None and sent.learnt_rate is not None:
            observer.on_rate_learnt(sent.learnt_rate)
        return sent.is_finished

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
        avoid = frozenset(self._cluster.lost_workers)
        return self._cluster.pool.submit(send_task, task, avoid=avoid)

    def _wait(self, future: Future[SentRows], door: SendingDoor) -> SentRows:
        """Wait for the worker. Raises WorkerLostError also if it does not renew its lease: it may be cut off."""
        while not wait([future], timeout=_POLL_S).done:
            if door.is_silent:
                future.cancel()
                raise self._lose(door)
        error = None if future.cancelled() else future.exception()
        if error is None and not future.cancelled():
            return future.result()
        if door.error is not None:
            raise door.error
        if not self._cluster.pool.is_connected:
            raise RunStoppedError(*batch_messages.CLUSTER_LOST)
        if error is None or isinstance(error, LeaseLostError) or self._cluster.pool.is_lost(error):
            raise self._lose(door)
        raise error

    def _lose(self, door: SendingDoor) -> WorkerLostError:
        worker = door.worker or batch_messages.UNKNOWN_WORKER
        if door.worker:
            self._cluster.lost_workers.add(door.worker)
        self._cluster.on_worker_lost(self._account.name, worker)
        return WorkerLostError(*batch_messages.WORKER_LOST.format(worker=worker))


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
        fetched = self._cluster.pool.submit(_fetch_lists, lists).result()
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


class ClusterPlaces:
    """Judges in processes of this computer, where the sheets and the journals are, and sends from the workers."""

    def __init__(self, cluster: Cluster, processes: AccountPlaces) -> None:
        self._cluster = cluster
        self._processes = processes

    def fetch_lists(self, request: ListsRequest) -> Future[FetchedLists]:
        """Let a worker fetch the lists of an account: it has the key."""
        return self._cluster.pool.submit(_fetch_lists, request)

    def open_place(self, board: Board, account: str, phase: Phase) -> AccountExecutor:
        """Return a new place for the jobs of an account."""
        if phase is Phase.JUDGING:
            return self._processes.open_place(board, account, phase)
        return ClusterAccount(self._cluster, board, account)


def _fetch_lists(request: ListsRequest, place: WorkerPlace) -> FetchedLists:
    del place
    return fetch_lists(request)
