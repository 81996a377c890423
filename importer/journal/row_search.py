"""Find the rows that one page shows: by part, by problem, by a text, in the order of the file or of a column.

A page is found from the row before it and never by counting rows, so the last page costs what the first one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import msgspec

from importer.csv_injection import parse_csv_line
from importer.journal.database import JournalFile
from importer.journal.row_index import RowIndex, RowPart

PAGE_ROWS = 200
MAX_SEARCHED_ROWS = 200_000  # for a text, in one request: 50 ms. A longer search goes on from there.
_MAX_KEY_CHARS = 60  # of a cell by which rows are sorted
_KEYS_PER_INSERT = 5000

_SORT_TABLE = """
    DROP TABLE IF EXISTS temp.sort_keys;
    CREATE TEMP TABLE sort_keys (number INTEGER PRIMARY KEY, sort_key TEXT NOT NULL);"""
_CELLS = "(SELECT cells FROM main.rows WHERE number = found.number)"
_SORT_INDEX = "CREATE INDEX temp.rows_by_sort_key ON sort_keys (sort_key, number)"


class RowView(msgspec.Struct, frozen=True):
    """Which rows are shown, and in which order.

    Of all rows, those of a part, with a problem (its machine code), or with a text in any cell. `sort_column` is the column
    whose cells sort them, None for the order of the file.
    """

    part: RowPart | None = None
    code: str = ""
    text: str = ""
    sort_column: int | None = None


class Direction(StrEnum):
    """Whether a page lies behind a row or before it."""

    FORWARD = "forward"
    BACKWARD = "backward"


class RowPage(NamedTuple):
    """The numbers of the rows of a page, in the order of the view.

    `has_more` says that more rows follow in the direction of the search. `searched_to` is the last row that was looked at
    if the search for a text was not finished.
    """

    numbers: list[int]
    has_more: bool = False
    searched_to: int | None = None


class RowSearch:
    """Finds pages of rows. Not for two threads at once."""

    def __init__(self, file: JournalFile, index: RowIndex) -> None:
        self._file = file
        self._index = index
        self._sort_column: int | None = None

    def count(self, view: RowView) -> int | None:
        """Return how many rows a view has, None where only a search of all rows could say it."""
        if view.text or (view.part and view.code):
            return None
        if view.code:
            return self._index.codes[view.code]
        return self._index.parts[view.part] if view.part else self._index.parts.total()

    def find_page(
        self,
        view: RowView,
        start: int | None = None,
        direction: Direction = Direction.FORWARD,
        *,
        rows: int = PAGE_ROWS,
    ) -> RowPage:
        """Return the page behind or before the row `start`; the first or the last page if it is None."""
        with self._file.translate_read_errors():
            self._sort(view.sort_column)
            key = None if start is None or view.sort_column is None else self._read_key(start)
            values: dict[str, object] = {
                "part": view.part, "code": view.code, "like": _to_pattern(view.text), "start": start, "key": key,
                "rows": rows + 1, "searched": MAX_SEARCHED_ROWS,
            }  # fmt: skip
            is_limited = bool(view.text) and self._index.parts.total() > MAX_SEARCHED_ROWS
            query = _build_query(view, direction, has_start=start is not None, is_limited=is_limited)
            found = [number for (number,) in self._file.sql.execute(query, values)]
            searched_to = None
            if is_limited and len(found) <= rows:
                searched_to = self._find_end(view, direction, values)
        numbers = found[:rows]
        return RowPage(
            numbers if direction is Direction.FORWARD else numbers[::-1], len(found) > rows, searched_to
        )

    def _find_end(self, view: RowView, direction: Direction, values: dict[str, object]) -> int | None:
        """Return the last row that a search for a text could look at, None if it looked at all."""
        numbers = _build_source(view, direction, has_start=values["start"] is not None)
        found = self._file.sql.execute(f"{numbers} LIMIT 1 OFFSET :searched - 1", values).fetchone()
        return None if found is None else int(found[0])

    # --- sorted by a column

    def sort_again(self) -> None:
        """Forget the order of the rows. Edits do not change it, so that no row moves away while a person works on it."""
        self._sort_column = None

    def _sort(self, column: int | None) -> None:
        if column is None or (column == self._sort_column and not self._index.is_lost):
            return
        sql = self._file.sql
        sql.executescript(_SORT_TABLE)
        keys = _read_keys(sql.execute("SELECT number, cells FROM main.rows"), column)
        while some := list(islice(keys, _KEYS_PER_INSERT)):
            sql.executemany("INSERT INTO temp.sort_keys VALUES (?, ?)", some)
        sql.execute(_SORT_INDEX)
        self._sort_column = column

    def _read_key(self, number: int) -> str:
        found = self._file.sql.execute(
            "SELECT sort_key FROM temp.sort_keys WHERE number = ?", (number,)
        ).fetchone()
        return "" if found is None else str(found[0])


def _read_keys(rows: Iterable[tuple[int, str]], column: int) -> Iterator[tuple[int, str]]:
    for number, line in rows:
        yield number, parse_csv_line(line)[column].strip().casefold()[:_MAX_KEY_CHARS]


def _to_pattern(text: str) -> str:
    """Return the pattern of LIKE for cells that have the text, in upper or lower case."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _build_query(view: RowView, direction: Direction, *, has_start: bool, is_limited: bool) -> str:
    """Return the query for a page of a view. It looks at no more than `:searched` rows if it `is_limited`."""
    if not view.text:
        return f"{_build_source(view, direction, has_start=has_start)} LIMIT :rows"
    cells = "found.cells" if _choose_table(view)[0].startswith("main.rows") else _CELLS
    if not is_limited:
        has_text = f"{cells} LIKE :like ESCAPE '\\'"
        return f"{_build_source(view, direction, has_text, has_start=has_start)} LIMIT :rows"
    source = _build_source(view, direction, columns=f", {cells} AS cells", has_start=has_start)
    return f"SELECT number FROM ({source} LIMIT :searched) WHERE cells LIKE :like ESCAPE '\\' LIMIT :rows"


def _build_source(view: RowView, direction: Direction, *more: str, has_start: bool, columns: str = "") -> str:
    """Return the query for the numbers of all rows of a view behind or before `:start`, with more conditions or columns."""
    is_forward = direction is Direction.FORWARD
    order, sign = ("ASC", ">") if is_forward else ("DESC", "<")
    table, conditions = _choose_table(view)
    if view.sort_column is None:
        start, keys = f"found.number {sign} :start", f"found.number {order}"
    else:
        table += " JOIN temp.sort_keys USING (number)"
        start = f"(sort_key, found.number) {sign} (:key, :start)"
        keys = f"sort_key {order}, found.number {order}"
    conditions += [*([start] if has_start else []), *more]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    group = f"GROUP BY {keys.replace(f' {order}', '')}" if view.code else ""
    return f"SELECT found.number{columns} FROM {table} {where} {group} ORDER BY {keys}"


def _choose_table(view: RowView) -> tuple[str, list[str]]:
    """Return the table that has the rows of a view in their order, and the conditions."""
    if view.code:
        conditions = ["found.code = :code"]
        if view.part:
            part = "SELECT part FROM temp.row_parts WHERE number = found.number"
            conditions.append(f"coalesce(({part}), 'ready') = :part")
        return "temp.row_problems AS found", conditions
    match view.part:
        case None:
            return "main.rows AS found", []
        case RowPart.READY:
            return "main.rows AS found", ["found.verdict = 'valid'", "found.issues = ''"]
        case _:
            return "temp.row_parts AS found", ["found.part = :part"]
