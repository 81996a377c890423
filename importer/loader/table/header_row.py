"""Finds the header row: below title lines, merged cells and blank rows, in one line or two, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from importer.errors import UsageError
from importer.loader.vocabulary import get_known_field, normalize_header
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
_MOBILE_INSIDE = re.compile(
    r"(?<!\d)(?:(?:\+|00)?91[\s-]?|0)?[6-9]\d(?:[\s-]?\d){8}(?!\d)"
)  # an Indian mobile number beside other text: `Ravi - 98450 12345`
LONG_NUMBER = re.compile(r"\d{5}")  # phones and PIN codes have it, headers do not
_HAS_LETTER = re.compile(r"[^\W\d_]")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")  # `asha@example.in`
_MAX_PHONE_CHARS = 60  # with spaces and brackets; the patterns take minutes for a cell of 100,000 marks
_MAX_EMAIL_CHARS = 254  # RFC 5321
_MAX_HEADER_WORDS = 12  # longer texts are notes, unless known headers are beside them
_MIN_SURE_HEADERS = 2  # with so many known headers a row is the header, whatever else is in it
_MIN_LEADS_BELOW_UNKNOWN = 3  # between a header of unknown names and a known one further down
_PHONE_FIELDS = frozenset({"customer_phone", "add_phones"})
_ROWS_BELOW = 11  # rows below a possible header whose width and phones count
MAX_HEADER_ROWS = 1 + _ROWS_BELOW  # rows that decide whether the first of them is a header
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
        return HeaderRow(own, trim_names(rows[own]))
    scores = [_score_row(rows, index) for index in range(len(rows))]
    best = max(range(len(rows)), key=lambda index: (scores[index], -index), default=None)
    if best is None or scores[best] <= 0:
        width = max((len(row) for row in rows), default=0)
        return HeaderRow(None, tuple(format_column_name(index) for index in range(width)), 0)
    return _join_second_line(rows, _find_first_header(rows, scores, best))


def find_further_header(rows: Sequence[Sequence[str]]) -> HeaderRow | None:
    """Return the header of another table if `rows` begin with one: known headers, and phones below the phone's.

    None means that the first row is a lead.
    """
    first, *below = rows[:MAX_HEADER_ROWS]
    if any(map(_is_value, first)):
        return None
    phones = find_phone_columns(first)
    if not phones or _count_known_fields(first) < _MIN_SURE_HEADERS:
        return None
    if not any(is_phone_like(row[index]) for row in below for index in phones if index < len(row)):
        return None
    return _join_second_line(rows, 0)


def find_phone_columns(names: Sequence[str]) -> list[int]:
    """Return the columns whose header is that of a phone."""
    return [index for index, name in enumerate(names) if get_known_field(name) in _PHONE_FIELDS]


def take_header_row(rows: Sequence[Sequence[str]], index: int, *, row_number: int) -> HeaderRow:
    """Return the header that `--header-row` names: `index` in the rows, row `row_number` for the user.

    Raises UsageError if the row is empty or missing.
    """
    if index >= len(rows) or not any(cell.strip() for cell in rows[index]):
        raise UsageError(*mapping_messages.HEADER_ROW_IS_EMPTY.format(row=row_number))
    return HeaderRow(index, trim_names(rows[index]))


def is_phone_like(text: str) -> bool:
    """Whether a cell looks like a phone: 7 to 15 digits and little else. A date does not."""
    return len(text) <= _MAX_PHONE_CHARS and bool(_PHONE_LIKE.match(text)) and not _DATE.fullmatch(text)


def holds_phone(cells: Iterable[str]) -> bool:
    """Whether a row has anything that may be the phone of a lead, also inside a text: `Asha - 98450 12345`."""
    return any(is_phone_like(cell) or _MOBILE_INSIDE.search(cell) for cell in cells)


def _find_first_header(rows: Sequence[Sequence[str]], scores: Sequence[float], best: int) -> int:
    """Return the header of the first table. The best header is that of a later one if leads are between the two."""

    def is_header_of_leads(index: int) -> bool:
        leads = sum(map(holds_phone, rows[index + 1 : best]))
        is_known = _count_known_fields(rows[index]) >= _MIN_SURE_HEADERS
        return scores[index] > 0 and leads >= (1 if is_known else _MIN_LEADS_BELOW_UNKNOWN)

    return max(
        filter(is_header_of_leads, range(best)), key=lambda index: (scores[index], -index), default=best
    )


def _score_row(rows: Sequence[Sequence[str]], index: int) -> float:
    """Return how much a row looks like a header. 0 means that it cannot be one."""
    filled = [cell.strip() for cell in rows[index] if cell.strip()]
    known = _count_known_fields(filled)
    if not filled or any(_is_value(cell, known) for cell in filled):
        return 0.0
    if known < _MIN_SURE_HEADERS and any(map(holds_phone, rows[:index])):
        return 0.0  # there are leads above it, so it is a lead: "Website" may be its source
    below = rows[index + 1 : index + 1 + _ROWS_BELOW]
    width = max((sum(1 for cell in row if cell.strip()) for row in below), default=0)
    if not width and known < _MIN_SURE_HEADERS and any(any(map(str.strip, row)) for row in rows[:index]):
        return 0.0  # the last row of a sheet is a lead: a header has rows below it
    has_phones = any(map(_has_phone, below))
    if not known and len(filled) < 2 and not (has_phones and width == 1):
        return 0.0
    return _KNOWN_WEIGHT * known + len(filled) / max(width, len(filled)) + (1 if has_phones else 0)


def _count_known_fields(cells: Sequence[str]) -> int:
    """Return how many different fields the cells name."""
    return len({*map(get_known_field, cells)} - {""})


def _has_phone(row: Sequence[str]) -> bool:
    return any(map(is_phone_like, row))


def _is_value(cell: str, known: int = 0) -> bool:
    """Whether a cell is the value of a lead and not a header.

    Beside `known` headers, a whole sentence (the question of a form) and a number (a year) may be headers too.
    """
    is_email = len(cell) <= _MAX_EMAIL_CHARS and _EMAIL.fullmatch(cell)
    if is_phone_like(cell) or is_email or (not known and _MOBILE_INSIDE.search(cell)):
        return True
    return (not known and len(cell.split()) > _MAX_HEADER_WORDS) or (
        known < _MIN_SURE_HEADERS and cell.replace(".", "").isdigit()
    )


def _join_second_line(rows: Sequence[Sequence[str]], index: int) -> HeaderRow:
    """Return the header at `index`, joined with a second line above or below it if it has one.

    Groups, which are often merged cells, are above the names; a name that is merged over both lines is above too.
    """
    names = trim_names(rows[index])
    groups = [cell.strip() for cell in rows[index - 1]] if index else []
    filled = [cell for cell in groups if cell]
    if len(filled) >= 2 and not any(map(_is_value, filled)):
        if _has_repeated_names(names):
            return HeaderRow(index, _join_groups(groups, names), 1)
        names = trim_names([name or group for group, name in _pair_cells(groups, names)])
    below = [cell.strip() for cell in rows[index + 1]] if index + 1 < len(rows) else []
    if _is_second_line(names, below, rows[index + 2 : index + 2 + _ROWS_BELOW]):
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


def _is_second_line(names: Sequence[str], below: Sequence[str], leads: Sequence[Sequence[str]]) -> bool:
    """Whether the row below the first line is the second line of the header: it fills gaps of the first.

    Most of it are known headers, or it has a text above the phones of `leads` where the first line has none.
    """
    filled = [cell for cell in below if cell]
    gaps = [index for index, (name, cell) in enumerate(_pair_cells(names, below)) if not name and cell]
    if not gaps or any(map(_is_value, filled)):
        return False
    known = _count_known_fields(filled)
    return (
        2 * known > len(filled)
        or (known > 0 and len(gaps) == len(filled))
        or any(is_phone_like(row[index]) for row in leads for index in gaps if index < len(row))
        or _is_above_numbers(below, leads)
    )


def _is_above_numbers(below: Sequence[str], leads: Sequence[Sequence[str]]) -> bool:
    """Whether a row has texts only above numbers, such as `Debit`, `Credit` below `Closing Balance`."""
    for index, name in enumerate(below):
        cells = [row[index].strip() for row in leads if index < len(row) and row[index].strip()]
        if name and (not cells or _HAS_LETTER.search(name) is None or any(map(_HAS_LETTER.search, cells))):
            return False
    return True


def _pair_cells(first: Sequence[str], second: Sequence[str]) -> list[tuple[str, str]]:
    """Return the cells of two rows in pairs. The shorter row is filled with empty cells."""
    width = max(len(first), len(second))
    return [(first[i] if i < len(first) else "", second[i] if i < len(second) else "") for i in range(width)]


def trim_names(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the headers without the empty cells behind the last one."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)
