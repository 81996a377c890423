"""Measure the rate over real sockets, from the sandbox's ledger: python -m tests.real_pace prints a table.

It takes a minute and a half, with all lines at once. tests/sender/comparison.py has the full matrix in virtual time.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from importer.credentials import Credentials, Secret
from importer.models.row import SourceRow
from importer.models.status import RowStatus
from importer.pipeline.context import RunContext
from importer.pipeline.run import run
from importer.reader.source import InMemoryReader, Sheet
from importer.sandbox.faults import FaultPlan
from importer.settings import Settings
from tests.support import KEY
from tests.torture import start_crm

_START_S = 20.0
_SECONDS = 90


class Line(msgspec.Struct, frozen=True):
    """The rate of the tool, and the limit of the sandbox. A `limit` of 0 means none."""

    rate: float | str
    limit: float
    retry_after: str = "none"


LINES = (
    Line("auto", 5),
    Line("auto", 5, "seconds"),
    Line("auto", 20),
    Line("auto", 20, "seconds"),
    Line("auto", 50, "seconds"),
    Line(7, 0),
    Line(40, 0),
)


def measure_line(line: Line) -> str:
    """Run once and return a row of the table."""
    expected = line.limit or float(line.rate)
    rows = [SourceRow(n + 2, (f"98450{n:05}", "Asha")) for n in range(int(expected * _SECONDS))]
    with tempfile.TemporaryDirectory() as folder, start_crm(1) as sandbox:
        sandbox.set_faults(FaultPlan(rate_limit=line.limit, retry_after=line.retry_after, latency=0.02))
        settings = Settings(reports=str(Path(folder)), rate=line.rate, run_id="r")
        sheet = Sheet(InMemoryReader(("Phone", "Name"), rows), file="x.csv", sha256="x")
        summary = run(
            sheet, RunContext(settings=settings, credentials=Credentials(sandbox.base_url, Secret(KEY)))
        )
        return _format_row(
            line, expected, summary.counts[RowStatus.ACCEPTED] == len(rows), sandbox.read_new_requests()
        )


def _format_row(line: Line, expected: float, all_in: bool, ledger: Sequence[dict[str, float]]) -> str:
    times = [entry["at"] for entry in ledger]
    accepted = [entry["at"] for entry in ledger if entry["status"] == 200]
    start_s = _START_S if line.limit else 0.0
    after_start = [at for at in accepted if at >= times[0] + start_s]
    used = (len(after_start) - 1) / (after_start[-1] - after_start[0]) / expected
    refused = sum(entry["status"] == 429 for entry in ledger) / len(ledger)
    fullest = max(sum(1 for other in times[i : i + 500] if other < at + 1) for i, at in enumerate(times))
    return (
        f"| {line.rate} | {line.limit or 'none'} | {line.retry_after} | {used:.1%} | {refused:.2%} | {fullest} | "
        f"{'yes' if all_in else 'NO'} |"
    )


def main() -> None:
    """Run all lines at once: they wait more than they work."""
    print(
        "| --rate | limit/s | Retry-After | of the limit, or of N | answered 429 | fullest second | all rows in |"
    )
    print("|---|---:|---|---:|---:|---:|---|")
    with ProcessPoolExecutor(len(LINES)) as processes:
        for line in processes.map(measure_line, LINES):
            print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
