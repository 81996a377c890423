"""What travels together through a batch, and how it talks to its caller."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

import msgspec

from importer.batch.account_processes import AccountExecutor, Board, Phase
from importer.batch.account_work import FetchedLists, ListsRequest
from importer.batch.job_report import Goal, JobReport
from importer.batch.manifest import Job


class BatchObserver:
    """Receives the events of a batch. Each method does nothing unless it is overridden."""

    def on_preflight(self, accounts: int, jobs: int) -> None:
        """The manifest was read, and the accounts are about to be opened."""

    def on_phase(self, phase: Phase, jobs: Sequence[Job], board: Board) -> None:
        """These jobs are about to be judged, planned or sent. The board has their progress."""

    def on_poll(self) -> None:
        """A moment has passed: the figures on the board may have changed."""

    def on_job_begun(self, job: Job) -> None:
        """A job has begun."""

    def on_worker_lost(self, account: str, worker: str) -> None:
        """The worker that sent the rows of an account is gone; another one goes on. Called in any thread."""

    def on_job_ended(self, report: JobReport) -> None:
        """A job has ended, or has stopped."""


class BatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a batch is run. `judges_at_once` and `sends_at_once` are numbers of accounts."""

    manifest: Path
    reports: Path
    state_dir: Path
    goal: Goal
    judges_at_once: int
    sends_at_once: int
    keeps_going: bool = False
    only: frozenset[str] = frozenset()


class AccountPlaces(Protocol):
    """Where the work for accounts is done: in processes of this computer, or on the workers of a cluster."""

    def fetch_lists(self, request: ListsRequest) -> Future[FetchedLists]:
        """Begin to fetch the lists of an account."""

    def open_place(self, board: Board, account: str, phase: Phase) -> AccountExecutor:
        """Return a new place for the jobs of an account."""
