"""What becomes of rows, notes and runs, in the words that reports and summary.json use."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class RowStatus(StrEnum):
    """What became of a row; exactly one each, and their counts add up to the file's data rows."""

    ACCEPTED = "accepted"
    INVALID = "invalid"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    DUPLICATE = "duplicate"
    PENDING = "pending"


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


ROWS_SHEET = "Rows to fix"
"""The sheet of failed_rows.xlsx: its cells are as typed, where those of our CSV files are guarded."""


LISTS_SHEET = "Lists"
"""The hidden sheet that holds the account's titles, in our workbooks."""


def is_report_header(headers: Iterable[str]) -> bool:
    """Whether these are the columns of a report of ours: two are enough, for people move and delete some."""
    return len(set(REPORT_COLUMNS) & set(headers)) >= 2
