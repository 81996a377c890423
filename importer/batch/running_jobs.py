"""The jobs that run right now, each in the place of its account."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from types import TracebackType
from typing import Generic, Self, TypeVar

from importer.batch.account_processes import AccountExecutor
from importer.batch.manifest import Job
from importer.errors import ImporterError

_Result = TypeVar("_Result")


class RunningJobs(Generic[_Result]):
    """Opens the place of an account for its first job, and closes it after its last, or where its process is gone."""

    def __init__(
        self,
        open_executor: Callable[[str], AccountExecutor],
        submit: Callable[[AccountExecutor, Job], Future[_Result]],
    ) -> None:
        self._open_executor = open_executor
        self._submit = submit
        self._executors: dict[str, AccountExecutor] = {}
        self._jobs: dict[Future[_Result], Job] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for account in list(self._executors):
            self.close(account)

    def start(self, job: Job) -> None:
        """Start a job. What keeps it from starting is how it ended: the other accounts go on."""
        try:
            if job.account not in self._executors:
                self._executors[job.account] = self._open_executor(job.account)
            future = self._submit(self._executors[job.account], job)
        except Exception as error:  # noqa: BLE001 - no memory for a process, or one that was killed while it waited
            future = Future()
            future.set_exception(error)
        self._jobs[future] = job

    def wait(self, timeout_s: float) -> list[tuple[Job, Future[_Result]]]:
        """Return the jobs that have ended, after the first has, or after this time."""
        ended, _ = wait(self._jobs, timeout=timeout_s, return_when=FIRST_COMPLETED)
        found = [(self._jobs.pop(future), future) for future in ended]
        for job, future in found:
            if not isinstance(future.exception(), ImporterError | None):
                self.close(job.account)  # a process that was killed takes no further job
        return found

    def close(self, account: str) -> None:
        """Close the place of an account. The next job of the account gets a new one."""
        if (executor := self._executors.pop(account, None)) is not None:
            executor.close()
