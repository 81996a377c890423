"""Judged rows in the shape of the journal's table, one by one or in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self, assert_never

import msgspec

from importer.csv_injection import format_csv_line
from importer.journal.row_codec import encode_issues, encode_payload
from importer.models.row import Accepted, Rejected, Verdict
from importer.models.status import StagedVerdict


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
