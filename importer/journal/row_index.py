"""An index of judged rows for the time in which a person edits them: by phone, by what is wrong, and by the cell.

It lies in temporary tables of one connection. The journal itself has no trace of it, and a run that nobody edits pays
nothing for it. Rows about which there is nothing to say are in none of these tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from msgspec import json

from importer.journal.database import JournalFile

_TABLES = """
    CREATE TEMP TABLE IF NOT EXISTS row_phones (number INTEGER, phone TEXT, PRIMARY KEY (number, phone)) WITHOUT ROWID;
    CREATE TEMP TABLE IF NOT EXISTS row_parts (number INTEGER PRIMARY KEY, part TEXT NOT NULL);
    CREATE TEMP TABLE IF NOT EXISTS row_problems (number INTEGER, code TEXT, column_index INTEGER, cell TEXT);
    DELETE FROM row_phones; DELETE FROM row_parts; DELETE FROM row_problems;"""
_INDEXES = """
    CREATE INDEX IF NOT EXISTS temp.rows_by_phone ON row_phones (phone);
    CREATE INDEX IF NOT EXISTS temp.rows_by_part ON row_parts (part, number);
    CREATE INDEX IF NOT EXISTS temp.problems_by_row ON row_problems (number);
    CREATE INDEX IF NOT EXISTS temp.rows_by_code ON row_problems (code, number);
    CREATE INDEX IF NOT EXISTS temp.rows_by_cell ON row_problems (column_index, cell, code, number);"""
_IS_THERE = "SELECT 1 FROM sqlite_temp_master WHERE name = 'row_problems'"
_FIND = """SELECT number FROM temp.row_phones WHERE phone IN (SELECT value FROM json_each(:phones))
    UNION SELECT number FROM main.rows WHERE verdict = 'valid' AND phone IN (SELECT value FROM json_each(:phones))"""
_FIND_SAME = """SELECT number FROM temp.row_problems WHERE column_index = ?1 AND cell = ?2 AND code = ?3 ORDER BY number"""
_COUNT_SAME = "SELECT count(*) FROM temp.row_problems WHERE column_index = ?1 AND cell = ?2 AND code = ?3"
_OLD_PROBLEMS = "SELECT DISTINCT code FROM temp.row_problems WHERE number = ?"


class RowPart(StrEnum):
    """The four parts of the rows of a judged run. Each row is in exactly one."""

    TO_FIX = "to_fix"  # rejected: a person must change it
    WARNED = "warned"  # it is sent, but there is something to know
    SKIPPED = "skipped"  # not a lead, left out, merged into another row, or unchanged: nothing to fix, not sent by itself
    READY = "ready"  # it is sent, and there is nothing to say


class CellProblem(NamedTuple):
    """What is wrong with one cell of a row. `column` is -1 if it is no single cell."""

    code: str
    column: int
    cell: str


class IndexEntry(NamedTuple):
    """What the index knows of a row. `phones` are those by which it may be the lead of another row."""

    number: int
    part: RowPart
    problems: Sequence[CellProblem] = ()
    phones: Sequence[str] = ()


class RowIndex:
    """The index of one run, over the connection of its journal. Not for two threads at once."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self.parts: Counter[RowPart] = Counter()
        self.codes: Counter[str] = Counter()
        """The number of rows of each part, and with each problem. They are counted on, so they cost nothing to show."""

    @property
    def is_lost(self) -> bool:
        """Whether SQLite has dropped the tables: it does so when `temp_store` changes, as sorting a million phones needs."""
        return self._file.sql.execute(_IS_THERE).fetchone() is None

    def build(self, entries: Iterable[IndexEntry]) -> None:
        """Build the index anew from the rows about which there is something to say."""
        sql = self._file.sql
        sql.execute("PRAGMA temp_store = FILE")  # a million entries must not fill the memory
        sql.executescript(_TABLES)
        self.parts.clear()
        self.codes.clear()
        with self._file.commit():
            self._add(entries)
        sql.executescript(_INDEXES)
        (rows,) = sql.execute("SELECT count(*) FROM main.rows").fetchone()
        self.parts[RowPart.READY] = rows - self.parts.total()

    def update(self, entries: Sequence[IndexEntry]) -> None:
        """Replace the entries of rows that were judged again, within a commit."""
        for entry in entries:
            self._remove(entry.number)
        self._add(entry for entry in entries if entry.part is not RowPart.READY or entry.phones)
        self.parts[RowPart.READY] += sum(entry.part is RowPart.READY for entry in entries)

    def find_rows(self, phones: Iterable[str]) -> set[int]:
        """Return the rows that have one of these phones and may be merged."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_FIND, {"phones": json.encode(list(phones)).decode()})
            return {number for (number,) in found}

    def find_same(self, problem: CellProblem) -> list[int]:
        """Return the rows with the same text in the same column and the same problem with it."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_FIND_SAME, (problem.column, problem.cell, problem.code))
            return [number for (number,) in found]

    def count_same(self, problem: CellProblem) -> int:
        """Return the number of such rows."""
        found = self._file.sql.execute(_COUNT_SAME, (problem.column, problem.cell, problem.code))
        return int(found.fetchone()[0])

    def _remove(self, number: int) -> None:
        sql = self._file.sql
        found = sql.execute(
            "DELETE FROM temp.row_parts WHERE number = ? RETURNING part", (number,)
        ).fetchall()
        self.parts[RowPart(found[0][0]) if found else RowPart.READY] -= 1
        self.codes.subtract(code for (code,) in sql.execute(_OLD_PROBLEMS, (number,)))
        sql.execute("DELETE FROM temp.row_problems WHERE number = ?", (number,))
        sql.execute("DELETE FROM temp.row_phones WHERE number = ?", (number,))

    def _add(self, entries: Iterable[IndexEntry]) -> None:
        sql = self._file.sql
        for block in _split(entries):
            parts = [(entry.number, entry.part.value) for entry in block if entry.part is not RowPart.READY]
            sql.executemany("INSERT INTO temp.row_parts VALUES (?, ?)", parts)
            sql.executemany(
                "INSERT INTO temp.row_problems VALUES (?, ?, ?, ?)",
                [(entry.number, *problem) for entry in block for problem in entry.problems],
            )
            sql.executemany(
                "INSERT OR IGNORE INTO temp.row_phones VALUES (?, ?)",
                [(entry.number, phone) for entry in block for phone in entry.phones],
            )
            for entry in block:
                self.parts[entry.part] += entry.part is not RowPart.READY
                self.codes.update({problem.code for problem in entry.problems})


def _split(entries: Iterable[IndexEntry]) -> Iterator[list[IndexEntry]]:
    block: list[IndexEntry] = []
    for entry in entries:
        block.append(entry)
        if len(block) == _ENTRIES_PER_INSERT:
            yield block
            block = []
    if block:
        yield block


_ENTRIES_PER_INSERT = 1000
