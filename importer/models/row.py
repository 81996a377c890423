"""A row from the file to its verdict: SourceRow -> Draft -> Accepted or Rejected.

Rows travel in blocks (SourceRows), and most are judged without a Draft of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Self, TypeAlias

import msgspec

from importer.issues import Issue
from importer.models.status import StagedVerdict

Payload: TypeAlias = dict[str, Any]
"""A lead's fields for the API. An absent key leaves the field alone; None clears it."""


class SourceRow(msgspec.Struct, frozen=True, array_like=True):
    """A row as the file has it.

    `number` is what the spreadsheet shows: 1-based, header and blank rows counted; for CSV the 1-based
    record number. `cells` are the texts exactly as typed, as many as the header has (missing cells are "").
    `faults` are what the reader found wrong with the row as a whole.
    """

    number: int
    cells: tuple[str, ...]
    issues: tuple[Issue, ...] = ()


class SourceRows(msgspec.Struct, frozen=True):
    """Rows that follow one another: most need less work than a call for each of them would cost.

    `numbers` and `cells` are of one length; `faults` are by place in them. `lines`, where there are any, are the same
    rows as they stand in the file, each a record of CSV that a report of ours could hold, but for its guards.
    """

    numbers: Sequence[int]
    cells: Sequence[Sequence[str]]
    issues: dict[int, tuple[Issue, ...]] = {}
    lines: Sequence[str] = ()

    @classmethod
    def of(cls, rows: Iterable[SourceRow]) -> Self:
        """Rows put together."""
        listed = list(rows)
        return cls(
            [row.number for row in listed],
            [row.cells for row in listed],
            {at: row.issues for at, row in enumerate(listed) if row.issues},
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[SourceRow]:
        return map(self.row, range(len(self)))

    def row(self, at: int) -> SourceRow:
        """One of them."""
        return SourceRow(self.numbers[at], tuple(self.cells[at]), self.issues.get(at, ()))

    def part(self, start: int, stop: int) -> Self:
        """Some of them."""
        faults = {at - start: found for at, found in self.issues.items() if start <= at < stop}
        return type(self)(self.numbers[start:stop], self.cells[start:stop], faults, self.lines[start:stop])


BLOCK_ROWS = 1024
"""Rows that travel together, from the file to the reports: enough that what is done once a block costs a row nothing,
and few enough that they stay in the processor's cache (4096 took a twentieth longer)."""


def split_into_blocks(rows: Iterable[SourceRow]) -> Iterator[SourceRows]:
    """Rows that come one after another, put together in blocks."""
    left = iter(rows)
    while some := list(islice(left, BLOCK_ROWS)):
        yield SourceRows.of(some)


class Draft(msgspec.Struct, frozen=True):
    """A row read into fields, not yet judged against the account.

    `payload` holds E.164 phones, numbers, lists; titles are still as the sheet spells them, and a TITLES
    value is the list of pieces between separators (a title with a comma in it is in several pieces).
    """

    row: SourceRow
    payload: Payload
    issues: tuple[Issue, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """A row that may be sent: `payload` is the request's body, titles in the account's own spelling."""

    row: SourceRow
    phone: str
    payload: Payload
    issues: tuple[Issue, ...] = ()


class Rejected(msgspec.Struct, frozen=True):
    """A row that is refused here; `phone` is "" where none could be read."""

    row: SourceRow
    phone: str
    issues: tuple[Issue, ...]


Verdict: TypeAlias = Accepted | Rejected


class NewVerdict(NamedTuple):
    """Another verdict on a staged row: folded into another, or its title gone from the account since.

    `payload` is None unless the row is sent; `survivor_row` is the row that a duplicate was folded into.
    """

    number: int
    verdict: StagedVerdict
    payload: Payload | None
    issues: tuple[Issue, ...]
    survivor_row: int | None = None
