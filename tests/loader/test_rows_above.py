"""Tests for rows above the header: leads are read, a letterhead is named, and no row with a phone is left out unsaid."""

from __future__ import annotations

import pytest

from tests.loader.table_texts import list_notices, list_rows, open_text

BELOW = "Name,Phone,City\nSita,9845012350,Pune\n"


def test_leads_above_the_only_header_are_read(tmp_path):
    table = open_text(tmp_path, f"Asha Rao,9845012345,Mysuru\nRavi,98450 12346\n\n{BELOW}")
    assert list_rows(table) == [
        (1, ("Asha Rao", "9845012345", "Mysuru"), []),
        (2, ("Ravi", "98450 12346", ""), []),
        (5, ("Sita", "9845012350", "Pune"), []),
    ]
    assert list_notices(table)[-1] == (
        "read: Rows 1, 2 are above the header. They were read as leads, in the same columns."
    )


def test_header_below_many_leads_is_the_header(tmp_path):
    """It is found below the sixty rows in which a header is searched first."""
    leads = "".join(f"Asha,{9_845_000_000 + number},Goa\n" for number in range(200))
    table = open_text(tmp_path, leads + BELOW)
    assert table.headers == ("Name", "Phone", "City")
    assert len(list_rows(table)) == 201


@pytest.mark.parametrize(
    "above",
    [
        "Asha Rao,9845012345,Mysuru",
        "9845012345,Asha Rao,Mysuru\n9845012346,Ravi,Hosur",
        "Asha,x,y,9845012345",
    ],
    ids=["one alone", "in another order", "wider than the header"],
)
def test_row_that_may_be_a_lead_is_rejected_with_words(tmp_path, above):
    """Neither a firm's own phone as a lead, nor a lead left out in silence."""
    table = open_text(tmp_path, f"{above}\n{BELOW}")
    rows = list_rows(table)
    assert [codes[0] for _, _, codes in rows[:-1]] == ["above_header"] * (above.count("\n") + 1)
    assert rows[-1][2] == []


@pytest.mark.parametrize(
    "line",
    [
        "Helpline,1800 123 4567",
        "Phone,9845012345,",
        ",Lake View Homes - 98450 12345,",
        "Customer Care:,98450-12345,",
    ],
)
def test_phone_of_the_firm_is_no_lead_and_is_named(tmp_path, line):
    table = open_text(tmp_path, f"Lake View Homes\n{line}\n{BELOW}")
    assert [number for number, _, _ in list_rows(table)] == [4]
    assert list_notices(table)[-1].startswith("ignored: Row 2 above the header was skipped because its phone")


def test_rows_above_a_named_header_row_are_named(tmp_path):
    """Whoever names the header row wants what is below it, and hears what is above."""
    table = open_text(tmp_path, f"{BELOW}\n{BELOW}", header_row=4)
    assert [number for number, _, _ in list_rows(table)] == [5]
    assert list_notices(table)[-1] == (
        "ignored: Row 2 holds a phone, but it was not read because it is above --header-row."
    )
