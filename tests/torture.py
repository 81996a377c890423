"""Run thousands of imports with faults and kills over real sockets, and print a table (make torture).

It works in slices: finished series are in a file (--into), and the next call continues with the others.

A run is sent to a sandbox that fails, or is killed with SIGKILL at a random moment. Its resumes are killed too. Or two
folders send the same sheet at once, and both are killed. Then the
sandbox's ledger is compared with the journal and the reports, row by row: no row is lost, no note is doubled, and no row
reports something else than what happened.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec

from importer.credentials import Credentials, Secret
from importer.errors import DamagedJournalError, ImporterError, NothingSentError, RunNotFoundError, UsageError
from importer.journal.run_journal import Journal
from importer.models.delivery import ReportRow
from importer.models.row import SourceRow
from importer.models.status import NoteState, RowStatus
from importer.models.task import TaskState
from importer.pipeline.context import RunContext
from importer.pipeline.resume import resume, retry
from importer.pipeline.run import run
from importer.reader.source import InMemoryReader, Sheet
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.settings import Settings
from tests.support import KEY, read_csv

T = TypeVar("T")
ROWS = 60
HEADERS = ("Phone", "Name", "Note")
_STOPPING = frozenset({InjectedFault.UNAUTHORIZED, InjectedFault.REDIRECT})
_POISONS = (
    InjectedFault.DROP_AFTER,
    InjectedFault.DROP_BEFORE,
    InjectedFault.STALL_AFTER,
    InjectedFault.ERROR_AFTER,
    InjectedFault.ERROR_BEFORE,
    InjectedFault.BAD_GATEWAY,
    InjectedFault.HTML,
)


class Tally(msgspec.Struct):
    """The result of a series of trials."""

    name: str
    trials: int = 0
    rows: int = 0
    faults: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    reached: dict[str, int] = {}  # how far the killed runs were
    findings: list[str] = []

    def add(self, other: Tally) -> None:
        """Add the figures of another series."""
        for name in ("trials", "rows", "faults", "lost", "doubled", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for stage, count in other.reached.items():
            self.reached[stage] = self.reached.get(stage, 0) + count
        self.findings += other.findings

    def format_row(self) -> str:
        """Return one row of the table."""
        return f"| {self.name} | {self.trials:,} | {self.rows:,} | {self.faults:,} | {self.lost} | {self.doubled} | {self.wrong} |"


TWO_FOLDERS = "two folders"
POISONED = "poisoned rows"
TASKS = "follow-up tasks, faults and kills"


class Job(msgspec.Struct, frozen=True):
    """A series of trials with its own seed; `fault` is None for kills, "" for all faults mixed; or TWO_FOLDERS, POISONED, TASKS."""

    fault: str | None
    seed: int
    trials: int

    @property
    def key(self) -> str:
        return f"{self.fault} {self.seed}"


class Done(msgspec.Struct):
    """A line of the file with the finished series."""

    key: str
    tally: Tally


TABLE_HEAD = (
    "| what | runs | rows | faults or kills | lost | doubled | wrong |\n|---|---:|---:|---:|---:|---:|---:|"
)


class Crm:
    """A sandbox in its own process, with its controls for tests."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._controls = httpx.Client(base_url=base_url.removesuffix("/superfone"), timeout=30)
        self._seen = 0

    def set_faults(self, plan: FaultPlan) -> None:
        """Fail like this from now on."""
        self._controls.post("/_sandbox/faults", content=msgspec.json.encode(plan)).raise_for_status()

    def read_new_requests(self) -> list[dict[str, Any]]:
        """Return the entries of the ledger since the last call."""
        found = self._controls.get("/_sandbox/ledger").json()
        fresh: list[dict[str, Any]] = found[self._seen :]
        self._seen = len(found)
        return fresh

    def read_leads(self) -> dict[str, dict[str, Any]]:
        """Return every lead by its phone."""
        return {lead["phone"]: lead for lead in self._controls.get("/_sandbox/leads").json()}


@contextmanager
def start_crm(seed: int) -> Iterator[Crm]:
    """Start a new sandbox in its own process."""
    command = [sys.executable, "-m", "importer", "sandbox", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Crm(process.stdout.readline().removeprefix("LISTENING ").strip())
        finally:
            process.kill()


class Trial:
    """One sheet of its own people, sent with faults, and resumed until every row has a result."""

    headers: tuple[str, ...] = HEADERS

    def __init__(
        self, number: int, sandbox: Crm, reports: Path, rng: random.Random, *, rows: int = ROWS
    ) -> None:
        self.sandbox = sandbox
        self.reports = reports
        self.state_dir = reports.parent / "state"
        self.run_id = f"t{number}"
        self.credentials = Credentials(sandbox.base_url, Secret(KEY))
        self.settings = Settings(
            reports=str(reports),
            rate=100_000.0,
            timeout=0.4,
            max_wait=20.0,
            concurrency=rng.choice([1, 4, 16]),
        )
        self.rows = [_row(number, n) for n in range(rows)]

    def start(self) -> None:
        """Run it. If it stops, the reason is in its journal."""
        self._run(self.settings.replace(run_id=self.run_id))

    def resume(self) -> None:
        """Resume it, or start it under its own id if it was killed before its first write."""
        try:
            try:
                _try_again(lambda: resume(self.run_id, self._make_context(self.settings)))
            except (RunNotFoundError, DamagedJournalError):
                self.start()
        except UsageError:
            if self.reached != "before":
                raise
            # Its id stays taken: it was killed between its last row judged and its first write, or when its folder was
            # still empty. A resume that was killed in a process of its own may have begun the other run already.
            self.run_id += "-again"
            self.resume()

    def retry(self) -> str:
        """Send the rows that did not go in as a new run, and return its id."""
        calm = self.settings.replace(timeout=29.0)  # 30 would be "not given"
        summary = _try_again(lambda: retry(self.run_id, self._make_context(calm)))
        assert summary is not None, "there was something to retry"
        return summary.run_id

    def run_again(self) -> None:
        """Send the same sheet once more."""
        self._run(self.settings.replace(run_id=f"{self.run_id}-twice", timeout=30.0))

    def _run(self, settings: Settings) -> None:
        reader = InMemoryReader(self.headers, self.rows)
        sheet = Sheet(reader, file=f"{self.run_id}.csv", sha256=self.run_id)
        _try_again(lambda: run(sheet, self._make_context(settings)))

    def _make_context(self, settings: Settings) -> RunContext:
        return RunContext(settings=settings, credentials=self.credentials, state_dir=self.state_dir)

    @property
    def reached(self) -> str:
        """Return how far it was: `before`, `amid` or `after` the sending."""
        try:
            with Journal.open(self.reports / self.run_id) as journal:
                return (
                    "before"
                    if not journal.run_end.has_sent
                    else "amid"
                    if journal.delivery.count_pending()
                    else "after"
                )
        except ImporterError:
            return "before"

    @property
    def is_finished(self) -> bool:
        folder = self.reports / self.run_id
        try:
            with Journal.open(folder) as journal:
                return journal.run_end.state == "finished"
        except ImporterError:
            return False

    def read_report_rows(self, run_id: str | None = None) -> list[ReportRow]:
        with Journal.open(self.reports / (run_id or self.run_id)) as journal:
            return list(journal.read_report_rows())


class TaskTrial(Trial):
    """The same, and every second lead gets a task."""

    headers = (*HEADERS, "Task due")

    def __init__(
        self, number: int, sandbox: Crm, reports: Path, rng: random.Random, *, rows: int = ROWS
    ) -> None:
        super().__init__(number, sandbox, reports, rng, rows=rows)
        # Three times the time-out must be longer than the sandbox takes for a late request, also on a busy machine.
        self.settings = self.settings.replace(
            timeout=0.8, task="FOLLOW_UP_CALL", days="mon-sun", hours="00:00-24:00"
        )
        self.rows = [
            SourceRow(row.number, (*row.cells, "+3d 12:00" if row.number % 2 else "")) for row in self.rows
        ]


def _try_again(attempt: Callable[[], T]) -> T:
    """Try again if a busy machine did not answer for the lists in time: nothing was sent then."""
    for _ in range(20):
        try:
            return attempt()
        except RunNotFoundError:
            raise
        except NothingSentError as error:
            if "cannot be reached" not in error.message:
                raise
    raise TimeoutError("the sandbox does not answer")


def _row(trial: int, n: int) -> SourceRow:
    phone = f"98{trial % 100_000:05d}{n:03d}"
    return SourceRow(n + 2, (phone, f"Person {trial}-{n}", f"note {trial}-{n}" if n % 3 == 0 else ""))


def compare_trial(trial: Trial, requests: list[dict[str, Any]], tally: Tally) -> None:
    """Compare what the CRM received with what the journal and the reports say."""
    report_rows = trial.read_report_rows()
    reported = read_csv(trial.reports / trial.run_id / "results.csv")
    leads = trial.sandbox.read_leads()
    applied = Counter(entry["phone"] for entry in requests if entry["applied"])
    tally.trials += 1
    tally.rows += len(trial.rows)
    if [row.number for row in report_rows] != [row.number for row in trial.rows]:
        tally.lost += 1
        tally.findings.append(f"{trial.run_id}: rows are missing from the journal")
    for row, report_row, line in zip(trial.rows, report_rows, reported, strict=True):
        _compare_row(row, report_row, line, leads, applied, tally)


def _compare_row(
    row: SourceRow,
    report_row: ReportRow,
    line: dict[str, str],
    leads: dict[str, Any],
    applied: Counter[str],
    tally: Tally,
) -> None:
    phone = f"+91{row.cells[0]}"
    lead = leads.get(phone)
    notes = lead["notes"] if lead else []
    if len(notes) > 1:
        tally.doubled += 1
        tally.findings.append(f"{phone}: the note is there {len(notes)} times")
    if report_row.status is RowStatus.ACCEPTED and not lead:
        tally.lost += 1
        tally.findings.append(f"{phone}: accepted, but not in the CRM")
    reported = (line["_status"], line["_row"], line["_phone"], line["_note"])
    faults = [
        reported != (report_row.status.value, str(row.number), phone, report_row.note.value),
        report_row.status in (RowStatus.PENDING, RowStatus.DUPLICATE, RowStatus.INVALID),
        report_row.status is RowStatus.FAILED and bool(applied[phone]),
        report_row.status is RowStatus.ACCEPTED
        and lead is not None
        and f"{lead['first_name']} {lead['last_name']}" != row.cells[1],
        report_row.note is NoteState.SENT and len(notes) != 1,
        report_row.note is NoteState.NOT_SENT and bool(notes),
        (report_row.note is NoteState.NONE) != (not row.cells[2]),
    ]
    if any(faults):
        tally.wrong += 1
        tally.findings.append(f"{phone}: {reported} {faults} notes {len(notes)} applied {applied[phone]}")


# --- faults


def run_fault_trial(
    fault: InjectedFault | None,
    number: int,
    sandbox: Crm,
    reports: Path,
    rng: random.Random,
    tally: Tally,
    *,
    rows: int = ROWS,
    concurrency: int | None = None,
) -> None:
    """Run one sheet with one kind of fault at a share of its requests, or with all kinds; resume it if it stops."""
    trial = Trial(number, sandbox, reports, rng, rows=rows)
    if concurrency is not None:
        trial.settings = trial.settings.replace(concurrency=concurrency)
    sandbox.set_faults(_plan(fault, rng, rows))
    trial.start()
    _finish_trial(trial, rng, tally)


def run_poisoned_trial(
    number: int, sandbox: Crm, reports: Path, rng: random.Random, tally: Tally, *, rows: int = ROWS
) -> None:
    """Run one sheet of which the CRM always fails on 1 to 50% of the rows, each in its own way. That must not stop it."""
    trial = Trial(number, sandbox, reports, rng, rows=rows)
    poisoned = rng.sample(trial.rows, max(1, round(rows * rng.choice([0.01, 0.1, 0.5]))))
    sandbox.set_faults(
        FaultPlan(phones={f"+91{row.cells[0]}": [rng.choice(_POISONS)] * 9 for row in poisoned})
    )
    trial.start()
    if not trial.is_finished:
        tally.wrong += 1
        tally.findings.append(f"{trial.run_id}: poisoned rows stopped the run")
    _finish_trial(trial, rng, tally)


def _finish_trial(trial: Trial, rng: random.Random, tally: Tally) -> None:
    """Resume a run on a healthy server until it is finished, and compare what it reports with what happened."""
    sandbox = trial.sandbox
    sandbox.set_faults(FaultPlan())
    while not trial.is_finished:
        trial.resume()
    requests = sandbox.read_new_requests()
    tally.faults += sum(1 for entry in requests if entry["fault"] or entry["status"] in (401, 403, 429))
    compare_trial(trial, requests, tally)
    _check_retry(trial, rng, tally)


def _plan(fault: InjectedFault | None, rng: random.Random, rows: int) -> FaultPlan:
    if fault in _STOPPING:
        return FaultPlan(at={rng.randint(1, rows): fault})
    if fault is None:
        return FaultPlan(
            shares={kind: 0.02 for kind in InjectedFault if kind not in _STOPPING},
            at={rng.randint(1, 2 * rows): rng.choice(sorted(_STOPPING))},
            retry_after="0",
        )
    return FaultPlan(shares={fault: rng.choice([0.05, 0.2, 0.5])}, retry_after="0")


def _check_retry(trial: Trial, rng: random.Random, tally: Tally) -> None:
    """Retry on a healthy server, and often run the sheet again: every row goes in, and no note is doubled."""
    again = []
    if any(report_row.is_retryable for report_row in trial.read_report_rows()):
        again += trial.read_report_rows(trial.retry())
    if rng.random() < 0.25:
        trial.run_again()
        again += trial.read_report_rows(f"{trial.run_id}-twice")
    trial.sandbox.read_new_requests()
    leads = trial.sandbox.read_leads()
    for report_row in again:
        lead = leads.get(report_row.phone)
        if report_row.status is not RowStatus.ACCEPTED or lead is None:
            tally.lost += 1
            tally.findings.append(f"{report_row.phone}: {report_row.status} when it was sent again")
        elif len(lead["notes"]) > 1:
            tally.doubled += 1
            tally.findings.append(f"{report_row.phone}: a note more when it was sent again")


# --- kills


def run_kill_trial(
    number: int, sandbox: Crm, reports: Path, rng: random.Random, tally: Tally, *, span_s: float
) -> None:
    """Kill one run at a random moment, and its resumes too, then finish it."""
    trial = Trial(number, sandbox, reports, rng)
    sandbox.set_faults(FaultPlan(latency=0.004, shares={InjectedFault.DROP_AFTER: 0.02}))
    _kill(trial, trial.start, rng.uniform(0, span_s), tally)
    while rng.random() < 0.5 and not trial.is_finished:
        _kill(trial, trial.resume, rng.uniform(0, span_s), tally)
    sandbox.set_faults(FaultPlan())
    trial.resume()  # also if the kill came after the last commit: then the reports are written again
    while not trial.is_finished:  # on an overloaded machine even a healthy sandbox can be away for too long
        trial.resume()
    compare_trial(trial, sandbox.read_new_requests(), tally)
    _check_retry(trial, rng, tally)


def run_two_folders_trial(
    number: int, sandbox: Crm, folder: Path, rng: random.Random, tally: Tally, *, span_s: float
) -> None:
    """Send one sheet from two reports folders at once. Kill both at random moments, again and again, then finish both."""
    trials = [Trial(number, sandbox, folder / name, rng) for name in ("desktop", "downloads")]
    sandbox.set_faults(FaultPlan(latency=0.004, shares={InjectedFault.DROP_AFTER: 0.02}))
    for _ in range(rng.randint(1, 4)):
        rng.shuffle(trials)
        children = [(trial, _fork(trial.resume)) for trial in trials]
        for trial, child in children:
            _kill_child(trial, child, rng.uniform(0, span_s), tally)
    sandbox.set_faults(FaultPlan())
    for trial in trials:
        trial.resume()  # also if the kill came after the last commit: then the reports are written again
        while not trial.is_finished:
            trial.resume()
    requests = sandbox.read_new_requests()
    for trial in trials:
        compare_trial(trial, requests, tally)
        _check_retry(trial, rng, tally)


def _kill(trial: Trial, work: Callable[[], None], after_s: float, tally: Tally) -> None:
    """Do the work in a forked process and kill it."""
    _kill_child(trial, _fork(work), after_s, tally)


def _fork(work: Callable[[], None]) -> int:
    """Start the work in a forked process and return its id."""
    child = os.fork()
    if child == 0:
        _work_and_exit(work)
    return child


def _kill_child(trial: Trial, child: int, after_s: float, tally: Tally) -> None:
    """Kill a process with SIGKILL. Count the kill unless its work was already done."""
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) in (0, 3), "the run failed in a way of its own"
    if os.WIFSIGNALED(status):
        tally.faults += 1
        tally.reached[trial.reached] = tally.reached.get(trial.reached, 0) + 1


def _work_and_exit(work: Callable[[], None]) -> None:
    code = 70
    try:
        work()
        code = 0
    except ImporterError:
        code = 3
    except BaseException:  # noqa: BLE001 - the parent must learn of it, whatever it is
        traceback.print_exc()
    os._exit(code)


# --- tasks


def run_task_trial(
    number: int, sandbox: Crm, reports: Path, rng: random.Random, tally: Tally, *, span_s: float
) -> None:
    """Create tasks with all kinds of faults, kill the run and its resumes, then finish it and retry what is missing."""
    trial = TaskTrial(number, sandbox, reports, rng)
    shares = {kind: 0.02 for kind in InjectedFault if kind not in _STOPPING}
    sandbox.set_faults(FaultPlan(latency=0.004, shares=shares, retry_after="0"))
    for _ in range(rng.randint(0, 3)):
        _kill(trial, trial.resume, rng.uniform(0, span_s), tally)
    trial.resume()
    sandbox.set_faults(FaultPlan())
    while not trial.is_finished:
        trial.resume()
    requests = sandbox.read_new_requests()
    tally.faults += sum(1 for entry in requests if entry["fault"])
    compare_trial(trial, requests, tally)
    compare_tasks(trial, trial.read_report_rows(), tally)
    if any(row.is_retryable for row in trial.read_report_rows()):
        compare_tasks(trial, trial.read_report_rows(trial.retry()), tally, is_last=True)
    sandbox.read_new_requests()


def compare_tasks(trial: Trial, report_rows: list[ReportRow], tally: Tally, *, is_last: bool = False) -> None:
    """Compare the tasks of the CRM with what the reports say. The last run must have created all that were missing."""
    leads = trial.sandbox.read_leads()
    for row in report_rows:
        lead = leads.get(row.phone)
        tasks = len(lead["tasks"]) if lead else 0
        if tasks > 1:
            tally.doubled += 1
            tally.findings.append(f"{row.phone}: {tasks} tasks")
        faults = [
            (row.task is None) == bool(row.number % 2),
            row.task is TaskState.CREATED and tasks != 1,
            row.task in (TaskState.NOT_SENT, None) and tasks > 0,
            row.task is TaskState.KEPT,
            is_last and row.task is not None and row.task is not TaskState.CREATED,
        ]
        if any(faults):
            tally.wrong += 1
            tally.findings.append(f"{row.phone}: {row.status}, task {row.task} {faults}, {tasks} in the CRM")


def run_task_series(seed: int, trials: int) -> Tally:
    """Run trials with follow-up tasks."""
    tally = Tally(TASKS)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, start_crm(seed) as sandbox:
        span_s = 2 * _measure_run(sandbox, Path(folder, "reports"))
        for number in range(1, trials + 1):
            run_task_trial(number, sandbox, Path(folder, "reports"), rng, tally, span_s=span_s)
    return tally


# --- series, and the table


def run_fault_series(fault: InjectedFault | None, seed: int, trials: int) -> Tally:
    """Run trials with one kind of fault, or with all kinds."""
    tally = Tally(f"fault: {fault.value if fault else 'all kinds mixed'}")
    rng = random.Random(f"{seed}{fault}")
    with tempfile.TemporaryDirectory() as folder, start_crm(seed) as sandbox:
        for number in range(trials):
            run_fault_trial(fault, number, sandbox, Path(folder, "reports"), rng, tally)
    return tally


def run_poisoned_series(seed: int, trials: int) -> Tally:
    """Run trials with rows on which the CRM always fails."""
    tally = Tally(POISONED)
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, start_crm(seed) as sandbox:
        for number in range(trials):
            run_poisoned_trial(number, sandbox, Path(folder), rng, tally)
    return tally


def run_kill_series(seed: int, kills: int) -> Tally:
    """Run trials until so many runs were killed. How long a run takes on this machine is measured first."""
    tally = Tally("kill -9, resumes killed too")
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, start_crm(seed) as sandbox:
        reports = Path(folder, "reports")
        span_s = _measure_run(sandbox, reports)
        number = 0
        while tally.faults < kills:
            number += 1
            run_kill_trial(number, sandbox, reports, rng, tally, span_s=span_s)
    return tally


def run_two_folders_series(seed: int, trials: int) -> Tally:
    """Run trials in which two folders send the same sheet."""
    tally = Tally("two folders at once, both killed")
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, start_crm(seed) as sandbox:
        span_s = _measure_run(sandbox, Path(folder, "reports"))
        for number in range(1, trials + 1):
            run_two_folders_trial(number, sandbox, Path(folder), rng, tally, span_s=span_s)
    return tally


def _measure_run(sandbox: Crm, reports: Path) -> float:
    """Return how long a run takes on this machine."""
    sandbox.set_faults(FaultPlan(latency=0.004))
    began = time.monotonic()
    Trial(0, sandbox, reports, random.Random(1)).start()
    sandbox.read_new_requests()
    return time.monotonic() - began


def run_job(job: Job) -> Done:
    """Do one job in this process."""
    if job.fault is None:
        return Done(job.key, run_kill_series(job.seed, job.trials))
    if job.fault == POISONED:
        return Done(job.key, run_poisoned_series(job.seed, job.trials))
    if job.fault == TASKS:
        return Done(job.key, run_task_series(job.seed, job.trials))
    if job.fault == TWO_FOLDERS:
        return Done(job.key, run_two_folders_series(job.seed, job.trials))
    return Done(
        job.key, run_fault_series(InjectedFault(job.fault) if job.fault else None, job.seed, job.trials)
    )


def run_job_in_process(job: Job, until: float) -> bytes:
    """Do one job in its own process unless the time is up. Return its line, or nothing if it died."""
    if time.time() > until:
        return b""
    command = [sys.executable, "-m", "tests.torture", "--job", msgspec.json.encode(job).decode()]
    return subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout


def plan_jobs(faults: int, kills: int, seed: int) -> Iterator[Job]:
    """Yield all jobs of ten runs or twenty kills, with the kinds in turn, so that a part of them is a fair sample."""
    kinds = [*(fault.value for fault in InjectedFault), "", TWO_FOLDERS, POISONED, TASKS]
    a_kind = max(1, faults // len(kinds))
    rounds = max(1, a_kind // 10)
    for turn in range(rounds):
        yield from (Job(kind, seed + turn, a_kind // rounds) for kind in kinds)
        for part in range(turn, max(1, kills // 20), rounds):
            yield Job(None, seed + part, min(kills, 20))


def main() -> int:
    """Run the jobs that are left and print the table. Return 1 if anything was lost, doubled or wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=1000)
    options.add_argument("--faults", type=int, default=2000)
    options.add_argument("--seed", type=int, default=26)
    options.add_argument(
        "--minutes", type=float, default=24 * 60.0, help="start no new series after so many minutes"
    )
    options.add_argument(
        "--at-once", type=int, default=6, help="series at the same time: most of a trial is waiting"
    )
    options.add_argument(
        "--into", type=Path, default=Path("build/torture.jsonl"), help="the file with the finished series"
    )
    options.add_argument("--job", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.job:
        print(msgspec.json.encode(run_job(msgspec.json.decode(given.job, type=Job))).decode())
        return 0
    given.into.parent.mkdir(parents=True, exist_ok=True)
    done = _read_done(given.into)
    left = [job for job in plan_jobs(given.faults, given.kills, given.seed) if job.key not in done]
    until = time.time() + given.minutes * 60
    with ThreadPoolExecutor(given.at_once) as threads, given.into.open("ab") as file:
        for ended in as_completed([threads.submit(run_job_in_process, job, until) for job in left]):
            file.write(ended.result())
            file.flush()
    return print_table(list(_read_done(given.into).values()))


def print_table(tallies: list[Tally]) -> int:
    """Print one line for each kind. Return 1 if anything was lost, doubled or wrong."""
    by_name: dict[str, Tally] = {}
    total = Tally("all")
    for tally in tallies:
        by_name.setdefault(tally.name, Tally(tally.name)).add(tally)
        total.add(tally)
    print(TABLE_HEAD)
    for tally in [*by_name.values(), total]:
        print(tally.format_row())
    print(f"\nKilled before, amid and after sending: {total.reached}")
    if total.findings:
        print(json.dumps(total.findings[:50], indent=1))
    return 1 if total.lost or total.doubled or total.wrong else 0


def _read_done(path: Path) -> dict[str, Tally]:
    lines = path.read_bytes().splitlines() if path.exists() else []
    found = [msgspec.json.decode(line, type=Done) for line in lines]
    return {one.key: one.tally for one in found}


if __name__ == "__main__":
    sys.exit(main())
