"""Finds the header row: below title lines, merged cells and blank rows, in one line or two, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from importer.errors import UsageError
from importer.loader.vocabulary import is_known_header, load_vocabulary, normalize_header
from importer.messages import mapping_messages
from importer.models.mapping import format_column_name
from importer.models.status import is_report_header

MAX_SEARCHED_ROWS = 60  # rows from the top; exports with a longer preamble have not been seen
_PHONE_LIKE = re.compile(
    r"^\W*(?:p:|tel:)?\W*(?:\d[\s\-./()]*){7,15}(?:\.0)?\W*$"
)  # `+91 98450-12345`, `p:+919845012345`, and `919845012345.0`, which a program makes of a number
_DATE = re.compile(
    r"\W*(?:\d{1,2}([-/.])\d{1,2}\1(?:19|20)\d\d|(?:19|20)\d\d([-/.])\d{1,2}\2\d{1,2})\W*"
)  # `12/03/2024`, `2024-03-12`: eight digits, but not a phone
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")  # `asha@example.in`
_MAX_HEADER_WORDS = 12  # longer texts are notes, unless known headers are beside them
_MIN_SURE_HEADERS = 2  # with so many known headers a row is the header, whatever else is in it
_ROWS_BELOW = 11  # rows below a possible header whose width and phones count
_KNOWN_WEIGHT = 3  # one known header counts more than a full width and a phone below together


class HeaderRow(msgspec.Struct, frozen=True):
    """Where the header is: `index` among the rows searched, or None. It takes `lines` rows."""

    index: int | None
    names: tuple[str, ...]
    lines: int = 1


def find_header_row(rows: Sequence[Sequence[str]]) -> HeaderRow:
    """Return the header among the first rows of a sheet.

    The row with the most known headers wins, else the first row with as many texts as the table is wide. If the
    table begins with a row that has a phone, it has no header. Our own reports are recognised by their `_` columns.
    """
    own = next((i for i, row in enumerate(rows) if is_report_header(cell.strip() for cell in row)), None)
    if own is not None:
        return HeaderRow(own, _trim_names(rows[own]))
    scores = [_score_row(rows, index) for index in range(len(rows))]
    best = max(range(len(rows)), key=lambda index: (scores[index], -index), default=None)
    if best is None or scores[best] <= 0:
        width = max((len(row) for row in rows), default=0)
        return HeaderRow(None, tuple(format_column_name(index) for index in range(width)), 0)
    return _join_second_line(rows, best)


def take_header_row(rows: Sequence[Sequence[str]], index: int, *, row_number: int) -> HeaderRow:
    """Return the header that `--header-row` names: `index` in the rows, row `row_number` for the user.

    Raises UsageError if the row is empty or missing.
    """
    if index >= len(rows) or not any(cell.strip() for cell in rows[index]):
        raise UsageError(*mapping_messages.HEADER_ROW_IS_EMPTY.format(row=row_number))
    return HeaderRow(index, _trim_names(rows[index]))


def is_phone_like(text: str) -> bool:
    """Whether a cell looks like a phone: 7 to 15 digits and little else. A date does not."""
    return bool(_PHONE_LIKE.match(text)) and not _DATE.fullmatch(text)


def _score_row(rows: Sequence[Sequence[str]], index: int) -> float:
    """Return how much a row looks like a header. 0 means that it cannot be one."""
    filled = [cell.strip() for cell in rows[index] if cell.strip()]
    known = _count_known_fields(filled)
    if not filled or any(_is_value(cell, known) for cell in filled):
        return 0.0
    below = rows[index + 1 : index + 1 + _ROWS_BELOW]
    width = max((sum(1 for cell in row if cell.strip()) for row in below), default=0)
    has_phones = any(map(_has_phone, below))
    if not known and len(filled) < 2 and not (has_phones and width == 1):
        return 0.0
    if known < _MIN_SURE_HEADERS and any(map(_has_phone, rows[:index])):
        return 0.0  # there are leads above it, so it is a lead: "Website" may be its source
    return _KNOWN_WEIGHT * known + len(filled) / max(width, len(filled)) + (1 if has_phones else 0)


def _count_known_fields(cells: Sequence[str]) -> int:
    """Return how many different fields the cells name."""
    known_headers = load_vocabulary().known_headers
    return len({known_headers[normalize_header(cell)] for cell in cells if is_known_header(cell)})


def _has_phone(row: Sequence[str]) -> bool:
    return any(map(is_phone_like, row))


def _is_value(cell: str, known: int = 0) -> bool:
    """Whether a cell is the value of a lead and not a header.

    Beside `known` headers, a whole sentence (the question of a form) and a number (a year) may be headers too.
    """
    if is_phone_like(cell) or _EMAIL.fullmatch(cell):
        return True
    return (not known and len(cell.split()) > _MAX_HEADER_WORDS) or (
        known < _MIN_SURE_HEADERS and cell.replace(".", "").isdigit()
    )


def _join_second_line(rows: Sequence[Sequence[str]], index: int) -> HeaderRow:
    """Return the header at `index`, joined with a second line above or below it if it has one.

    Groups, which are often merged cells, are above the names; a name that is merged over both lines is above too.
    """
    names = _trim_names(rows[index])
    groups = [cell.strip() for cell in rows[index - 1]] if index else []
    filled = [cell for cell in groups if cell]
    if len(filled) >= 2 and not any(map(_is_value, filled)):
        if _has_repeated_names(names):
            return HeaderRow(index, _join_groups(groups, names), 1)
        names = _trim_names([name or group for group, name in _pair_cells(groups, names)])
    below = [cell.strip() for cell in rows[index + 1]] if index + 1 < len(rows) else []
    if _is_second_line(names, below):
        return HeaderRow(index, tuple(f"{a} {b}".strip() for a, b in _pair_cells(names, below)), 2)
    return HeaderRow(index, names)


def _has_repeated_names(names: Sequence[str]) -> bool:
    filled = [normalize_header(name) for name in names if name]
    return len(set(filled)) < len(filled)


def _join_groups(groups: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Put each name behind its group.

    `Home` over `Phone` and `City`, then `Work` over `Phone`, become `Home Phone`, `Home City`, `Work Phone`.
    """
    current, headers = "", []
    for group, name in _pair_cells(groups, names):
        current = group or current
        headers.append(f"{current} {name}".strip() if name else group)
    return tuple(headers)


def _is_second_line(names: Sequence[str], below: Sequence[str]) -> bool:
    """Whether the next row is the second line of the header: it fills gaps of the first, mostly with known headers."""
    filled = [cell for cell in below if cell]
    gaps = sum(1 for name, cell in _pair_cells(names, below) if not name and cell)
    known = _count_known_fields(filled)
    return (
        bool(gaps)
        and (2 * known > len(filled) or (known > 0 and gaps == len(filled)))
        and not any(map(_is_value, filled))
    )


def _pair_cells(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """Return the cells of two rows in pairs. The shorter row is filled with empty cells."""
    width = max(len(first), len(second))
    return [(first[i] if i < len(first) else "", second[i] if i < len(second) else "") for i in range(width)]


def _trim_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the headers without the empty cells behind the last one."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)
