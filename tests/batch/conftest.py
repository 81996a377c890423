"""The agency of the tests: three accounts, and the command in its folder."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from importer.batch import account_processes, account_work
from importer.errors import UnreadableFileError
from importer.models.row import SourceRow
from importer.reader.source import InMemoryReader, Sheet
from importer.sandbox.sandbox_settings import SandboxOptions
from tests.batch.accounts import run_accounts
from tests.batch.agency import AccountThreads, Agency
from tests.support import Command


@contextmanager
def read_here(path, options):
    """Open a CSV in this process: what a process of its own does with odd files is tested in tests/reader."""
    del options
    content = path.read_bytes()
    if b"\0" in content:
        raise UnreadableFileError("not a sheet")
    header, *lines = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    rows = [SourceRow(number, tuple(cells)) for number, cells in enumerate(lines, 2)]
    yield Sheet(
        InMemoryReader(header, rows), file=str(path), sha256=hashlib.sha256(content).hexdigest(), path=path
    )


@pytest.fixture
def agency(tmp_path, monkeypatch, capsys) -> Iterator[Agency]:
    """Return an agency with three accounts whose jobs run in threads."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUPERFONE_API_KEY", raising=False)
    monkeypatch.setattr(account_processes, "AccountProcesses", AccountThreads)
    monkeypatch.setattr(account_work, "open_file", read_here)
    names = ("acme", "birla", "coral")
    with run_accounts({name: SandboxOptions(api_key=f"key-{name}") for name in names}) as accounts:
        yield Agency(tmp_path, accounts, Command(tmp_path, capsys), monkeypatch.setenv)
