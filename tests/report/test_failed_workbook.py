"""failed_rows.xlsx: a person sees on each cell what to fix, and can choose from lists."""

import zipfile

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from importer.cli.summary_view import format_last_line
from importer.issues import Issue, format_issue
from importer.models.status import REPORT_COLUMNS
from importer.report import failed_workbook
from tests.report.builders import (
    TITLES,
    build_accepted,
    build_metadata,
    build_rejected,
    read_report,
    write_run_reports,
)

COLUMNS = [
    ("Contact No.", "customer_phone"), ("Phone", "add_phones"), ("Phone", "add_phones"), ("Status", "lead_stage_name"),
    ("Tags", "add_labels"), ("Group", "lead_group_name"), ("Came by", "source_type"), ("Wants", "add_products"),
    ("S. No.", ""),
]  # fmt: skip
BAD = "FFFFD9D1"
SHORT = Issue("customer_phone", "too_short", "Contact No.", "12")


def open_sheet(folder) -> Worksheet:
    return openpyxl.load_workbook(folder / "failed_rows.xlsx").worksheets[0]


def find_faulty_cells(sheet: Worksheet) -> set[str]:
    return {
        cell.coordinate for row in sheet.iter_rows(min_row=2) for cell in row if cell.fill.fgColor.rgb == BAD
    }


def read_comments(sheet: Worksheet) -> dict[str, str]:
    return {
        cell.coordinate: cell.comment.text
        for row in sheet.iter_rows(min_row=2)
        for cell in row
        if cell.comment
    }


def build_row(*cells: str) -> list[str]:
    return [*cells, *[""] * (len(COLUMNS) - len(cells))]


@pytest.fixture
def sheet(tmp_path) -> Worksheet:
    rows = [
        build_accepted(2, build_row("9845000002")),
        build_rejected(
            14,
            build_row("12", "", "", "Warm led"),
            SHORT,
            Issue("lead_stage_name", "unknown", "Status", "Warm led", ' Did you mean "Warm lead"?'),
        ),
        build_rejected(15, build_row("0098450000150"), Issue("row", "stray_quote", "", '"x')),
    ]
    write_run_reports(tmp_path, build_metadata(COLUMNS), rows)
    return open_sheet(tmp_path)


def test_sheet_columns_come_first_then_report_columns(sheet):
    """The sheet's own columns keep their order and texts; the `_` columns follow."""
    names = [cell.value for cell in sheet[1]]
    assert names == [*[header for header, _ in COLUMNS], *REPORT_COLUMNS]
    assert sheet["A2"].value == "12"
    assert sheet["A3"].value == "0098450000150"
    assert [cell.value for cell in sheet[2]][len(COLUMNS) :] == [
        14, "invalid", None,
        " | ".join(read_comments(sheet).values()),
        "customer_phone.too_short;lead_stage_name.unknown", 0, None, None,
    ]  # fmt: skip


def test_faulty_cell_has_colour_and_comment(sheet):
    """The sentence of an error is a comment on its cell. An error without a cell colours `_problems`."""
    assert find_faulty_cells(sheet) == {"A2", "D2"}
    assert read_comments(sheet) == {
        "A2": format_issue(14, SHORT),
        "D2": 'Row 14, Status: "Warm led" does not exist in your account. Did you mean "Warm lead"?',
    }
    problems = sheet.cell(3, len(COLUMNS) + 4)
    assert problems.font.color.rgb == "FF9C1C0C"
    assert "importer run failed_rows.xlsx" in sheet.cell(1, len(COLUMNS) + 1).comment.text


def test_header_is_frozen_filter_is_on_and_cells_are_text(sheet):
    """Excel must not turn a phone into a number when somebody edits it."""
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:Q3"
    assert {
        cell.number_format for row in sheet.iter_rows(max_col=len(COLUMNS)) for cell in row if cell.value
    } == {"@"}
    assert all(sheet.column_dimensions[letter].width >= 10 for letter in "ABCD")


def test_dropdown_column_offers_values_of_account(sheet):
    """The lists are ranges: a value may contain a comma, and a list more than 255 characters."""
    book = sheet.parent
    lists = book["Lists"]
    assert lists.sheet_state == "hidden"
    found = {}
    for rule in sheet.data_validations.dataValidation:
        assert rule.type == "list"
        cells = lists[rule.formula1.removeprefix("Lists!").replace("$", "")]
        found[str(rule.sqref)] = tuple(cell[0].value for cell in cells)
    assert found == {
        "D2:D3": TITLES["lead-stage"], "E2:E3": TITLES["label"], "F2:F3": TITLES["lead-group"],
        "G2:G3": TITLES["source-type"], "H2:H3": TITLES["product"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "issues", "wanted"),
    [
        # Two columns of one header: the one that holds the value, and each its own.
        (("1", "5", "77"), [Issue("add_phones", "too_short", "Phone", "77")], {"C2"}),
        (("1", "55", "55"), [Issue("add_phones", "too_short", "Phone", "55")] * 2, {"B2", "C2"}),
        # An empty cell that must be filled in.
        (("",), [Issue("customer_phone", "missing", "Contact No.")], {"A2"}),
        # A default is in no cell, also where the field has a column that is empty here.
        (("1",), [Issue("lead_stage_name", "unknown", "", "Lukewarm")], set()),
        # A title that went from the account during the run is known by its value alone.
        (("1", "", "", "Lukewarm"), [Issue("lead_stage_name", "disabled", "", "Lukewarm")], {"D2"}),
        # What the CRM said of the row, and what is only worth knowing.
        (("1",), [Issue("row", "refused", "", "No")], set()),
        (("1 x 2",), [Issue("customer_phone", "part_left_out", "Contact No.", "2"), Issue("row", "nul")], set()),
        # One title of several in a cell.
        (("1", "", "", "", "VIP, Hott"), [Issue("add_labels", "unknown", "Tags", "Hott")], {"E2"}),
    ],
    ids=[
        "two columns of a header, one bad", "two columns of a header, both bad", "empty cell", "default",
        "title gone from the account", "refused by the CRM", "warning", "one title of several",
    ],
)  # fmt: skip
def test_only_faulty_cells_are_marked(tmp_path, cells, issues, wanted):
    """Colour and comment are on the cell that the issue is about, also if columns share a header or a field."""
    write_run_reports(tmp_path, build_metadata(COLUMNS), [build_rejected(2, build_row(*cells), *issues)])
    sheet = open_sheet(tmp_path)
    assert find_faulty_cells(sheet) == wanted
    assert set(read_comments(sheet)) == wanted


def test_rows_beyond_workbook_limit_are_only_in_csv(tmp_path, monkeypatch):
    """The summary and the page say how many rows the workbook does not hold."""
    monkeypatch.setattr(failed_workbook, "MAX_ROWS", 3)
    summary = write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_rejected(n, build_row(str(n))) for n in range(2, 7)]
    )
    assert (summary.workbook_rows, summary.failed_rows) == (3, 5)
    assert len(read_report(tmp_path / "failed_rows.xlsx")[1]) == 3
    assert len(read_report(tmp_path / "failed_rows.csv")[1]) == 5
    assert "failed_rows.xlsx holds 3 of the 5 rows" in (tmp_path / "report.html").read_text("utf-8")


def test_rows_far_down_have_colour_but_no_comment(tmp_path, monkeypatch):
    """Comments stay in memory until the end, so a sheet of a million rows must not have one for each."""
    monkeypatch.setattr(failed_workbook, "MAX_COMMENTED_ROWS", 2)
    issue = Issue("customer_phone", "too_short", "Contact No.", "1")
    write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_rejected(n, build_row("1"), issue) for n in range(2, 6)]
    )
    sheet = open_sheet(tmp_path)
    assert find_faulty_cells(sheet) == {"A2", "A3", "A4", "A5"}
    assert set(read_comments(sheet)) == {"A2", "A3"}


def test_row_with_too_long_cell_is_only_in_csv(tmp_path):
    """Excel holds 32,767 characters of a cell. A cut cell would be imported as if it had been typed so."""
    rows = [build_row("1", "x" * 32_767), build_row("2", "x" * 32_768), build_row("3", "😀" * 16_384)]
    summary = write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_rejected(n, row) for n, row in enumerate(rows, 2)]
    )
    assert summary.workbook_rows == 1
    assert read_report(tmp_path / "failed_rows.xlsx")[1] == [tuple(rows[0])]
    assert read_report(tmp_path / "failed_rows.csv")[1] == list(map(tuple, rows))


def test_sheet_wider_than_excel_has_empty_workbook(tmp_path):
    """The next steps then name failed_rows.csv, because an empty workbook holds nothing to fix."""
    columns = [("Phone", "customer_phone"), *[(f"C{n}", "") for n in range(16_380)]]
    summary = write_run_reports(
        tmp_path, build_metadata(columns), [build_rejected(2, ["12", *["x"] * 16_380])]
    )
    assert (summary.workbook_rows, summary.failed_rows) == (0, 1)
    assert [cell.value for cell in open_sheet(tmp_path)[1]] == list(REPORT_COLUMNS)
    # An empty workbook holds nothing to fix.
    assert "failed_rows.csv" in format_last_line(summary, tmp_path, "")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "because a workbook cannot hold them" in page
    assert "importer run" in page
    assert f"importer run {tmp_path / 'failed_rows.xlsx'}" not in page


def test_workbook_is_empty_if_every_row_went_in(tmp_path):
    """An accepted row is not a row to fix."""
    write_run_reports(tmp_path, build_metadata(COLUMNS), [build_accepted(2, build_row("9845000002"))])
    assert open_sheet(tmp_path).max_row == 1


def test_problems_longer_than_a_cell_are_cut_in_workbook(tmp_path):
    """Excel would call the file damaged. The CSV file has all of them."""
    issues = [Issue("add_labels", "unknown", "Tags", f"{n} {'😀' * 70}") for n in range(2_000)]
    write_run_reports(tmp_path, build_metadata(COLUMNS), [build_rejected(2, build_row("1"), *issues)])
    cells = [cell.value for cell in open_sheet(tmp_path)[2][-len(REPORT_COLUMNS) :]]
    assert all(len(text.encode("utf-16-le")) <= 2 * 32_767 for text in cells if isinstance(text, str))
    assert (tmp_path / "failed_rows.csv").read_text("utf-8").count("add_labels.unknown") == 2_000


def test_workbook_larger_than_4_gb_is_written(tmp_path, monkeypatch):
    """Such an archive has another format, which must be chosen before the rows are packed."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1 << 17)
    rows = [build_rejected(n, build_row(str(n), "x" * 30_000)) for n in range(2, 9)]
    write_run_reports(tmp_path, build_metadata(COLUMNS), rows)
    assert len(read_report(tmp_path / "failed_rows.xlsx")[1]) == 7
