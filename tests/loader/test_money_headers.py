"""A unit in a header applies to its cells: `65` under `Budget (in lakhs)` is 65 lakh, not 65 rupees."""

from __future__ import annotations

import pytest

from importer.loader.cells.numeric_cells import MoneyReader, find_header_unit
from importer.loader.cells.text import CellError
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
def test_header_names_its_unit(header, unit):
    """Short units count only in brackets, and an example with a number is not a unit."""
    assert find_header_unit(header) == unit


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("65", 6_500_000), ("1.2", 120_000), ("65 lakh", 6_500_000), ("2 Cr", 20_000_000), ("₹110/-", 11_000_000),
        ("(5)", -500_000), ("-", None), ("0", 0), ("9999", 999_900_000),
    ],
)  # fmt: skip
def test_cells_have_the_unit_of_the_header(cell, amount):
    """A cell that names its own unit keeps that unit."""
    assert MoneyReader("Budget (in lakhs)").read(cell) == amount


@pytest.mark.parametrize("cell", ["5500000", "65,00,000", "-6500000"])
def test_amount_too_large_for_the_unit_is_rejected(cell):
    """It was probably typed in rupees, and the tool does not guess."""
    assert MoneyReader("Budget (in lakhs)").read(cell) == CellError("unit_unclear", "lakh")


def test_amounts_in_lakhs_are_imported_as_lakhs(importer, crm):
    """It does not matter whether the column was found by its header or by --column."""
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
        'Row 4, Budget (in lakhs): "6500000" is too large for an amount in lakhs, the unit in the header. Type it with its own unit, like 65 lakh.'
    )
