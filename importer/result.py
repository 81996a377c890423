"""The end of a check or an import for a script: its summary, its folder, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from importer import dataframe
from importer.journal.run_journal import Journal
from importer.models.delivery import ReportRow
from importer.models.mapping import name_columns
from importer.models.status import SHEET_COLUMN, NoteState, RowStatus, Verification
from importer.pipeline.reports_folder import find_run
from importer.report.summary import Summary

if TYPE_CHECKING:
    import pandas as pd


class ResultRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the sheet and what became of it: a line of results.csv, typed.

    `number` is the row as the spreadsheet shows it, and `sheet` the name of its sheet if the run read several ("" if
    not). `problems` are sentences, `codes` their machine names
    (`field.code`), in the same order. `http_status` is the CRM's last answer, None if there was none.
    `verification` is None unless the lead was read back. `cells` are the
    cells as typed by the names of `Summary.columns`: the second column called Phone is `Phone#2`.
    """

    number: int
    sheet: str
    status: RowStatus
    phone: str
    problems: tuple[str, ...]
    codes: tuple[str, ...]
    attempts: int
    http_status: int | None
    note: NoteState
    verification: Verification | None
    cells: dict[str, str]


class Result(msgspec.Struct, frozen=True):
    """The end of a check or an import: the contents of `summary.json`, and the folder of the reports."""

    summary: Summary
    folder: Path

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        return self.summary.exit_code

    @property
    def ok(self) -> bool:
        """Whether every row went in (after a check: whether every row can)."""
        return self.exit_code == 0

    def rows(self) -> Iterator[ResultRow]:
        """Return the rows in the order of the sheet. They are read from the journal of the run, one by one.

        Raises RunNotFoundError if the run was deleted.
        """
        return _iter_rows(self._find_folder())

    def to_frame(self) -> pd.DataFrame:
        """Return the rows in the order of the sheet: its own columns as typed, then the `_` columns of the reports.

        `_row` and `_attempts` are whole numbers. `_http_status` is a whole number or missing. All else is text. The rows
        are read from the journal of the run. Raises RunNotFoundError if the run was deleted.
        """
        return dataframe.read_run_frame(self._find_folder())

    def _find_folder(self) -> Path:
        return find_run(self.folder.parent, self.folder.name)


def _iter_rows(folder: Path) -> Iterator[ResultRow]:
    with Journal.open(folder) as journal, journal.translate_decode_errors():
        names = name_columns(journal.metadata.headers)
        for row in journal.read_report_rows():
            yield _to_result_row(row, names)


def _to_result_row(row: ReportRow, names: list[str]) -> ResultRow:
    cells = dict(zip(names, row.cells, strict=True))
    return ResultRow(
        number=row.sheet_row,
        sheet=cells.pop(SHEET_COLUMN, ""),
        status=row.status,
        phone=row.phone,
        problems=row.sentences,
        codes=tuple(issue.machine_code for issue in row.issues),
        attempts=row.attempts,
        http_status=row.http_status,
        note=row.note,
        verification=row.verification,
        cells=cells,
    )
