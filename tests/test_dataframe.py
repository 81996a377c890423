"""Values of a DataFrame become the texts that a person would see in the cells."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from importer.dataframe import to_cell_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        (None, ""),
        (math.nan, ""),
        (pd.NaT, ""),
        (pd.NA, ""),
        (np.float64("nan"), ""),
        (Decimal("NaN"), ""),
        (9845012345.0, "9845012345"),
        (np.float64(9845012345), "9845012345"),
        (np.int64(12), "12"),
        (2.5, "2.5"),
        (np.float32(2.5), "2.5"),
        (np.float32(1.1), "1.1"),
        (np.float32(9845012345), "9.845012e+09"),
        (np.float16(1.1), "1.1"),
        (np.longdouble(9845012345), "9845012345"),
        (np.str_("Asha"), "Asha"),
        (b"Asha", "Asha"),
        (b"Jos\xe9", "Jos\ufffd"),
        (np.datetime64("2026-01-05", "ns"), "2026-01-05"),
        (Decimal("sNaN"), ""),
        (1e16, "1e+16"),
        (-0.5, "-0.5"),
        (math.inf, "inf"),
        (True, "TRUE"),
        (np.bool_(False), "FALSE"),
        (Decimal("1200.50"), "1200.50"),
        (pd.Timestamp("2026-01-05"), "2026-01-05"),
        (pd.Timestamp("2026-01-05 10:30"), "2026-01-05 10:30:00"),
        (pd.Timestamp("2026-01-05", tz="Asia/Kolkata"), "2026-01-05 00:00:00+05:30"),
        (dt.date(2026, 1, 5), "2026-01-05"),
        (np.datetime64("2026-01-05"), "2026-01-05"),
        (["VIP", "Hot"], "VIP, Hot"),
        (np.array(["VIP", "Hot"]), "VIP, Hot"),
    ],
)
def test_value_becomes_cell_text(value, text):
    """The text is what a person would see in the cell."""
    assert to_cell_text(value) == text


def test_subclass_of_str_becomes_str():
    """Numpy and scrapers have their own kinds of str, which neither the journal nor the CRM takes."""
    assert type(to_cell_text(np.str_("Asha"))) is str
