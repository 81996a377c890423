"""Columns that go to no field: text about the lead is kept, and everything that stays out has a reason."""

import pytest

from importer.loader.mapping.column_chooser import needs_confirmation
from importer.loader.rows.drafts import Drafter
from importer.models.mapping import MatchSource
from importer.models.row import SourceRow
from tests.loader.column_sheets import (
    AADHAAR,
    AMOUNT,
    COUNT,
    DATE,
    EMAIL,
    NAME,
    PHONE,
    TEN_DIGIT_ID,
    WORDS,
    YES,
    choose_for,
    without_presets,
)

__all__ = ["without_presets"]  # a fixture for every test here

KEPT = [
    ("Class", ("XII", "XI", "X", "XI")),
    ("Which property do you want?", WORDS),
    ("Location Preferred", WORDS),
    ("Introduced By", ("Rohit", "Kavya", "Rohit", "Kavya")),
    ("Father Name", NAME),
    ("Reference", ("Ravi from Pune", "", "Asha", "")),
    ("KW", ("10", "5", "10", "3")),
    ("Quantity", ("500 pcs", "20", "1 ton", "20")),
    ("Enquiry Date", DATE),
    ("Amount paid", AMOUNT),
    ("Fees", ("85000", "90000", "95000", "70000")),
    ("Name & Address", WORDS),
    ("Home loan needed", YES),
    ("Project Name", WORDS),
    ("campaign_name", WORDS),
    ("Course", ("BBA", "MBA", "BCA", "MCA")),
    ("Budget (USD)", AMOUNT),
    ("Vehicle No", ("MH04AB1200", "MH04AB1201", "MH12CD1202", "MH04AB1203")),
    ("", WORDS),
]
LEFT_OUT = [
    ("S. No.", COUNT, "it counts the rows"),
    ("Sr", ("1", "2", "", "3"), "it counts the rows"),
    ("क्रमांक", ("1", "2", "", "3"), "it counts the rows"),
    ("Token", COUNT, "its cells count up by one"),
    ("Lead ID", ("a1", "a2", "a2", "a4"), "it has numbers or codes of a program"),
    ("Order No", ("10024", "10077", "10025", "10026"), "it has numbers or codes of a program"),
    ("Ref", ("LD-20261", "LD-20262", "LD-20263", "LD-20264"), "it has numbers or codes of a program"),
    ("Created On", DATE, "it says when a program made or changed the row"),
    ("Timestamp", DATE, "it says when a program made or changed the row"),
    ("I agree to the terms", YES, "it says what people agreed to"),
    ("Email verified", YES, "it says what people agreed to"),
    ("Aadhaar No", AADHAAR, 'the word "aadhaar" means something that the CRM has no field for'),
    ("PAN", ("ABCDE1234F", "FGHIJ5678K", "", ""), "it is private, and nobody needs it for a call"),
    ("Mother Mob", PHONE, 'the word "mother" means somebody else'),
    ("Introducer", PHONE, "its cells are phones, but its header does not say whose"),
    ("Old ID", TEN_DIGIT_ID, 'the word "old" means something that the CRM has no field for'),
    ("Agent Email", EMAIL, 'the word "agent" means somebody else'),
    ("Hobby", ("", "", "", ""), "no field has a name like this"),
]


@pytest.mark.parametrize(("header", "cells"), KEPT, ids=[header for header, _ in KEPT])
def test_text_about_the_lead_is_kept_under_its_header(header, cells):
    """What a person typed about a lead is worth a line in the CRM."""
    sheet = [("Name", NAME), ("Mobile", PHONE), (header, cells)]
    column = choose_for(sheet, rest="info").columns[2]
    assert (column.field, column.source) == ("additional_info", MatchSource.REST)
    assert column.reason


@pytest.mark.parametrize(("header", "cells", "reason"), LEFT_OUT, ids=[header for header, _, _ in LEFT_OUT])
def test_what_says_nothing_about_the_lead_stays_out_with_its_reason(header, cells, reason):
    """Row numbers, numbers of a program, dates of creation, consents, and phones of other people."""
    sheet = [("Name", NAME), ("Mobile", PHONE), ("Email", EMAIL), (header, cells)]
    column = choose_for(sheet, rest="info").columns[3]
    assert (column.field, column.reason) == ("", reason)


def test_rest_is_left_out_with_rest_ignore():
    """--rest ignore reads only the columns of known fields."""
    column = choose_for([("Mobile", PHONE), ("Class", WORDS)], rest="ignore").columns[1]
    assert (column.field, column.source) == ("", MatchSource.UNKNOWN_HEADER)


def test_column_that_a_person_left_out_stays_out():
    """`--column "Class="` is an answer, not a gap."""
    mapping = choose_for([("Mobile", PHONE), ("Class", WORDS)], rest="info", columns={"Class": ""})
    assert mapping.columns[1].field == ""


def test_person_is_asked_about_a_column_whose_header_names_a_field():
    """The header says Stage, so a person may know which stages are meant."""
    mapping = choose_for([("Mobile", PHONE), ("Status", YES), ("Class", WORDS)], rest="info")
    assert needs_confirmation(mapping.columns[1])
    assert not needs_confirmation(mapping.columns[2])


def test_kept_cells_are_lines_with_their_header():
    """The text is the same at each import, because the CRM replaces the additional info with it."""
    sheet = [("Mobile", PHONE), ("Class", ("XII", "", "XI", "X")), ("", WORDS), ("Course", WORDS)]
    mapping = choose_for(sheet, rest="info")
    draft = Drafter(mapping, region="IN").draft(SourceRow(2, ("9845012345", "XII", "wants hostel", "JEE")))
    assert draft.payload["additional_info"] == "Class: XII\nColumn C: wants hostel\nCourse: JEE"
    draft = Drafter(mapping, region="IN").draft(SourceRow(3, ("9845012345", "", "", "JEE")))
    assert draft.payload["additional_info"] == "Course: JEE"
