"""A unit in the header of amounts: `65` under `Budget (in lakhs)` is 65 lakh, and must not go in as 65 rupees."""

from __future__ import annotations

import pytest

from importer.loader.cells.cell_error import CellError
from importer.loader.cells.money import compile_money_reader, unit_of
from tests.support import leads, write_csv


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("Budget", ""), ("Budget (Rs.)", ""), ("Budget (in lakhs)", "lakh"), ("Budget (Rs. in Lacs)", "lakh"),
        ("Budget in lakh", "lakh"), ("Budget (L)", "lakh"), ("Deal value (₹ Cr)", "crore"), ("Crores", "crore"),
        ("Amount ('000)", "thousand"), ("Amount (k)", "thousand"), ("Amount [Rs. 000s]", "thousand"), ("बजट (लाख)", "lakh"),
        ("Budget (e.g. 50 lakh)", ""), ("Budget (10 L to 50 L)", ""), ("Cr", ""), ("L", ""), ("Place", ""),
    ],
)  # fmt: skip
def test_the_unit_that_a_header_names(header, unit):
    """Short letters count in brackets alone, and an example with a number in it is none."""
    assert unit_of(header) == unit


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("65", 6_500_000), ("1.2", 120_000), ("65 lakh", 6_500_000), ("2 Cr", 20_000_000), ("₹110/-", 11_000_000),
        ("(5)", -500_000), ("-", None), ("0", 0), ("9999", 999_900_000),
    ],
)  # fmt: skip
def test_cells_below_it(cell, amount):
    """A cell's own unit wins."""
    assert compile_money_reader("Budget (in lakhs)")(cell) == amount


@pytest.mark.parametrize("cell", ["5500000", "65,00,000", "-6500000"])
def test_an_amount_that_was_typed_in_rupees_all_the_same_is_not_guessed(cell):
    assert compile_money_reader("Budget (in lakhs)")(cell) == CellError("unit_unclear", "lakh")


def test_a_sheet_of_lakhs_goes_in_as_lakhs(importer, crm):
    """Whoever named the column: by itself, or by --column."""
    rows = [
        ["Phone", "Budget (in lakhs)"],
        ["9845010001", "65"],
        ["9845010002", "1.2"],
        ["9845010003", "6500000"],
    ]
    sheet = write_csv(importer.folder / "x.csv", rows)
    assert importer("run", sheet, "--yes").code == 1
    assert {phone: lead["deal_value"] for phone, lead in leads(crm).items()} == {
        "+919845010001": 6_500_000, "+919845010002": 120_000,
    }  # fmt: skip
    named = importer("run", sheet, "--yes", "--column", "Budget (in lakhs)=deal_value")
    assert named.failed[0]["_problems"] == (
        'Row 4, Budget (in lakhs): "6500000" is too much for lakhs, as the header has it. Type it with its unit, like 65 lakh.'
    )
