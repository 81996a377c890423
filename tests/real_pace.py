"""The pace over real sockets, read from the sandbox's own ledger: python -m tests.real_pace prints a table.

A minute and a half for each line, all lines at once; virtual time (tests/sender/comparison.py) has the full matrix.
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
from tests.torture import crm

_WARM_S = 20.0
_SECONDS = 90


class Line(msgspec.Struct, frozen=True):
    """What is asked of the tool and of the sandbox. `limit` 0 is no limit."""

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


def measured(line: Line) -> str:
    """One run, as a line of the table."""
    expected = line.limit or float(line.rate)
    rows = [SourceRow(n + 2, (f"98450{n:05}", "Asha")) for n in range(int(expected * _SECONDS))]
    with tempfile.TemporaryDirectory() as folder, crm(1) as sandbox:
        sandbox.follow(FaultPlan(rate_limit=line.limit, retry_after=line.retry_after, latency=0.02))
        settings = Settings(reports=str(Path(folder)), rate=line.rate, run_id="r")
        sheet = Sheet(InMemoryReader(("Phone", "Name"), rows), file="x.csv", sha256="x")
        summary = run(
            sheet, RunContext(settings=settings, credentials=Credentials(sandbox.base_url, Secret(KEY)))
        )
        return _judged(
            line, expected, summary.counts[RowStatus.ACCEPTED] == len(rows), sandbox.new_requests()
        )


def _judged(line: Line, expected: float, all_in: bool, ledger: Sequence[dict[str, float]]) -> str:
    times = [entry["at"] for entry in ledger]
    took = [entry["at"] for entry in ledger if entry["status"] == 200]
    warm_s = _WARM_S if line.limit else 0.0
    warm = [at for at in took if at >= times[0] + warm_s]
    used = (len(warm) - 1) / (warm[-1] - warm[0]) / expected
    refused = sum(entry["status"] == 429 for entry in ledger) / len(ledger)
    fullest = max(sum(1 for other in times[i : i + 500] if other < at + 1) for i, at in enumerate(times))
    return (
        f"| {line.rate} | {line.limit or 'none'} | {line.retry_after} | {used:.1%} | {refused:.2%} | {fullest} | "
        f"{'yes' if all_in else 'NO'} |"
    )


def main() -> None:
    """All lines at once: they wait more than they work."""
    print(
        "| --rate | limit/s | Retry-After | of the limit, or of N | answered 429 | fullest second | all rows in |"
    )
    print("|---|---:|---|---:|---:|---:|---|")
    with ProcessPoolExecutor(len(LINES)) as processes:
        for line in processes.map(measured, LINES):
            print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
