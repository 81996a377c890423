"""Measure how long `importer resume` takes to its first request, after a kill with nine rows in ten sent.

The journal is made by the journal's own code, as the killed run would have left it: staged, in state RUNNING, with
results for 90% of its rows and intents for a few more.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from pathlib import Path

from benchmarks.stages import record_all, stage_sheet
from importer.credentials import Credentials, Secret
from importer.journal.delivery_batch import DeliveryBatch
from importer.state.account_identity import identify_account
from importer.state.state_folder import find_state_folder, open_account

_BATCH = 20_000


def measure_seconds_to_first_request(importer: Path, sheet: Path, base_url: str, reports: Path) -> float:
    """Return the seconds from the start of the command to its first upsert."""
    credentials = Credentials(base_url, Secret("k"))
    account = open_account(find_state_folder(os.environ), identify_account(credentials), {})
    with stage_sheet(sheet, credentials, reports) as journal:
        journal.begin_sending(account)
        until, after = journal.delivery.count_pending() * 9 // 10, -1
        while until > 0 and (rows := journal.delivery.read_pending(after, min(_BATCH, until))):
            after, until = rows[-1].number, until - len(rows)
            record_all(journal, rows)
        journal.delivery.record(DeliveryBatch(intents=journal.delivery.read_pending(after, 50)))
    before = _count(base_url)
    began = time.perf_counter()
    command = [importer, "resume", "run", "--reports", reports, "-q", "--rate", "100"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as child:
        while _count(base_url) == before:
            time.sleep(0.01)
        passed = time.perf_counter() - began
        child.kill()
    return passed


def _count(base_url: str) -> int:
    with urllib.request.urlopen(f"{base_url}/count") as answer:
        return int(answer.read())
