"""results.csv and failed_rows.csv: the sheet's own columns, then what became of each row."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from importer.guard import guarded
from importer.issues import sentence
from importer.models import REPORT_COLUMNS, RowOutcome

_BOM = "\ufeff"


class CsvTable:
    """A CSV file of outcomes, in UTF-8 with BOM (Excel takes anything else for Windows-1252)."""

    def __init__(self, path: Path, headers: Sequence[str]) -> None:
        self._path = path
        self._headers = headers

    def __enter__(self) -> Self:
        self._file: TextIO = self._path.open("w", encoding="utf-8", newline="", buffering=1 << 18)
        self._file.write(_BOM)  # utf-8-sig would write it too, at six times the cost of a line
        self._write = self._file.write
        self._write_record = csv.writer(self._file, lineterminator="\r\n").writerow
        self._write_record([*map(guarded, self._headers), *REPORT_COLUMNS])
        return self

    def add(self, outcome: RowOutcome, behind: Sequence[object]) -> None:
        """One row, `behind` being its `_` columns. The cells are copied: the journal keeps them as they stand here."""
        self._write(f"{outcome.line},")
        self._write_record(behind)

    def add_plain(self, outcome: RowOutcome) -> None:
        """The same for a row of which nothing is to be said: its `_` columns are words and numbers of ours."""
        o = outcome
        code = "" if o.http_status is None else o.http_status
        self._write(
            f"{o.line},{o.number},{o.status.value},{o.phone},,,{o.attempts},{code},{o.note.value}\r\n"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def report_cells(outcome: RowOutcome) -> tuple[object, ...]:
    """The `_` columns of a row, in the order of REPORT_COLUMNS."""
    issues = outcome.issues
    if not issues:
        return (
            outcome.number, outcome.status.value, outcome.phone, "", "",
            outcome.attempts, outcome.http_status, outcome.note.value,
        )  # fmt: skip
    return (
        outcome.number,
        outcome.status.value,
        outcome.phone,
        guarded(" | ".join(sentence(outcome.number, issue) for issue in issues)),
        ";".join(issue.machine_code for issue in issues),
        outcome.attempts,
        outcome.http_status,
        outcome.note.value,
    )
