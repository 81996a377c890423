"""The journal of edits: what a person changed in judged rows before they were sent, and the rows as the file has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import msgspec

from importer.csv_injection import parse_csv_line
from importer.issues import Issue
from importer.journal.database import JournalFile
from importer.journal.staging import encode_issues

_ROWS = """SELECT rows.number, rows.cells, rows.verdict, rows.phone, rows.payload, rows.issues,
      coalesce(edited_rows.version, 0), coalesce(edited_rows.cells, rows.cells), edited_rows.reader_issues, coalesce(edited_rows.is_left_out, 0) = 1
    FROM rows LEFT JOIN edited_rows ON edited_rows.number = rows.number
    WHERE rows.number IN (SELECT value FROM json_each(?)) ORDER BY rows.number"""
_SAVE_ROW = """INSERT OR REPLACE INTO edited_rows (number, version, cells, reader_issues, is_left_out, issues, checksum)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, checksum(?1, ?2, ?3, ?4, ?5, ?6))"""
_ADD_EDIT = """INSERT INTO edits (id, step, number, column_index, before, after, undoes, made_at, checksum)
    SELECT id, ?1, ?2, ?3, ?4, ?5, ?6, ?7, checksum(id, ?1, ?2, ?3, ?4, ?5, ?6, ?7)
    FROM (SELECT coalesce(max(id), 0) + 1 AS id FROM edits)"""
_NEXT_STEP = "SELECT coalesce(max(step), 0) + 1 FROM edits"
_STEP = "SELECT number, column_index, before, after FROM edits WHERE step = ? AND undoes IS NULL ORDER BY id"
_LAST_STEP = """SELECT max(step) FROM edits WHERE undoes IS NULL
    AND step NOT IN (SELECT undoes FROM edits WHERE undoes IS NOT NULL)"""
_IS_UNDONE = "SELECT EXISTS (SELECT 1 FROM edits WHERE undoes = ?)"
_NOTED = """SELECT number FROM rows WHERE number > :after
    AND (verdict <> 'valid' OR issues <> '' OR payload LIKE '%"add_phones":%') ORDER BY number LIMIT :rows"""
_COUNT = "SELECT count(*) FROM edited_rows WHERE issues <> '' OR is_left_out"


class Edit(NamedTuple):
    """One cell that was changed, or a row that was left out or taken back: then `column` is None, and the texts say so."""

    number: int
    column: int | None
    before: str
    after: str


class EditableRow(msgspec.Struct, frozen=True, dict=True):
    """A judged row and what a person did to it.

    `line` are its cells as they are now, `file_line` as the file has them. `reader_issues` are those that the reader found
    with the row as the file has it. `version` counts the changes of the row itself.
    """

    number: int
    line: str
    verdict: str
    phone: str
    payload: str | None
    issues: str
    version: int
    file_line: str
    reader_issues: str | None
    is_left_out: bool

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The cells as they are now."""
        return parse_csv_line(self.line)

    @cached_property
    def file_cells(self) -> tuple[str, ...]:
        """The cells as the file has them."""
        return parse_csv_line(self.file_line)


class EditedRow(NamedTuple):
    """A row after a change. `issues` name the cells that differ from the file, for the reports."""

    row: EditableRow
    cells: tuple[str, ...]
    reader_issues: tuple[Issue, ...]
    is_left_out: bool
    issues: tuple[Issue, ...]


class EditLog:
    """What an editor reads and writes."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def read_rows(self, numbers: Iterable[int]) -> dict[int, EditableRow]:
        """Return rows with their edits, by number. Numbers without a row are left out."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_ROWS, (msgspec.json.encode(list(numbers)).decode(),))
            return {row[0]: EditableRow(*row) for row in found}

    def find_noted_rows(self, after: int, limit: int) -> list[int]:
        """Return the next rows about which there is something to say, or that have further phones."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_NOTED, {"after": after, "rows": limit})
            return [number for (number,) in found]

    def read_step(self, step: int) -> list[Edit]:
        """Return the changes of one step; none if there is no such step, or if it undid another."""
        with self._file.translate_read_errors():
            return [Edit(*row) for row in self._file.sql.execute(_STEP, (step,))]

    def find_last_step(self) -> int | None:
        """Return the last step that is not undone."""
        with self._file.translate_read_errors():
            (step,) = self._file.sql.execute(_LAST_STEP).fetchone()
            return None if step is None else int(step)

    def is_undone(self, step: int) -> bool:
        """Return whether a step was undone."""
        with self._file.translate_read_errors():
            return bool(self._file.sql.execute(_IS_UNDONE, (step,)).fetchone()[0])

    def count_rows(self) -> int:
        """Return the number of rows that differ from the file, or are left out."""
        with self._file.translate_read_errors():
            return int(self._file.sql.execute(_COUNT).fetchone()[0])

    def find_last_time(self) -> datetime | None:
        """Return when the last change was made, None if nothing was changed."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute("SELECT made_at FROM edits ORDER BY id DESC LIMIT 1").fetchone()
            return None if found is None else datetime.fromisoformat(found[0])

    def record(
        self, edits: Sequence[Edit], rows: Iterable[EditedRow], *, made_at: str, undoes: int | None = None
    ) -> int:
        """Write changes that were made together, within a commit. Return their step."""
        sql = self._file.sql
        (step,) = sql.execute(_NEXT_STEP).fetchone()
        sql.executemany(_ADD_EDIT, [(step, *edit, undoes, made_at) for edit in edits])
        sql.executemany(_SAVE_ROW, [_to_values(edited) for edited in rows])
        return int(step)


def group_by_row(edits: Iterable[Edit]) -> Mapping[int, list[Edit]]:
    """Return the changes of each row, in order."""
    by_row: dict[int, list[Edit]] = {}
    for edit in edits:
        by_row.setdefault(edit.number, []).append(edit)
    return by_row


def _to_values(edited: EditedRow) -> tuple[int, int, str, str, int, str]:
    row = edited.row
    return (
        row.number,
        row.version + 1,
        row.file_line,
        encode_issues(edited.reader_issues),
        int(edited.is_left_out),
        encode_issues(edited.issues),
    )
