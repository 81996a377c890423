"""Tests for merged cells: the value is read in each row that it covers, and a notice says so."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import pytest
import xlwt
from openpyxl import Workbook

from importer.loader.formats import workbook_reader
from importer.loader.formats.sheet_metadata import MergedArea, MergedCellFiller
from importer.loader.table import table_reader
from importer.loader.table.table_reader import OpenOptions, Table, open_table
from importer.models.row import BLOCK_ROWS, SourceRow, SourceRows
from tests.loader.write_workbooks import ods_cell, write_ods, write_xlsb
from tests.support import leads

EVENT = [
    ["Registrations of the fair", "", "", ""],
    ["Name", "Phone", "Stage", "Hall"],
    ["Asha Rao", "9845010001", "Warm lead", ""],
    ["Ravi Kumar", "9845010002", "", "2"],
    ["Meena Iyer", "9845010003", "", ""],
    ["", "", "", ""],
    ["Imran Khan", "9845010004", "New", ""],
    ["", "9845010005", "", ""],
]
MERGED = [(2, 3, 3), (3, 6, 2), (4, 5, 3), (7, 8, 0), (7, 8, 2)]
"""First row, last row, and column from 0. The first begins in the header, the second covers a blank row."""
SHOWN = [
    (3, ("Asha Rao", "9845010001", "Warm lead", "")),
    (4, ("Ravi Kumar", "9845010002", "Warm lead", "2")),
    (5, ("Meena Iyer", "9845010003", "Warm lead", "2")),
    (7, ("Imran Khan", "9845010004", "New", "")),
    (8, ("Imran Khan", "9845010005", "New", "")),
]
NOTICE = (
    'Values of merged cells were read in each row that they cover: "Name" in 1 row, "Stage" in 3 rows, '
    '"Hall" in 1 row.'
)


def write_as_xlsx(path: Path) -> None:
    book = Workbook()
    for row in EVENT:
        book.active.append(row)
    book.active.merge_cells("A1:D1")
    for first, last, column in MERGED:
        book.active.merge_cells(start_row=first, end_row=last, start_column=column + 1, end_column=column + 1)
    book.save(path)


def write_as_xls(path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Leads")
    for number, row in enumerate(EVENT):
        for column, cell in enumerate(row):
            if cell:
                sheet.write(number, column, cell)
    sheet.merged_ranges.extend((first - 1, last - 1, column, column) for first, last, column in MERGED)
    book.save(str(path))


def write_as_xlsb(path: Path) -> None:
    write_xlsb(path, dict(enumerate(EVENT, 1)), merged=MERGED)


def write_as_ods(path: Path) -> None:
    spans = {(first, column): last - first + 1 for first, last, column in MERGED}
    rows = [
        (
            1,
            [
                ods_cell("string" if c else "", c, spans=spans.get((number, at), 1))
                for at, c in enumerate(row)
            ],
        )
        for number, row in enumerate(EVENT, 1)
    ]
    write_ods(path, rows)


WRITERS = {
    "xlsx": write_as_xlsx,
    "xlsx, streamed": write_as_xlsx,
    "xls": write_as_xls,
    "xlsb": write_as_xlsb,
    "ods": write_as_ods,
}


def open_book(path: Path) -> Table:
    return open_table(path, OpenOptions())


@pytest.mark.parametrize("block", [1, 3, BLOCK_ROWS])
@pytest.mark.parametrize("written", WRITERS)
def test_merged_value_is_read_in_every_row_that_it_covers(tmp_path, monkeypatch, written, block):
    """It fills nothing from the header and no blank row, in every format and wherever a block ends."""
    monkeypatch.setattr(workbook_reader, "BLOCK_ROWS", block)
    monkeypatch.setattr(table_reader, "MAX_SEARCHED_ROWS", 2)  # of these rows one block is made
    if "streamed" in written:
        monkeypatch.setattr(workbook_reader, "_MAX_SHEET_BYTES_IN_MEMORY", 0)
    WRITERS[written](tmp_path / "sheet")
    table = open_book(tmp_path / "sheet")
    assert table.headers == ("Name", "Phone", "Stage", "Hall")
    assert [(row.number, row.cells) for row in table.rows] == SHOWN
    assert NOTICE in [notice.text for notice in table.notices]


def test_merged_area_may_begin_in_the_last_row_of_a_block():
    rows = [SourceRow(number, (cell,)) for number, cell in [(2, "Asha"), (3, "Ravi"), (4, "")]]
    blocks = [SourceRows.from_rows(rows[:2]), SourceRows.from_rows(rows[2:])]
    found = MergedCellFiller(deque([MergedArea(3, 4, 0)]), ["Name"]).fill(blocks, [])
    assert [row.cells for block in found for row in block] == [("Asha",), ("Ravi",), ("Ravi",)]


def test_lost_letter_in_a_merged_value_rejects_each_row_that_it_covers(tmp_path):
    """Else the row below would send the broken name to the CRM although the row above is rejected for it."""
    book = Workbook()
    for row in (["Name", "Phone"], ["As\ufffda", "9845010001"], ["", "9845010002"], ["Ravi", "9845010003"]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "sheet")
    found = {row.number: [issue.code for issue in row.issues] for row in open_book(tmp_path / "sheet").rows}
    assert found == {2: ["undecodable"], 3: ["undecodable"], 4: []}


def test_sheet_without_merged_cells_has_no_notice_about_them(tmp_path):
    book = Workbook()
    book.active.append(["Name", "Phone"])
    book.active.append(["Asha", "9845010001"])
    book.save(tmp_path / "sheet")
    table = open_book(tmp_path / "sheet")
    assert len([*table.rows]) == 1
    assert not any("merged" in notice.text for notice in table.notices)


def test_phone_merged_over_several_rows_makes_one_lead(importer, crm):
    """A lead with one enquiry a row becomes one lead with all enquiries, and each row has its status."""
    book = Workbook()
    for row in (
        ["Name", "Phone", "Products", "Remarks"],
        ["Asha Rao", "9845010001", "2 BHK", "saw the flat"],
        ["", "", "3 BHK", "asks for the price"],
        ["Ravi Kumar", "9845010002", "2 BHK", ""],
    ):
        book.active.append(row)
    book.active.merge_cells("A2:A3")
    book.active.merge_cells("B2:B3")
    book.save(importer.folder / "x.xlsx")
    ended = importer("run", "x.xlsx", "--yes", "--unknown", "drop")
    assert [(row["_row"], row["_status"]) for row in ended.results] == [
        ("2", "accepted"),
        ("3", "duplicate"),
        ("4", "accepted"),
    ]
    assert "same phone as row 2" in ended.results[1]["_problems"]
    assert ended.results[1]["Phone"] == "9845010001"
    found = leads(crm)["+919845010001"]
    assert (found["first_name"], found["last_name"]) == ("Asha", "Rao")
    assert found["notes"] == ["saw the flat\nasks for the price"]
    assert '"Name" in 1 row, "Phone" in 1 row' in ended.out


def test_failed_rows_of_a_merged_sheet_are_complete(importer, crm):
    """The filled values are in failed_rows, so a row can be fixed without the rows above it."""
    book = Workbook()
    for row in (["Name", "Phone", "Stage"], ["Asha", "9845010001", "New"], ["Ravi", "98450", ""]):
        book.active.append(row)
    book.active.merge_cells("C2:C3")
    book.save(importer.folder / "x.xlsx")
    ended = importer("run", "x.xlsx", "--yes")
    assert ended.code == 1
    assert [row["Stage"] for row in ended.failed] == ["New"]


def test_covered_cell_with_a_value_of_its_own_keeps_it(tmp_path):
    """Libraries leave values under merged cells, and so does Excel when the format is painted over them."""
    rows = {1: ["Phone", "Stage"], 2: ["9845010001", "New"], 3: ["9845010002", "Lost"], 4: ["9845010003", ""]}
    write_xlsb(tmp_path / "sheet", rows, merged=[(2, 4, 1)])
    assert [row.cells[1] for row in open_book(tmp_path / "sheet").rows] == ["New", "Lost", "New"]


def test_area_that_begins_in_the_header_fills_nothing(tmp_path):
    rows = {1: ["Phone", "Stage"], 2: ["9845010001", "New"], 3: ["9845010002", ""]}
    write_xlsb(tmp_path / "sheet", rows, merged=[(1, 3, 1)])
    assert [row.cells[1] for row in open_book(tmp_path / "sheet").rows] == ["New", ""]
