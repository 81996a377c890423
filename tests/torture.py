"""Faults and kills by the thousand, over real sockets: python -m tests.torture (make torture) prints a table.

It goes in slices: what is done stands in a file (--into), and the next call goes on with what is left.

A run is sent to a sandbox that misbehaves, or is killed with SIGKILL at a random moment, and its resumes are
killed too. Then the sandbox's own ledger is compared with journal and reports, row by row: no row lost, no note
doubled, no row that says something else than what happened.
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
from importer.errors import DamagedJournalError, ImporterError, NothingSentError, RunNotFoundError
from importer.journal.run_journal import Journal
from importer.models.delivery import ReportRow
from importer.models.row import SourceRow
from importer.models.status import NoteState, RowStatus
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
_STOPPING = frozenset({InjectedFault.UNAUTHORIZED, InjectedFault.REDIRECT, InjectedFault.HTML})


class Tally(msgspec.Struct):
    """What a series of trials came to."""

    name: str
    trials: int = 0
    rows: int = 0
    faults: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    reached: dict[str, int] = {}  # how far killed runs had come
    findings: list[str] = []

    def add(self, other: Tally) -> None:
        """Count another series in."""
        for name in ("trials", "rows", "faults", "lost", "doubled", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for stage, count in other.reached.items():
            self.reached[stage] = self.reached.get(stage, 0) + count
        self.findings += other.findings

    def line(self) -> str:
        """One row of the table."""
        return f"| {self.name} | {self.trials:,} | {self.rows:,} | {self.faults:,} | {self.lost} | {self.doubled} | {self.wrong} |"


class Job(msgspec.Struct, frozen=True):
    """A series of trials with a seed of its own; `fault` is None for kills, "" for all faults mixed."""

    fault: str | None
    seed: int
    trials: int

    @property
    def key(self) -> str:
        return f"{self.fault} {self.seed}"


class Done(msgspec.Struct):
    """A line of the file of what is done."""

    key: str
    tally: Tally


TABLE_HEAD = (
    "| what | runs | rows | faults or kills | lost | doubled | wrong |\n|---|---:|---:|---:|---:|---:|---:|"
)


class Crm:
    """A sandbox in a process of its own, with the levers that it gives to tests."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._levers = httpx.Client(base_url=base_url.removesuffix("/superfone"), timeout=30)
        self._seen = 0

    def follow(self, plan: FaultPlan) -> None:
        """Misbehave like this from now on."""
        self._levers.post("/_sandbox/faults", content=msgspec.json.encode(plan)).raise_for_status()

    def new_requests(self) -> list[dict[str, Any]]:
        """The ledger since it was last asked for."""
        found = self._levers.get("/_sandbox/ledger").json()
        fresh: list[dict[str, Any]] = found[self._seen :]
        self._seen = len(found)
        return fresh

    def leads(self) -> dict[str, dict[str, Any]]:
        """Every lead by its phone."""
        return {lead["phone"]: lead for lead in self._levers.get("/_sandbox/leads").json()}


@contextmanager
def crm(seed: int) -> Iterator[Crm]:
    """A fresh sandbox."""
    command = [sys.executable, "-m", "importer", "sandbox", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Crm(process.stdout.readline().removeprefix("LISTENING ").strip())
        finally:
            process.kill()


class Trial:
    """One sheet of its own people, sent under fire and looked after until every row has an end."""

    def __init__(
        self, number: int, sandbox: Crm, reports: Path, chance: random.Random, *, rows: int = ROWS
    ) -> None:
        self.sandbox = sandbox
        self.reports = reports
        self.run_id = f"t{number}"
        self.access = Credentials(sandbox.base_url, Secret(KEY))
        self.settings = Settings(
            reports=str(reports),
            rate=100_000.0,
            timeout=0.4,
            max_wait=20.0,
            concurrency=chance.choice([1, 4, 16]),
        )
        self.rows = [_row(number, n) for n in range(rows)]

    def start(self) -> None:
        """Run it; what stops it is in its journal."""
        self._run(self.settings.replace(run_id=self.run_id))

    def go_on(self) -> None:
        """Resume it; or start it, under its own id, where it was killed before its first write."""
        try:
            _patiently(
                lambda: resume(self.run_id, RunContext(settings=self.settings, credentials=self.access))
            )
        except (RunNotFoundError, DamagedJournalError):
            self.start()

    def retry(self) -> str:
        """Send what did not go in, as a run of its own; answers with its id."""
        calm = self.settings.replace(timeout=29.0)  # 30 would be "not given"
        summary = _patiently(lambda: retry(self.run_id, RunContext(settings=calm, credentials=self.access)))
        assert summary is not None, "there was something to retry"
        return summary.run_id

    def run_again(self) -> None:
        """Send the same sheet once more, as somebody who is not sure might."""
        self._run(self.settings.replace(run_id=f"{self.run_id}-twice", timeout=30.0))

    def _run(self, settings: Settings) -> None:
        reader = InMemoryReader(HEADERS, self.rows)
        sheet = Sheet(reader, file=f"{self.run_id}.csv", sha256=self.run_id)
        _patiently(lambda: run(sheet, RunContext(settings=settings, credentials=self.access)))

    @property
    def reached(self) -> str:
        """How far it had come: `before`, `amid` or `after` the sending."""
        try:
            with Journal.open(self.reports / self.run_id) as journal:
                sending = journal.run_end.state != "staging"
                return "before" if not sending else "amid" if journal.left else "after"
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


def _patiently(attempt: Callable[[], T]) -> T:
    """Try again where a machine that is busy did not even answer for the lists in time: nothing was sent then."""
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


def judge(trial: Trial, requests: list[dict[str, Any]], tally: Tally) -> None:
    """Compare what the CRM saw and holds with what journal and reports say."""
    outcomes = trial.read_report_rows()
    reported = read_csv(trial.reports / trial.run_id / "results.csv")
    leads = trial.sandbox.leads()
    applied = Counter(entry["phone"] for entry in requests if entry["applied"])
    tally.trials += 1
    tally.rows += len(trial.rows)
    if [outcome.number for outcome in outcomes] != [row.number for row in trial.rows]:
        tally.lost += 1
        tally.findings.append(f"{trial.run_id}: rows are missing from the journal")
    for row, outcome, line in zip(trial.rows, outcomes, reported, strict=True):
        _judge_row(row, outcome, line, leads, applied, tally)


def _judge_row(
    row: SourceRow,
    outcome: ReportRow,
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
    if outcome.status is RowStatus.ACCEPTED and not lead:
        tally.lost += 1
        tally.findings.append(f"{phone}: accepted, but not in the CRM")
    said = (line["_status"], line["_row"], line["_phone"], line["_note"])
    faults = [
        said != (outcome.status.value, str(row.number), phone, outcome.note.value),
        outcome.status in (RowStatus.PENDING, RowStatus.DUPLICATE, RowStatus.INVALID),
        outcome.status is RowStatus.FAILED and bool(applied[phone]),
        outcome.status is RowStatus.ACCEPTED
        and lead is not None
        and f"{lead['first_name']} {lead['last_name']}" != row.cells[1],
        outcome.note is NoteState.SENT and len(notes) != 1,
        outcome.note is NoteState.NOT_SENT and bool(notes),
        (outcome.note is NoteState.NONE) != (not row.cells[2]),
    ]
    if any(faults):
        tally.wrong += 1
        tally.findings.append(f"{phone}: {said} {faults} notes {len(notes)} applied {applied[phone]}")


# --- faults


def fault_trial(
    fault: InjectedFault | None,
    number: int,
    sandbox: Crm,
    reports: Path,
    chance: random.Random,
    tally: Tally,
    *,
    rows: int = ROWS,
) -> None:
    """One run with one kind of fault at a share of its requests, or with all kinds; stopped runs are resumed."""
    trial = Trial(number, sandbox, reports, chance, rows=rows)
    sandbox.follow(_plan(fault, chance, rows))
    trial.start()
    sandbox.follow(FaultPlan())
    while not trial.is_finished:
        trial.go_on()
    requests = sandbox.new_requests()
    tally.faults += sum(1 for entry in requests if entry["fault"] or entry["status"] in (401, 403, 429))
    judge(trial, requests, tally)
    _afterwards(trial, chance, tally)


def _plan(fault: InjectedFault | None, chance: random.Random, rows: int) -> FaultPlan:
    if fault in _STOPPING:
        return FaultPlan(at={chance.randint(1, rows): fault})
    if fault is None:
        return FaultPlan(
            shares={kind: 0.02 for kind in InjectedFault if kind not in _STOPPING},
            at={chance.randint(1, 2 * rows): chance.choice(sorted(_STOPPING))},
            retry_after="0",
        )
    return FaultPlan(shares={fault: chance.choice([0.05, 0.2, 0.5])}, retry_after="0")


def _afterwards(trial: Trial, chance: random.Random, tally: Tally) -> None:
    """A retry on a healthy server brings every row in, the sheet run again changes nothing: no note is doubled."""
    again = []
    if any(outcome.is_retryable for outcome in trial.read_report_rows()):
        again += trial.read_report_rows(trial.retry())
    if chance.random() < 0.25:
        trial.run_again()
        again += trial.read_report_rows(f"{trial.run_id}-twice")
    trial.sandbox.new_requests()
    leads = trial.sandbox.leads()
    for outcome in again:
        lead = leads.get(outcome.phone)
        if outcome.status is not RowStatus.ACCEPTED or lead is None:
            tally.lost += 1
            tally.findings.append(f"{outcome.phone}: {outcome.status} when it was sent again")
        elif len(lead["notes"]) > 1:
            tally.doubled += 1
            tally.findings.append(f"{outcome.phone}: a note more when it was sent again")


# --- kills


def kill_trial(
    number: int, sandbox: Crm, reports: Path, chance: random.Random, tally: Tally, *, span_s: float
) -> None:
    """One run killed at a random moment, its resumes too, then finished in peace."""
    trial = Trial(number, sandbox, reports, chance)
    sandbox.follow(FaultPlan(latency=0.004, shares={InjectedFault.DROP_AFTER: 0.02}))
    _killed(trial, trial.start, chance.uniform(0, span_s), tally)
    while chance.random() < 0.5 and not trial.is_finished:
        _killed(trial, trial.go_on, chance.uniform(0, span_s), tally)
    sandbox.follow(FaultPlan())
    trial.go_on()  # also where the kill came after the last commit: then the reports are written again
    while not trial.is_finished:  # on a starved machine even a healthy sandbox can be away for too long
        trial.go_on()
    judge(trial, sandbox.new_requests(), tally)
    _afterwards(trial, chance, tally)


def _killed(trial: Trial, work: Callable[[], None], after_s: float, tally: Tally) -> None:
    """Do the work in a forked process and kill it with SIGKILL; counted unless it was done before."""
    child = os.fork()
    if child == 0:
        _work_and_leave(work)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) in (0, 3), "the run failed in a way of its own"
    if os.WIFSIGNALED(status):
        tally.faults += 1
        tally.reached[trial.reached] = tally.reached.get(trial.reached, 0) + 1


def _work_and_leave(work: Callable[[], None]) -> None:
    code = 70
    try:
        work()
        code = 0
    except ImporterError:
        code = 3
    except BaseException:  # noqa: BLE001 - the parent must learn of it, whatever it is
        traceback.print_exc()
    os._exit(code)


# --- series, and the table


def fault_series(fault: InjectedFault | None, seed: int, trials: int) -> Tally:
    """Runs with one kind of fault, or with all."""
    tally = Tally(f"fault: {fault.value if fault else 'all kinds mixed'}")
    chance = random.Random(f"{seed}{fault}")
    with tempfile.TemporaryDirectory() as folder, crm(seed) as sandbox:
        for number in range(trials):
            fault_trial(fault, number, sandbox, Path(folder), chance, tally)
    return tally


def kill_series(seed: int, kills: int) -> Tally:
    """Runs until so many were killed; how long a run takes here and now is measured first."""
    tally = Tally("kill -9, resumes killed too")
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, crm(seed) as sandbox:
        sandbox.follow(FaultPlan(latency=0.004))
        began = time.monotonic()
        Trial(0, sandbox, Path(folder), random.Random(1)).start()
        span_s = time.monotonic() - began
        sandbox.new_requests()
        number = 0
        while tally.faults < kills:
            number += 1
            kill_trial(number, sandbox, Path(folder), chance, tally, span_s=span_s)
    return tally


def work(job: Job) -> Done:
    """One job, in the process that was made for it."""
    if job.fault is None:
        return Done(job.key, kill_series(job.seed, job.trials))
    return Done(job.key, fault_series(InjectedFault(job.fault) if job.fault else None, job.seed, job.trials))


def work_apart(job: Job, until: float) -> bytes:
    """One job in a process of its own, unless the time is up; answers with its line, or nothing where it died."""
    if time.time() > until:
        return b""
    command = [sys.executable, "-m", "tests.torture", "--job", msgspec.json.encode(job).decode()]
    return subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout


def jobs_of(faults: int, kills: int, seed: int) -> Iterator[Job]:
    """All the jobs, ten runs or twenty kills each, kinds by turns, so that a part of them is a fair sample."""
    kinds = [*(fault.value for fault in InjectedFault), ""]
    a_kind = max(1, faults // len(kinds))
    rounds = max(1, a_kind // 10)
    for turn in range(rounds):
        yield from (Job(kind, seed + turn, a_kind // rounds) for kind in kinds)
        for part in range(turn, max(1, kills // 20), rounds):
            yield Job(None, seed + part, min(kills, 20))


def main() -> int:
    """Run what is left of it and print the table; exit 1 where anything was lost, doubled or wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=1000)
    options.add_argument("--faults", type=int, default=2000)
    options.add_argument("--seed", type=int, default=26)
    options.add_argument("--minutes", type=float, default=24 * 60.0, help="begin nothing new after so long")
    options.add_argument(
        "--at-once", type=int, default=6, help="series at a time: most of a trial is waiting"
    )
    options.add_argument("--into", type=Path, default=Path("build/torture.jsonl"), help="what is done")
    options.add_argument("--job", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.job:
        print(msgspec.json.encode(work(msgspec.json.decode(given.job, type=Job))).decode())
        return 0
    given.into.parent.mkdir(parents=True, exist_ok=True)
    done = _done(given.into)
    left = [job for job in jobs_of(given.faults, given.kills, given.seed) if job.key not in done]
    until = time.time() + given.minutes * 60
    with ThreadPoolExecutor(given.at_once) as threads, given.into.open("ab") as file:
        for ended in as_completed([threads.submit(work_apart, job, until) for job in left]):
            file.write(ended.result())
            file.flush()
    return table(list(_done(given.into).values()))


def table(tallies: list[Tally]) -> int:
    """Print it all, one line a kind."""
    by_name: dict[str, Tally] = {}
    total = Tally("all")
    for tally in tallies:
        by_name.setdefault(tally.name, Tally(tally.name)).add(tally)
        total.add(tally)
    print(TABLE_HEAD)
    for tally in [*by_name.values(), total]:
        print(tally.line())
    print(f"\nKilled before, amid and after the sending: {total.reached}")
    if total.findings:
        print(json.dumps(total.findings[:50], indent=1))
    return 1 if total.lost or total.doubled or total.wrong else 0


def _done(path: Path) -> dict[str, Tally]:
    lines = path.read_bytes().splitlines() if path.exists() else []
    found = [msgspec.json.decode(line, type=Done) for line in lines]
    return {one.key: one.tally for one in found}


if __name__ == "__main__":
    sys.exit(main())
