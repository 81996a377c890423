"""Workers of a cluster as threads of this process: everything is real but Dask."""

from __future__ import annotations

import pickle
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any, Self

from importer.cluster.send_task import WorkerPlace
from importer.cluster.worker_check import describe_worker


class WorkerKilledError(Exception):
    """Takes the place of distributed.KilledWorker."""


class WorkerThreads:
    """Takes the place of DaskPool. `kill` in a request's way is up to a test: see `prepare`."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.is_connected = True
        self.submitted: list[tuple[Any, frozenset[str]]] = []
        self.ranges: list[tuple[str, Any]] = []
        self._workers_by_task: dict[Future[Any], str] = {}
        self._numbers = count()
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="worker")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False)

    places = 8
    workers = ("worker-a", "worker-b")
    own_host = "127.0.0.1"
    service_context = None

    def submit(self, work: Any, request: Any, *, avoid: frozenset[str] = frozenset()) -> Future[Any]:
        self.submitted.append((request, avoid))
        place = WorkerPlace(f"worker-{next(self._numbers)}", None)
        future = self._threads.submit(self.run, work, request, place)
        self._workers_by_task[future] = place.address
        return future

    def submit_to(self, worker: str, work: Any, request: Any) -> Future[Any]:
        """Begin work on this worker, as it travels."""
        self.ranges.append((worker, request))
        travelled = pickle.loads(pickle.dumps(request))
        return self._threads.submit(self.run, work, travelled, WorkerPlace(worker, None))

    def run(self, work: Any, request: Any, place: WorkerPlace) -> Any:
        """Do the work. A test may put another function in its place."""
        return work(request, place)

    def describe_workers(self, references: Any, folder: Any, service: Any) -> Any:
        return {"worker-0": describe_worker(references, folder, service, WorkerPlace("worker-0", None))}

    def can_run(self, future: Future[Any]) -> bool:
        return True

    def find_worker(self, future: Future[Any]) -> str:
        return self._workers_by_task.get(future, "")

    def is_lost(self, error: BaseException) -> bool:
        return isinstance(error, WorkerKilledError)
