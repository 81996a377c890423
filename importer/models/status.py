"""States of rows, notes and runs, in the words that reports and summary.json use."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal, TypeAlias


class RowStatus(StrEnum):
    """What became of a row. Each row has exactly one; the counts add up to the file's data rows."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"  # the CRM has it already: nothing to send
    INVALID = "invalid"
    CONFLICT = "conflict"  # held back by a policy, or because the lead was changed meanwhile
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    PENDING = "pending"


class NoteState(StrEnum):
    """What became of a row's note; empty if the row has none."""

    NONE = ""
    SENT = "sent"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


class Verification(StrEnum):
    """What reading a lead back says about a row that the CRM took. The column `_verified` has the words."""

    SAME = "same"
    NORMALISED = "normalised"  # upper and lower case, spaces, or the end of a long text differ
    DIFFERS = "differs"
    CHANGED_SINCE = "changed_since"  # the CRM had it, and another hand changed it later
    MISSING = "missing"
    CANNOT_TELL = "cannot_tell"

    @property
    def is_failed(self) -> bool:
        """Whether the CRM may not have what was sent: such a run is no success."""
        return self in _UNVERIFIED


_UNVERIFIED = frozenset({Verification.DIFFERS, Verification.MISSING, Verification.CANNOT_TELL})


class RunKind(StrEnum):
    """What a run does to leads. An undo is a run of its own, over the leads of another run."""

    IMPORT = "import"
    UNDO = "undo"


class RunState(StrEnum):
    """The state of a run. `summary.json` of an ended run never shows the first two."""

    STAGING = "staging"  # rows are being judged: nothing was sent
    RUNNING = "running"  # rows are being sent, or importer was killed while it sent them
    CHECKED = "checked"
    PLANNED = "planned"
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


UNSENT = frozenset({RunState.CHECKED, RunState.PLANNED})
"""States of runs that ended on purpose before anything was sent."""

RESUMABLE = frozenset({RunState.RUNNING, RunState.STOPPED, RunState.INTERRUPTED})
"""States from which `importer resume` continues."""


WENT_IN = frozenset({RowStatus.ACCEPTED, RowStatus.UNCHANGED})
"""Statuses of rows whose values the CRM has."""

DeliveryStatus: TypeAlias = Literal[
    RowStatus.ACCEPTED,
    RowStatus.UNCHANGED,
    RowStatus.CONFLICT,
    RowStatus.REFUSED,
    RowStatus.FAILED,
    RowStatus.UNKNOWN,
]
"""What the sending can make of a valid row."""


class StagedVerdict(StrEnum):
    """What importer decided about a row before the sending. A valid row gets its RowStatus when it is sent.

    An unchanged row was sent before (`--changed`): it needs no request.
    """

    VALID = "valid"
    UNCHANGED = "unchanged"
    INVALID = "invalid"
    DUPLICATE = "duplicate"


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
"""The columns that reports add behind the sheet's own, in order. Two of them mark a file as a report of importer."""


PLAN_COLUMNS = ("_plan", "_changes", "_lead")
"""The columns that reports add behind those, in a run whose rows were planned."""


VERIFICATION_COLUMNS = ("_verified",)
"""The column that reports add behind those, in a run whose leads were read back."""


TASK_COLUMNS = ("_task",)
"""The column that reports add behind those, in a run with follow-up tasks."""


SHEET_COLUMN = "_sheet"
"""The column behind the sheets' own, with the name of the sheet of each row, in a run over several sheets."""


ROWS_SHEET = "Rows to fix"
"""The sheet of failed_rows.xlsx: its cells are as typed, where those of our CSV files are guarded."""


RUN_ID_PROPERTY = "importer-run"
"""The document property of failed_rows.xlsx that has the id of its run."""

ACCOUNT_PROPERTY = "importer-account"
"""The one that has the account of its run, as a fingerprint: two accounts of a batch have runs with one id."""


LISTS_SHEET = "Lists"
"""The hidden sheet that holds the account's titles, in our workbooks."""


def is_report_header(headers: Iterable[str]) -> bool:
    """Return whether these are the columns of a report of importer: two are enough, because people delete some."""
    return len(set(REPORT_COLUMNS) & set(headers)) >= 2
