"""Write all reports of a run in one pass over its journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from importer.atomic_file import open_staging_dir, publish_file
from importer.command_hints import format_run_command
from importer.errors import DiskWriteError
from importer.journal.report_query import PlannedPage
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata
from importer.messages import report_messages
from importer.models.status import PLAN_COLUMNS
from importer.report.change_texts import ChangesCsv
from importer.report.failed_workbook import FailedWorkbook
from importer.report.report_page import Findings, write_page
from importer.report.results_csv import (
    ResultsCsv,
    choose_report_columns,
    format_clean_lines,
    format_report_line,
    to_report_cells,
)
from importer.report.summary import CHANGES, FAILED_CSV, FAILED_XLSX, PAGE, RESULTS, SUMMARY, Summary
from importer.report.summary_builder import SummaryCounter, build_summary

_TABLES = (RESULTS, FAILED_CSV, FAILED_XLSX, CHANGES)


def write_reports(journal: Journal, folder: Path) -> Summary:
    """Write every report of the run; each is published when it is complete. Raises DiskWriteError."""
    with (
        _translate_disk_errors(folder),
        journal.translate_decode_errors(),
        open_staging_dir(folder) as staging_dir,
    ):
        counter, findings = _write_tables(journal, staging_dir)
        stamp_s = _compute_stamp(journal.metadata)
        published = {
            name: publish_file(staging_dir / name, folder / name, stamp_s=stamp_s).name
            for name in _TABLES
            if (staging_dir / name).exists()
        }
        summary = build_summary(journal, counter, {**published, PAGE: PAGE, SUMMARY: SUMMARY})
        write_page(staging_dir / PAGE, journal, summary, findings)
        (staging_dir / SUMMARY).write_bytes(
            msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"
        )
        publish_file(staging_dir / PAGE, folder / PAGE)
        publish_file(staging_dir / SUMMARY, folder / SUMMARY)
    return summary


def _write_tables(journal: Journal, staging_dir: Path) -> tuple[SummaryCounter, Findings]:
    """Write the files that have a line for each row, and count what the summary and the page show."""
    headers, columns = journal.metadata.headers, choose_report_columns(journal)
    counter = SummaryCounter(journal.metadata.kind)
    findings = Findings()
    with ExitStack() as files:
        results = files.enter_context(ResultsCsv(staging_dir / RESULTS, headers, columns))
        failed = files.enter_context(ResultsCsv(staging_dir / FAILED_CSV, headers, columns))
        workbook = files.enter_context(FailedWorkbook(staging_dir / FAILED_XLSX, journal.metadata, columns))
        changes = (
            files.enter_context(ChangesCsv(staging_dir / CHANGES)) if PLAN_COLUMNS[0] in columns else None
        )
        for page in journal.read_report_pages():
            counter.add_accepted(len(page.bodies))
            findings.add_accepted(page.bodies)
            if isinstance(page, PlannedPage):
                counter.add_unchanged(page.unchanged)
            report_cells = [to_report_cells(row, columns) for row in page.others]
            lines = list(map(format_report_line, page.others, report_cells))
            results.add(_merge_lines(format_clean_lines(page), lines))
            for row, cells, line in zip(page.others, report_cells, lines, strict=True):
                counter.add(row)
                findings.add(row)
                if changes is not None:
                    changes.add(row)
                if counter.is_failed_row(row):
                    failed.add([line])
                    workbook.add(row, cells)
        counter.workbook_rows = workbook.rows
        counter.nameless = findings.nameless
    return counter, findings


def _merge_lines(lines: Sequence[str | None], others: Sequence[str]) -> Iterator[str]:
    """Return the lines of a page in the order of the file: each None is replaced by the next of `others`."""
    remaining = iter(others)
    return (next(remaining) if line is None else line for line in lines)


def find_edited_tables(folder: Path, metadata: RunMetadata) -> list[str]:
    """Return the tables of a run that somebody has edited since they were written."""
    stamp_s = _compute_stamp(metadata)
    tables = [name for name in _TABLES if (folder / name).exists()]
    return [name for name in tables if (folder / name).stat().st_mtime != stamp_s]


def _compute_stamp(metadata: RunMetadata) -> float:
    """Return the modification time that marks a table as unedited: the start of the run.

    It is rounded to 2 seconds, because FAT disks keep no more.
    """
    return metadata.started.timestamp() // 2 * 2


@contextmanager
def _translate_disk_errors(folder: Path) -> Iterator[None]:
    """Raise DiskWriteError for what a disk can refuse."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        command = format_run_command("report", folder)
        raise DiskWriteError(
            *report_messages.UNWRITABLE_REPORTS.format(folder=folder, error=error, command=command)
        ) from error
