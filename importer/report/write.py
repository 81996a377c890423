"""All reports of a run in one pass over its journal."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import msgspec

from importer.journal import Journal
from importer.journal.opening import writing
from importer.report.gather import Findings
from importer.report.page import write_page
from importer.report.placing import Placing
from importer.report.summary import Summary, Tally, summary_of
from importer.report.tables import CsvTable, report_cells
from importer.report.workbook import FailedWorkbook

RESULTS, FAILED_CSV, FAILED_XLSX = "results.csv", "failed_rows.csv", "failed_rows.xlsx"
SUMMARY, PAGE = "summary.json", "report.html"


def write_reports(journal: Journal, folder: Path) -> Summary:
    """Write every report of the run, each moved into place when it is whole. Raises CannotWrite."""
    with writing(folder):
        headers = journal.header.headers
        tally = Tally()
        findings = Findings()
        with ExitStack() as files:
            results = files.enter_context(CsvTable(Placing(folder / RESULTS), headers))
            failed = files.enter_context(CsvTable(Placing(folder / FAILED_CSV), headers))
            workbook = files.enter_context(FailedWorkbook(Placing(folder / FAILED_XLSX), journal.header))
            for outcome in journal.outcomes():
                behind = report_cells(outcome)
                results.add(outcome, behind)
                tally.add(outcome)
                if outcome.goes_again:
                    failed.add(outcome, behind)
                    workbook.add(outcome, behind)
                findings.add(outcome)
        summary = summary_of(journal, tally)
        with Placing(folder / SUMMARY) as path:
            path.write_bytes(msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n")
        write_page(folder / PAGE, journal, summary, findings)
    return summary
