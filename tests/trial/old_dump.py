"""The trial of an old dump over better leads: python -m tests.trial.old_dump [--leads 3000] prints what each way costs.

A CRM has leads that were worked on for months. A dump from before that is imported: other names, towns, stages and
amounts. With a plain run the newer values are gone. With `--existing careful` nothing is lost; `plan` shows all of it
before, and `undo` takes it back.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import RunningSandbox, run_sandbox
from tests.support import leads, write_csv
from tests.trial.compare import make_environment
from tests.trial.people import Person, make_people

LEADS, NEW_LEADS = 3_000, 20
STAGES = ("Interested", "Site visit done", "Negotiation", "Won", "Lost")
INFO = "Aadhaar received; flat booked"
HEADER = (
    "Mobile",
    "First Name",
    "Last Name",
    "City",
    "Stage",
    "Email",
    "Deal Value",
    "Additional Info",
    "Remarks",
)

Leads = dict[str, dict[str, Any]]
RunImporter = Callable[..., tuple[int, str]]
"""Runs a command of importer with these words. Returns its exit code and what it printed."""


class Trial(NamedTuple):
    """The leads before an import and after it, and after its undo where it can be undone."""

    before: Leads
    after: Leads
    undone: Leads
    plan: str
    undo: str

    @property
    def lost(self) -> Counter[str]:
        """The number of values by field that a sales person had in the CRM, and that are gone."""
        return count_lost(self.before, self.after)


def make_many_people(count: int) -> list[Person]:
    """Return people with numbers of their own: thousands do not fit into the range of `make_people`."""
    names = [person.name for person in make_people(0, count)]
    return [Person(name, f"9892{number:06}") for number, name in enumerate(names)]


def fill_crm(crm: RunningSandbox, people: list[Person]) -> None:
    """Add leads as a team has them after months. Each tenth has no city yet."""
    for number, person in enumerate(people):
        first, last = person.name.split()
        fields = {
            "first_name": first,
            "last_name": last,
            "lead_stage_name": STAGES[number % len(STAGES)],
            "email": [f"{first}.{number}@mail.example".lower()],
            "deal_value": 4_500_000 + number,
            "additional_info": INFO,
        }
        if number % 10:
            fields["city"] = "Pune"
        crm.sandbox.store.save(None, person.e164, fields, None)


def write_dump(path: Path, people: list[Person], new: list[Person]) -> Path:
    """Write the sheet of long ago: every lead as it was before anybody had talked to it, and some that are new."""
    rows = [
        (person.phone, "Mr", "Customer", "Old Town", "New", f"old{number}@mail.example", 100_000, "Budget: 60-70L", "old note")
        for number, person in enumerate([*people, *new])
    ]  # fmt: skip
    return write_csv(path, [HEADER, *rows])


def hold_trial(crm: RunningSandbox, sheet: Path, run: RunImporter, *options: str) -> Trial:
    """Plan the dump, send the plan, then undo it."""
    before = leads(crm)
    code, plan = run("plan", sheet, "--run-id", "dump", *options)
    assert code == 0, plan
    assert leads(crm) == before, "a plan changes nothing"
    code, sent = run("apply", "dump", "--yes")
    assert code == 0, sent
    after = leads(crm)
    _, undo = run("undo", "dump", "--yes")
    return Trial(before, after, leads(crm), plan, undo)


def count_lost(before: Leads, after: Leads) -> Counter[str]:
    """Return by field how many values of `before` are not in `after`: of e-mails and infos more may be there."""
    lost: Counter[str] = Counter()
    for phone, lead in before.items():
        now = after.get(phone, {})
        lost.update(name for name, value in lead.items() if not _is_kept(value, now.get(name)))
    return lost


def _is_kept(value: Any, now: Any) -> bool:
    if isinstance(value, list):
        return set(value) <= set(now or ())
    return value == now or (isinstance(now, str) and str(value) in now.split("\n"))


def main() -> None:
    """Hold the trial with each way of importing, and print what was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=LEADS)
    count = parser.parse_args().leads
    people = make_many_people(count + NEW_LEADS)
    for existing in ("overwrite", "careful"):
        with tempfile.TemporaryDirectory() as name, run_sandbox(SandboxOptions()) as crm:
            folder = Path(name)
            fill_crm(crm, people[:count])
            sheet = write_dump(folder / "dump.csv", people[:count], people[count:])
            trial = hold_trial(crm, sheet, _make_runner(crm, folder), "--existing", existing)
        left = count_lost(trial.before, trial.undone)
        print(f"--existing {existing}: lost {dict(trial.lost)}, and after the undo {dict(left)}")
        print(trial.plan, trial.undo, sep="\n")


def _make_runner(crm: RunningSandbox, folder: Path) -> RunImporter:
    def run(*words: object) -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, "-m", "importer", *map(str, words), "--rate", "2000"],
            cwd=folder, env=make_environment(crm.base_url, folder), capture_output=True, text=True, check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout + ended.stderr

    return run


if __name__ == "__main__":
    main()
