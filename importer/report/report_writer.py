"""All reports of a run in one pass over its journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from importer.atomic_file import open_staging_dir, publish_file
from importer.command_hints import format_run_command
from importer.errors import DiskWriteError
from importer.journal.run_journal import Journal
from importer.report.failed_workbook import FailedWorkbook
from importer.report.findings import Findings
from importer.report.report_page import write_page
from importer.report.results_csv import ResultsCsv, format_clean_lines, format_report_line, to_report_cells
from importer.report.summary import (
    FAILED_CSV,
    FAILED_XLSX,
    PAGE,
    RESULTS,
    SUMMARY,
    Summary,
    Tally,
    build_summary,
)


def write_reports(journal: Journal, folder: Path) -> Summary:
    """Write every report of the run, each moved into place when it is whole. Raises DiskWriteError."""
    with _writing(folder), journal.translate_decode_errors(), open_staging_dir(folder) as room:
        tally, findings = _write_tables(journal, room)
        tables = (RESULTS, FAILED_CSV, FAILED_XLSX)
        stamp = _stamp(journal)
        placed = {name: publish_file(room / name, folder / name, stamp_s=stamp).name for name in tables}
        summary = build_summary(journal, tally, {**placed, PAGE: PAGE, SUMMARY: SUMMARY})
        write_page(room / PAGE, journal, summary, findings)
        (room / SUMMARY).write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
        publish_file(room / PAGE, folder / PAGE)
        publish_file(room / SUMMARY, folder / SUMMARY)
    return summary


def _write_tables(journal: Journal, room: Path) -> tuple[Tally, Findings]:
    headers = journal.metadata.headers
    tally = Tally()
    findings = Findings()
    with ExitStack() as files:
        results = files.enter_context(ResultsCsv(room / RESULTS, headers))
        failed = files.enter_context(ResultsCsv(room / FAILED_CSV, headers))
        workbook = files.enter_context(FailedWorkbook(room / FAILED_XLSX, journal.metadata))
        for page in journal.read_report_pages():
            tally.add_plain(len(page.bodies))
            findings.add_accepted(page.bodies)
            dressed = [(outcome, to_report_cells(outcome)) for outcome in page.others]
            others = [format_report_line(outcome, behind) for outcome, behind in dressed]
            results.add(_filled(format_clean_lines(page), others))
            for (outcome, behind), line in zip(dressed, others, strict=True):
                tally.add(outcome)
                findings.add(outcome)
                if outcome.is_retryable:
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
    return journal.metadata.started.timestamp() // 2 * 2


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turn what a disk can refuse into one sentence."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise DiskWriteError(
            f"The reports could not be written to {folder}: {error}. The run's journal is not touched.",
            f"Make room on the disk, or make the folder writable, and write them with: {format_run_command('report', folder)}",
        ) from error
