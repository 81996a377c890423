"""The journal before the sending: judged rows are written, compared and judged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from importer.issues import Issue
from importer.journal.database import JournalFile
from importer.journal.row_codec import decode_issues, encode_issues, encode_payload, to_accepted
from importer.journal.staging import StagedRow, StagedRows
from importer.models.row import Accepted, NewVerdict

_PHONES_PER_QUERY = 500

_STAGE = """INSERT OR REPLACE INTO rows (number, cells, verdict, phone, payload, issues, survivor_row)
    VALUES (?, ?, ?, ?, ?, ?, NULL)"""
_UPDATE = "UPDATE rows SET verdict = ?, payload = ?, issues = ?, survivor_row = ? WHERE number = ?"
_INDEX = "CREATE INDEX IF NOT EXISTS rows_by_phone ON rows (phone) WHERE verdict = 'valid'"
_SHARED_PHONES = """SELECT phone FROM rows WHERE verdict = 'valid' AND phone > :after
    GROUP BY phone HAVING count(*) > 1 LIMIT :phones"""


class StagingArea:
    """Judged rows of a run, before the first one is sent."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def stage(self, rows: StagedRows | Iterable[StagedRow]) -> None:
        """Write judged rows in one transaction. A row staged before is replaced."""
        with self._file.commit():
            self._file.sql.executemany(_STAGE, rows)

    def count_rows(self) -> int:
        """Return the number of staged rows."""
        (count,) = self._file.sql.execute("SELECT count(*) FROM rows").fetchone()
        return int(count)

    def read_phone_groups(self) -> Iterator[list[Accepted]]:
        """Yield the valid rows of each phone that several rows have, in file order, without their cells.

        A group may be judged again before the next is requested. Read in batches, so that memory stays flat.
        """
        self._build_phone_index()
        last = ""
        while phones := self._find_shared_phones(last):
            last = phones[-1]
            rows = self._file.sql.execute(
                f"""SELECT number, phone, payload, issues FROM rows WHERE verdict = 'valid'
                    AND phone IN ({",".join("?" * len(phones))}) ORDER BY phone, number""",
                phones,
            ).fetchall()
            for _, group in groupby(rows, key=lambda row: row[1]):
                yield [to_accepted(row) for row in group]

    def _build_phone_index(self) -> None:
        sql = self._file.sql
        sql.execute("PRAGMA temp_store = FILE")  # sorting a million phones needs too much memory
        with self._file.commit():
            sql.execute(_INDEX)
        sql.execute("PRAGMA temp_store = MEMORY")

    def _find_shared_phones(self, after: str) -> list[str]:
        found = self._file.sql.execute(_SHARED_PHONES, {"after": after, "phones": _PHONES_PER_QUERY})
        return [phone for (phone,) in found]

    def update_verdicts(self, rows: Iterable[NewVerdict]) -> None:
        """Give rows another verdict, payload and issues; their cells stay."""
        with self._file.commit():
            self._file.sql.executemany(
                _UPDATE,
                [
                    (
                        row.verdict,
                        encode_payload(row.payload),
                        encode_issues(row.issues),
                        row.survivor_row,
                        row.number,
                    )
                    for row in rows
                ],
            )

    def read_issues(self, numbers: Sequence[int]) -> dict[int, tuple[Issue, ...]]:
        """Return the issues that were found when these rows were judged, by row number."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(
                f"SELECT number, issues FROM rows WHERE number IN ({','.join('?' * len(numbers))})", numbers
            ).fetchall()
            return {number: decode_issues(text) for number, text in found}

    def complete(self) -> None:
        """Publish the file under its final name: every row is judged."""
        self._file.publish()
