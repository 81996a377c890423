"""Counts and times are written as people in India write them."""

from datetime import datetime

import pytest

from importer.messages import ErrorText, format_count, format_time


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1,000"),
        (99_999, "99,999"),
        (1_00_000, "1,00,000"),
        (1_20_000, "1,20,000"),
        (12_34_56_789, "12,34,56,789"),
        (-1_20_000, "-1,20,000"),
    ],
)
def test_counts_have_indian_grouping(count, text):
    """The last three digits are one group, the others are pairs."""
    assert format_count(count) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 30, 16, 15), "30 Nov 2026, 4:15 pm"),  # noqa: DTZ001 - the zone is not shown
        (datetime(2026, 11, 3, 0, 5), "3 Nov 2026, 12:05 am"),  # noqa: DTZ001
        (datetime(2026, 1, 3, 12, 0), "3 Jan 2026, 12:00 pm"),  # noqa: DTZ001
    ],
)
def test_times_are_written_with_am_and_pm(moment, text):
    """Midnight is 12 am and noon is 12 pm."""
    assert format_time(moment) == text


def test_error_texts_group_counts_but_not_row_numbers():
    """A count is grouped where the text asks for it. A row number is written as the spreadsheet shows it."""
    error = ErrorText("{count:,} rows after row {number}.", "See row {number}.")
    assert error.format(count=120_000, number=120_000) == (
        "1,20,000 rows after row 120000.",
        "See row 120000.",
    )
