"""A day of an agency's operator: forty accounts, three wrong keys, one ban half way. One command again brings it home."""

from __future__ import annotations

import pytest
from openpyxl import Workbook

from importer.sandbox.faults import FaultPlan, InjectedFault
from tests.batch.agency import open_agency

NAMES = tuple(f"client{number:02}" for number in range(1, 41))
WRONG_KEYS = ("client05", "client17", "client33")
BANNED = "client21"
ROWS = 4


@pytest.fixture
def agency(tmp_path, monkeypatch, capsys):
    with open_agency(tmp_path, NAMES, monkeypatch, capsys) as found:
        yield found


def write_files_of_the_day(agency):
    """Two sheets for each client, a table of jobs that was made in Excel, and the manifest."""
    book = Workbook()
    book.active.append(("Account", "File", "Default"))
    for name in NAMES:
        agency.write_sheet(name, "visitors.csv", ROWS, Remarks=f"met at the fair, {name}")
        agency.write_sheet(name, "website.csv", ROWS, first=ROWS)
        book.active.append((name, f"{name}/visitors.csv", "source=Fair"))
        book.active.append((name, f"{name}/website.csv", "source=Website"))
    agency.write_sheet("client08", "website.csv", ROWS, first=ROWS, Stage="No such stage")
    book.save(agency.folder / "jobs.xlsx")
    path = agency.write_manifest(jobs="#")
    path.write_text(f'jobs = "jobs.xlsx"\n{path.read_text("utf-8")}', "utf-8")


def test_one_command_again_brings_the_day_home(agency, monkeypatch):
    """The check names the wrong keys and the sheet to fix. The ban stops one client. Then all leads are in, each once."""
    write_files_of_the_day(agency)
    for name in WRONG_KEYS:
        monkeypatch.setenv(f"KEY_{name.upper()}", "an-old-key")

    checked = agency("--check")
    assert checked.code == 1
    assert [name for name in NAMES if f"  {name}: " in checked.out] == list(WRONG_KEYS)
    assert "client08/website.csv: 4 rows to fix in reports/client08/website-" in checked.out
    agency.write_sheet("client08", "website.csv", ROWS, first=ROWS)

    ban = agency.accounts.sandboxes[BANNED].faults
    ban.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=3))
    first = agency()
    assert first.code == 3
    states = agency.list_states()
    unfinished = {name for name in NAMES if states[name] != ["finished", "finished"]}
    assert unfinished == {*WRONG_KEYS, BANNED}
    assert states[BANNED] == ["stopped", "checked"]
    agency.check_conservation()

    ban.restart(FaultPlan())
    for name in WRONG_KEYS:
        monkeypatch.setenv(f"KEY_{name.upper()}", f"key-{name}")
    again = agency()
    assert again.code == 0, again.out
    assert again.err.rstrip().endswith("All rows went in.")
    agency.check_conservation()
    for name in NAMES:
        leads = list(agency.accounts.sandboxes[name].store.all_leads())
        assert len(leads) == 2 * ROWS
        assert all(len(lead["notes"]) <= 1 for lead in leads)
        assert [lead["source"] for lead in leads] == ["Fair"] * ROWS + ["Website"] * ROWS
