"""All reports of a run in one pass over its journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from importer.commandline import command_on
from importer.errors import CannotWrite
from importer.journal import Journal
from importer.report.gather import Findings
from importer.report.page import write_page
from importer.report.placing import put_in_place, writing_room
from importer.report.summary import (
    FAILED_CSV,
    FAILED_XLSX,
    PAGE,
    RESULTS,
    SUMMARY,
    Summary,
    Tally,
    summary_of,
)
from importer.report.tables import CsvTable, line_of_report, report_cells
from importer.report.workbook import FailedWorkbook


def write_reports(journal: Journal, folder: Path) -> Summary:
    """Write every report of the run, each moved into place when it is whole. Raises CannotWrite."""
    with _writing(folder), journal.decoding(), writing_room(folder) as room:
        tally, findings = _write_tables(journal, room)
        tables = (RESULTS, FAILED_CSV, FAILED_XLSX)
        stamp = _stamp(journal)
        placed = {name: put_in_place(room / name, folder / name, stamp_s=stamp).name for name in tables}
        summary = summary_of(journal, tally, {**placed, PAGE: PAGE, SUMMARY: SUMMARY})
        write_page(room / PAGE, journal, summary, findings)
        (room / SUMMARY).write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
        put_in_place(room / PAGE, folder / PAGE)
        put_in_place(room / SUMMARY, folder / SUMMARY)
    return summary


def _write_tables(journal: Journal, room: Path) -> tuple[Tally, Findings]:
    headers = journal.header.headers
    tally = Tally()
    findings = Findings()
    with ExitStack() as files:
        results = files.enter_context(CsvTable(room / RESULTS, headers))
        failed = files.enter_context(CsvTable(room / FAILED_CSV, headers))
        workbook = files.enter_context(FailedWorkbook(room / FAILED_XLSX, journal.header))
        for page in journal.pages():
            tally.add_plain(len(page.bodies))
            findings.add_accepted(page.bodies)
            dressed = [(outcome, report_cells(outcome)) for outcome in page.others]
            others = [line_of_report(outcome, behind) for outcome, behind in dressed]
            results.add(_filled(page.lines, others))
            for (outcome, behind), line in zip(dressed, others, strict=True):
                tally.add(outcome)
                findings.add(outcome)
                if outcome.goes_again:
                    failed.add([line])
                    workbook.add(outcome, behind)
        tally.workbook_rows = workbook.rows
    return tally, findings


def _filled(lines: Sequence[str | None], others: Sequence[str]) -> Iterator[str]:
    """The lines of a page, with those of the `others` where it has none."""
    left = iter(others)
    return (next(left) if line is None else line for line in lines)


def _stamp(journal: Journal) -> float:
    """The time of change that marks a table as untouched: the run's start, in whole seconds that every disk keeps."""
    return journal.header.started.timestamp() // 2 * 2


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what a disk can refuse into one sentence."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise CannotWrite(
            f"The reports could not be written to {folder}: {error}. The run's journal is not touched.",
            f"Make room on the disk, or make the folder writable, and write them with: {command_on('report', folder)}",
        ) from error
