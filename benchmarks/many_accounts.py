"""Measure `importer batch`: small files of one account compared with single runs, and many accounts at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from importer.sandbox.sandbox_settings import SandboxOptions
from tests.batch.accounts import Accounts, run_accounts

_POLL_S = 0.1


class TimedAccounts(Accounts):
    """Knows when the first and the last lead arrived."""

    first_at_s = last_at_s = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("method") == "POST":
            self.last_at_s = time.perf_counter()
            self.first_at_s = self.first_at_s or self.last_at_s
        await super().__call__(scope, receive, send)


def measure_small_files(importer: Path, folder: Path, *, files: int, limit: int) -> dict[str, float]:
    """Import sheets of as many rows as the limit allows in a second: each by itself, then all as a batch."""
    options = {name: SandboxOptions(api_key=f"key-{name}", rate_limit=limit) for name in ("single", "batch")}
    with run_accounts(options) as accounts:
        prepare(folder, accounts, files=files, rows=limit)
        environ = make_environment(folder, accounts)
        began = time.perf_counter()
        for sheet in sorted((folder / "single").glob("*.csv")):
            single = {"SUPERFONE_API_KEY": "key-single", "SUPERFONE_BASE_URL": accounts.get_url("single")}
            run([importer, "run", sheet, "--yes", "-q"], folder, environ | single)
        single_s = time.perf_counter() - began
        began = time.perf_counter()
        run([importer, "batch", "manifest.toml", "--yes", "--only", "batch"], folder, environ)
        batch_s = time.perf_counter() - began
        for name in options:
            assert len(accounts.list_phones(name)) == files * limit
    return {
        "files": files, "rows": limit, "limit": limit, "single_s": single_s, "batch_s": batch_s, "ratio": single_s / batch_s,
    }  # fmt: skip


def measure_many_accounts(
    importer: Path, folder: Path, *, count: int, rows: int, limit: int
) -> dict[str, float]:
    """Send one sheet for each of many accounts at once, each at its limit, on this machine with its server.

    `share` is of what the limits allow together; `share_of_possible` of what limits and CPU allow.
    """
    options = {f"acct{n}": SandboxOptions(api_key=f"key-acct{n}") for n in range(count)}
    with run_accounts(options, TimedAccounts) as accounts:
        prepare(folder, accounts, files=1, rows=rows, defaults=f"rate = {limit}\n")
        environ = make_environment(folder, accounts)
        batch = [importer, "batch", "manifest.toml", "--at-once", str(count)]
        run([*batch, "--check"], folder, environ)
        server_before_s = time.process_time()
        client_s = run([*batch, "--yes"], folder, environ)
        server_s = time.process_time() - server_before_s
        assert sum(len(accounts.list_phones(name)) for name in options) == count * rows
        sending_s = accounts.last_at_s - accounts.first_at_s
    limits_s, cpu_s = rows / limit, (client_s + server_s) / (os.cpu_count() or 1)
    return {
        "accounts": count, "rows": count * rows, "limit": limit, "seconds": sending_s, "client_cpu_s": client_s,
        "server_cpu_s": server_s, "limits_s": limits_s, "cpu_s": cpu_s, "share": limits_s / sending_s,
        "share_of_possible": min(1.0, max(limits_s, cpu_s) / sending_s),
    }  # fmt: skip


def prepare(folder: Path, accounts: Accounts, *, files: int, rows: int, defaults: str = "") -> None:
    """Write the sheets and the manifest into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    parts = [f"[defaults]\n{defaults}"]
    for at, name in enumerate(accounts.sandboxes):
        (folder / name).mkdir(parents=True)
        for file in range(files):
            first = 80_000_00000 + at * 1_000_000 + file * rows
            lines = "".join(f"Person {n},{first + n}\n" for n in range(rows))
            (folder / name / f"{file:03}.csv").write_text(f"Name,Phone\n{lines}", "utf-8")
        parts.append(f'[accounts.{name}]\nkey = "env:KEY_{name}"\nbase_url = "{accounts.get_url(name)}"\n')
    parts += [f'[[jobs]]\naccount = "{name}"\nfile = "{name}/*.csv"\n' for name in accounts.sandboxes]
    (folder / "manifest.toml").write_text("\n".join(parts), "utf-8")


def make_environment(folder: Path, accounts: Accounts) -> dict[str, str]:
    keys = {f"KEY_{name}": f"key-{name}" for name in accounts.sandboxes}
    return {**os.environ, **keys, "IMPORTER_STATE_DIR": str(folder / "state")}


def run(words: list[Any], folder: Path, environ: dict[str, str]) -> float:
    """Run a command, and return the CPU seconds of it and all its descendants, also of those that are not its children."""
    with subprocess.Popen(
        list(map(str, words)), cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        seen: dict[int, float] = {}
        watcher = threading.Thread(target=watch_cpu, args=(process, seen))
        watcher.start()
        _, errors = process.communicate()
        watcher.join()
        assert process.returncode == 0, errors.decode()
    return sum(seen.values())


def watch_cpu(process: subprocess.Popen[bytes], seen: dict[int, float]) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        for one in (root, *_list_children(root)):
            try:
                times = one.cpu_times()
            except psutil.Error:
                continue
            seen[one.pid] = times.user + times.system
        time.sleep(_POLL_S)


def _list_children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return root.children(recursive=True)
    except psutil.Error:
        return []
