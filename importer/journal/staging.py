"""The journal before the sending: judged rows are written, compared and judged again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, Self, assert_never

import msgspec

from importer.csv_injection import format_csv_line
from importer.disjoint_sets import DisjointSets
from importer.issues import Issue
from importer.journal.checksums import compute_row_checksum
from importer.journal.database import JournalFile
from importer.models.row import Accepted, NewVerdict, Payload, Rejected, SourceRow, Verdict
from importer.models.status import StagedVerdict

decode_payload = msgspec.json.Decoder(Payload).decode
decode_steps = msgspec.json.Decoder(tuple[Payload, ...]).decode
_decode_issues = msgspec.json.Decoder(tuple[Issue, ...]).decode
_encode = msgspec.json.Encoder().encode

_PHONES_PER_QUERY = 500
_MAX_VARIABLES = 30_000  # of one statement; SQLite allows 32,766

_STAGE = """INSERT OR REPLACE INTO rows (number, cells, verdict, phone, payload, issues, checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
_VALID_ROWS = """SELECT number, phone, payload, issues FROM rows WHERE verdict = 'valid' AND number > :after
    ORDER BY number LIMIT :rows"""
_VALID_PHONES = """SELECT number, phone FROM rows WHERE verdict = 'valid' AND number > :after
    ORDER BY number LIMIT :rows"""
_UPDATE = """UPDATE rows SET verdict = ?2, payload = ?3, issues = ?4, survivor_row = ?5,
    checksum = row_checksum(number, cells, ?2, phone, ?3, ?4, ?5) WHERE number = ?1"""
_INDEX = "CREATE INDEX IF NOT EXISTS rows_by_phone ON rows (phone) WHERE verdict = 'valid'"
_SHARED_PHONES = """SELECT phone FROM rows WHERE verdict = 'valid' AND phone > :after
    GROUP BY phone HAVING count(*) > 1 LIMIT :phones"""


_FURTHER_NUMBERS = """CREATE TEMP TABLE further_numbers AS
    SELECT further.value AS number, rows.phone FROM rows, json_each(rows.payload, '$.add_phones') AS further
    WHERE rows.verdict = 'valid' AND rows.payload LIKE '%"add_phones":%'"""
_LINKED_PHONES = """
    SELECT further_numbers.phone, further_numbers.number FROM further_numbers
    WHERE EXISTS (SELECT 1 FROM rows WHERE verdict = 'valid' AND rows.phone = further_numbers.number)
    UNION
    SELECT further_numbers.phone, shared.phone FROM further_numbers
    JOIN (SELECT number, min(phone) AS phone FROM further_numbers GROUP BY number HAVING min(phone) <> max(phone))
    AS shared USING (number)"""
"""Pairs of lead phones whose rows share a number: that of the other row, or a further number of both."""


class StagedRow(NamedTuple):
    """A judged row as the table `rows` holds it: `cells` as a line of a report, payload and issues as JSON."""

    number: int
    cells: str
    verdict: str
    phone: str
    payload: str | None
    issues: str


class StagedRows(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A batch of judged rows by column, as it comes from the reading process.

    All lists have the same length. The values at one index make a StagedRow.
    """

    numbers: list[int]
    cells: list[str]
    verdicts: list[str]
    phones: list[str]
    payloads: list[str | None]
    issues: list[str]

    @classmethod
    def from_rows(cls, rows: Iterable[StagedRow]) -> Self:
        """Return rows as columns."""
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in cls.__struct_fields__]
        return cls(**dict(zip(cls.__struct_fields__, columns, strict=True)))

    def __post_init__(self) -> None:
        if any(len(column) != len(self) for column in msgspec.structs.astuple(self)):
            raise ValueError("columns of one batch have one length")

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[tuple[int, str, str, str, str | None, str]]:
        return zip(
            self.numbers, self.cells, self.verdicts, self.phones, self.payloads, self.issues, strict=True
        )

    def __getitem__(self, part: slice) -> Self:
        return msgspec.structs.replace(
            self, **{name: getattr(self, name)[part] for name in self.__struct_fields__}
        )


def to_staged_row(verdict: Verdict) -> StagedRow:
    """Return the verdict as the journal holds it."""
    match verdict:
        case Accepted():
            staged = StagedVerdict.VALID
            payload = encode_payload(verdict.payload)
        case Rejected():
            staged = StagedVerdict.INVALID
            payload = None
        case _:
            assert_never(verdict)
    cells = format_csv_line(verdict.row.cells)
    issues = encode_issues(verdict.issues)
    return StagedRow(verdict.row.number, cells, staged.value, verdict.phone, payload, issues)


class StagingArea:
    """Judged rows of a run, before the first one is sent."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def stage(self, rows: StagedRows | Iterable[StagedRow]) -> None:
        """Write judged rows in one transaction. A row staged before is replaced."""
        with self._file.commit():
            self.record_rows(rows)

    def record_rows(self, rows: StagedRows | Iterable[StagedRow]) -> None:
        """Do the same within a commit."""
        self._file.sql.executemany(_STAGE, [(*row, compute_row_checksum(*row)) for row in rows])

    def count_rows(self) -> int:
        """Return the number of staged rows."""
        (count,) = self._file.sql.execute("SELECT count(*) FROM rows").fetchone()
        return int(count)

    def read_phone_groups(self) -> Iterator[list[Accepted]]:
        """Yield the valid rows that share a number, directly or by way of other rows, in file order, without their cells.

        A group may be judged again before the next is requested. Read in batches, so that memory stays flat: only lead
        phones that further numbers connect are in memory together.
        """
        self._build_phone_index()
        linked = self._find_linked_phones()
        last = ""
        while phones := self._find_shared_phones(last):
            last = phones[-1]
            alone = [phone for phone in phones if phone not in linked]
            for _, group in groupby(self._read_rows_of_phones(alone), key=lambda row: row[1]):
                yield [to_accepted(row) for row in group]
        for connected in linked.list_sets():
            rows = self._read_rows_of_phones(connected)
            yield sorted(map(to_accepted, rows), key=lambda row: row.row.number)

    def read_valid_rows(self, after: int, limit: int) -> list[Accepted]:
        """Return the next valid rows, in file order, without their cells."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_VALID_ROWS, {"after": after, "rows": limit}).fetchall()
            return [to_accepted(row) for row in found]

    def read_valid_phones(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Return the numbers and lead phones of the next valid rows, in file order."""
        with self._file.translate_read_errors():
            return self._file.sql.execute(_VALID_PHONES, {"after": after, "rows": limit}).fetchall()

    def _read_rows_of_phones(self, phones: Sequence[str]) -> list[tuple[int, str, str, str]]:
        """Return (number, phone, payload, issues) of the valid rows with these lead phones, by phone and number."""
        rows: list[tuple[int, str, str, str]] = []
        for start in range(0, len(phones), _MAX_VARIABLES):
            some = phones[start : start + _MAX_VARIABLES]
            rows += self._file.sql.execute(
                f"""SELECT number, phone, payload, issues FROM rows WHERE verdict = 'valid'
                    AND phone IN ({",".join("?" * len(some))}) ORDER BY phone, number""",
                some,
            )
        return rows

    def _find_linked_phones(self) -> DisjointSets[str]:
        """Return the lead phones whose rows share a number with rows of another lead phone."""
        sql = self._file.sql
        sql.execute("PRAGMA temp_store = FILE")  # a million further numbers must not fill the memory
        sql.execute(_FURTHER_NUMBERS)
        sql.execute("CREATE INDEX temp.by_number ON further_numbers (number)")
        linked = DisjointSets[str]()
        for phone, other in sql.execute(_LINKED_PHONES):
            if phone != other:
                linked.connect(phone, other)
        sql.execute("DROP TABLE temp.further_numbers")
        sql.execute("PRAGMA temp_store = MEMORY")
        return linked

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
        """Give rows another verdict, payload and issues in one transaction; their cells stay."""
        with self._file.commit():
            self.record_verdicts(rows)

    def record_verdicts(self, rows: Iterable[NewVerdict]) -> None:
        """Do the same within a commit."""
        self._file.sql.executemany(
            _UPDATE,
            [
                (
                    row.number,
                    row.verdict,
                    encode_payload(row.payload),
                    encode_issues(row.issues),
                    row.survivor_row,
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


def to_accepted(row: tuple[int, str, str, str]) -> Accepted:
    """Return a valid row without its cells, from (number, phone, payload, issues)."""
    number, phone, payload, issues = row
    return Accepted(SourceRow(number, ()), phone, decode_payload(payload), decode_issues(issues))


def encode_issues(issues: Sequence[Issue]) -> str:
    """Return issues as a JSON list, or "" if there are none."""
    return _encode(issues).decode() if issues else ""


def decode_issues(text: str) -> tuple[Issue, ...]:
    """Return the issues of a column `issues`."""
    return _decode_issues(text) if text else ()


def encode_payload(payload: Payload | None) -> str | None:
    """Return a payload as JSON."""
    return None if payload is None else _encode(payload).decode()
