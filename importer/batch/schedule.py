"""In which order jobs run: accounts at once, the jobs of an account one after another. Pure: the caller starts them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from importer.batch.manifest import Job


class Schedule:
    """Gives out the jobs that may start now.

    An account that has begun goes on until its last job, or until one that does not end as it should: the jobs behind
    it may need it. With `keeps_going` they run too. No account waits for another, except for one of `at_once` places.
    """

    def __init__(self, jobs: Iterable[Job], *, at_once: int, keeps_going: bool) -> None:
        self._waiting: dict[str, deque[Job]] = {}
        for job in jobs:
            self._waiting.setdefault(job.account, deque()).append(job)
        self._at_once = at_once
        self._keeps_going = keeps_going
        self._active: dict[str, Job | None] = {}
        self._is_stopped = False

    @property
    def is_finished(self) -> bool:
        """Whether no job runs and none can start."""
        return not self._active and (self._is_stopped or not self._waiting)

    def take(self) -> list[Job]:
        """Return the jobs that may start now. The caller starts each of them."""
        if self._is_stopped:
            return []
        free = self._at_once - len(self._active)
        begun = [name for name, job in self._active.items() if job is None]
        fresh = [name for name in self._waiting if name not in self._active][: max(0, free)]
        jobs = [self._waiting[name].popleft() for name in (*begun, *fresh)]
        self._active |= {job.account: job for job in jobs}
        return jobs

    def record_end(self, job: Job, *, is_done: bool) -> bool:
        """Record that a job has ended. Return whether its account ends with it."""
        assert self._active[job.account] is job
        jobs = self._waiting[job.account]
        if not jobs or self._is_stopped or not (is_done or self._keeps_going):
            del self._active[job.account], self._waiting[job.account]
            return True
        self._active[job.account] = None
        return False

    def stop(self) -> None:
        """Start no more jobs. Those that run are to be recorded still."""
        self._is_stopped = True
        self._active = {name: job for name, job in self._active.items() if job is not None}
