"""The smaller kinds: lists, full names, coordinates."""

from __future__ import annotations

import re

from importer.loader.cells.fault import Fault
from importer.loader.cells.text import ascii_digits, bare, clean, clean_name

_SEPARATORS = re.compile(r"\s*[,;|\n]\s*")


def read_list(text: str) -> list[str] | Fault | None:
    """The pieces of a list cell in order. A title with a comma in it is put together by the validator."""
    cell = clean(text)
    if cell is None or isinstance(cell, Fault):
        return cell
    pieces = [piece for piece in _SEPARATORS.split(cell) if piece]
    return pieces or None


def read_full_name(text: str) -> tuple[str, str] | Fault | None:
    """First and last name: the last word is the last name; `Rao, Asha` is turned round."""
    name = clean_name(text)
    if name is None or isinstance(name, Fault):
        return name
    last, comma, first = name.partition(",")
    if comma and first.strip() and last.strip() and "," not in first:
        return " ".join(first.split()), " ".join(last.split())
    words = name.split()
    return (words[0], "") if len(words) == 1 else (" ".join(words[:-1]), words[-1])


def read_latitude(text: str) -> float | Fault | None:
    """Degrees from -90 to 90."""
    return _degrees(text, 90)


def read_longitude(text: str) -> float | Fault | None:
    """Degrees from -180 to 180."""
    return _degrees(text, 180)


def _degrees(text: str, most: int) -> float | Fault | None:
    cell = bare(text)
    if cell is None or isinstance(cell, Fault):
        return cell
    try:
        value = float(ascii_digits(cell).rstrip("°"))
    except ValueError:
        return Fault("not_a_number")
    return value if -most <= value <= most else Fault("out_of_range", f"-{most} and {most}")
