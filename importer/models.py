"""The clothes of a row: the types that it wears from the file to the report, in the order of its travels.

file -> SourceRow -> Draft -> Verdict (Accepted | Rejected) -> journal -> PendingRow
     -> Reply -> RowResult -> RowOutcome -> the reports

From the file to the judge rows travel in blocks (SourceRows), and most are judged without a Draft of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, Self, TypeAlias

import msgspec

from importer.fields import Dropdown
from importer.guard import cells_of
from importer.issues import Issue, Severity, sentence

Payload: TypeAlias = dict[str, Any]
"""A lead's fields for the API. An absent key leaves the field alone; None clears it."""


class Status(StrEnum):
    """What became of a row; exactly one each, and their counts add up to the file's data rows."""

    ACCEPTED = "accepted"
    INVALID = "invalid"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    PENDING = "pending"


MEANING: dict[str, str] = {
    Status.ACCEPTED: "went in",
    Status.INVALID: "refused here, before anything was sent",
    Status.REFUSED: "refused by the CRM, or on the way to it",
    Status.FAILED: "could not be delivered",
    Status.UNKNOWN: "may have gone in, the answer was lost",
    Status.DUPLICATE: "folded into another row with the same phone",
    Status.PENDING: "not tried yet",
}
"""What people read of a status, on the terminal and on the page."""
MEANING_OF_CHECK: dict[str, str] = {**MEANING, Status.ACCEPTED: "can go in"}
"""The same after a check."""


class NoteState(StrEnum):
    """What became of a row's note; empty where the row has none."""

    NONE = ""
    SENT = "sent"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


class RunState(StrEnum):
    """How a run stands; the first two never reach `summary.json` of an ended run."""

    STAGING = "staging"  # rows are being judged: nothing was sent
    RUNNING = "running"  # rows are being sent, or the tool was killed while they were
    CHECKED = "checked"
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


class Title(msgspec.Struct, frozen=True, array_like=True):
    """One entry of an account's dropdown list; only active ones can be attached to a lead."""

    title: str
    active: bool = True


AccountTitles: TypeAlias = dict[Dropdown, tuple[Title, ...]]
"""The account's live dropdown lists, every page of them."""


def active_titles(titles: AccountTitles) -> dict[str, tuple[str, ...]]:
    """What can be attached to a lead, by dropdown."""
    return {
        dropdown: tuple(title.title for title in found if title.active) for dropdown, found in titles.items()
    }


REPORT_COLUMNS = (
    "_row",
    "_status",
    "_phone",
    "_problems",
    "_codes",
    "_attempts",
    "_http_status",
    "_note",
)
"""The columns that our reports put behind the sheet's own; several of them mark a file as ours."""

ROWS_SHEET = "Rows to mend"
"""The sheet of failed_rows.xlsx: its cells are as typed, where those of our CSV files are guarded."""

LISTS_SHEET = "Lists"
"""The hidden sheet that holds the account's titles, in our workbooks."""


def is_report_header(headers: Iterable[str]) -> bool:
    """Whether these are the columns of a report of ours: two are enough, for people move and delete some."""
    return len(set(REPORT_COLUMNS) & set(headers)) >= 2


class SourceRow(msgspec.Struct, frozen=True, array_like=True):
    """A row as the file has it.

    `number` is what the spreadsheet shows: 1-based, header and blank rows counted; for CSV the 1-based
    record number. `cells` are the texts exactly as typed, as many as the header has (missing cells are "").
    `faults` are what the reader found wrong with the row as a whole.
    """

    number: int
    cells: tuple[str, ...]
    faults: tuple[Issue, ...] = ()


class SourceRows(msgspec.Struct, frozen=True):
    """Rows that follow one another: most need less work than a call for each of them would cost.

    `numbers` and `cells` are of one length; `faults` are by place in them. `lines`, where there are any, are the same
    rows as they stand in the file, each a record of CSV that a report of ours could hold, but for its guards.
    """

    numbers: Sequence[int]
    cells: Sequence[Sequence[str]]
    faults: dict[int, tuple[Issue, ...]] = {}
    lines: Sequence[str] = ()

    @classmethod
    def of(cls, rows: Iterable[SourceRow]) -> Self:
        """Rows put together."""
        listed = list(rows)
        return cls(
            [row.number for row in listed],
            [row.cells for row in listed],
            {at: row.faults for at, row in enumerate(listed) if row.faults},
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[SourceRow]:
        return map(self.row, range(len(self)))

    def row(self, at: int) -> SourceRow:
        """One of them."""
        return SourceRow(self.numbers[at], tuple(self.cells[at]), self.faults.get(at, ()))

    def part(self, start: int, stop: int) -> Self:
        """Some of them."""
        faults = {at - start: found for at, found in self.faults.items() if start <= at < stop}
        return type(self)(self.numbers[start:stop], self.cells[start:stop], faults, self.lines[start:stop])


BLOCK_ROWS = 1024
"""Rows that travel together, from the file to the reports: enough that what is done once a block costs a row nothing,
and few enough that they stay in the processor's cache (4096 took a twentieth longer)."""


def blocks_of(rows: Iterable[SourceRow]) -> Iterator[SourceRows]:
    """Rows that come one after another, put together in blocks."""
    left = iter(rows)
    while some := list(islice(left, BLOCK_ROWS)):
        yield SourceRows.of(some)


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """Something about the table as a whole that must be said: a second sheet, hidden rows, the encoding.

    `kind` is one of `read` (how it was understood) and `ignored` (what was left aside).
    """

    kind: str
    text: str


class ColumnRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one column are read beyond what its field says. Presets and maps set these.

    `prefixes` are taken off in front (`p:`); `joiners` part several values in a cell, beside the usual ones;
    `constant` stands in for every cell; cells that are one of `drop_values` count as empty; a cell with the
    text of `clear` empties a field that can be cleared.
    """

    prefixes: tuple[str, ...] = ()
    joiners: tuple[str, ...] = ()
    constant: str | None = None
    drop_values: tuple[str, ...] = ()
    clear: str | None = None


class ColumnChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which field one column went to, and why.

    `field` is "" for a column that is left out. `why` is one of `option`, `map`, `preset`, `synonym`,
    `fuzzy`, `content`, `decoy`, `unfit` (the cells belie the header), `taken` (the field already has a
    column), `nothing`. `sureness` is 0 to 1.
    `reason` is a plain sentence. `filled` is the share of the sampled rows with something in the cell.
    """

    index: int
    header: str
    field: str
    why: str
    sureness: float
    reason: str
    rules: ColumnRules = ColumnRules()
    samples: tuple[str, ...] = ()
    filled: float = 0.0


class RowRule(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that are no leads, by the text of one column: `code` is `deleted`, `test_row` or `not_a_lead`.

    A cell matches when, trimmed and in lower case, it is one of `equals` or begins with one of `begins`.
    `index` -1 means any cell of the row. `reason` says more of them: "a look at the catalogue".
    """

    index: int
    code: str
    equals: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    reason: str = ""


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """How the columns of one sheet become fields: what `loader.columns` decided and `loader.drafts` obeys.

    `defaults` fill empty cells, by field; `values` rewrite cells, by field (what the sheet says -> what the
    account calls it); `clear` is the cell text that clears a field that can be cleared.
    """

    columns: tuple[ColumnChoice, ...]
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    clear: str | None = None
    preset: str = ""
    row_rules: tuple[RowRule, ...] = ()

    def columns_of(self, field: str) -> list[ColumnChoice]:
        """The columns that feed `field`, in the order of the sheet."""
        return [column for column in self.columns if column.field == field]


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


class Rejudged(NamedTuple):
    """Another verdict on a staged row: folded into another, or its title gone from the account since.

    `payload` is None unless the row is sent; `kept_in` is the row that a duplicate was folded into.
    """

    number: int
    verdict: Status
    payload: Payload | None
    issues: tuple[Issue, ...]
    kept_in: int | None = None


NOTE_BREAK = "\x1e"
"""Stands between the notes of rows that were merged, so that each of them is known by itself."""


class PendingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A staged row on its way out.

    `phones` are all of its numbers, the lead's own first: no two rows that share one are in flight together.
    `payload` is the body without the notes. `in_doubt` says that an attempt before a crash may have arrived.
    `note_state` is NOT_SENT while `notes` may travel; UNKNOWN when an earlier attempt may have delivered them,
    SENT when they are known to be there: those do not travel again. `left_out` is the same of the notes that
    a merged row has beside those in `notes`; `note_run` is the run that sent what does not travel, and
    `other_key` whether it did so with another API key.
    """

    number: int
    phones: tuple[str, ...]
    payload: Payload
    in_doubt: bool = False
    notes: tuple[str, ...] = ()
    note_state: NoteState = NoteState.NONE
    left_out: NoteState = NoteState.NONE
    note_run: str = ""
    other_key: bool = False

    @property
    def note(self) -> str | None:
        """The note that may travel with the row now."""
        return "\n".join(self.notes) if self.note_state is NoteState.NOT_SENT else None


class Applied(StrEnum):
    """What an attempt did to the CRM, as far as can be known (law 3)."""

    NOT_APPLIED = "not applied"  # it cannot have arrived: try again
    REFUSED = "refused"  # the CRM read it and said no
    TURNED_AWAY = "turned away"  # somebody before the CRM said no, in words that are not the API's
    APPLIED = "applied"
    MAY_HAVE_ARRIVED = "may have arrived"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for one attempt. A reply is a value; what must stop the run is an exception.

    `status` is None where no answer came; `message` is the server's own, or the transport's; `retry_after_s`
    is what the server asked for, in seconds from now.
    """

    applied: Applied
    status: int | None
    message: str
    retry_after_s: float | None = None


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a sent row: written to the journal before it is counted."""

    number: int
    status: Status
    attempts: int
    http_status: int | None
    note: NoteState
    issues: tuple[Issue, ...] = ()


class RowOutcome(msgspec.Struct, frozen=True, dict=True):
    """A row at the end of its travels, as the reports show it, read back from the journal.

    `line` is its cells as they stand in a report (`guard.line_of`); `judged` and `added` are the issues of
    the judging and of the sending, as JSON or ""; `body` is the request's body, as JSON. Few readers want all
    of a row, so `cells`, `issues` and `payload` are read when they are asked for, and once.
    `kept` is the status of the row that a duplicate was folded into, None for every other row.
    """

    number: int
    line: str
    status: Status
    phone: str
    judged: str
    added: str
    attempts: int
    http_status: int | None
    note: NoteState
    body: str | None
    kept: Status | None = None

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The cells exactly as typed."""
        return cells_of(self.line)

    @cached_property
    def issues(self) -> tuple[Issue, ...]:
        """All that is to be said of the row."""
        return tuple(issue for text in (self.judged, self.added) if text for issue in _read_issues(text))

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The same in words, one for each issue."""
        return tuple(sentence(self.number, issue) for issue in self.issues)

    @cached_property
    def payload(self) -> Payload | None:
        """The request's body, where the row has one."""
        return _read_payload(self.body.replace(_ESCAPED_BREAK, "\\n")) if self.body else None

    @property
    def fate(self) -> Status:
        """What became of its values: of a duplicate, the status of the row that it was folded into."""
        return self.status if self.kept is None else self.kept

    @property
    def goes_again(self) -> bool:
        """Whether the row is worth mending or sending again: what failed_rows and `retry` hold.

        A duplicate goes again with the row that it was folded into, or its values would be lost; a row that
        is no lead has nothing to mend.
        """
        match self.status:
            case Status.ACCEPTED:
                return False
            case Status.DUPLICATE:
                return self.kept is not Status.ACCEPTED
            case Status.INVALID:
                return all(issue.severity is not Severity.LEFT_OUT for issue in self.issues)
            case Status.REFUSED | Status.FAILED | Status.UNKNOWN | Status.PENDING:
                return True


_ESCAPED_BREAK = msgspec.json.encode(NOTE_BREAK).decode()[1:-1]  # as it stands in JSON
_read_issues = msgspec.json.Decoder(tuple[Issue, ...]).decode
_read_payload = msgspec.json.Decoder(Payload).decode
