"""results.csv and failed_rows.csv: the sheet's own columns, then what became of each row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from importer.csv_injection import escape_formula, format_csv_record
from importer.journal.report_query import PageRow
from importer.models.delivery import ReportRow
from importer.models.status import REPORT_COLUMNS, RowStatus

_BOM = "\ufeff"
_ACCEPTED = RowStatus.ACCEPTED.value


class ResultsCsv:
    """A CSV file of outcomes, in UTF-8 with BOM (Excel takes anything else for Windows-1252)."""

    def __init__(self, path: Path, headers: Sequence[str]) -> None:
        self._path = path
        self._headers = headers

    def __enter__(self) -> Self:
        self._file: TextIO = self._path.open("w", encoding="utf-8", newline="", buffering=1 << 18)
        self._file.write(_BOM)  # utf-8-sig would write it too, at six times the cost of a line
        self._file.write(format_csv_record([*map(escape_formula, self._headers), *REPORT_COLUMNS]))
        return self

    def add(self, lines: Iterable[str]) -> None:
        """Rows, as `line_of_report` has them."""
        self._file.write("".join(lines))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def format_report_line(outcome: ReportRow, behind: Sequence[object]) -> str:
    """One row, `behind` being its `_` columns. The cells are copied: the journal keeps them as they stand here."""
    return f"{outcome.line},{format_csv_record(behind)}"


def format_clean_lines(rows: Iterable[PageRow]) -> list[str | None]:
    """Return the line of each clean row of a page, and None for each other row.

    The order is that of REPORT_COLUMNS. A clean row has no issues, and nothing in it needs a quotation mark.
    """
    return [
        cells
        if cells is None
        else f"{cells},{number},{_ACCEPTED},{phone},,,{attempts},{http_status},{note}\r\n"
        for number, cells, phone, attempts, http_status, note in rows
    ]


def to_report_cells(outcome: ReportRow) -> tuple[object, ...]:
    """The `_` columns of a row, in the order of REPORT_COLUMNS."""
    return (
        outcome.number,
        outcome.status.value,
        outcome.phone,
        escape_formula(" | ".join(outcome.sentences)),
        ";".join(issue.machine_code for issue in outcome.issues),
        outcome.attempts,
        outcome.http_status,
        outcome.note.value,
    )
