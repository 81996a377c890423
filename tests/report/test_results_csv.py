"""The `_` columns of a report are in the order of their headers."""

import msgspec

from importer.issues import Issue
from importer.models.delivery import ReportRow
from importer.models.status import (
    PLAN_COLUMNS,
    REPORT_COLUMNS,
    TASK_COLUMNS,
    VERIFICATION_COLUMNS,
    NoteState,
    RowStatus,
)
from importer.report import failed_workbook
from importer.report.results_csv import to_report_cells


def test_report_cells_match_report_columns():
    """A cell under the wrong header would be worse than none."""
    row = ReportRow(
        number=7, line="12,Asha", status=RowStatus.REFUSED, phone="+919845012345",
        staged_issues=msgspec.json.encode([Issue("city", "too_long", "City", "x", "300")]).decode(), delivery_issues="",
        attempts=2, http_status=400, note=NoteState.NOT_SENT, body=None,
    )  # fmt: skip
    assert dict(zip(REPORT_COLUMNS, to_report_cells(row), strict=True)) == {
        "_row": 7, "_status": "refused", "_phone": "+919845012345",
        "_problems": row.sentences[0], "_codes": "city.too_long",
        "_attempts": 2, "_http_status": 400, "_note": "not_sent",
    }  # fmt: skip


def test_every_report_column_has_a_width():
    """A new column must not break the workbook."""
    assert set(failed_workbook._COLUMN_WIDTHS) == {
        *REPORT_COLUMNS,
        *PLAN_COLUMNS,
        *VERIFICATION_COLUMNS,
        *TASK_COLUMNS,
    }
