"""The whole flow of a batch, on one screen: preflight, judge all jobs, one summary and one question, send, report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias, TypeVar

from importer.batch.account_processes import AccountExecutor, Board, Phase
from importer.batch.account_work import (
    JudgedJob,
    JudgeRequest,
    OpenedAccount,
    SendRequest,
    SentJob,
)
from importer.batch.batch_context import AccountPlaces, BatchObserver, BatchOptions
from importer.batch.batch_report import write_batch_reports
from importer.batch.batch_summary import BatchSummary, build_batch_summary
from importer.batch.job_report import DONE_STATES, Goal, JobReport, build_unread_report, read_report
from importer.batch.judge_job import judge_job
from importer.batch.manifest import Job, Manifest
from importer.batch.preflight import check_free_space, open_accounts
from importer.batch.running_jobs import RunningJobs
from importer.batch.schedule import Schedule
from importer.batch.send_job import send_job
from importer.errors import ImporterError, NothingSentError
from importer.messages import batch_messages
from importer.pipeline.reports_folder import now
from importer.process_setup import handle_signals
from importer.sender.adaptive_rate import LearntRate
from importer.sender.send_loop import StopRequest
from importer.state.run_lock import LockHolder, lock_batch
from importer.state.state_folder import AccountState, open_account_states

_POLL_S = 0.25
_MAX_LISTS_AGE_S = 600.0  # after so long, a sending reads the account's lists anew
_Result = TypeVar("_Result")
JobKey: TypeAlias = tuple[str, str]


class Batch:
    """One call of `importer batch`: the jobs, and what is known of each."""

    def __init__(
        self,
        manifest: Manifest,
        options: BatchOptions,
        places: AccountPlaces,
        observer: BatchObserver,
    ) -> None:
        self._manifest = manifest
        self._options = options
        self._places = places
        self._observer = observer
        self._started = now()
        self._jobs = _select_jobs(manifest, options.only)
        self._reports: dict[JobKey, JobReport] = {}
        self._opened: dict[str, OpenedAccount] = {}
        self._opened_at_s = 0.0
        self._failed_accounts: dict[str, str] = {}
        self._states: dict[str, AccountState] = {}
        self._learnt: dict[str, LearntRate | None] = {}
        self._board = Board(manifest.accounts)
        self._stop_request = StopRequest.NO

    def run(self, confirm: Callable[[BatchSummary], bool]) -> BatchSummary:
        """Take all steps up to the goal. Raises NothingSentError, RunLockedError."""
        holder = LockHolder.from_run(
            batch_messages.A_BATCH, self._options.reports, str(self._options.manifest)
        )
        with lock_batch(self._options.reports, holder):
            self._open_accounts()
            ready = self._judge()
            summary = self._write_reports()
            if self._stop_request is not StopRequest.NO or self._options.goal is Goal.CHECK:
                return summary
            if self._options.goal is Goal.SEND and not confirm(summary):
                raise NothingSentError(*batch_messages.SEND_DECLINED)
            self._send(ready)
            return self._write_reports()

    # --- the steps

    def _open_accounts(self) -> None:
        self._observer.on_preflight(len({job.account for job in self._jobs}), len(self._jobs))
        check_free_space(self._jobs, self._options.reports)
        self._opened, self._failed_accounts = open_accounts(
            self._manifest, self._jobs, self._options.state_dir, self._places.fetch_lists
        )
        self._opened_at_s = time.monotonic()

    def _judge(self) -> list[Job]:
        """Judge all jobs of the opened accounts. Return those that may be sent."""
        for job in self._jobs:
            if reason := self._failed_accounts.get(job.account):
                self._record(job, _read_report(job, reason))
        jobs = [job for job in self._jobs if job.account in self._opened]
        ready: set[JobKey] = set()

        def record(job: Job, judged: JudgedJob) -> bool:
            self._record(job, judged.report)
            if judged.is_ready:
                ready.add(job.key)
            return True

        self._run_phase(Phase.JUDGING, jobs, self._submit_judging, record)
        return [job for job in jobs if job.key in ready]

    def _submit_judging(self, executor: AccountExecutor, job: Job) -> Future[JudgedJob]:
        request = JudgeRequest(job=job, opened=self._opened[job.account], state_dir=self._options.state_dir)
        return executor.submit(judge_job, request)

    def _send(self, ready: Sequence[Job]) -> None:
        """Send the jobs, or plan them. An account whose first job is not ready has none to send, unless it keeps going."""
        is_ready, done = {job.key for job in ready}, DONE_STATES[self._options.goal]
        blocked = set[str]()
        jobs = []
        for job in self._jobs:
            if job.key not in is_ready and not self._options.keeps_going:
                blocked.add(job.account)
            elif (
                job.key in is_ready
                and job.account not in blocked
                and self._reports[job.key].state not in done
            ):
                jobs.append(job)

        def record(job: Job, sent: SentJob) -> bool:
            self._record(job, sent.report)
            self._learnt[job.account] = sent.learnt_rate or self._learnt.get(job.account)
            return sent.report.state in done

        self._open_states(jobs)
        phase = Phase.SENDING if self._options.goal is Goal.SEND else Phase.PLANNING
        self._run_phase(phase, _put_longest_first(jobs, self._reports), self._submit_sending, record)

    def _open_states(self, jobs: Sequence[Job]) -> None:
        """Open the state of all accounts at once: each look at it reads what is known of every account."""
        names = list(dict.fromkeys(job.account for job in jobs))
        found = [(self._opened[name].identity, self._opened[name].titles) for name in names]
        self._states = dict(zip(names, open_account_states(self._options.state_dir, found), strict=True))

    def _submit_sending(self, executor: AccountExecutor, job: Job) -> Future[SentJob]:
        is_recent = time.monotonic() - self._opened_at_s < _MAX_LISTS_AGE_S
        request = SendRequest(
            job=job,
            account=self._manifest.accounts[job.account],
            identity=self._opened[job.account].identity,
            folder=self._manifest.folder,
            state_dir=self._options.state_dir,
            titles=self._opened[job.account].titles if is_recent else {},
            opened_account=self._states[job.account] if is_recent else None,
            learnt_rate=self._learnt.get(job.account),
            plans_only=self._options.goal is Goal.PLAN,
        )
        return executor.submit(send_job, request)

    def _write_reports(self) -> BatchSummary:
        summary = build_batch_summary(
            self._options.manifest,
            [
                self._reports.get(job.key) or build_unread_report(job, batch_messages.NOT_REACHED)
                for job in self._jobs
            ],
            goal=self._options.goal,
            failed_accounts=self._failed_accounts,
            started=self._started,
            finished=now(),
            is_interrupted=self._stop_request is not StopRequest.NO,
        )
        write_batch_reports(self._options.reports, summary)
        return summary

    # --- one phase

    def _run_phase(
        self,
        phase: Phase,
        jobs: Sequence[Job],
        submit: Callable[[AccountExecutor, Job], Future[_Result]],
        record: Callable[[Job, _Result], bool],
    ) -> None:
        """Run the jobs of a phase. `record` gets each result, and returns whether its account may go on."""
        self._observer.on_phase(phase, jobs, self._board)
        is_judging = phase is Phase.JUDGING
        schedule = Schedule(
            jobs,
            at_once=self._options.judges_at_once if is_judging else self._options.sends_at_once,
            keeps_going=is_judging or self._options.keeps_going,
        )
        open_executor = partial(self._places.open_place, self._board, phase=phase)
        with self._count_signals(), RunningJobs[_Result](open_executor, submit) as running:
            while not schedule.is_finished:
                for job in schedule.take():
                    self._observer.on_job_begun(job)
                    running.start(job)
                for job, future in running.wait(_POLL_S):
                    is_done = self._record_end(job, future, record)
                    if schedule.record_end(job, is_done=is_done):
                        running.close(job.account)
                if self._stop_request is not StopRequest.NO:
                    schedule.stop()
                self._observer.on_poll()

    def _record_end(self, job: Job, future: Future[_Result], record: Callable[[Job, _Result], bool]) -> bool:
        """Record how a job ended. What goes wrong in one account is its own: no other account hears of it."""
        try:
            return record(job, future.result())
        except ImporterError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - a killed process, or a bug: both are in the report of the job
            reason = batch_messages.PROCESS_FAILED.format(kind=type(error).__name__)
        self._record(job, _read_report(job, reason))
        return False

    def _record(self, job: Job, report: JobReport) -> None:
        self._reports[job.key] = report
        self._observer.on_job_ended(report)

    @contextmanager
    def _count_signals(self) -> Iterator[None]:
        """Pass Ctrl-C on to all accounts while they work: once, requests under way are finished; twice, they are not."""

        def count(number: int, frame: object) -> None:
            del number, frame
            self._stop_request = StopRequest(min(self._stop_request.value + 1, StopRequest.NOW.value))
            self._board.request_stop(self._stop_request)

        with handle_signals(("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"), count):
            yield


def _select_jobs(manifest: Manifest, only: frozenset[str]) -> list[Job]:
    if unknown := sorted(only - manifest.accounts.keys()):
        raise NothingSentError(*batch_messages.ONLY_UNKNOWN_ACCOUNT.format(name=unknown[0]))
    return [job for job in manifest.jobs if not only or job.account in only]


def _read_report(job: Job, reason: str) -> JobReport:
    """Return what is on disk of a job that has failed, with the reason."""
    try:
        return read_report(job, reason)
    except ImporterError as error:
        return build_unread_report(job, f"{reason} {error}")


def _put_longest_first(jobs: Sequence[Job], reports: dict[JobKey, JobReport]) -> list[Job]:
    """Return the jobs with the accounts in the order of their leads: the one that takes longest begins first."""
    leads: dict[str, int] = {}
    for job in jobs:
        leads[job.account] = leads.get(job.account, 0) + reports[job.key].leads
    return sorted(jobs, key=lambda job: -leads[job.account])  # stable: an account's jobs keep their order
