"""Finding the row of headers: below title lines, merged cells and blank rows; in two lines; or nowhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from importer.errors import UsageError
from importer.loader.vocabulary import KNOWN_HEADERS, is_known_header, normalize_header
from importer.models.status import is_report_header

LOOKED_AT = 60  # rows from the top in which a header is looked for
_PHONE_LIKE = re.compile(r"^\W*(?:p:|tel:)?\W*(?:\d[\s\-./()]*){7,15}(?:\.0)?\W*$")
_DATE = re.compile(r"\W*(?:\d{1,2}([-/.])\d{1,2}\1(?:19|20)\d\d|(?:19|20)\d\d([-/.])\d{1,2}\2\d{1,2})\W*")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_MOST_WORDS = 12
_SURE = 2  # so many known names make a header, whatever else stands in the row


class HeaderFound(msgspec.Struct, frozen=True):
    """Where the header is: `index` in the rows looked at, or None; `lines` is how many rows it takes."""

    index: int | None
    names: tuple[str, ...]
    lines: int = 1


def find_header(rows: Sequence[Sequence[str]]) -> HeaderFound:
    """The header among the first rows of a sheet.

    The row whose cells are mostly known headers wins; else the first with as many texts as the table is
    wide. Where the first row of the table holds a phone already, there is no header. A report of our own
    is known by its `_` columns.
    """
    own = next((i for i, row in enumerate(rows) if is_report_header(cell.strip() for cell in row)), None)
    if own is not None:
        return HeaderFound(own, _named(rows[own]))
    scores = [_score(rows, index) for index in range(len(rows))]
    best = max(range(len(rows)), key=lambda index: (scores[index], -index), default=None)
    if best is None or scores[best] <= 0:
        width = max((len(row) for row in rows), default=0)
        return HeaderFound(None, tuple(format_column_name(index) for index in range(width)), 0)
    return _with_second_line(rows, best)


def header_at(rows: Sequence[Sequence[str]], index: int, *, asked: int) -> HeaderFound:
    """The header that `--header-row` names: `index` in the rows, `asked` for by number. Raises UsageError where the sheet has no such row."""
    if index >= len(rows) or not any(cell.strip() for cell in rows[index]):
        raise UsageError(
            f"--header-row: row {asked} is empty or not there.",
            "Count rows as the spreadsheet shows them.",
        )
    return HeaderFound(index, _named(rows[index]))


def is_phone_like(text: str) -> bool:
    """Whether a cell looks like a phone: 7 to 15 digits, and little else. A date does not."""
    return bool(_PHONE_LIKE.match(text)) and not _DATE.fullmatch(text)


def format_column_name(index: int) -> str:
    """`Column A`, as the spreadsheet letters it."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return f"Column {letters}"


def _score(rows: Sequence[Sequence[str]], index: int) -> float:
    """How much a row looks like a header; 0 for one that cannot be."""
    filled = [cell.strip() for cell in rows[index] if cell.strip()]
    known = _known(filled)
    if not filled or any(_is_value(cell, known) for cell in filled):
        return 0.0
    below = rows[index + 1 : index + 12]
    width = max((sum(1 for cell in row if cell.strip()) for row in below), default=0)
    has_phones = any(map(_has_phone, below))
    if not known and len(filled) < 2 and not (has_phones and width == 1):
        return 0.0
    if known < _SURE and any(map(_has_phone, rows[:index])):
        return 0.0  # leads stand above it, so it is one: "Website" may well be where it came from
    return 3 * known + len(filled) / max(width, len(filled)) + (1 if has_phones else 0)


def _known(cells: Sequence[str]) -> int:
    """How many different fields the cells name."""
    return len({KNOWN_HEADERS[normalize_header(cell)] for cell in cells if is_known_header(cell)})


def _has_phone(row: Sequence[str]) -> bool:
    return any(map(is_phone_like, row))


def _is_value(cell: str, known: int = 0) -> bool:
    """Whether a cell is a lead's rather than the name of a column.

    Beside `known` names, a whole sentence (a form's question) and a number (a year) name columns too.
    """
    if is_phone_like(cell) or _EMAIL.fullmatch(cell):
        return True
    return (not known and len(cell.split()) > _MOST_WORDS) or (
        known < _SURE and cell.replace(".", "").isdigit()
    )


def _with_second_line(rows: Sequence[Sequence[str]], index: int) -> HeaderFound:
    """Join a header of two lines: groups above (often merged cells), names below, or the other way round."""
    names = _named(rows[index])
    groups = [cell.strip() for cell in rows[index - 1]] if index else []
    filled = [cell for cell in groups if cell]
    if len(filled) >= 2 and not any(map(_is_value, filled)):
        if _some_names_repeat(names):
            return HeaderFound(index, _joined(groups, names), 1)
        # A name that is merged over both lines stands in the upper one.
        names = _named([name or group for group, name in _zipped(groups, names)])
    below = [cell.strip() for cell in rows[index + 1]] if index + 1 < len(rows) else []
    if _goes_on(names, below):
        return HeaderFound(index, tuple(f"{a} {b}".strip() for a, b in _zipped(names, below)), 2)
    return HeaderFound(index, names)


def _some_names_repeat(names: Sequence[str]) -> bool:
    filled = [normalize_header(name) for name in names if name]
    return len(set(filled)) < len(filled)


def _joined(groups: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """`Home` over `Phone`, `City` and `Work` over `Phone`: `Home Phone`, `Home City`, `Work Phone`."""
    current, joined = "", []
    for group, name in _zipped(groups, names):
        current = group or current
        joined.append(f"{current} {name}".strip() if name else group)
    return tuple(joined)


def _goes_on(names: Sequence[str], below: Sequence[str]) -> bool:
    """Whether the next row is the header's second line: it fills gaps of the first, mostly with known names."""
    filled = [cell for cell in below if cell]
    gaps = sum(1 for name, cell in _zipped(names, below) if not name and cell)
    known = _known(filled)
    return (
        bool(gaps)
        and (2 * known > len(filled) or (known > 0 and gaps == len(filled)))
        and not any(map(_is_value, filled))
    )


def _zipped(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    width = max(len(first), len(second))
    return [(first[i] if i < len(first) else "", second[i] if i < len(second) else "") for i in range(width)]


def _named(cells: Sequence[str]) -> tuple[str, ...]:
    """The headers, without the empty cells that trail behind them."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)
