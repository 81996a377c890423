"""CPU of one sent row, stage by stage, each stage run alone on the real code. Prints microseconds a row as JSON.

Run as `python -m benchmarks.stages SHEET BASE_URL FOLDER`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop

from importer.access import Access, Secret
from importer.journal import Journal, RunEnd
from importer.loader.opening import OpenOptions, open_table
from importer.models import NoteState, PendingRow, RowResult, RunState, Status
from importer.pipeline.stage import stage
from importer.pipeline.watch import Silent
from importer.report import write_reports
from importer.sender import SendSettings, Stop, open_client, send
from importer.settings import resolve
from importer.staging import Recipe, judge_rows, open_file

_COMMIT = 100


def main(sheet: Path, base_url: str, folder: Path) -> None:
    access = Access(base_url, Secret("k"))
    with _staged(sheet, access, folder / "first") as journal:
        rows = journal.rows
        stages = {"read and judge": _judging(sheet, journal)}
        journal.begin_sending()
        pending = journal.pending(-1, rows)
        stages["HTTP over httpx's API"] = _cpu(lambda: _run(_post_all(access, pending)))
        stages["journal: intents and results, durable"] = _cpu(lambda: _record_all(journal, pending))
        journal.end(RunEnd(state=RunState.FINISHED))
        stages["reports"] = _cpu(lambda: write_reports(journal, journal.folder))
    with _staged(sheet, access, folder / "second") as journal:
        journal.begin_sending()
        whole = _cpu(lambda: _run(_send_all(access, journal)))
    known = stages["HTTP over httpx's API"] + stages["journal: intents and results, durable"]
    stages["feed, pace, gate, workers, telling"] = max(whole - known, 0.0)
    print(json.dumps({name: round(spent / rows * 1e6, 1) for name, spent in stages.items()}))


def _staged(sheet: Path, access: Access, reports: Path) -> Journal:
    reports.mkdir(parents=True)
    with open_file(sheet, OpenOptions()) as opened:
        settings = resolve({"reports": str(reports), "yes": True, "run_id": "run"})
        return stage("run", settings, opened, access, Silent())


def _judging(sheet: Path, journal: Journal) -> float:
    header = journal.header
    titles: Any = {}
    recipe = Recipe(mapping=header.mapping, titles=titles, region="IN", unknown="drop")
    return _cpu(lambda: list(judge_rows(open_table(sheet, OpenOptions()).blocks, recipe)))


async def _post_all(access: Access, rows: list[PendingRow]) -> None:
    left = iter(rows)
    async with open_client(access, timeout_s=30, patience_s=900, connections=50) as client:

        async def work() -> None:
            for row in left:
                await client.upsert(row.payload)

        await asyncio.gather(*(work() for _ in range(50)))


def _record_all(journal: Journal, rows: list[PendingRow]) -> None:
    for start in range(0, len(rows), _COMMIT):
        some = rows[start : start + _COMMIT]
        leaving = journal.record(intents=some)
        journal.record(results=[_result(row) for row in leaving])


def _result(row: PendingRow) -> RowResult:
    note = NoteState.NONE if row.note is None else NoteState.SENT
    return RowResult(number=row.number, status=Status.ACCEPTED, attempts=1, http_status=200, note=note)


async def _send_all(access: Access, journal: Journal) -> None:
    settings = SendSettings(rate_per_s=100_000, concurrency=50, patience_s=60, create=True)
    async with open_client(access, timeout_s=30, patience_s=900, connections=50) as client:
        await send(
            journal, client, settings, total=journal.left, on_progress=lambda _: None, asked=lambda: Stop.NO
        )


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _run(work: Any) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
