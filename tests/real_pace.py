"""Measure the rate over real sockets, from the sandbox's ledger: python -m tests.real_pace [LIMIT ...] prints a table.

Without limits it measures all of them at once, in five minutes. It needs a quiet machine: where the processor
is busy, requests leave late. tests/sender/comparison.py has the full matrix in virtual time.
"""

from __future__ import annotations

import sys
import tempfile
import threading
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
from importer.sandbox.request_limit import LimitKind
from importer.settings import Settings
from tests.support import KEY
from tests.torture import start_crm

_START_S = 20.0
_SECONDS = 300
_RISE_S = 60.0
_BUCKET_SIZE = 5.0


class Line(msgspec.Struct, frozen=True):
    """The rate of the tool, and the limit of the sandbox, which may rise after a minute. A `limit` of 0 means none."""

    limit: float
    kind: LimitKind = LimitKind.SLIDING
    rate: float | str = "auto"
    rises_to: float | None = None
    retry_after: str = "none"

    @property
    def expected(self) -> float:
        """The requests a second after the start."""
        return self.rises_to or self.limit or float(self.rate)

    def to_faults(self, limit: float) -> FaultPlan:
        """Return the sandbox's plan with this limit."""
        return FaultPlan(
            rate_limit=limit,
            limit_kind=self.kind,
            bucket_size=_BUCKET_SIZE,
            retry_after=self.retry_after,
            latency=0.02,
        )


LINES = (
    *(Line(limit, kind) for limit in (5, 20, 50, 200) for kind in LimitKind),
    *(Line(limit, retry_after="seconds") for limit in (5, 20, 50)),
    *(Line(10, kind, rises_to=40) for kind in LimitKind),
    Line(0, rate=7),
    Line(0, rate=40),
)


def measure_line(line: Line) -> str:
    """Run once and return a row of the table."""
    rows = [SourceRow(n + 2, (f"98450{n:05}", "Asha")) for n in range(int(line.expected * _SECONDS))]
    with tempfile.TemporaryDirectory() as folder, start_crm(1) as sandbox:
        sandbox.set_faults(line.to_faults(line.limit))
        rise = threading.Timer(_RISE_S, lambda: sandbox.set_faults(line.to_faults(line.expected)))
        if line.rises_to:
            rise.start()
        settings = Settings(
            reports=str(Path(folder, "reports")),
            rate=line.rate,
            run_id="r",
            concurrency=max(20, int(line.expected)),
        )
        sheet = Sheet(InMemoryReader(("Phone", "Name"), rows), file="x.csv", sha256="x")
        credentials = Credentials(sandbox.base_url, Secret(KEY))
        context = RunContext(settings=settings, credentials=credentials, state_dir=Path(folder, "state"))
        summary = run(sheet, context)
        all_in = summary.counts[RowStatus.ACCEPTED] == len(rows)
        return _format_row(line, all_in, sandbox.read_new_requests())


def _format_row(line: Line, all_in: bool, ledger: Sequence[dict[str, float]]) -> str:
    times = [entry["at"] for entry in ledger]
    accepted = [entry["at"] for entry in ledger if entry["status"] == 200]
    start_s = (_RISE_S if line.rises_to else 0.0) + (_START_S if line.rate == "auto" else 0.0)
    after_start = [at for at in accepted if at >= times[0] + start_s]
    used = (len(after_start) - 1) / (after_start[-1] - after_start[0]) / line.expected
    refused = sum(entry["status"] == 429 for entry in ledger) / len(ledger)
    fullest = max(sum(1 for other in times[i : i + 500] if other < at + 1) for i, at in enumerate(times))
    limit = (
        f"{line.limit:g}, then {line.rises_to:g}"
        if line.rises_to
        else f"{line.limit:g}"
        if line.limit
        else "none"
    )
    return (
        f"| {line.rate} | {limit} | {line.kind if line.limit else ''} | {line.retry_after} | {used:.1%} | "
        f"{refused:.2%} | {fullest} | {'yes' if all_in else 'NO'} |"
    )


def main(limits: Sequence[str]) -> None:
    """Run the lines with these limits at once, all lines without any: they wait more than they work."""
    lines = [line for line in LINES if not limits or f"{line.limit:g}" in limits]
    print(
        "| --rate | limit/s | counted by | Retry-After | of the limit, or of N | answered 429 | fullest second | all in |"
    )
    print("|---|---:|---|---|---:|---:|---:|---|")
    with ProcessPoolExecutor(len(lines)) as processes:
        for row in processes.map(measure_line, lines):
            print(row, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
