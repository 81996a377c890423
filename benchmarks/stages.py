"""Measure the CPU of one sent row, stage by stage, each stage alone with the real code. Print microseconds a row as JSON.

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

from importer.credentials import Credentials, Secret
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.loader.table.table_reader import OpenOptions, open_table
from importer.models.delivery import DeliveryResult, PendingRow
from importer.models.status import NoteState, RowStatus, RunState
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.context import RunContext
from importer.pipeline.run import judge_sheet
from importer.reader.row_processor import ProcessorConfig, RowProcessor
from importer.reader.source import open_file
from importer.report.report_writer import write_reports
from importer.sender.client import open_client
from importer.sender.send_loop import SendSettings, StopRequest, send
from importer.settings import resolve_settings
from importer.state.account_identity import identify_account
from importer.state.state_folder import find_account, open_account

_COMMIT = 100


def main(sheet: Path, base_url: str, folder: Path) -> None:
    credentials = Credentials(base_url, Secret("k"))
    account = open_account(folder / "state", identify_account(credentials), {})
    with stage_sheet(sheet, credentials, folder / "first") as journal:
        rows = journal.rows
        stages = {"read and judge": _measure_judging(sheet, journal)}
        journal.begin_sending(account)
        pending = journal.delivery.read_pending(-1, rows)
        stages["HTTP over httpx's API"] = _measure_cpu(lambda: _run(_post_all(credentials, pending)))
        stages["journal: intents and results, durable"] = _measure_cpu(lambda: record_all(journal, pending))
        journal.end(RunEnd(state=RunState.FINISHED))
        stages["reports"] = _measure_cpu(lambda: write_reports(journal, journal.folder))
    with stage_sheet(sheet, credentials, folder / "second") as journal:
        journal.begin_sending(account)
        whole = _measure_cpu(lambda: _run(_send_all(credentials, journal)))
    known = stages["HTTP over httpx's API"] + stages["journal: intents and results, durable"]
    stages["queue, rate, circuit breaker, workers, progress"] = max(whole - known, 0.0)
    print(json.dumps({name: round(spent / rows * 1e6, 1) for name, spent in stages.items()}))


def stage_sheet(sheet: Path, credentials: Credentials, reports: Path) -> Journal:
    reports.mkdir(parents=True)
    with open_file(sheet, OpenOptions()) as opened:
        settings = resolve_settings({"reports": str(reports), "yes": True, "run_id": "run"})
        titles = fetch_account_titles(credentials, settings, lambda _: None)
        context = RunContext(settings=settings, credentials=credentials, titles=titles)
        account = find_account(context.state_dir, context.identity, titles)
        return judge_sheet("run", opened, context.replace(account=account))


def _measure_judging(sheet: Path, journal: Journal) -> float:
    metadata = journal.metadata
    titles: Any = {}
    config = ProcessorConfig(mapping=metadata.mapping, titles=titles, region="IN", unknown="drop")
    return _measure_cpu(lambda: list(RowProcessor(config).process(open_table(sheet, OpenOptions()).blocks)))


async def _post_all(credentials: Credentials, rows: list[PendingRow]) -> None:
    left = iter(rows)
    async with open_client(credentials, timeout_s=30, max_wait_s=900, connections=50) as client:

        async def work() -> None:
            for row in left:
                await client.upsert(row.payload)

        await asyncio.gather(*(work() for _ in range(50)))


def record_all(journal: Journal, rows: list[PendingRow]) -> None:
    for start in range(0, len(rows), _COMMIT):
        some = rows[start : start + _COMMIT]
        leaving = journal.delivery.record(DeliveryBatch(intents=some))
        journal.delivery.record(DeliveryBatch(results=[_build_result(row) for row in leaving]))


def _build_result(row: PendingRow) -> DeliveryResult:
    note = NoteState.NONE if row.note is None else NoteState.SENT
    return DeliveryResult(
        number=row.number, status=RowStatus.ACCEPTED, attempts=1, http_status=200, note=note
    )


async def _send_all(credentials: Credentials, journal: Journal) -> None:
    settings = SendSettings(rate_per_s=100_000, concurrency=50, max_wait_s=60)
    async with open_client(credentials, timeout_s=30, max_wait_s=900, connections=50) as client:
        await send(
            journal.delivery,
            client,
            settings,
            total=journal.delivery.count_pending(),
            on_progress=lambda _: None,
            get_stop_request=lambda: StopRequest.NO,
        )


def _measure_cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _run(work: Any) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
