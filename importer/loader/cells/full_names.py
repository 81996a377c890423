"""The smaller kinds: lists, full names, coordinates."""

from __future__ import annotations

import re

from importer.fields import TITLE_SEPARATORS
from importer.issues import IssueCode
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.text import NULL_WORDS, ascii_digits, bare, clean, clean_name

_DEGREES = re.compile(r"([-+\u2212]?\d{1,3}(?:\.\d+)?)\s*°?")
_AFTER_A_NAME = re.compile(
    r"(?i)(?:jr|sr|ii|iii|m\.?d|mbbs|mba|ph\.?d|ca|cs|adv|advocate|ceo|pvt|private|ltd|llp|inc)\b"
)


def read_list(text: str) -> list[str] | CellError | None:
    """The pieces of a list cell in order. A title with a comma in it is put together by the validator."""
    cell = clean(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    pieces = [piece for piece in TITLE_SEPARATORS.split(cell) if piece and piece.lower() not in NULL_WORDS]
    return pieces or None


def read_full_name(text: str) -> tuple[str, str] | CellError | None:
    """First and last name: the last word is the last name; `Rao, Asha` is turned round.

    `Acme Traders, Pune` and `Asha Rao, MBA` are not: a surname in front is one word, and no degree follows it.
    """
    name = clean_name(text)
    if name is None or isinstance(name, CellError):
        return name
    if "," in name:
        last, _, first = (part.strip() for part in name.partition(","))
        if first and len(last.split()) == 1 and not _AFTER_A_NAME.match(first) and "," not in first:
            return " ".join(first.split()), last
    *first_words, last_word = name.split()
    return (" ".join(first_words), last_word) if first_words else (last_word, "")


def read_latitude(text: str) -> float | CellError | None:
    """Degrees from -90 to 90."""
    return _degrees(text, 90)


def read_longitude(text: str) -> float | CellError | None:
    """Degrees from -180 to 180."""
    return _degrees(text, 180)


def _degrees(text: str, most: int) -> float | CellError | None:
    cell = bare(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    found = _DEGREES.fullmatch(ascii_digits(cell))
    if not found:
        return CellError(IssueCode.NOT_DEGREES)
    value = float(found[1].replace("\u2212", "-"))
    return value if -most <= value <= most else CellError(IssueCode.OUT_OF_RANGE, f"-{most} and {most}")
