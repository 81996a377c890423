"""A CRM that always fails on some rows, over real sockets: python -m tests.real_poisoned_rows prints a table.

It is tests/sender/poisoned_rows.py with a sandbox instead of virtual time. All lines run at once, for about two
minutes, since they wait more than they work. It needs a quiet machine.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from importer.credentials import Credentials, Secret
from importer.models.row import SourceRow
from importer.models.status import RowStatus
from importer.pipeline.context import RunContext
from importer.pipeline.run import run
from importer.reader.source import InMemoryReader, Sheet
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.sender.retry import MAX_ATTEMPTS
from importer.settings import Settings
from tests.support import KEY
from tests.torture import start_crm

ROWS, RATE, WORKERS, TIMEOUT_S = 1000, 20.0, 50, 5.0
SHARES = (0.0, 0.01, 0.1, 0.5)
KINDS = {
    "connection reset after the work": InjectedFault.DROP_AFTER,
    "connection reset before it": InjectedFault.DROP_BEFORE,
    "no answer": InjectedFault.STALL_AFTER,
    "500": InjectedFault.ERROR_AFTER,
    "502 with a page of HTML": InjectedFault.BAD_GATEWAY,
}


class Line(msgspec.Struct, frozen=True):
    """How the CRM fails, on which share of the rows."""

    kind: str
    share: float


class Flow(msgspec.Struct):
    """When the last healthy row was in, when all rows had a result (in seconds), and how often each row was sent."""

    healthy_s: float
    all_s: float
    attempts: dict[int, int]
    counts: dict[str, int]


def measure(line: Line) -> Flow:
    """Send the rows, each of which is somebody else."""
    rows = [SourceRow(n + 2, (f"98450{n:05}", "Asha")) for n in range(ROWS)]
    poisoned = {
        f"+91{row.cells[0]}": [KINDS[line.kind]] * (2 * MAX_ATTEMPTS)
        for row in random.Random(5).sample(rows, int(ROWS * line.share))
    }
    with tempfile.TemporaryDirectory() as folder, start_crm(1) as sandbox:
        sandbox.set_faults(FaultPlan(phones=poisoned, latency=0.02))
        settings = Settings(
            reports=str(Path(folder, "reports")),
            run_id="r",
            rate=RATE,
            concurrency=WORKERS,
            timeout=TIMEOUT_S,
        )
        sheet = Sheet(InMemoryReader(("Phone", "Name"), rows), file="x.csv", sha256="x")
        credentials = Credentials(sandbox.base_url, Secret(KEY))
        summary = run(
            sheet, RunContext(settings=settings, credentials=credentials, state_dir=Path(folder, "state"))
        )
        return _read_flow(set(poisoned), summary.counts, sandbox.read_new_requests())


def _read_flow(poisoned: set[str], counts: Any, ledger: list[dict[str, Any]]) -> Flow:
    posts = [entry for entry in ledger if entry["method"] == "POST"]
    began = posts[0]["at"]
    return Flow(
        healthy_s=max(entry["at"] for entry in posts if entry["phone"] not in poisoned) - began,
        all_s=posts[-1]["at"] - began,
        attempts=Counter(Counter(entry["phone"] for entry in posts if entry["phone"] in poisoned).values()),
        counts={status: number for status, number in counts.items() if number},
    )


def main() -> None:
    """Print a line for each kind and share. The ratio is the pace of the healthy rows to that of a sheet without others."""
    lines = [Line(kind, share) for kind in KINDS for share in SHARES[1:]]
    print(
        "| failing rows | how | healthy rows in | of the pace alone | most possible | all done | attempts each | rows |"
    )
    print("|---|---|---:|---:|---:|---:|---|---|")
    with ProcessPoolExecutor(len(lines) + 1) as processes:
        alone = processes.submit(measure, Line(next(iter(KINDS)), 0.0))
        for line, flow in zip(lines, processes.map(measure, lines), strict=True):
            print(_format_row(line, flow, ROWS / alone.result().healthy_s), flush=True)


def _format_row(line: Line, flow: Flow, pace_alone: float) -> str:
    pace = ROWS * (1 - line.share) / flow.healthy_s
    hanging_s = (
        ROWS * line.share * TIMEOUT_S / WORKERS if KINDS[line.kind] is InjectedFault.STALL_AFTER else 0.0
    )
    possible = ROWS * (1 - line.share) / max(ROWS / RATE, hanging_s) / RATE
    attempts = ", ".join(f"{count} times {number}" for number, count in sorted(flow.attempts.items()))
    counts = ", ".join(f"{number} {RowStatus(status)}" for status, number in flow.counts.items())
    return (
        f"| {line.share:.0%} | {line.kind} | {flow.healthy_s:.0f} s | {pace / pace_alone:.2f} | {possible:.2f} | "
        f"{flow.all_s:.0f} s | {attempts} | {counts} |"
    )


if __name__ == "__main__":
    sys.exit(main())
