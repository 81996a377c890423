"""failed_rows.xlsx, opened: a person sees what to mend, on the very cell, and mends it with a click."""

import zipfile

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from importer.cli.summary_view import format_last_line
from importer.issues import Issue, format_issue
from importer.models.status import REPORT_COLUMNS
from importer.report import failed_workbook
from tests.report.made import TITLES, accepted, header_of, made, read_again, refused

COLUMNS = [
    ("Contact No.", "customer_phone"), ("Phone", "add_phones"), ("Phone", "add_phones"), ("Status", "lead_stage_name"),
    ("Tags", "add_labels"), ("Group", "lead_group_name"), ("Came by", "source_type"), ("Wants", "add_products"),
    ("S. No.", ""),
]  # fmt: skip
BAD = "FFFFD9D1"
SHORT = Issue("customer_phone", "too_short", "Contact No.", "12")


def opened(folder) -> Worksheet:
    return openpyxl.load_workbook(folder / "failed_rows.xlsx").worksheets[0]


def filled(sheet: Worksheet) -> set[str]:
    return {
        cell.coordinate for row in sheet.iter_rows(min_row=2) for cell in row if cell.fill.fgColor.rgb == BAD
    }


def comments(sheet: Worksheet) -> dict[str, str]:
    return {
        cell.coordinate: cell.comment.text
        for row in sheet.iter_rows(min_row=2)
        for cell in row
        if cell.comment
    }


def row_of(*cells: str) -> list[str]:
    return [*cells, *[""] * (len(COLUMNS) - len(cells))]


@pytest.fixture
def sheet(tmp_path) -> Worksheet:
    rows = [
        accepted(2, row_of("9845000002")),
        refused(
            14,
            row_of("12", "", "", "Warm led"),
            SHORT,
            Issue("lead_stage_name", "unknown", "Status", "Warm led", ' Did you mean "Warm lead"?'),
        ),
        refused(15, row_of("0098450000150"), Issue("row", "stray_quote", "", '"x')),
    ]
    made(tmp_path, header_of(COLUMNS), rows)
    return opened(tmp_path)


def test_the_sheets_own_columns_in_order_then_ours(sheet):
    names = [cell.value for cell in sheet[1]]
    assert names == [*[header for header, _ in COLUMNS], *REPORT_COLUMNS]
    assert sheet["A2"].value == "12"
    assert sheet["A3"].value == "0098450000150"
    assert [cell.value for cell in sheet[2]][len(COLUMNS) :] == [
        14, "invalid", None,
        " | ".join(comments(sheet).values()),
        "customer_phone.too_short;lead_stage_name.unknown", 0, None, None,
    ]  # fmt: skip


def test_faulty_cells_are_coloured_and_say_why(sheet):
    """The sentence of each is a comment on its cell; a fault of no cell colours the sentence itself."""
    assert filled(sheet) == {"A2", "D2"}
    assert comments(sheet) == {
        "A2": format_issue(14, SHORT),
        "D2": 'Row 14, Status: the account has no stage "Warm led". Did you mean "Warm lead"?',
    }
    problems = sheet.cell(3, len(COLUMNS) + 4)
    assert problems.font.color.rgb == "FF9C1C0C"
    assert "importer run failed_rows.xlsx" in sheet.cell(1, len(COLUMNS) + 1).comment.text


def test_the_header_is_frozen_the_filter_on_and_every_cell_text(sheet):
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:Q3"
    assert {
        cell.number_format for row in sheet.iter_rows(max_col=len(COLUMNS)) for cell in row if cell.value
    } == {"@"}
    assert all(sheet.column_dimensions[letter].width >= 10 for letter in "ABCD")


def test_dropdown_columns_have_the_accounts_own_lists(sheet):
    """Real Excel lists, from a range: a title may hold a comma, and a list more than 255 characters."""
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
)  # fmt: skip
def test_the_mark_is_on_the_very_cell(tmp_path, cells, issues, wanted):
    made(tmp_path, header_of(COLUMNS), [refused(2, row_of(*cells), *issues)])
    sheet = opened(tmp_path)
    assert filled(sheet) == wanted
    assert set(comments(sheet)) == wanted


def test_rows_beyond_what_a_workbook_should_hold_are_counted_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(failed_workbook, "MOST_ROWS", 3)
    summary = made(tmp_path, header_of(COLUMNS), [refused(n, row_of(str(n))) for n in range(2, 7)])
    assert (summary.workbook_rows, summary.failed_rows) == (3, 5)
    assert len(read_again(tmp_path / "failed_rows.xlsx")[1]) == 3
    assert len(read_again(tmp_path / "failed_rows.csv")[1]) == 5
    assert "failed_rows.xlsx holds 3 of the 5 rows" in (tmp_path / "report.html").read_text("utf-8")


def test_far_down_the_words_stand_in_problems_alone(tmp_path, monkeypatch):
    """Comments are kept in memory until the end: a sheet of a million rows must not fill it. The colour stays."""
    monkeypatch.setattr(failed_workbook, "COMMENTED_ROWS", 2)
    issue = Issue("customer_phone", "too_short", "Contact No.", "1")
    made(tmp_path, header_of(COLUMNS), [refused(n, row_of("1"), issue) for n in range(2, 6)])
    sheet = opened(tmp_path)
    assert filled(sheet) == {"A2", "A3", "A4", "A5"}
    assert set(comments(sheet)) == {"A2", "A3"}


def test_a_row_that_a_workbook_would_cut_stands_in_the_csv_alone(tmp_path):
    """Excel holds 32,767 characters of a cell: a cut cell would go in again as if it had been typed so."""
    rows = [row_of("1", "x" * 32_767), row_of("2", "x" * 32_768), row_of("3", "😀" * 16_384)]
    summary = made(tmp_path, header_of(COLUMNS), [refused(n, row) for n, row in enumerate(rows, 2)])
    assert summary.workbook_rows == 1
    assert read_again(tmp_path / "failed_rows.xlsx")[1] == [tuple(rows[0])]
    assert read_again(tmp_path / "failed_rows.csv")[1] == list(map(tuple, rows))


def test_a_sheet_wider_than_excel(tmp_path):
    columns = [("Phone", "customer_phone"), *[(f"C{n}", "") for n in range(16_380)]]
    summary = made(tmp_path, header_of(columns), [refused(2, ["12", *["x"] * 16_380])])
    assert (summary.workbook_rows, summary.failed_rows) == (0, 1)
    assert [cell.value for cell in opened(tmp_path)[1]] == list(REPORT_COLUMNS)
    # An empty workbook is nothing to mend.
    assert "failed_rows.csv" in format_last_line(summary, tmp_path, "")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "for no workbook can hold them" in page
    assert "importer run" in page
    assert f"importer run {tmp_path / 'failed_rows.xlsx'}" not in page


def test_where_every_row_went_in_there_is_nothing_to_mend(tmp_path):
    made(tmp_path, header_of(COLUMNS), [accepted(2, row_of("9845000002"))])
    assert opened(tmp_path).max_row == 1


def test_a_row_with_more_to_say_than_a_cell_holds_leaves_the_workbook_whole(tmp_path):
    """A remark taken for labels has thousands of unknown ones; Excel would call the file damaged. The CSV has all."""
    issues = [Issue("add_labels", "unknown", "Tags", f"{n} {'😀' * 70}") for n in range(2_000)]
    made(tmp_path, header_of(COLUMNS), [refused(2, row_of("1"), *issues)])
    told = [cell.value for cell in opened(tmp_path)[2][-len(REPORT_COLUMNS) :]]
    assert all(len(text.encode("utf-16-le")) <= 2 * 32_767 for text in told if isinstance(text, str))
    assert (tmp_path / "failed_rows.csv").read_text("utf-8").count("add_labels.unknown") == 2_000


def test_a_workbook_beyond_what_an_archive_of_old_holds_is_written(tmp_path, monkeypatch):
    """At 4 GB an archive is of another kind, which must be known before the rows are packed."""
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1 << 17)
    rows = [refused(n, row_of(str(n), "x" * 30_000)) for n in range(2, 9)]
    made(tmp_path, header_of(COLUMNS), rows)
    assert len(read_again(tmp_path / "failed_rows.xlsx")[1]) == 7
