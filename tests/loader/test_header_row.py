"""Where the header is in many layouts, what its columns are called, and where the leads end."""

from __future__ import annotations

import pytest

from importer.errors import UsageError
from importer.loader.table.footers import is_date_line, is_footer
from importer.loader.table.header_row import (
    HeaderRow,
    find_header_row,
    is_phone_like,
    take_header_row,
)
from importer.models.mapping import format_column_name

ASHA = ["Asha Rao", "9845012345", "Mysuru"]
RAVI = ["Ravi Kumar", "9845012346", "Hosur"]
LONG = "Which of our courses would you or anybody in your family like to join this year (choose any)?"

LAYOUTS = {
    "first row": ([["Name", "Phone", "City"], ASHA], 0, 1, ("Name", "Phone", "City")),
    "title line above": ([["Leads of March"], ["Name", "Phone", "City"], ASHA], 1, 1, ("Name", "Phone", "City")),
    "title, blank rows, date": (
        [["Sharma Properties"], [], ["As on 12-03-2024", "", ""], [""], ["Name", "Phone", "City"], ASHA],
        4, 1, ("Name", "Phone", "City"),
    ),
    "helpline above": (
        [["Helpline", "1800 123 4567"], ["Name", "Phone", "City"], ASHA], 1, 1, ("Name", "Phone", "City"),
    ),
    "blank rows below": ([["Name", "Phone", "City"], [], [], ASHA], 0, 1, ("Name", "Phone", "City")),
    "names of no known field": ([["Naam", "Nummer", "Plaats"], ASHA, RAVI], 0, 1, ("Naam", "Nummer", "Plaats")),
    "a lead that came from the website": (
        [["Naam", "Nummer", "Bron"], ASHA, ["Ravi", "", "Website"]], 0, 1, ("Naam", "Nummer", "Bron"),
    ),
    "hindi": ([["नाम", "मोबाइल नंबर", "शहर"], ASHA], 0, 1, ("नाम", "मोबाइल नंबर", "शहर")),
    "one known column": ([["Phone"], ["9845012345"]], 0, 1, ("Phone",)),
    "one unknown column": ([["Nummern"], ["9845012345"], ["9845012346"]], 0, 1, ("Nummern",)),
    "repeated names": (
        [["Name", "Phone", "Phone", "City"], ["Asha", "9845012345", "9845012346", "x"]],
        0, 1, ("Name", "Phone", "Phone", "City"),
    ),
    "empty names": (
        [["Name", "", "Phone", "", ""], ["Asha", "x", "9845012345", "", ""]], 0, 1, ("Name", "", "Phone"),
    ),
    "years as columns": (
        [["Name", "Phone", "2022", "2023"], ["Asha", "9845012345", "10", "20"]],
        0, 1, ("Name", "Phone", "2022", "2023"),
    ),
    "a form's long question": (
        [["Timestamp", "Your full name", "Mobile Number", LONG], ["x", "Asha", "9845012345", "MBA"]],
        0, 1, ("Timestamp", "Your full name", "Mobile Number", LONG),
    ),
    "an at sign in a name": (
        [["Name", "Phone", "E-mail (name@work)"], ["Asha", "9845012345", "a@b.in"]],
        0, 1, ("Name", "Phone", "E-mail (name@work)"),
    ),
    "groups above names that repeat": (
        [["Home", "", "Work", ""], ["Phone", "City", "Phone", "City"], ["9845012345", "x", "9845012346", "y"]],
        1, 1, ("Home Phone", "Home City", "Work Phone", "Work City"),
    ),
    "names merged over both lines": (
        [["S. No.", "Name", "Contact details", "", ""], ["", "", "Mobile", "E-mail", "City"], ["1", *ASHA[:2], "a@b.in", "x"]],
        1, 1, ("S. No.", "Name", "Mobile", "E-mail", "City"),
    ),
    "a second line that fills gaps": (
        [["Name", "Phone", "", ""], ["", "", "E-mail", "City"], ["Asha", "9845012345", "a@b.in", "x"]],
        0, 2, ("Name", "Phone", "E-mail", "City"),
    ),
    "a lead without a phone below a header with a gap": (
        [["Name", "", "Phone"], ["Ravi Kumar", "Website", ""], ["Asha", "", "9845012345"]],
        0, 1, ("Name", "", "Phone"),
    ),
    "two exports one below the other": (
        [["Name", "Phone", "City"], ASHA, [], ["Name", "Phone", "City"], RAVI], 0, 1, ("Name", "Phone", "City"),
    ),
    "groups above names, with phones below the second line": (
        [
            ["No", "Student", "", "Parents", "", "Class"], ["", "Naam", "Born", "Vater", "Vater Mobil", ""],
            ["1", "Asha", "3 Oct 2010", "Ravi", "9845012345", "XI"],
        ],
        0, 2, ("No", "Student Naam", "Born", "Parents Vater", "Vater Mobil", "Class"),
    ),
    "a second line above numbers": (
        [["Firm", "Phone", "Balance", ""], ["", "", "Dr", "Cr"], ["Acme", "9845012345", "500", ""], ["Nova", "9845012346", "", "20"]],
        0, 2, ("Firm", "Phone", "Balance Dr", "Cr"),
    ),
    "a lead with a text above a text": (
        [["Firm", "Phone", "Balance", ""], ["", "", "500", "ask Asha"], ["Acme", "9845012345", "500", "paid"]],
        0, 1, ("Firm", "Phone", "Balance"),
    ),
    "no header, and phones inside texts": (
        [["Asha - 98450 12345", "x"], ["Ravi / 9845012346", "Website"], ["Meena 9845012347", "Website"]],
        None, 0, ("Column A", "Column B"),
    ),
    "the last row is as wide as a header": (
        [["Wer", "", "Woher"], ["Ravi", "Hosur", ""], ["Meena", "Goa", "Expo"]], 0, 1, ("Wer", "", "Woher"),
    ),
    "no header": ([ASHA, RAVI], None, 0, ("Column A", "Column B", "Column C")),
    "no header, one column": ([["9845012345"], ["9845012346"]], None, 0, ("Column A",)),
    "no header, a lead from the website": (
        [ASHA, ["Ravi", "", "Website"]], None, 0, ("Column A", "Column B", "Column C"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_header_is_found(layout):
    """Every layout has its header where people see it."""
    rows, index, lines, names = LAYOUTS[layout]
    assert find_header_row(rows) == HeaderRow(index, names, lines)


def test_empty_sheet_has_no_header():
    """A sheet without a single text has no header, and that is not an error."""
    assert find_header_row([]) == HeaderRow(None, (), 0)
    assert find_header_row([[], [""]]).index is None


def test_header_row_can_be_named():
    """`--header-row` decides, without the empty cells behind the last header."""
    assert take_header_row([["x"], ["a", "b", ""]], 1, row_number=2) == HeaderRow(1, ("a", "b"))


@pytest.mark.parametrize("index", [1, 2, 99])
def test_empty_or_missing_header_row_is_refused(index):
    """The error names the row as the user counts it."""
    with pytest.raises(UsageError, match=f"row {index + 1} is empty or does not exist"):
        take_header_row([["x"], ["", " "]], index, row_number=index + 1)


@pytest.mark.parametrize(
    ("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16383, "XFD")]
)
def test_unnamed_column_is_lettered_as_in_a_spreadsheet(index, name):
    """`Column AA` follows `Column Z`."""
    assert format_column_name(index) == f"Column {name}"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("9845012345", True), ("+91 98450-12345", True), ("p:+919845012345", True), ("919845012345.0", True),
        ("(080) 2223 3344", True), ("12-03-24", False), ("12/03/2024", False), ("2024-03-12", False), ("Asha", False), ("", False), ("560001", False), ("9.8E+09", False),
    ],
)  # fmt: skip
def test_phone_like_cells(text, answer):
    """A phone is recognised in every spelling, and a date is not a phone."""
    assert is_phone_like(text) is answer


@pytest.mark.parametrize(
    "cells",
    [
        ["Total", "45"], ["Grand Total", "", "1,20,000"], ["GRAND TOTALS (45 records)"], ["Sub Total:", "12"],
        ["Sub-total", "12"], ["Subtotal", "₹ 1,20,00,000.50"], ["Total Leads: 45"], ["Total no. of leads", "45"],
        ["Total", "123456789"], ["TOTAL AMOUNT", "Rs. 45,000/-"], ["45 records"], ["Row count: 45"], ["Count = 45"],
        ["Page 1 of 3"], ["*** End of Report ***"], ["Confidential Information - Do Not Distribute"],
        ["Copyright (c) 2000-2024 salesforce.com, inc. All rights reserved."], ["Copyright © 2024 Acme"],
        ["Generated By:  Asha Rao", "", "12/03/2024 10:15"], ["Exported on 12-03-2024"], ["Exported on", "12-03-2024"], ["Report generated", "x"],
        ["कुल", "45"], ["कुल योग", "१२"], ["  Total  ", "4"], ["Count", "12"], ["Total Patients : 80", "40000"],
        ["Total walk-ins", "14"],
    ],
    ids=lambda cells: " | ".join(cells) or "blank",
)  # fmt: skip
def test_totals_and_footers_are_not_leads(cells):
    """Lines that report programs print below a table are recognised."""
    assert is_footer(cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["Total Environment", "Whitefield"], ["Total Gas Agency"], ["Totally Fit Gym", "x"], ["Totals", "9845012345"],
        ["Total", "98450,12345"], ["Total", "98450.12345"], ["Total", "", "9000000000"], ["Grand Hotel", "x"],
        ["Copyright Agents Ltd"], ["Count Dracula"], ["Count", "9845012345"], ["Total Care Clinic", "x"], ["Page Kumar", "x"], ["45 degrees Cafe"],
        ["Generated By: Asha", "9845012345"], ["Total", "1", "2", "3", "4"], ["End of road cafe"], [], ["", " "],
    ],
    ids=lambda cells: " | ".join(cells) or "blank",
)  # fmt: skip
def test_possible_lead_is_never_a_footer(cells):
    """Somebody sees a rejected row, but a lead that was taken for a total is lost."""
    assert not is_footer(cells)


@pytest.mark.parametrize(
    "text", ["02-11-2026 (Monday)", "Date: 2/11/26", "2026-11-02 00:00:00", "Monday, 02.11.2026"]
)
def test_date_alone_is_not_a_lead(text):
    """Registers have a line for each day."""
    assert is_date_line(["", text, ""])
    assert not is_date_line([text, "Asha"])


@pytest.mark.parametrize("text", ["Asha Rao", "9845012345", "02-11", "Asha 02-11-2026 call back", ""])
def test_other_text_alone_may_be_a_lead(text):
    assert not is_date_line([text, ""])
