"""Helpers of the tests: the command as a function, the leads of a sandbox, sheets on disk."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from importer.cli.main import main
from importer.loader.formats.file_kind import FileKind
from importer.loader.formats.workbook_reader import Workbook, Worksheet
from importer.reader.combine_sheets import describe_choice
from importer.sandbox.server import RunningSandbox
from importer.state.state_folder import AccountState

KEY = "sandbox-key"


def make_account(folder: Path, key: str = "a" * 16) -> AccountState:
    """Return the state of an account for journals of their own, in a state folder beside their runs."""
    account = folder / "state" / key
    account.mkdir(parents=True, exist_ok=True)
    return AccountState(account, frozenset({key}))


class Ended(msgspec.Struct):
    """The result of a command: exit code, standard output, standard error, and the folder of its run if it made one."""

    code: int
    out: str
    err: str
    folder: Path | None = None

    @property
    def summary(self) -> dict[str, Any]:
        assert self.folder is not None
        return json.loads((self.folder / "summary.json").read_text("utf-8"))

    @property
    def results(self) -> list[dict[str, str]]:
        assert self.folder is not None
        return read_csv(self.folder / "results.csv")

    @property
    def failed(self) -> list[dict[str, str]]:
        assert self.folder is not None
        return read_csv(self.folder / "failed_rows.csv")


class Command:
    """`importer` in this process, in its own folder, with the sandbox's key in the environment."""

    def __init__(self, folder: Path, capture: Any) -> None:
        self.folder = folder
        self.reports = folder / "reports"
        self._capture = capture

    def __call__(self, *arguments: object) -> Ended:
        before = self._find_runs()
        self._capture.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = self._capture.readouterr()
        new_runs = sorted(self._find_runs() - before)
        return Ended(code, out, err, new_runs[-1] if new_runs else None)

    def _find_runs(self) -> set[Path]:
        return {path.parent for path in self.reports.glob("*/journal.sqlite")}


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a report."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def write_csv(
    path: Path, rows: Iterable[Sequence[object]], *, encoding: str = "utf-8", **dialect: Any
) -> Path:
    """Write a sheet whose first row is the header."""
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def open_sheet(path: Path, kind: FileKind, chosen: str | None) -> Worksheet:
    """Open the chosen sheet of a workbook, else the first that is visible, with the notices about the choice."""
    book = Workbook(path, kind)
    (name,) = book.choose_sheets([chosen] if chosen else [])
    sheet = book.open_sheet(name)
    sheet.notices += describe_choice([name], book.named_sheets)
    return sheet


def leads(running: RunningSandbox) -> dict[str, dict[str, Any]]:
    """Return the leads of the CRM by primary phone: the fields that were set, and the notes."""
    return {lead["phone"]: _select_fields(lead) for lead in running.sandbox.store.all_leads()}


def _select_fields(lead: dict[str, Any]) -> dict[str, Any]:
    changing = {"id", "phone", "created_at", "updated_at", "phones"}
    return {name: value for name, value in lead.items() if name not in changing and value not in ([], None)}


class Expected:
    """Files of leads by phone, one for each sample."""

    folder = Path(__file__).parent / "e2e" / "expected"

    def __init__(self, *, write: bool) -> None:
        self._write = write

    def __call__(self, name: str, found: dict[str, Any]) -> dict[str, Any]:
        """Return what is expected of `name`. With --write-expected, write `found` first."""
        path = self.folder / f"{name}.json"
        if self._write:
            path.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
        wanted: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return wanted
