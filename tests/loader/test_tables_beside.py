"""Tests for tables beside each other: each is read as a table of its own, never as columns of the same leads."""

from __future__ import annotations

import openpyxl
import pytest

from importer.errors import UsageError
from importer.loader.table.table_reader import OpenOptions
from importer.reader.sheet_opener import SheetOpener
from tests.loader.table_texts import list_notices, list_rows, open_text

LEADS = "Asha,9845012345,Goa,,Ravi,9845012346,Hosur\n,,,,Meena,9845012347,Goa\n"
LEFT, RIGHT = "columns A to C", "columns E to G"


def read_tables(path, **options):
    """Return the rows of every table that a run would read, as (number, first cell, second cell), by its name."""
    opener = SheetOpener(path, OpenOptions(**options))
    names = [sheet.name for sheet in opener.preview().sheets]
    return {
        name: [(row.number, *row.cells[:2]) for block in opener.read_rows([name]) for row in block]
        for name in names
    }


def read_text(folder, text, **options):
    (folder / "sheet").write_text(text)
    return read_tables(folder / "sheet", **options)


@pytest.mark.parametrize(
    ("head", "first"),
    [
        ("Name,Phone,City,,Name,Phone,City\n", 2),
        ("Walk-ins,,,,Online,,\nName,Phone,City,,Name,Phone,City\n", 3),
        (",,,Our leads,,,\nName,Phone,City,,Name,Phone,City\n", 3),
        ("Client,Contact,Area,,Customer Name,Mobile,Remarks\n", 2),
        ("Name,Phone,City,,,,\n,,,,Client,Mobile,Area\n", 3),
    ],
    ids=["same headers", "titles above", "a title in the gap", "other headers", "a header further down"],
)
def test_each_table_is_read_by_itself(tmp_path, head, first):
    """No lead gets the phone of the lead beside it, and the longer table is read to its end."""
    assert read_text(tmp_path, head + LEADS) == {
        LEFT: [(first, "Asha", "9845012345")],
        RIGHT: [(first, "Ravi", "9845012346"), (first + 1, "Meena", "9845012347")],
    }


@pytest.mark.parametrize(
    ("sheet", "names"),
    [
        ("Name,Phone,Name,Phone\nAsha,9845012345,Ravi,9845012346\n", ["columns A to B", "columns C to D"]),
        (
            "Name,Phone,Name,Phone,Name,Phone\nAsha,9845012345,Ravi,9845012346,Meena,9845012347\n",
            ["columns A to B", "columns C to D", "columns E to F"],
        ),
        (f"Name,Phone,City,,Name,Phone,City\n{LEADS}".replace(",,R", ",x,R"), [LEFT, RIGHT]),
        (
            "Pin,,Name,Phone,,Name,Phone\n1,,Asha,9845012345,,Ravi,9845012346\n",
            ["columns C to D", "columns F to G"],
        ),
    ],
    ids=["two without a gap", "three without a gap", "a word in the gap", "beside a list of something else"],
)
def test_tables_are_named_by_their_columns(tmp_path, sheet, names):
    """The gap between them may be missing, and further columns belong to the table on their left."""
    assert list(read_text(tmp_path, sheet)) == names


@pytest.mark.parametrize(
    "sheet",
    [
        f"Name,Phone,City,,Company,Phone,City\n{LEADS}",
        f"Name,Phone,City,,Father Name,Father Mobile,City\n{LEADS}",
        f"Name,Phone,City,,Source,Leads,Cost\n{LEADS}",
        "Name,Phone,City,,Name,Phone,City\nAsha,9845012345,Goa,,,,\n",
        "Name,Phone,Phone,City\nAsha,9845012345,9845012346,Goa\n",
    ],
    ids=["a firm", "a parent", "a summary", "nothing below", "two phones"],
)
def test_columns_about_the_same_lead_are_read(tmp_path, sheet):
    """One lead with two persons is no two tables."""
    table = open_text(tmp_path, sheet)
    assert not table.beside
    assert list_rows(table)[0][1][0] == "Asha"


def test_value_without_a_column_rejects_its_row(tmp_path):
    """A word far down in the empty column is not lost: the row of the table on its left has it."""
    leads = "Asha,9845012345,Goa,,Ravi,9845012346,Hosur\n" * 200
    table = open_text(tmp_path, f"Name,Phone,City,,Name,Phone,City\n{leads}Asha,98450,Goa,x,,,\n")
    number, cells, codes = list_rows(table)[-1]
    assert (number, cells[2], codes) == (202, "Goa�x", ["ragged"])


def test_lost_letter_is_an_issue_of_its_own_table(tmp_path):
    """The lead beside it is as it was typed."""
    path = tmp_path / "sheet"
    path.write_bytes(f"Name,Phone,City,,Name,Phone,City\n{LEADS}".replace("Asha", "Ash�").encode())
    opener = SheetOpener(path, OpenOptions())
    sheets = opener.preview().sheets
    assert [[issue.code for row in sheet.sample for issue in row.issues] for sheet in sheets] == [
        ["undecodable"],
        [],
    ]


def test_merged_cells_are_filled_in_their_own_table(tmp_path):
    """Their columns are those of the sheet, not those of the table."""
    book = openpyxl.Workbook()
    for row in ("Name,Phone,City,,Name,Phone,City\n" + LEADS + LEADS).splitlines():
        book.active.append([cell or None for cell in row.split(",")])
    book.active.merge_cells("G2:G3")
    book.save(tmp_path / "sheet")
    opener = SheetOpener(tmp_path / "sheet", OpenOptions())
    right = opener.preview().sheets[1]
    assert right.name == "Sheet, columns E to G"
    assert [row.cells[2] for row in right.sample] == ["Hosur", "Hosur", "Hosur", "Goa"]
    assert '"City" in 1 row' in right.notices[-1].text


def test_tables_may_have_further_ones_below(tmp_path):
    """Two by two: each below its own column of tables."""
    below = "Phone,Name,City,,Phone,Name,City\n9845012348,Dev,Goa,,9845012349,Zoya,Goa\n"
    tables = read_text(tmp_path, f"Name,Phone,City,,Name,Phone,City\n{LEADS},,,,,,\n{below}")
    assert tables[LEFT] == [(2, "Asha", "9845012345"), (6, "Dev", "9845012348")]
    assert tables[RIGHT][-1] == (6, "Zoya", "9845012349")


def test_header_row_that_is_named_is_that_of_each_table(tmp_path):
    sheet = f"Name,Phone,City,,Name,Phone,City\nAsha,9845012000,Goa,,Ravi,9845012001,Goa\nName,Phone,City,,Name,Phone,City\n{LEADS}"
    assert read_text(tmp_path, sheet, header_row=3)[LEFT] == [(4, "Asha", "9845012345")]


def test_one_of_the_tables_may_be_named(tmp_path):
    """As the sentence about what was not read says."""
    sheet = f"Name,Phone,City,,Name,Phone,City\n{LEADS}"
    assert list(read_text(tmp_path, sheet, sheets=(RIGHT,))) == [RIGHT]
    assert list(read_text(tmp_path, sheet, sheets=("all",))) == [LEFT, RIGHT]
    with pytest.raises(UsageError):
        read_text(tmp_path, sheet, sheets=("Leads, columns E to G",))


def test_table_with_a_gap_of_its_own_stays_one(tmp_path):
    """A single table is read as before, also with an empty column."""
    table = open_text(tmp_path, "Name,Phone,,City\nAsha,9845012345,,Goa\n")
    assert table.headers == ("Name", "Phone", "", "City")
    assert not [text for text in list_notices(table) if "side by side" in text]
