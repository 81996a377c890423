"""The types of a row on its way from the file to its verdict: SourceRow -> Draft -> Accepted or Rejected.

Rows travel in blocks (SourceRows). Most rows are judged without a Draft of their own (see `reader/fast_path.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Self, TypeAlias

import msgspec

from importer.issues import Issue
from importer.models.status import StagedVerdict

Payload: TypeAlias = dict[str, Any]
"""A lead's fields for the API. A missing key leaves the field unchanged; None clears it."""


ROW_BITS = 32  # more rows than any sheet has
ROW_MASK = (1 << ROW_BITS) - 1
"""The bits of a row's number that are its number in its sheet."""


def pack_row_number(sheet: int, row: int) -> int:
    """Return the number of a row in a run over several sheets: unique in the run, and in the order of the sheets.

    `sheet` is the position of its sheet, from 1, and `row` its number in that sheet. With one sheet, rows keep their
    plain numbers.
    """
    return sheet << ROW_BITS | row


def get_sheet_row(number: int) -> int:
    """Return the row as its sheet shows it, from a number of the run."""
    return number & ROW_MASK


def name_row(number: int, sheets: Sequence[str]) -> str:
    """Return `14`, or `14 of Pune` in a run over several sheets. `sheets` are their names in order."""
    sheet, row = number >> ROW_BITS, number & ROW_MASK
    return f"{row} of {sheets[sheet - 1]}" if 0 < sheet <= len(sheets) else str(row)


def flatten_payload(payload: Payload) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a lead with their values, the parts of the address one by one, without the lead's phone."""
    for name, value in payload.items():
        if name == "address":
            for part, text in value.items():
                yield f"address.{part}", text
        elif name != "customer_phone":
            yield name, value


def split_label_steps(payload: Payload) -> list[Payload]:
    """Return the bodies that a payload needs: two if it removes labels and adds some (docs/api.md). The note is in the last."""
    if "remove_labels" not in payload or "add_labels" not in payload:
        return [payload]
    rest = {name: value for name, value in payload.items() if name != "remove_labels"}
    return [{name: payload[name] for name in ("customer_phone", "remove_labels")}, rest]


class SourceRow(msgspec.Struct, frozen=True, array_like=True):
    """One row exactly as it is in the file.

    `number` is the row number that the spreadsheet shows: 1-based, header and blank rows counted. For CSV it is the
    1-based record number. With several sheets it is that of `pack_row_number`. `cells` are the texts as typed, one for each header ("" for a missing cell). `issues` are
    the problems that the reader found with the row as a whole.
    """

    number: int
    cells: tuple[str, ...]
    issues: tuple[Issue, ...] = ()


class SourceRows(msgspec.Struct, frozen=True):
    """A block of consecutive rows, by column: work that is done once for a block costs a row nothing.

    `numbers` and `cells` have the same length. `issues` maps an index in them to the issues of that row. `lines` is
    empty, or holds the same rows as CSV records that a report can use, without formula protection.
    """

    numbers: Sequence[int]
    cells: Sequence[Sequence[str]]
    issues: dict[int, tuple[Issue, ...]] = {}
    lines: Sequence[str] = ()

    @classmethod
    def from_rows(cls, rows: Iterable[SourceRow]) -> Self:
        """Build a block from single rows."""
        listed = list(rows)
        return cls(
            [row.number for row in listed],
            [row.cells for row in listed],
            {at: row.issues for at, row in enumerate(listed) if row.issues},
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[SourceRow]:
        return map(self.get_row, range(len(self)))

    def get_row(self, at: int) -> SourceRow:
        """Return the row at index `at`."""
        return SourceRow(self.numbers[at], tuple(self.cells[at]), self.issues.get(at, ()))

    def slice(self, start: int, stop: int) -> Self:
        """Return the rows from index `start` up to, but without, `stop`."""
        issues = {at - start: found for at, found in self.issues.items() if start <= at < stop}
        return type(self)(self.numbers[start:stop], self.cells[start:stop], issues, self.lines[start:stop])


BLOCK_ROWS = 1024
"""Rows in one block, from the file to the reports. Large enough that the work for each block costs a row nothing, and
small enough that a block stays in the processor's cache (with 4096 rows a check took 5% longer)."""


def split_into_blocks(rows: Iterable[SourceRow]) -> Iterator[SourceRows]:
    """Yield the rows in blocks of at most BLOCK_ROWS."""
    remaining = iter(rows)
    while block := list(islice(remaining, BLOCK_ROWS)):
        yield SourceRows.from_rows(block)


class Draft(msgspec.Struct, frozen=True):
    """A row read into fields, not yet checked against the account.

    `payload` holds E.164 phones, numbers and lists. Titles still have the sheet's spelling. A TITLES value is the
    list of texts between separators, so a title that contains a comma is still in several parts.
    """

    row: SourceRow
    payload: Payload
    issues: tuple[Issue, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """A row that may be sent. `payload` is the request's body, with titles in the account's own spelling."""

    row: SourceRow
    phone: str
    payload: Payload
    issues: tuple[Issue, ...] = ()


class Rejected(msgspec.Struct, frozen=True):
    """A row that is rejected before anything is sent. `phone` is "" if no phone could be read."""

    row: SourceRow
    phone: str
    issues: tuple[Issue, ...]


Verdict: TypeAlias = Accepted | Rejected


class NewVerdict(NamedTuple):
    """A changed verdict on a staged row: it is a duplicate, or its title was removed from the account since.

    `payload` is None unless the row is sent. `survivor_row` is the number of the row that a duplicate was merged into.
    """

    number: int
    verdict: StagedVerdict
    payload: Payload | None
    issues: tuple[Issue, ...]
    survivor_row: int | None = None
