"""Tests for tables below the first one: their rows are read by their own header, and nothing of them is lost."""

from __future__ import annotations

import pytest
from openpyxl import Workbook

from importer.loader.table.further_tables import place_columns
from importer.loader.table.table_reader import OpenOptions, open_table
from importer.models.row import BLOCK_ROWS
from tests.loader.table_texts import list_notices, list_rows, open_text

FAIR = "Name,Phone,City\nAsha Rao,9845012345,Mysuru\nRavi Kumar,9845012346,Hosur\n"


def test_second_table_is_read_by_its_own_header(tmp_path):
    """Columns of the same kind are put together, the others are added, and each step is said."""
    table = open_text(
        tmp_path,
        FAIR
        + "\nTelephone enquiries\nDate,Contact No,Customer Name,Project\n3 Oct 2026,9845012347,Meena,Lake View\n",
    )
    assert table.headers == ("Name", "Phone", "City", "Date", "Project")
    assert list_rows(table) == [
        (2, ("Asha Rao", "9845012345", "Mysuru", "", ""), []),
        (3, ("Ravi Kumar", "9845012346", "Hosur", "", ""), []),
        (7, ("Meena", "9845012347", "", "3 Oct 2026", "Lake View"), []),
    ]
    tables, title = list_notices(table)[2:]
    assert tables == (
        "read: Another table begins in row 6. Its rows are read by its own header. Columns of the same kind are put "
        'together: "Contact No" as "Phone", "Customer Name" as "Name". New columns: "Date", "Project".'
    )
    assert title == "ignored: Row 5 was skipped because it is the title of a table."


def test_better_header_below_does_not_swallow_the_first_table(tmp_path):
    """The second header names more fields, but leads stand above it."""
    table = open_text(
        tmp_path, "Name,Phone\nAsha,9845012345\n\nName,Phone,Email\nRavi,9845012346,r@example.in\n"
    )
    assert [cells for _, cells, _ in list_rows(table)] == [
        ("Asha", "9845012345", ""),
        ("Ravi", "9845012346", "r@example.in"),
    ]


def test_unknown_header_of_a_first_table_with_leads_is_kept(tmp_path):
    leads = "".join(f"Asha,984501234{at},x\n" for at in range(5))
    table = open_text(tmp_path, f"Naam,Nummer,Plaats\n{leads}\nName,Phone,City\nRavi,9845012346,y\n")
    assert table.headers[:3] == ("Naam", "Nummer", "Plaats")
    assert len(list_rows(table)) == 6


def test_first_header_again_ends_the_second_table(tmp_path):
    """Tables that alternate are each read by their own header."""
    other = "Phone,Name\n9845012347,Meena\n"
    again = "Name,Phone,City\nImran,9845012348,Goa\n"
    rows = list_rows(table := open_text(tmp_path, FAIR + other + again + other))
    assert [cells for _, cells, _ in rows[2:]] == [
        ("Meena", "9845012347", ""),
        ("Imran", "9845012348", "Goa"),
        ("Meena", "9845012347", ""),
    ]
    assert [text.split(". ")[0] for text in list_notices(table)[2:]] == [
        "read: Other tables begin in rows 4, 8",
        "ignored: Row 6 was skipped because it repeats the header.",
    ]


def test_wider_second_table_loses_no_cell(tmp_path):
    """A row of the first table with a value beyond its header is still rejected."""
    second = "Name,Phone,City,Website,Remarks\nMeena,9845012347,Goa,example.in,call back\n"
    table = open_text(tmp_path, FAIR + "Sita,9845012348,Goa,x\n" + second)
    assert table.headers == ("Name", "Phone", "City", "Website", "Remarks")
    assert list_rows(table)[2:] == [
        (4, ("Sita", "9845012348", "Goa", "", "\ufffdx"), ["ragged"]),
        (6, ("Meena", "9845012347", "Goa", "example.in", "call back"), []),
    ]


@pytest.mark.parametrize(
    "at", [2 * BLOCK_ROWS - 1, 3 * BLOCK_ROWS - 2, 3 * BLOCK_ROWS - 1, 3 * BLOCK_ROWS, 4000]
)
def test_table_far_below_has_the_columns_of_the_first(tmp_path, at):
    """The columns are known before its header is read, so rows with values in a new column are rejected, with words."""
    leads = "".join(f"Asha,{9_845_000_000 + number},Goa\n" for number in range(at))
    second = "Contact No,Name,Budget\n9945012345,Meena,\n9945012346,Ravi,45 lakh\n" + "".join(
        f"99450{number},x,\n" for number in range(10000, 10010)
    )
    table = open_text(tmp_path, f"Name,Phone,City\n{leads}{second}")
    assert list_rows(table)[at : at + 2] == [
        (at + 3, ("Meena", "9945012345", ""), []),
        (at + 4, ("Ravi", "9945012346", "\ufffd45 lakh"), ["ragged"]),
    ]
    assert list_notices(table)[-1].startswith(
        'ignored: The first table has no column for "Budget" of another'
    )


@pytest.mark.parametrize(
    "row",
    ["Ravi Kumar,,Phone,Website", "Ravi,9845012347,Phone,Email", "Name,Phone,,", "Contact,,Mobile,"],
    ids=lambda row: row,
)
def test_lead_with_words_of_headers_is_no_header(tmp_path, row):
    """A lead may have the source "Phone". A header has phones below its phone."""
    sheet = "Name,Phone,Prefers,Source\n" + "Asha,9845012345,Email,Website\n" * 3 + f"{row}\n"
    table = open_text(tmp_path, sheet + "Meena,,Phone,Website\n" * 12)
    assert list_rows(table)[3][1] == tuple(row.split(","))
    assert table.headers == ("Name", "Phone", "Prefers", "Source")


def test_two_lines_of_a_second_header_are_one(tmp_path):
    table = open_text(tmp_path, FAIR + "\nStudent Name,,Mobile,\n,Class,,City\nMeena,XII,9845012347,Goa\n")
    assert table.headers == ("Name", "Phone", "City", "Class")
    assert list_rows(table)[-1] == (7, ("Meena", "9845012347", "Goa", "XII"), [])


def test_merged_cells_of_both_tables_are_filled(tmp_path):
    """The value of a merged cell goes down in its own column, in whichever table it is."""
    book = Workbook()
    sheet = book.active
    for cells in (
        ["Name", "Phone", "City"], ["Asha", "9845012345", "Mysuru"], ["Ravi", "9845012346"], [],
        ["Date", "Mobile", "Name"], ["3 Oct", "9845012347", "Meena"], [None, "9845012348", "Sita"],
    ):  # fmt: skip
        sheet.append(cells)
    sheet.merge_cells("C2:C3")
    sheet.merge_cells("A6:A7")
    book.save(tmp_path / "sheet")
    table = open_table(tmp_path / "sheet", OpenOptions())
    assert [cells for _, cells, _ in list_rows(table)] == [
        ("Asha", "9845012345", "Mysuru", ""),
        ("Ravi", "9845012346", "Mysuru", ""),
        ("Meena", "9845012347", "", "3 Oct"),
        ("Sita", "9845012348", "", "3 Oct"),
    ]
    assert (
        'read: Values of merged cells were read in each row that they cover: "Column A" in 1 row, "Column C" in 1 row.'
        in list_notices(table)
    )


def test_column_goes_to_the_same_header_before_the_same_field():
    """Two phones keep their places; a field that the sheet has no more column for is new."""
    headers = ("Phone", "Mobile", "Name", "Notes")
    assert place_columns(headers, ("Mobile", "Client Name", "Contact No", "Tel", "")) == (1, 2, 0, None, None)
