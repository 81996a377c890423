"""The sheets of the three trials with nothing but --yes. The counts are in docs/decisions/0013-trials.md."""

import pytest

from tests.support import leads
from tests.trial.compare import compare
from tests.trial.ten_sheets import make_ten_sheets
from tests.trial.third_sheets import make_third_trial
from tests.trial.twenty_sheets import make_twenty_sheets

NEEDS_A_PERSON = {
    "10b_leadsquared.csv": (0, 0),  # its stages are not in the account
    "11_tab_per_salesman.xlsx": (0, 0),  # the first tab has no leads
    "car_dealer.xlsx": (3, 3),  # most of its stages are not in the account
    "zoho_hindi.csv": (4, 4),  # a stage is not in the account
    "wedding_planner.txt": (10, 7),  # a rare first name alone may be any word
}
"""Leads that go in, and those with a name, where not all do without a person who answers."""


@pytest.mark.parametrize(
    "sheet", [*make_twenty_sheets(), *make_ten_sheets(), *make_third_trial()], ids=lambda sheet: sheet.file
)
def test_sheet_becomes_the_leads_that_an_assistant_would_take(importer, crm, sheet):
    """No lead has a wrong name, none comes from elsewhere, and what is said beside its name is in it."""
    sheet.write(importer.folder / sheet.file)
    ended = importer("run", sheet.file, "--yes")
    found = compare(sheet, leads(crm), ended.code, ended.out + ended.err)
    assert (found.wrongly_named, found.unexpected) == ([], [])
    went_in, named = NEEDS_A_PERSON.get(sheet.file, (found.expected, found.expected))
    assert (found.went_in, found.named, found.complete) == (went_in, named, named)
