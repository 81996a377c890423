"""One trial of the torture of a cluster: a batch over two workers, something that hurts it at a quarter, and what came of it.

Three accounts get two sheets each. Half of the phones of the second are in the first too, with other cities: the later
ones must win. Everything is measured from the CRM's own ledger and the reports.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import msgspec

from importer.sandbox.sandbox_settings import SandboxOptions
from tests.batch.accounts import run_accounts
from tests.cluster.dask_cluster import DaskCluster, find_free_port, run_cluster
from tests.cluster.tcp_proxy import TcpProxy
from tests.cluster.torture_hooks import HOOK_VARIABLE, PROXY_VARIABLE, STALE_CALLS_FILE
from tests.cluster.traced_accounts import TracedAccounts

NAMES = ("acme", "birla", "coral")
LIMIT_PER_S = 50
PRELOAD = ("--preload", "tests.cluster.torture_hooks")
_ROOT = Path(__file__).resolve().parents[2]
_LATENCY_S = 0.05  # so that requests of two senders overlap if there are two
_MAX_TRIAL_S = 240.0
_POLL_S = 0.05


class Figures(msgspec.Struct, kw_only=True):
    """What came of a trial, or of several."""

    name: str
    trials: int = 1
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    two_senders: int = 0
    disordered: int = 0
    busiest_second: int = 0
    in_doubt: int = 0
    to_send_again: int = 0
    longest_gap_s: float = 0.0
    findings: list[str] = []

    def add(self, other: Figures) -> None:
        """Add those of another trial."""
        for field in ("busiest_second", "longest_gap_s"):
            setattr(self, field, max(getattr(self, field), getattr(other, field)))
        for field in (
            "trials",
            "rows",
            "lost",
            "doubled",
            "two_senders",
            "disordered",
            "in_doubt",
            "to_send_again",
        ):
            setattr(self, field, getattr(self, field) + getattr(other, field))
        self.findings += other.findings


class Scene:
    """The processes of a trial, for whoever hurts them."""

    def __init__(
        self,
        folder: Path,
        accounts: TracedAccounts,
        cluster: DaskCluster,
        proxy: TcpProxy,
        hook: str,
        rows: int,
    ) -> None:
        self.folder = folder
        self.accounts = accounts
        self.cluster = cluster
        self.proxy = proxy
        self.rows = rows
        self._hook = hook
        self.coordinator = self._start()

    def start_again(self) -> None:
        """Run the same command again."""
        self.coordinator = self._start()

    def find_sending_worker(self) -> subprocess.Popen[bytes]:
        """Return the worker that sends to the first account."""
        sender = self.accounts.seen[NAMES[0]][-1].sender
        return next(worker for worker in self.cluster.workers if worker.pid == sender)

    def wait_for_quarter(self) -> None:
        """Return once the first account has got a quarter of its rows, or the command has ended."""
        until = time.monotonic() + _MAX_TRIAL_S
        while len(self.accounts.seen[NAMES[0]]) < self.rows // 2 and self.coordinator.poll() is None:
            assert time.monotonic() < until, "nothing is sent"
            time.sleep(_POLL_S)

    def kill_coordinator(self) -> None:
        """Kill the command if it runs."""
        self.coordinator.kill()
        self.coordinator.wait()

    def wait_for_end(self) -> int:
        """Return the exit code of the command."""
        return self.coordinator.wait(_MAX_TRIAL_S)

    def _start(self) -> subprocess.Popen[bytes]:
        module = "tests.cluster.torture_hooks" if self._hook else "importer"
        command = [
            sys.executable,
            "-m",
            module,
            "batch",
            "list.toml",
            "--cluster",
            self.cluster.address,
            "--yes",
        ]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SUPERFONE_")}
        environ |= {
            "IMPORTER_STATE_DIR": str(self.folder / "state"),
            **make_hook_settings(self._hook, self.proxy),
        }
        log = (self.folder / "batch.log").open("ab")
        with log:
            return subprocess.Popen(command, cwd=self.folder, env=environ, stdout=log, stderr=log)


def make_hook_settings(hook: str, proxy: TcpProxy) -> dict[str, str]:
    """Return the environment of a program with a hook."""
    return {
        "PYTHONPATH": str(_ROOT),
        HOOK_VARIABLE: hook,
        PROXY_VARIABLE: f"{proxy.target_port} {proxy.port}",
    }


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What hurts a batch. `codes` are those of the command, each time that it is run."""

    name: str
    hurt: Callable[[Scene], None] = lambda scene: None
    hook: str = ""
    codes: tuple[int, ...] = (0,)
    is_control: bool = False
    """Whether its guards are off, so that it must break a law."""


def run_trial(trial: Trial, *, rows: int) -> Figures:
    """Run it, with so many rows in each sheet."""
    with _open_scene(trial, rows) as scene:
        codes = []
        scene.wait_for_quarter()
        trial.hurt(scene)
        codes.append(scene.wait_for_end())
        while len(codes) < len(trial.codes):
            scene.start_again()
            codes.append(scene.wait_for_end())
        figures = _measure(trial.name, scene)
        if tuple(codes) != trial.codes:
            log = (scene.folder / "batch.log").read_text(errors="replace")[-1500:]
            figures.findings.append(f"{trial.name}: ended with {codes}: {log}")
        return figures


@contextmanager
def _open_scene(trial: Trial, rows: int) -> Iterator[Scene]:
    keys = {f"KEY_{name.upper()}": f"key-{name}" for name in NAMES}
    options = {name: SandboxOptions(api_key=f"key-{name}", latency=_LATENCY_S) for name in NAMES}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        accounts = stack.enter_context(run_accounts(options, TracedAccounts))
        proxy = stack.enter_context(TcpProxy())
        proxy.target_port = find_free_port()
        _write_batch(folder, accounts, rows)
        environ = keys | make_hook_settings(trial.hook, proxy)
        cluster = stack.enter_context(run_cluster(folder, environ, workers=2, worker_words=PRELOAD))
        cluster.wait_for_workers(2)
        scene = Scene(folder, accounts, cluster, proxy, trial.hook, rows)
        stack.callback(scene.kill_coordinator)
        yield scene


def _write_batch(folder: Path, accounts: TracedAccounts, rows: int) -> None:
    parts = [f"[defaults]\nrate = {LIMIT_PER_S}\ntimeout = 2\n"]
    for name in NAMES:
        (folder / name).mkdir()
        for file, first, kind in (("1.csv", 0, "Old"), ("2.csv", rows // 2, "New")):
            lines = [f"98450{n:05},{kind} {n},{kind} note {n}" for n in range(first, first + rows)]
            (folder / name / file).write_text("\n".join(["Phone,City,Note", *lines]), "utf-8")
        parts.append(
            f'[accounts.{name}]\nkey = "env:KEY_{name.upper()}"\nbase_url = "{accounts.get_url(name)}"\n'
            f'[[jobs]]\naccount = "{name}"\nfile = "{name}/*.csv"\n'
        )
    (folder / "list.toml").write_text("\n".join(parts), "utf-8")


def _measure(name: str, scene: Scene) -> Figures:
    figures = Figures(name=name)
    for account in NAMES:
        _measure_account(figures, account, scene)
    stale = scene.folder / STALE_CALLS_FILE
    if stale.exists():
        calls = [json.loads(line) for line in stale.read_text().splitlines()]
        taken = [call for call in calls if not all(call.values())]
        figures.findings += [f"{name}: taken with an old epoch: {call}" for call in taken]
        figures.name += f" ({len(calls) - len(taken)} of {len(calls)} refused)"
    return figures


def _measure_account(figures: Figures, account: str, scene: Scene) -> None:
    leads = {lead["phone"]: lead for lead in scene.accounts.sandboxes[account].store.all_leads()}
    figures.rows += 2 * scene.rows
    for job, first, kind in ((1, 0, "Old"), (2, scene.rows // 2, "New")):
        results = _read_results(scene.folder, account, job)
        for n in range(first, first + scene.rows):
            phone = f"+9198450{n:05}"
            lead, row = leads.get(phone, {"notes": [], "city": ""}), results.get(phone, {"_status": "lost"})
            notes = Counter(lead["notes"])[f"{kind} note {n}"]
            is_accepted, is_doubtful = row["_status"] == "accepted", row.get("_note") == "unknown"
            is_last = kind == "New" or n < scene.rows // 2
            figures.in_doubt += is_doubtful
            figures.doubled += notes > 1
            figures.to_send_again += row["_status"] in ("failed", "unknown", "pending")
            figures.disordered += is_last and is_accepted and lead["city"] != f"{kind} {n}"
            if row["_status"] == "lost" or (is_accepted and not (phone in leads and (notes or is_doubtful))):
                figures.lost += 1
                figures.findings.append(f"{figures.name}: {account} {kind} {n}: {row}, {notes} notes")
    seen = scene.accounts.seen[account]
    figures.two_senders += scene.accounts.count_double_senders(account)
    figures.busiest_second = max(figures.busiest_second, scene.accounts.find_busiest_second(account))
    gaps = (later.at - one.at for one, later in pairwise(seen))
    figures.longest_gap_s = max(figures.longest_gap_s, *gaps)


def _read_results(folder: Path, account: str, job: int) -> dict[str, dict[str, str]]:
    """Return the rows of a report by phone; none if it was not written."""
    summary = json.loads((folder / "reports" / "batch.json").read_text("utf-8"))
    found = next(one["folder"] for one in summary["jobs"] if one["file"].endswith(f"{account}/{job}.csv"))
    path = folder / "reports" / found / "results.csv"
    if not found or not path.exists():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["_phone"]: row for row in csv.DictReader(file)}
