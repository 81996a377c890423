"""Reads latitudes and longitudes in degrees."""

from __future__ import annotations

import re

from importer.issues import IssueCode
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.text import strip_cell, to_ascii_digits

_DEGREES = re.compile(r"([-+\u2212]?\d{1,3}(?:\.\d+)?)\s*°?")  # 12.9716, -77.5°
_MAX_LATITUDE, _MAX_LONGITUDE = 90, 180


def read_latitude(text: str) -> float | CellError | None:
    """Return degrees from -90 to 90."""
    return _read_degrees(text, _MAX_LATITUDE)


def read_longitude(text: str) -> float | CellError | None:
    """Return degrees from -180 to 180."""
    return _read_degrees(text, _MAX_LONGITUDE)


def _read_degrees(text: str, limit: int) -> float | CellError | None:
    cell = strip_cell(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    match = _DEGREES.fullmatch(to_ascii_digits(cell))
    if not match:
        return CellError(IssueCode.NOT_DEGREES)
    value = float(match[1].replace("\u2212", "-"))
    return value if -limit <= value <= limit else CellError(IssueCode.OUT_OF_RANGE, f"-{limit} and {limit}")
