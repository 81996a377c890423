"""An agency for tests: accounts, their sheets, a manifest, and the command. Jobs run in threads unless a test is about processes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from importer.batch import account_processes, account_work, judge_job
from importer.batch.account_processes import BoardLink
from importer.errors import UnreadableFileError
from importer.models.row import SourceRow
from importer.reader.source import InMemoryReader, Sheet
from importer.sandbox.sandbox_settings import SandboxOptions
from tests.batch.accounts import Accounts, run_accounts
from tests.support import Command, Ended, read_csv, write_csv


class AccountThread:
    """Runs the jobs of an account in a thread of this process."""

    def __init__(self, board: Any, account: str) -> None:
        self._link = BoardLink(board.cells, board.get_place(account))
        self._pool = ThreadPoolExecutor(1)

    def submit(self, work: Any, request: Any) -> Future[Any]:
        return self._pool.submit(work, request, self._link)

    def close(self) -> None:
        self._pool.shutdown(wait=False)


class AccountThreads:
    """Takes the place of AccountProcesses."""

    def __init__(self, manifest: Any) -> None:
        del manifest
        self._lists = ThreadPoolExecutor(4)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lists.shutdown(wait=False, cancel_futures=True)

    def fetch_lists(self, request: Any) -> Future[Any]:
        return self._lists.submit(account_work.fetch_lists, request)

    def open_place(self, board: Any, account: str, phase: Any) -> AccountThread:
        del phase
        return AccountThread(board, account)


class Agency:
    """A folder with a manifest and sheets, and the command in it."""

    def __init__(self, folder: Path, accounts: Accounts, command: Any, environ: Any) -> None:
        self.folder = folder
        self.accounts = accounts
        self.reports = folder / "reports"
        self._command = command
        for name in accounts.sandboxes:
            environ(f"KEY_{name.upper()}", f"key-{name}")

    def write_sheet(self, account: str, file: str, rows: int, *, first: int = 0, **columns: str) -> Path:
        """Write a sheet of leads. The phones of an account's sheets differ if `first` does."""
        header = ["Phone", "Name", *columns]
        lines = [[f"98450{first + n:05}", f"Person {first + n}", *columns.values()] for n in range(rows)]
        path = self.folder / account / file
        path.parent.mkdir(exist_ok=True)
        return write_csv(path, [header, *lines])

    def write_manifest(self, jobs: str = "", defaults: str = "", **accounts: str) -> Path:
        """Write the manifest: all sheets of each account, unless `jobs` are given. `accounts` has options by name."""
        parts = [f"[defaults]\nrate = 500\n{defaults}\n"]
        for name in self.accounts.sandboxes:
            url = self.accounts.get_url(name)
            parts.append(
                f'[accounts.{name}]\nkey = "env:KEY_{name.upper()}"\nbase_url = "{url}"\n{accounts.get(name, "")}'
            )
        parts.append(
            jobs
            or "".join(
                f'[[jobs]]\naccount = "{name}"\nfile = "{name}/*.csv"\n' for name in self.accounts.sandboxes
            )
        )
        path = self.folder / "manifest.toml"
        path.write_text("\n".join(parts), "utf-8")
        return path

    def __call__(self, *flags: str) -> Ended:
        """Run the batch, with --yes unless it sends nothing."""
        sends = not {"--check", "--plan", "--yes"} & set(flags)
        return self._command("batch", "manifest.toml", *flags, *(["--yes"] if sends else []))

    @property
    def summary(self) -> dict[str, Any]:
        """Return batch.json."""
        return json.loads((self.reports / "batch.json").read_text("utf-8"))

    def list_states(self) -> dict[str, list[str]]:
        """Return the states of each account's jobs."""
        states: dict[str, list[str]] = {}
        for job in self.summary["jobs"]:
            states.setdefault(job["account"], []).append(job["state"])
        return states

    def check_conservation(self) -> None:
        """The counts of batch.json are the sum of the runs', and each run has every row of its sheet once."""
        summary = self.summary
        totals: dict[str, int] = dict.fromkeys(summary["counts"], 0)
        for job in summary["jobs"]:
            assert sum(job["counts"].values()) == job["rows"]
            if job["folder"]:
                lines = read_csv(self.reports / job["folder"] / "results.csv")
                assert len(lines) == job["rows"] == len(read_csv(self.folder / job["file"]))
                for line in lines:
                    totals[line["_status"]] += 1
        assert totals == summary["counts"]
        assert sum(totals.values()) == summary["rows"]


@contextmanager
def read_here(path, options, places):
    """Open a CSV in this process: what a process of its own does with odd files is tested in tests/reader."""
    del options, places
    content = path.read_bytes()
    if b"\0" in content:
        raise UnreadableFileError("not a sheet")
    header, *lines = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    rows = [SourceRow(number, tuple(cells)) for number, cells in enumerate(lines, 2)]
    yield Sheet(
        InMemoryReader(header, rows), file=str(path), sha256=hashlib.sha256(content).hexdigest(), path=path
    )


@contextmanager
def open_agency(
    folder: Path, names: Iterable[str], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> Iterator[Agency]:
    """Run an agency with these accounts, whose jobs run in threads of this process."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SUPERFONE_API_KEY", raising=False)
    monkeypatch.setattr(account_processes, "AccountProcesses", AccountThreads)
    monkeypatch.setattr(judge_job, "open_file", read_here)
    options = {name: SandboxOptions(api_key=f"key-{name}") for name in names}
    with run_accounts(options) as accounts:
        yield Agency(folder, accounts, Command(folder, capsys), monkeypatch.setenv)
