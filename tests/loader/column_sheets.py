"""Cells and helpers for tests of column choices."""

import pytest

from importer.loader.mapping import column_chooser
from importer.loader.mapping.column_chooser import choose_columns
from importer.models.row import SourceRow

TITLES = {
    "lead_stage_name": ("New", "Contacted", "Interested", "Warm lead", "Hot lead", "Won", "Lost"),
    "lead_group_name": ("Website leads", "Walk-ins"),
    "add_labels": ("VIP", "Hot", "Hindi", "Kannada", "Parking, two cars"),
    "remove_labels": ("VIP", "Hot", "Hindi", "Kannada", "Parking, two cars"),
    "add_products": ("3 BHK flat", "Villa plot", "Home loan"),
    "source_type": ("CSV_UPLOAD", "OTHERS"),
}
PHONE = ("9845012345", "098450 12346", "+91-98450-12347", "9845012348")
LANDLINE = ("080 41122001", "080-41122002", "", "")
NAME = ("Asha Rao", "Ravi Kumar", "Meena Iyer", "Imran Khan")
EMAIL = ("asha@example.in", "ravi@example.in", "", "imran@example.in")
AMOUNT = ("₹1,20,000/-", "2.5 lakh", "10k", "50000")
WORDS = ("some text", "another", "more words", "last one")
CITY = ("Pune", "Mysuru", "Pune", "Hosur")
DATE = ("2026-01-05", "06/01/2026", "2026-01-07 10:15:00", "2026-01-08")
STAGE = ("New", "warm lead", "Hot Lead", "New")
PRODUCTS = ("Villa plot", "3 BHK flat", "", "Home loan")
YES = ("Yes", "No", "Yes", "yes")
COUNT = ("1", "2", "3", "4")
ID = ("10023", "10024", "10025", "10026")
AADHAAR = (
    "9198 4501 2345",
    "9198 4501 2346",
    "9198 4501 2347",
    "9198 4501 2348",
)  # each would pass for a mobile
TEN_DIGIT_ID = ("9845099001", "9845099002", "9845099003", "9845099004")  # so would these
LINK = ("www.example.in", "https://example.com", "example.org", "www.example.co.in")


@pytest.fixture(autouse=True)
def without_presets(monkeypatch):
    """Headers and cells decide alone. Presets have tests of their own."""
    monkeypatch.setattr(column_chooser, "find_preset", lambda *_: None)


def choose_for(sheet, **options):
    """Return the mapping of a sheet, given as (header, cells) in the order of its columns."""
    headers = [header for header, _ in sheet]
    height = max((len(cells) for _, cells in sheet), default=0)
    rows = [
        SourceRow(number + 2, tuple(cells[number] if number < len(cells) else "" for _, cells in sheet))
        for number in range(height)
    ]
    return choose_columns(
        headers, rows, **{"titles": TITLES, "needs_phone": False, "rest": "ignore", **options}
    )


def list_fields(sheet, **options):
    """Return (header, field) of each column of the sheet."""
    return [(column.header, column.field) for column in choose_for(sheet, **options).columns]
