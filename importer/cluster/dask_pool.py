"""The workers of a Dask cluster, behind concurrent.futures. Only this module knows Dask, and only `--cluster` loads it."""

from __future__ import annotations

import logging
import math
import socket
import ssl
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from importer.batch.key_reference import KeyReference
from importer.cluster.journal_service import ServiceAddress
from importer.cluster.send_task import WorkerPlace
from importer.cluster.worker_check import WorkerFacts, describe_worker
from importer.credentials import is_loopback
from importer.errors import UsageError
from importer.messages import batch_messages

_CONNECT_S = 15.0
_DESCRIBE_S = 30.0
_MAX_THREADS_AGE_S = 1.0
_ANSWER_S = 5.0
_MAX_SILENCE_S = 60.0  # of the scheduler: its computer may be busy, or asleep
_Request = TypeVar("_Request")
_Result = TypeVar("_Result")


def check_cluster_address(address: str) -> None:
    """Raise UsageError unless nobody else can reach the scheduler: a stranger who does runs code on every worker."""
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not parts.port:
        raise UsageError(*batch_messages.BAD_CLUSTER_ADDRESS.format(address=address))
    if parts.scheme == "tcp" and not is_loopback(parts.hostname):
        raise UsageError(*batch_messages.CLUSTER_WITHOUT_TLS.format(address=address))


class _Submitted(NamedTuple):
    """Dask's name of some work, and the workers that it is meant for; none for any."""

    key: str
    workers: frozenset[str]


class DaskPool:
    """Submits work to the workers. Use it as a context manager. Raises UsageError without a cluster."""

    def __init__(self, address: str) -> None:
        check_cluster_address(address)
        try:
            from distributed import Client  # noqa: PLC0415 - an extra
            from distributed.security import Security  # noqa: PLC0415 - an extra
        except ImportError:
            raise UsageError(*batch_messages.NO_DASK) from None
        _silence_dask()
        self._address = address
        self._security = Security()
        self._submitted: WeakKeyDictionary[Future[Any], _Submitted] = WeakKeyDictionary()
        self._threads: dict[str, int] = {}
        self._threads_read_at = -math.inf
        self._answered_at = time.monotonic()
        try:
            self._client = Client(
                address, security=self._security, timeout=_CONNECT_S, set_as_default=False, name="importer"
            )
        except (OSError, TypeError, ValueError) as error:  # TypeError: tls:// without certificates
            text = batch_messages.NO_CLUSTER.format(address=address, reason=str(error).partition("\n")[0])
            raise UsageError(*text) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def places(self) -> int:
        """How many tasks run at the same time."""
        return sum(self._read_threads().values())

    @property
    def is_connected(self) -> bool:
        """Whether the scheduler is there, and has answered lately: Dask itself waits for a stopped one for ever."""
        self._read_threads()
        is_answering = time.monotonic() - self._answered_at < _MAX_SILENCE_S
        return is_answering and bool(self._client.status == "running")

    @property
    def own_host(self) -> str:
        """The address of this computer in the network of the scheduler."""
        parts = urlsplit(self._address)
        family, *_, target = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as found:
            found.connect(target)  # sends nothing, and chooses the way there
            host: str = found.getsockname()[0]
        return host

    @property
    def service_context(self) -> ssl.SSLContext | None:
        """The certificates of the cluster for a server on this computer, None without TLS."""
        if not self._address.startswith("tls:"):
            return None
        context: ssl.SSLContext = self._security.get_listen_args("client")["ssl_context"]
        return context

    @property
    def workers(self) -> list[str]:
        """The addresses of the workers."""
        return sorted(self._read_threads())

    def submit(
        self,
        work: Callable[[_Request, WorkerPlace], _Result],
        request: _Request,
        *,
        avoid: frozenset[str] = frozenset(),
    ) -> Future[_Result]:
        """Begin work on a worker, and not on those to avoid as long as there are others."""
        others = sorted(self._read_threads().keys() - avoid) if avoid else []
        return self._submit_to_any(others, work, request)

    def submit_to(
        self, worker: str, work: Callable[[_Request, WorkerPlace], _Result], request: _Request
    ) -> Future[_Result]:
        """Begin work on this worker."""
        return self._submit_to_any([worker], work, request)

    def _submit_to_any(
        self, workers: Sequence[str], work: Callable[[_Request, WorkerPlace], _Result], request: _Request
    ) -> Future[_Result]:
        """Begin work on one of these workers, or on any if none is named."""
        chosen = {"workers": list(workers)} if workers else {}
        executor = self._client.get_executor(pure=False, retries=0, **chosen)
        submitted = _Submitted(uuid.uuid4().hex, frozenset(workers))
        future: Future[_Result] = executor.submit(_run_on_worker, work, request, key=submitted.key)
        self._submitted[future] = submitted
        return future

    def can_run(self, future: Future[Any]) -> bool:
        """Return whether one of the workers for which the work was meant is there. Dask gives it to no other."""
        workers, there = self._submitted[future].workers, self._read_threads()
        return not there or not workers or not workers.isdisjoint(there)

    def find_worker(self, future: Future[Any]) -> str:
        """Return the worker that has the work and a thread for it, "" while it waits for one."""
        given_out = self._ask(self._client.scheduler.processing) or {}
        threads, key = self._read_threads(), self._submitted[future].key
        found = (worker for worker, keys in given_out.items() if key in keys)
        return next((worker for worker in found if len(given_out[worker]) <= threads.get(worker, 0)), "")

    def _read_threads(self) -> dict[str, int]:
        """Return how many threads each worker has. Many accounts ask, so the answer is kept for a moment."""
        if time.monotonic() - self._threads_read_at > _MAX_THREADS_AGE_S:
            found = self._ask(self._client.scheduler.ncores)
            self._threads = self._threads if found is None else found  # {} says that no worker is left
            self._threads_read_at = time.monotonic()
        return self._threads

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Return the answer of the scheduler, None while it is away: `is_connected` says for how long."""
        with suppress(OSError, TimeoutError):
            answer = self._client.sync(question, callback_timeout=_ANSWER_S)
            self._answered_at = time.monotonic()
            return answer
        return None

    def describe_workers(
        self, references: Sequence[KeyReference], folder: Path, service: ServiceAddress
    ) -> dict[str, WorkerFacts]:
        """Return what each worker says of itself. Raises UsageError if there is none."""
        futures = {
            address: self.submit_to(address, partial(describe_worker, references, folder), service)
            for address in self.workers
        }
        if not futures:
            raise UsageError(*batch_messages.NO_WORKERS.format(address=self._address))
        found = {}
        for address, future in futures.items():
            try:
                found[address] = future.result(_DESCRIBE_S)
            except Exception as error:  # noqa: BLE001 - it is stopped, has no importer, or another one
                reason = type(error).__name__
                raise UsageError(*batch_messages.UNFIT_WORKER.format(worker=address, reason=reason)) from None
        return found

    def is_lost(self, error: BaseException) -> bool:
        """Return whether an error of a future means that its worker is gone, and not what the work has raised."""
        from distributed import CancelledError as DaskCancelledError  # noqa: PLC0415 - an extra
        from distributed import KilledWorker  # noqa: PLC0415 - an extra
        from distributed.comm import CommClosedError  # noqa: PLC0415 - an extra

        return isinstance(error, CancelledError | DaskCancelledError | KilledWorker | CommClosedError)


def _silence_dask() -> None:
    """Keep Dask's tracebacks off the terminal: it prints them when a scheduler is lost, and we say that in a sentence."""
    for name in ("distributed", "distributed.client"):  # both have handlers of their own
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _run_on_worker(work: Callable[[Any, WorkerPlace], _Result], request: object) -> _Result:
    """Do the work on the worker, with its own certificates."""
    from distributed import get_worker  # noqa: PLC0415 - an extra

    worker = get_worker()
    context = worker.security.get_connection_args("worker")["ssl_context"]
    return work(request, WorkerPlace(worker.address, context))
