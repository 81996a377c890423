"""Tests for a second table beside the first one: it is never read as columns of the same leads."""

from __future__ import annotations

import pytest

from importer.errors import UnreadableFileError
from tests.loader.table_texts import list_rows, open_text

LEADS = "Asha,9845012345,Goa,,Ravi,9845012346,Hosur\n,,,,Meena,9845012347,Goa\n"


@pytest.mark.parametrize(
    ("sheet", "columns"),
    [
        (f"Name,Phone,City,,Name,Phone,City\n{LEADS}", "A to C, and one in columns E to G"),
        (
            f"Walk-ins,,,,Online,,\nName,Phone,City,,Name,Phone,City\n{LEADS}",
            "A to C, and one in columns E to G",
        ),
        (f"Client,Contact,Area,,Customer Name,Mobile,Remarks\n{LEADS}", "A to C, and one in columns E to G"),
        ("Name,Phone,Name,Phone\nAsha,9845012345,Ravi,9845012346\n", "A to B, and one in columns C to D"),
        (f"S.No,Mobile,Name,,S.No,Mobile,Name\n{LEADS}", "A to C, and one in columns E to G"),
    ],
    ids=["same headers", "titles above", "other headers", "without a gap", "counted"],
)
def test_two_tables_side_by_side_are_refused_with_words(tmp_path, sheet, columns):
    """The right table may be longer, and its leads would be left out or become part of other leads."""
    with pytest.raises(UnreadableFileError, match=f"side by side: one in columns {columns}") as refused:
        open_text(tmp_path, sheet)
    assert "below the first one" in refused.value.advice


@pytest.mark.parametrize(
    "sheet",
    [
        f"Name,Phone,City,,Company,Phone,City\n{LEADS}",
        f"Name,Phone,City,,Father Name,Father Mobile,City\n{LEADS}",
        f"Name,Phone,City,,Source,Leads,Cost\n{LEADS}",
        "Name,Phone,City,,Name,Phone,City\nAsha,9845012345,Goa,,,,\n",
        f"Name,Phone,City,,Name,Phone,City\n{LEADS}".replace(",,R", ",x,R"),
        "Name,Phone,Phone,City\nAsha,9845012345,9845012346,Goa\n",
    ],
    ids=["a firm", "a parent", "a summary", "nothing below", "no gap", "two phones"],
)
def test_columns_about_the_same_lead_are_read(tmp_path, sheet):
    assert list_rows(open_text(tmp_path, sheet))[0][1][0] == "Asha"
