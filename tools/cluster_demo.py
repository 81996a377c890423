"""Show a batch over a cluster on this computer, with a worker that is killed on the way (make cluster-demo).

Usage: python -m tools.cluster_demo

It starts a practice CRM with twelve accounts, a Dask scheduler and two workers as processes, and sends a sheet of invented
leads to each account. The exit code is 0 only if the batch ends with 0, and each lead is in once.
"""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from importer.sandbox.sandbox_settings import SandboxOptions
from tests.batch.accounts import Accounts, run_accounts
from tests.cluster.dask_cluster import DaskCluster, run_cluster

_NAMES = ("asha", "bala", "coral", "deepa", "esha", "farah", "gita", "hema", "indu", "jaya", "kavya", "latha")
_ROWS = 100
_MANIFEST_HEAD = (
    "[defaults]\nrate = 15\ntimeout = 2\n"  # a short --timeout, so that another worker takes over soon
)
_MAX_SENDING_S = 100
_POLL_S = 0.05


def main() -> int:
    """Run the demo. Return the exit code."""
    options = {name: SandboxOptions(api_key=f"key-of-{name}") for name in _NAMES}
    keys = {_name_key(name): f"key-of-{name}" for name in _NAMES}
    with tempfile.TemporaryDirectory(prefix="cluster-demo-") as name, run_accounts(options) as accounts:
        folder = Path(name)
        _write_batch(folder, accounts)
        print(
            f"A practice CRM with {len(_NAMES)} accounts, a scheduler and two workers are starting.",
            flush=True,
        )
        with run_cluster(folder, keys, workers=2) as cluster:
            cluster.wait_for_workers(2)
            return _show_batch(folder, accounts, cluster)


def _show_batch(folder: Path, accounts: Accounts, cluster: DaskCluster) -> int:
    command = ["importer", "batch", "list.toml", "--cluster", cluster.address, "--yes"]
    print(f"{len(_NAMES)} sheets of {_ROWS} rows are sent: {' '.join(command)}\n", flush=True)
    # Any key of this terminal is left out: the coordinator needs none.
    hidden = {"SUPERFONE_API_KEY", *map(_name_key, _NAMES)}
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    environ["IMPORTER_STATE_DIR"] = str(folder / "state")
    with subprocess.Popen([sys.executable, "-m", *command], cwd=folder, env=environ) as batch:
        killed_at: list[float] = []
        killer = threading.Thread(target=_kill_worker, args=(accounts, cluster, batch, killed_at))
        killer.start()
        code = batch.wait()
        killer.join()
    if not killed_at:
        print("The batch ended before a worker could be killed.")
        return 1
    return _describe(folder, accounts, code, killed_at[0])


def _kill_worker(
    accounts: Accounts, cluster: DaskCluster, batch: subprocess.Popen[bytes], killed_at: list[float]
) -> None:
    """Kill the first worker once a quarter of all rows is in."""
    until = time.monotonic() + _MAX_SENDING_S
    while batch.poll() is None and time.monotonic() < until:
        if sum(len(accounts.list_phones(name)) for name in _NAMES) > _ROWS * len(_NAMES) // 4:
            cluster.workers[0].send_signal(signal.SIGKILL)
            killed_at.append(time.monotonic())  # the clock of the sandbox's ledger
            print(f"\n>>> kill -9 {cluster.workers[0].pid}: the first worker is gone\n", flush=True)
            return
        time.sleep(_POLL_S)


def _describe(folder: Path, accounts: Accounts, code: int, killed_at: float) -> int:
    """Say what happened, from the ledgers of the CRM and the reports."""
    print("\nWhat happened:")
    in_once, notes, doubled_notes, doubtful_notes = 0, 0, 0, 0
    for name in _NAMES:
        leads = list(accounts.sandboxes[name].store.all_leads())
        rows = _read_results(folder, name)
        gap_s = _find_gap(accounts, name, killed_at)
        taken_over = f", another worker took over after {gap_s:.0f} s" if gap_s > 5 else ""
        print(f"  {name:6} {len(leads)} leads from {len(rows)} rows{taken_over}")
        phones = Counter(lead["phone"] for lead in leads)
        in_once += sum(phones[row["_phone"]] == 1 for row in rows)
        notes += sum(len(lead["notes"]) for lead in leads)
        doubled_notes += sum(len(lead["notes"]) > 1 for lead in leads)
        doubtful_notes += sum(row["_note"] == "unknown" for row in rows)
    total = _ROWS * len(_NAMES)
    print(f"The first worker was killed with kill -9. The batch ended with {code}.")
    print(f"{in_once:,} of {total:,} leads are in exactly once. {doubled_notes} notes are in twice.")
    print(
        f"{doubtful_notes} notes are in doubt: the killed worker was sending them. The reports name these rows."
    )
    print(f"importer does not send them again. {total - notes} of them are not in the CRM.")
    is_right = (code, in_once, doubled_notes) == (0, total, 0) and notes >= total - doubtful_notes
    return 0 if is_right else 1


def _find_gap(accounts: Accounts, name: str, killed_at: float) -> float:
    """Return how long an account got no request after the kill; 0 if it had all its rows before."""
    times = [entry["at"] for entry in accounts.sandboxes[name].store.ledger() if entry["method"] == "POST"]
    later = [at for at in times if at > killed_at]
    return min(later) - killed_at if later else 0.0


def _read_results(folder: Path, name: str) -> list[dict[str, str]]:
    path = next((folder / "reports" / name).glob("*/results.csv"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _write_batch(folder: Path, accounts: Accounts) -> None:
    """Write a sheet for each account, and the manifest."""
    parts = [_MANIFEST_HEAD]
    for name in _NAMES:
        lines = ["Phone,Name,Note", *(f"98450{n:05},Person {n},Asked about plan {n}" for n in range(_ROWS))]
        (folder / f"{name}.csv").write_text("\n".join(lines), "utf-8")
        parts.append(
            f'[accounts.{name}]\nkey = "env:{_name_key(name)}"\nbase_url = "{accounts.get_url(name)}"\n'
            f'[[jobs]]\naccount = "{name}"\nfile = "{name}.csv"\n'
        )
    (folder / "list.toml").write_text("\n".join(parts), "utf-8")


def _name_key(account: str) -> str:
    return f"KEY_OF_{account.upper()}"


if __name__ == "__main__":
    sys.exit(main())
