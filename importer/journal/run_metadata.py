"""What a run knows of itself as a whole: where it came from, how it reads its sheet, how it ended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from importer.journal.database import JOURNAL_NAME, SCHEMA_VERSION, UNREADABLE
from importer.models.mapping import Mapping, Notice
from importer.models.status import RunState


class RunMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """Written once, before the first row. Times are ISO 8601 with their offset.

    `run_id` is what its folder was called then, by which the memory of notes knows it;
    `file` is the path as the user gave it; `headers` are the sheet's own, in order; `account` stands for the
    base address and key without telling either key; `options` are the settings that resume and retry take
    over; `parent` is the run that this one retries, or "".
    """

    run_id: str
    command: str
    file: str
    sha256: str
    started_at: str
    account: str
    base_url: str
    headers: tuple[str, ...]
    mapping: Mapping
    options: dict[str, object] = {}
    notices: tuple[Notice, ...] = ()
    parent: str = ""
    titles: dict[str, tuple[str, ...]] = {}
    """The account's active titles by dropdown, as they were when the rows were judged: for the reports."""

    def __post_init__(self) -> None:
        if self.started.tzinfo is None:
            raise ValueError(f"{self.started_at!r} has no offset")

    @property
    def started(self) -> datetime:
        """When the run began. That it can be read is seen to here, so that a journal in which it cannot is damaged."""
        return datetime.fromisoformat(self.started_at)


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How the run stands; `reason` is the sentence of what stopped it, or ""."""

    state: RunState
    exit_code: int | None = None
    finished_at: str | None = None
    reason: str = ""


class SendTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of the sending, resumes added up. `seconds` is wall time spent sending; rates are requests a second."""

    requests: int = 0
    retries: int = 0
    throttled: int = 0
    seconds: float = 0.0
    rate_reached: float = 0.0


class SecondMetrics(msgspec.Struct, frozen=True):
    """What happened in one second of sending."""

    second: int
    requests: int
    throttled: int
    retries: int


def peek_metadata(folder: Path, *, wait_s: float = 0) -> tuple[RunMetadata, RunEnd] | None:
    """Where the run in `folder` came from and how it stands, or None where nothing can be read.

    `wait_s` is for a journal that another process has locked just now.
    """
    path = folder / JOURNAL_NAME
    if not path.is_file():  # SQLite would make one
        return None
    try:
        with closing(sqlite3.connect(path, timeout=wait_s)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                return None
            found = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('header', 'end')"))
        header = msgspec.json.decode(found["header"], type=RunMetadata)
        return header, msgspec.json.decode(found["end"], type=RunEnd)
    except UNREADABLE:
        return None
