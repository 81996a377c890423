"""Faults and kills by the thousand, over real sockets: python -m tests.torture (make torture) prints a table.

A run is sent to a sandbox that misbehaves, or is killed with SIGKILL at a random moment, and its resumes are
killed too. Then the sandbox's own ledger is compared with journal and reports, row by row: no row lost, no note
doubled, no row that says something else than what happened.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from importer.errors import ImporterError
from importer.journal import Journal
from importer.models import NoteState, RowOutcome, SourceRow, Status
from importer.pipeline import Silent, resume, retry, run
from importer.sandbox import Fault
from importer.sandbox.faults import FaultPlan
from importer.settings import Access, Secret, Settings
from importer.staging import RowsReader, Sheet
from tests.support import KEY, read_csv

ROWS = 60
HEADERS = ("Phone", "Name", "Note")
_STOPPING = frozenset({Fault.UNAUTHORIZED, Fault.FORBIDDEN, Fault.REDIRECT, Fault.HTML})


class Tally(msgspec.Struct):
    """What a series of trials came to."""

    name: str
    trials: int = 0
    rows: int = 0
    faults: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    findings: list[str] = []

    def add(self, other: Tally) -> None:
        """Count another series in."""
        for name in ("trials", "rows", "faults", "lost", "doubled", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.findings = self.findings + other.findings

    def line(self) -> str:
        """One row of the table."""
        return f"| {self.name} | {self.trials:,} | {self.rows:,} | {self.faults:,} | {self.lost} | {self.doubled} | {self.wrong} |"


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

    def __init__(self, number: int, sandbox: Crm, reports: Path, chance: random.Random) -> None:
        self.sandbox = sandbox
        self.reports = reports
        self.run_id = f"t{number}"
        self.access = Access(sandbox.base_url, Secret(KEY))
        self.settings = Settings(
            reports=str(reports),
            rate=100_000.0,
            timeout=0.4,
            patience=20.0,
            concurrency=chance.choice([1, 4, 16]),
        )
        self.rows = [_row(number, n) for n in range(ROWS)]

    def start(self) -> None:
        """Run it; what stops it is in its journal."""
        reader = RowsReader(HEADERS, self.rows)
        sheet = Sheet(reader, file=f"{self.run_id}.csv", sha256=self.run_id)
        run(sheet, self.settings.replaced(run_id=self.run_id), self.access, Silent())

    def go_on(self) -> None:
        """Resume it; or start it where it was killed before the first write."""
        try:
            resume(self.run_id, self.settings, self.access, Silent())
        except ImporterError as error:
            if error.exit_code != 2:
                raise
            shutil.rmtree(self.reports / self.run_id, ignore_errors=True)
            self.start()

    def retry(self) -> None:
        """Send what did not go in, as a run of its own."""
        retry(self.run_id, self.settings.replaced(run_id=f"{self.run_id}-again"), self.access, Silent())

    @property
    def is_finished(self) -> bool:
        folder = self.reports / self.run_id
        try:
            with Journal.open(folder) as journal:
                return journal.ended.state == "finished"
        except ImporterError:
            return False

    def outcomes(self, run_id: str | None = None) -> list[RowOutcome]:
        with Journal.open(self.reports / (run_id or self.run_id)) as journal:
            return list(journal.outcomes())


def _row(trial: int, n: int) -> SourceRow:
    phone = f"98{trial % 100_000:05d}{n:03d}"
    return SourceRow(n + 2, (phone, f"Person {trial}-{n}", f"note {trial}-{n}" if n % 3 == 0 else ""))


def judge(trial: Trial, requests: list[dict[str, Any]], tally: Tally) -> None:
    """Compare what the CRM saw and holds with what journal and reports say."""
    outcomes = trial.outcomes()
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
    outcome: RowOutcome,
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
    if outcome.status is Status.ACCEPTED and not lead:
        tally.lost += 1
        tally.findings.append(f"{phone}: accepted, but not in the CRM")
    said = (line["_status"], line["_row"], line["_phone"], line["_note"])
    faults = [
        said != (outcome.status.value, str(row.number), phone, outcome.note.value),
        outcome.status in (Status.PENDING, Status.DUPLICATE, Status.INVALID),
        outcome.status is Status.FAILED and bool(applied[phone]),
        outcome.status is Status.ACCEPTED
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
    fault: Fault, number: int, sandbox: Crm, reports: Path, chance: random.Random, tally: Tally
) -> None:
    """One run with one kind of fault at a share of its requests, stopped runs resumed, the rest retried."""
    trial = Trial(number, sandbox, reports, chance)
    if fault in _STOPPING:
        plan = FaultPlan(at={chance.randint(1, ROWS): fault})
    else:
        plan = FaultPlan(shares={fault: chance.choice([0.05, 0.2, 0.5])}, retry_after="0")
    sandbox.follow(plan)
    trial.start()
    sandbox.follow(FaultPlan())
    if not trial.is_finished:
        trial.go_on()
    requests = sandbox.new_requests()
    tally.faults += sum(1 for entry in requests if entry["fault"] or entry["status"] in (401, 403, 429))
    judge(trial, requests, tally)
    if any(outcome.goes_again for outcome in trial.outcomes()):
        _retried(trial, tally)


def _retried(trial: Trial, tally: Tally) -> None:
    """A retry on a healthy server brings every row in, and no note a second time."""
    trial.retry()
    trial.sandbox.new_requests()
    leads = trial.sandbox.leads()
    for outcome in trial.outcomes(f"{trial.run_id}-again"):
        lead = leads.get(outcome.phone)
        tally.lost += outcome.status is not Status.ACCEPTED or lead is None
        tally.doubled += lead is not None and len(lead["notes"]) > 1


# --- kills


def kill_trial(
    number: int, sandbox: Crm, reports: Path, chance: random.Random, tally: Tally, *, span_s: float
) -> None:
    """One run killed at a random moment, its resumes too, then finished in peace."""
    trial = Trial(number, sandbox, reports, chance)
    sandbox.follow(FaultPlan(latency=0.004, shares={Fault.DROP_AFTER: 0.02}))
    kills = _killed(trial.start, chance.uniform(0, span_s))
    while chance.random() < 0.5 and not trial.is_finished:
        kills += _killed(trial.go_on, chance.uniform(0, span_s))
    sandbox.follow(FaultPlan())
    trial.go_on()
    tally.faults += kills
    judge(trial, sandbox.new_requests(), tally)
    if any(outcome.goes_again for outcome in trial.outcomes()):
        _retried(trial, tally)


def _killed(work: Any, after_s: float) -> int:
    """Do the work in a forked process and kill it with SIGKILL; 1 unless it was done before."""
    child = os.fork()
    if child == 0:
        _work_and_leave(work)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) in (0, 3), "the run failed in a way of its own"
    return int(os.WIFSIGNALED(status))


def _work_and_leave(work: Any) -> None:
    code = 70
    try:
        work()
        code = 0
    except ImporterError:
        code = 3
    except BaseException:  # noqa: BLE001 - the parent must learn of it, whatever it is
        traceback.print_exc()
    os._exit(code)


# --- the table


def main() -> int:
    """Run it all and print the table; exit 1 where anything was lost, doubled or wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=1000)
    options.add_argument("--faults", type=int, default=2000)
    options.add_argument("--seed", type=int, default=26)
    given = options.parse_args()
    tallies = list(series(given.faults, given.kills, given.seed))
    total = Tally("all")
    for tally in tallies:
        total.add(tally)
    print(TABLE_HEAD)
    for tally in [*tallies, total]:
        print(tally.line())
    if total.findings:
        print(json.dumps(total.findings[:50], indent=1))
    return 1 if total.lost or total.doubled or total.wrong else 0


def series(trials: int, kills: int, seed: int) -> Iterator[Tally]:
    """All of it, several series at a time: most of a trial is waiting."""
    matrix = [
        (fault, number, seed) for fault in Fault for number in range(max(1, trials // len(Fault) // 10))
    ]
    parts = max(1, kills // 50)
    with multiprocessing.get_context("fork").Pool(10) as pool:
        by_name: dict[str, Tally] = {}
        jobs = [pool.apply_async(fault_series, (*job, min(10, trials // len(Fault)))) for job in matrix]
        jobs += [pool.apply_async(kill_series, (kills // parts, seed + part)) for part in range(parts)]
        for job in jobs:
            found = job.get()
            _tell(found)
            by_name.setdefault(found.name, Tally(found.name)).add(found)
        yield from by_name.values()


def fault_series(fault: Fault, number: int, seed: int, trials: int) -> Tally:
    """Runs with one kind of fault."""
    tally = Tally(f"fault: {fault.value}")
    with tempfile.TemporaryDirectory() as folder, crm(seed + number) as sandbox:
        chance = random.Random(f"{seed}{number}{fault}")
        for trial in range(max(1, trials)):
            fault_trial(fault, trial, sandbox, Path(folder), chance, tally)
    return tally


def kill_series(kills: int, seed: int) -> Tally:
    """Runs until so many were killed."""
    tally = Tally("kill -9, resumes killed too")
    chance = random.Random(seed)
    number = 0
    with tempfile.TemporaryDirectory() as folder, crm(seed) as sandbox:
        while tally.faults < kills:
            number += 1
            kill_trial(number, sandbox, Path(folder), chance, tally, span_s=0.4)
    return tally


def _tell(tally: Tally) -> None:
    print(tally.line(), file=sys.stderr, flush=True)
    for finding in tally.findings[-5:]:
        print("   ", finding, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
