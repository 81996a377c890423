"""Sheets of the trials that need a person, at a terminal. The counts are in docs/decisions/0013-trials.md."""

import pytest

from tests.trial.at_terminal import import_at_terminal
from tests.trial.ten_sheets import make_ten_sheets
from tests.trial.third_sheets import make_third_trial
from tests.trial.twenty_sheets import make_twenty_sheets

ASKED = ("01_", "05_", "10b_", "11_", "car_dealer", "channel_partner", "zoho_hindi")
SHEETS = [
    sheet
    for sheet in (*make_twenty_sheets(), *make_ten_sheets(), *make_third_trial())
    if sheet.file.startswith(ASKED)
]


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.file)
def test_every_lead_goes_in_with_name_and_source(sheet, tmp_path):
    """Its owner answers what a stage means and where the leads come from, and else presses Enter."""
    found = import_at_terminal(sheet, tmp_path)
    assert (found.wrongly_named, found.unexpected) == ([], [])
    assert found.went_in == found.named == found.sourced == found.complete == found.expected
