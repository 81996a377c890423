"""Decides what the rows above the header are: title lines, a firm's own phone, or leads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from importer.issues import Issue, IssueCode
from importer.loader.table.header_row import find_phone_columns, holds_phone, is_phone_like
from importer.loader.vocabulary import load_vocabulary, normalize_header
from importer.messages import file_messages
from importer.messages.file_messages import RowsText
from importer.models.mapping import Notice, NoticeKind
from importer.models.row import SourceRow

_MIN_LEADS_ABOVE = 2  # one row alone may be the firm's own phone, or a lead
_ROWS_BELOW = 20  # rows below the header that show where its phones are


class RowsAbove(NamedTuple):
    """The rows above the header that are read, and what to say about them."""

    rows: list[SourceRow]
    notices: list[Notice]


def read_rows_above(
    above: Iterable[SourceRow], names: Sequence[str], below: Sequence[SourceRow], *, is_chosen: bool
) -> RowsAbove:
    """Return the rows above the header that hold a phone: none of them is left out in silence.

    They are leads if their phones are where the header has its phone. The lines of a firm's own phone are skipped
    and named. What may be either is rejected with a sentence. With `is_chosen`, `--header-row` says where to begin.
    """
    with_phone = [row for row in above if holds_phone(row.cells)]
    if is_chosen:
        return RowsAbove([], _describe(file_messages.ROWS_ABOVE_HEADER_ROW, with_phone))
    letterhead = [row for row in with_phone if _is_letterhead(row.cells, names)]
    others = [row for row in with_phone if row not in letterhead]
    phones = find_phone_columns(names) or _find_columns_of_phones(row.cells for row in below[:_ROWS_BELOW])
    leads = [row for row in others if _fits_header(row.cells, phones, len(names))]
    if len(leads) < _MIN_LEADS_ABOVE:
        leads = []
    return RowsAbove(
        [row if row in leads else _reject(row) for row in others],
        _describe(file_messages.LETTERHEAD, letterhead)
        + _describe(file_messages.LEADS_ABOVE, leads, NoticeKind.READ),
    )


def _describe(
    text: RowsText, rows: Sequence[SourceRow], kind: NoticeKind = NoticeKind.IGNORED
) -> list[Notice]:
    """Return a notice about rows by their numbers; none where there are no such rows."""
    return [Notice(kind, text.format([row.number for row in rows]))] if rows else []


def _is_letterhead(cells: Sequence[str], names: Sequence[str]) -> bool:
    """Whether a row is a line of a letterhead: one text above several columns, or a label beside a phone."""
    filled = [cell for cell in cells if cell.strip()]
    if len(filled) == 1 and len(names) > 1:
        return True
    labels = load_vocabulary().footers.letterheads
    return normalize_header(filled[0]) in labels or bool(find_phone_columns(filled[:1]))


def _find_columns_of_phones(rows: Iterable[Sequence[str]]) -> list[int]:
    return sorted({index for cells in rows for index, cell in enumerate(cells) if is_phone_like(cell)})


def _fits_header(cells: Sequence[str], phones: Iterable[int], width: int) -> bool:
    """Whether the phone of a row is where the header has its phone, and no cell is beyond the header."""
    return any(index < len(cells) and holds_phone([cells[index]]) for index in phones) and not any(
        map(str.strip, cells[width:])
    )


def _reject(row: SourceRow) -> SourceRow:
    return msgspec.structs.replace(row, issues=(*row.issues, Issue("row", IssueCode.ABOVE_HEADER)))
