"""Which column is which field, and the notices about it."""

from __future__ import annotations

from importer.loader.mapping.map_file import has_real_headers
from tests.support import write_csv


def test_generated_headers_are_not_recognised_again():
    """Every sheet without a header has a Column A, so answers for one sheet do not hold for another."""
    assert has_real_headers(["Column A", "Phone"])
    assert not has_real_headers(["Column A", "Column B", ""])


def test_missing_name_column_is_reported_before_sending(importer):
    """Leads without names are of little use, so a check says that no column holds names."""
    nameless = write_csv(importer.folder / "x.csv", [["Phone", "Kunde"], ["9845010001", "Ravi"]])
    assert "No column holds the names of the leads" in importer("check", nameless).out
    assert "No column holds" not in importer("check", nameless, "--column", "Kunde=full_name").out
