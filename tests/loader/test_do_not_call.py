"""Headers whose cells mean nothing alone reach the CRM with their header: do not call, middle name."""

from __future__ import annotations

import pytest

from tests.support import leads, write_csv


@pytest.mark.parametrize("header", ["Do Not Call", "DND", "DNC", "Opted out", "do_not_contact"])
def test_wish_not_to_be_called_is_on_the_lead(importer, crm, header):
    """The caller must see that somebody asked not to be called."""
    rows = [
        ["Name", "Mobile", header],
        ["Asha Rao", "9845010001", "Yes"],
        ["Ravi", "9845010002", ""],
        ["Meena", "9845010003", "No"],
    ]
    write_csv(importer.folder / "x.csv", rows)
    assert importer("run", "x.csv", "--yes").code == 0
    found = leads(crm)
    assert found["+919845010001"]["additional_info"] == f"{header}: Yes"
    assert "additional_info" not in found["+919845010002"]
    assert found["+919845010003"]["additional_info"] == f"{header}: No"


def test_middle_name_is_kept(importer, crm):
    """The CRM has no field for it, so it is in the additional info."""
    rows = [["First Name", "Middle Name", "Last Name", "Mobile"], ["Asha", "K", "Rao", "9845010001"]]
    write_csv(importer.folder / "x.csv", rows)
    assert importer("run", "x.csv", "--yes").code == 0
    lead = leads(crm)["+919845010001"]
    assert (lead["first_name"], lead["last_name"]) == ("Asha", "Rao")
    assert lead["additional_info"] == "Middle Name: K"
