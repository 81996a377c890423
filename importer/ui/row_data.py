"""The rows of a page as templates and scripts draw them, and the view that an address asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, TypeAlias
from urllib.parse import urlencode

import msgspec

from importer.issues import Severity, Translate, get_issue_title
from importer.journal.row_index import RowPart
from importer.journal.row_search import Direction, RowView
from importer.models.row import name_row
from importer.pipeline.grid_rows import GridCell, GridIssue, GridRow
from importer.ui.row_editors import OpenRows

MAX_CODES = 40  # in the list of problems
MAX_SEARCH_CHARS = 500  # SQLite refuses a pattern of 50,000


StoredNumber: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
"""A number in a request that SQLite can count to."""


class CellData(msgspec.Struct, frozen=True):
    """One cell: its text, what the file has if it was changed, whether it is `bad`, `warn` or "", and the sentences."""

    text: str
    file: str | None
    level: str
    why: list[str]


class RowData(msgspec.Struct, frozen=True):
    """One row. `why` is about the row as a whole."""

    number: int
    name: str
    version: int
    part: RowPart
    is_left_out: bool
    cells: list[CellData]
    why: list[str]


class SameOffer(msgspec.Struct, frozen=True):
    """The other rows that have the text that was just replaced, and the same problem with it."""

    rows: int
    column: StoredNumber
    code: str
    cell: str
    text: str
    question: str = ""


class LookUp(msgspec.Struct, frozen=True):
    """The rows that can go in, and what the page says about looking them up."""

    rows: int
    hint: str


def to_row_data(row: GridRow, sheets: Sequence[str], translate: Translate) -> RowData:
    """Return a row as pages draw it, in their language."""
    return RowData(
        number=row.number,
        name=name_row(row.number, sheets),
        version=row.version,
        part=row.part,
        is_left_out=row.is_left_out,
        cells=[_to_cell_data(cell, translate) for cell in row.cells],
        why=[issue.describe(translate) for issue in row.issues],
    )


def _to_cell_data(cell: GridCell, translate: Translate) -> CellData:
    why = [issue.describe(translate) for issue in cell.issues]
    return CellData(cell.text, cell.file_text, _find_level(cell.issues), why)


def _find_level(issues: Iterable[GridIssue]) -> str:
    severities = {issue.severity for issue in issues}
    if Severity.ERROR in severities:
        return "bad"
    return "warn" if severities else ""


def parse_number(text: str) -> int | None:
    """Return the number of a row, a column or a step in an address or a form; None for what SQLite cannot count to."""
    return int(text) if text.isdecimal() and len(text) < 19 else None


class PageRequest(msgspec.Struct, frozen=True):
    """The page of rows that an address asks for."""

    view: RowView
    start: int | None = None
    direction: Direction = Direction.FORWARD

    @classmethod
    def parse(cls, query: Mapping[str, str], rows: OpenRows) -> PageRequest:
        """Read an address. What makes no sense in it is left out."""
        part = query.get("part", "")
        if part not in ("all", *RowPart):
            part = RowPart.TO_FIX if rows.editor.index.parts[RowPart.TO_FIX] else "all"
        sort = parse_number(query.get("sort", ""))
        view = RowView(
            part=None if part == "all" else RowPart(part),
            code=query.get("code", ""),
            text=query.get("q", "").strip()[:MAX_SEARCH_CHARS],
            sort_column=sort if sort is not None and sort < len(rows.headers) else None,
        )
        before = parse_number(query.get("before", ""))
        if before is not None:
            return cls(view, before, Direction.BACKWARD)
        if query.get("end"):
            return cls(view, None, Direction.BACKWARD)
        return cls(view, parse_number(query.get("after", "")))

    def format(self, **changes: object) -> str:
        """Return the query of an address for the same view, with some of it changed."""
        view = self.view
        query: dict[str, object] = {"part": view.part.value if view.part else "all"}
        query |= {
            "code": view.code,
            "q": view.text,
            "sort": "" if view.sort_column is None else view.sort_column,
        }
        return urlencode({name: value for name, value in {**query, **changes}.items() if value != ""})


def list_codes(rows: OpenRows, translate: Translate) -> list[tuple[str, str, int]]:
    """Return the most frequent problems: machine code, words, and number of rows."""
    found = [(code, count) for code, count in rows.editor.index.codes.most_common() if count > 0]
    return [(code, get_issue_title(code, translate), count) for code, count in found[:MAX_CODES]]
