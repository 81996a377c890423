"""Which column is which field, as the pipeline decides and tells it."""

from __future__ import annotations

from importer.loader.mapping.saved_maps import has_real_headers
from tests.support import write_csv


def test_columns_without_headers_are_not_known_again():
    """Every sheet without a header has a Column A: what was answered for one says nothing of another."""
    assert has_real_headers(["Column A", "Phone"])
    assert not has_real_headers(["Column A", "Column B", ""])


def test_leads_without_names_are_told_of_before_they_are_sent(importer):
    nameless = write_csv(importer.folder / "x.csv", [["Phone", "Kunde"], ["9845010001", "Ravi"]])
    assert "No column holds the names of the leads" in importer("check", nameless).out
    assert "No column holds" not in importer("check", nameless, "--column", "Kunde=full_name").out
