"""Build runs from rows alone, without a sheet or a CRM, and write their reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from importer.fields import Dropdown
from importer.issues import Issue
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, RunMetadata
from importer.journal.staging import to_staged_row
from importer.loader.table.table_reader import OpenOptions, open_table
from importer.models.mapping import ColumnChoice, Mapping, Notice, NoticeKind, Title
from importer.models.row import Accepted, Rejected, SourceRow
from importer.models.status import RunState, is_report_header
from importer.reader.restore_sheet import restore_table
from importer.report.failed_workbook import fits_in_workbook
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from tests.naughty import CONTROLS, FORMULAS, MARKUP, TEXTS

STARTED = "2026-11-25T10:15:01+05:30"
TITLES = {
    "lead-stage": ("New", "Warm lead", "=Hot, lead"),
    "lead-group": ("Dealers, South",),
    "source-type": ("CSV_UPLOAD",),
    "label": tuple(f"Label {n}" for n in range(80)),
    "product": ("Villa plot", "Shop, ground floor"),
}
ACCOUNT_TITLES = {Dropdown(name): tuple(map(Title, found)) for name, found in TITLES.items()}


def build_mapping(columns: Iterable[tuple[str, str]], **more: Any) -> Mapping:
    """Return the mapping of columns that are given as (header, field)."""
    choices = [
        ColumnChoice(index=at, header=header, field=field, source="option", confidence=1.0, reason="named", fill_rate=1.0)
        for at, (header, field) in enumerate(columns)
    ]  # fmt: skip
    return Mapping(columns=tuple(choices), **more)


def build_metadata(columns: Sequence[tuple[str, str]], **more: Any) -> RunMetadata:
    """Return the metadata of a run over a sheet with these columns, given as (header, field)."""
    given: dict[str, Any] = {
        "run_id": "run-1", "command": "run", "file": "leads.csv", "sha256": "0" * 64, "started_at": STARTED,
        "account": "a" * 16, "base_url": "http://127.0.0.1/superfone", "titles": ACCOUNT_TITLES,
        "headers": tuple(header for header, _ in columns), "mapping": build_mapping(columns),
    }  # fmt: skip
    return RunMetadata(**{**given, **more})


def build_rejected(number: int, cells: Sequence[str], *issues: Issue) -> Rejected:
    """Return a row that our check rejects."""
    return Rejected(SourceRow(number, tuple(cells)), "", issues or (Issue("row", "nul"),))


def build_accepted(number: int, cells: Sequence[str], **payload: Any) -> Accepted:
    """Return a row that can go in."""
    phone = f"+9198450{number:05d}"
    return Accepted(SourceRow(number, tuple(cells)), phone, {"customer_phone": phone, **payload})


def write_run_reports(folder: Path, header: RunMetadata, rows: Iterable[Accepted | Rejected]) -> Summary:
    """Write the reports of a checked run with these rows."""
    with Journal.create(folder, header) as journal:
        journal.stage([to_staged_row(row) for row in rows])
        journal.staging.complete()
        journal.end(RunEnd(state=RunState.CHECKED, finished_at=STARTED, exit_code=1))
        return write_reports(journal, folder)


def read_report(path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the headers and cells of a report as a second import reads them."""
    table = open_table(path, OpenOptions())
    assert is_report_header(table.headers)
    headers, blocks = restore_table(table)
    return headers, [row.cells for block in blocks for row in block]


def build_naughty_run(place: str) -> tuple[RunMetadata, list[Rejected]]:
    """Return a run with every naughty text in one place: cell, header, file, server, sheet, or title."""
    columns = [("Phone", "customer_phone"), ("Name", "full_name"), ("Status", "lead_stage_name")]
    if place == "header":
        columns = [(text, "") for text in TEXTS if fits_in_workbook([text])]
        return build_metadata(columns), [build_rejected(2, ["x"] * len(columns))]
    header = build_metadata(columns)
    if place == "file":
        header = build_metadata(columns, file=" ".join((*MARKUP, *CONTROLS, *FORMULAS)))
    if place == "sheet":
        header = build_metadata(columns, notices=tuple(Notice(NoticeKind.IGNORED, text) for text in TEXTS))
    rows = []
    for number, text in enumerate(TEXTS, 2):
        bad = Issue("lead_stage_name", "unknown", "Status", text, text if place == "title" else "")
        issue = Issue("row", "refused", "", text) if place == "server" else bad
        rows.append(build_rejected(number, ["12", text if place == "cell" else "x", text], issue))
    return header, rows
