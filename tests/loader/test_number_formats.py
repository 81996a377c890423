"""Tests for numbers and dates as the sheet shows them: never a digit more or fewer."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.loader.formats.number_formats import (
    format_date,
    format_number,
    is_date_format,
    parse_digit_places,
)

AT = dt.datetime(2024, 3, 4, 15, 6, 7)  # noqa: DTZ001 - a cell has no time zone


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("dd-mm-yyyy", "04-03-2024"), ("d/m/yy", "4/3/24"), ("yyyy\\-mm\\-dd", "2024-03-04"), ("mm-dd-yy", "03-04-24"),
        ("dd-mmm-yy", "04-Mar-24"), ("mmmm d, yyyy", "March 4, 2024"), ("dddd, d mmmm yyyy", "Monday, 4 March 2024"),
        ("[$-409]d-mmm-yy;@", "4-Mar-24"), ("ddd", "Mon"), ("mmmmm", "M"), ("h:mm AM/PM", "3:06 PM"), ("hh:mm:ss", "15:06:07"),
        ("mm:ss", "06:07"), ("dd/mm/yyyy hh:mm", "04/03/2024 15:06"), ("m/d/yy h:mm", "3/4/24 15:06"),
        ('d "of" mmmm', "4 of March"), ("yyyy_)", "2024"), ("* dd", "04"), ("YYYY-MM-DD", "2024-03-04"), ("y", "24"), ("h a/p", "3 P"),
        ("General", "04-03-2024 15:06:07"), (None, "04-03-2024 15:06:07"), ("0.00", "04-03-2024 15:06:07"),
    ],
)  # fmt: skip
def test_dates_are_shown_in_their_own_format(code, shown):
    assert format_date(AT, code) == shown


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (dt.date(2024, 3, 4), None, "04-03-2024"), (dt.time(9, 5), None, "09:05:00"), (dt.time(0, 5), "h:mm AM/PM", "12:05 AM"),
        (dt.timedelta(hours=30, minutes=5), "[h]:mm:ss", "30:05:00"), (dt.timedelta(hours=30), None, "30:00:00"),
        (dt.timedelta(minutes=90), "[mm]:ss", "90:00"), (dt.timedelta(seconds=5), "[s]", "5"), (dt.timedelta(hours=-1), None, "-1:00:00"),
    ],
)  # fmt: skip
def test_days_times_and_durations_are_shown_in_their_own_format(value, code, shown):
    assert format_date(value, code) == shown


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (9845012345.0, None, "9845012345"), (919845012345.0, "0", "919845012345"), (0.1 + 0.2, None, "0.3"), (-5.0, None, "-5"),
        (12345.0, "0000000", "0012345"), (9845012345.0, "00000 00000", "98450 12345"), (9845012345.0, '"+91" 0000000000', "+91 9845012345"),
        (9845012345.0, "\\+91\\-0000000000", "+91-9845012345"), (2223334.0, "(000) 0000000", "(000) 2223334"),
        (919845012345.0, "00000 00000", "9198450 12345"), (80.0, '"+10" 00000', "+10 00080"), (7.0, "#####", "7"),
        (-12.0, "0000", "-12"), (120000.0, "#,##0", "120000"), (120000.0, '"₹" #,##0.00', "120000"), (5.0, "0%", "5"),
        (5.0, "[<=9999999]###-####;(###) ###-####", "5"), (5.0, "dd-mm-yy", "5"), (1e15, None, "1.00000E+15"), (5.0, '0 "sqft"', "5"),
    ],
)  # fmt: skip
def test_numbers_are_shown_with_every_digit_and_the_prefix_of_their_format(value, code, shown):
    assert format_number(value, code) == shown


@pytest.mark.parametrize(
    "code",
    ["General", "Standard", "0", "@", "#,##0", "0.00E+00", '"days" 0', "[Red]0", '_-"₹"* #,##0_-', "\\d0"],
)
def test_number_formats_are_not_date_formats(code):
    assert not is_date_format(code)


@given(
    st.integers(0, 10**15 - 1),
    st.sampled_from(["0000000000", "00000 00000", '"+91" 0000000000', "(000) 000-0000"]),
)
def test_format_never_loses_a_digit(value, code):
    digits = "".join(filter(str.isdigit, format_number(float(value), code)))
    assert digits.endswith(str(value)), digits


@given(
    st.text('0#ymdhs"\\[]_*;-+ ./,AMPEG', max_size=12),
    st.sampled_from([AT, AT.date(), AT.time(), dt.timedelta(hours=40)]),
)
def test_no_format_code_breaks_the_reader(code, value):
    assert isinstance(format_date(value, code), str)
    assert isinstance(format_number(12.0, code), str)
    assert isinstance(parse_digit_places(code), tuple)
