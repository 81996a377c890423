"""An old dump over better leads: nothing is lost, one command shows it before, and one takes it back."""

import pytest

from tests.trial.old_dump import INFO, NEW_LEADS, fill_crm, hold_trial, make_many_people, write_dump

LEADS = 100  # `python -m tests.trial.old_dump` has 3,000


@pytest.fixture
def hold(importer, crm):
    """Hold the trial with a mode, and return what became of the leads."""
    people = make_many_people(LEADS + NEW_LEADS)
    fill_crm(crm, people[:LEADS])
    sheet = write_dump(importer.folder / "dump.csv", people[:LEADS], people[LEADS:])

    def run(*words):
        ended = importer(*words, "--rate", "1000")
        return ended.code, ended.out + ended.err

    return lambda mode: hold_trial(crm, sheet, run, "--existing", mode)


def test_careful_import_of_an_old_dump_loses_nothing(hold):
    """E-mails and infos are added, empty cities are filled, no stage goes back, and the new leads are there."""
    trial = hold("careful")
    assert trial.lost == {}
    assert len(trial.after) == LEADS + NEW_LEADS
    changed = [lead for phone, lead in trial.after.items() if phone in trial.before]
    assert all(lead["additional_info"] == f"{INFO}\nBudget: 60-70L" for lead in changed)
    assert sum(lead["city"] == "Old Town" for lead in changed) == LEADS / 10


def test_one_command_shows_before_what_would_change(hold):
    """How many leads are new, and what happens to each field."""
    plan = hold("careful").plan
    assert f"{NEW_LEADS}  to create: no lead has this phone" in plan
    assert f"{LEADS}  to update" in plan
    assert f"City: {LEADS // 10} filled, {LEADS - LEADS // 10} kept" in plan
    assert f"Stage: {LEADS} kept" in plan


def test_one_command_takes_back_what_a_careless_import_replaced(hold):
    """Every value of the team is back. What the API cannot take back is named: created leads and notes stay."""
    trial = hold("overwrite")
    assert trial.lost["first_name"] == trial.lost["lead_stage_name"] == LEADS
    for phone, lead in trial.before.items():
        undone = {name: value for name, value in trial.undone[phone].items() if name in lead}
        assert undone == lead
    assert len(trial.undone) == LEADS + NEW_LEADS
    assert f"{NEW_LEADS}  created by the run" in trial.undo
