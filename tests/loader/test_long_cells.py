"""Cells of 20,000 odd characters take time in proportion to their length (FINDINGS, "Attack").

A pattern that looks for the end of a run from each of its characters takes a hundred times as long for ten times as many.
"""

import re
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.fields import TITLE_SEPARATORS
from importer.loader.cells import emails, person_names, phone_segments
from importer.loader.cells.emails import read_emails
from importer.loader.cells.numeric_cells import find_header_unit, read_money
from importer.loader.cells.person_names import find_name_beside_phone, read_full_name
from importer.loader.cells.phones import PhoneReader
from importer.loader.cells.text import normalize_note, read_list
from importer.loader.mapping.column_profile import ColumnProfile
from importer.loader.mapping.header_match import match_header
from importer.models.row import SourceRow

FEW, MANY = 2_000, 20_000
ODD = ["(", ")", " ", "\xa0", " \t", "+", "@", "a@", "<", "<a@", "x (", "9 ", "a;", "a\n", "'", "=", "<br "]


def profile(cell):
    """Ask a column of such cells for all that it can say."""
    rows = [SourceRow(number, (f"{number}{cell}",)) for number in range(3)]
    titles = {"lead_stage_name": ("Warm lead", "Hot")}
    column = ColumnProfile(0, rows, titles=titles, region="IN")
    column.has_known_title("lead_stage_name")
    for field in ("customer_phone", "email", "deal_value", "city", "first_name", "lead_stage_name"):
        column.find_contradiction(field)
        column.supports(field)
    return column.holds_names_and_phones, column.holds_persons, column.holds_ids, column.title_match


READERS = {
    "header": match_header.__wrapped__,
    "unit of a header": find_header_unit,
    "profile": profile,
    "list": read_list,
    "e-mails": read_emails,
    "phones": lambda cell: PhoneReader("IN").read(cell, ""),
    "amount": read_money,
    "name": read_full_name,
    "name beside a phone": find_name_beside_phone,
    "note": normalize_note,
}


def measure(read, text):
    """Return the CPU time of a reading."""
    began = thread_time()
    read(text)
    return thread_time() - began


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("reader", READERS)
def test_time_is_in_proportion_to_length(reader, odd):
    """Ten times the characters take at most forty times the time: a generous bound, which a hundred times is not in.

    One of three readings must be in it: on a busy machine even CPU time varies.
    """
    read = READERS[reader]
    few, many = (f"98450 12345 x{(odd * count)[:count]}x" for count in (FEW, MANY))
    bound_s = 0.05 + 40 * min(measure(read, few) for _ in range(3))
    assert any(measure(read, many) < bound_s for _ in range(3))


@pytest.mark.parametrize(
    ("pattern", "simple"),
    [
        (TITLE_SEPARATORS, r"\s*[,;|\n]\s*"),
        (emails._SEPARATORS, r"(?i)\s*(?:[,;|\n]|:::|\s(?:/|&|and|or)\s)\s*|\s+(?=\S+@)"),
        (
            person_names._BETWEEN_PARTS,
            r"[+(]*\d(?:[\s().+-]*\d){6,}[\s().+-]*|[/|;:=,\n()\[\]]|\s[-\u2013\u2014]+\s",
        ),
        (phone_segments._COMMA_EXTENSION, r"(?i)[\s,;]+(?=(?:ext(?:ension|n)?|x)\b[\s.:-]*\d)"),
        (
            phone_segments._EXTENSION,
            r"(?i)[\s(]*(?:(?<![^\W\d_])(?:ext(?:ension|n)?|x)[\s.:-]*|#\s*)(?P<number>\d{1,6})\)?\s*$",
        ),
    ],
    ids=["titles", "e-mails", "name beside a phone", "comma and extension", "extension"],
)
@given(
    text=st.lists(st.sampled_from([*" \n\t,;|:/&+(-19a@x#.", " and ", ":::", " ext 2"]), max_size=14).map(
        "".join
    )
)
def test_pattern_splits_as_the_simple_one_does(pattern, simple, text):
    """The patterns differ from simple ones only in their time."""
    assert pattern.split(text) == re.split(simple, text)
