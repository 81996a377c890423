"""What a journal says about its run as a whole: its file, how the file is read, and how the run ended."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from importer.errors import DamagedJournalError
from importer.journal.database import JOURNAL_NAME, UNREADABLE, JournalFile, peek
from importer.messages import run_messages
from importer.models.mapping import AccountTitles, Mapping, Notice
from importer.models.status import RESUMABLE, RunKind, RunState
from importer.state.account_memory import STILL_RUNNING, RunTrace

METADATA_KEY, END_KEY, SEND_TOTALS_KEY, MEMORY_KEY = "metadata", "end", "send_totals", "memory"
"""Keys of the table `meta`."""
_PEEK = "SELECT key, value FROM meta WHERE key IN (?, ?, ?) AND checksum IS checksum(key, value)"


class VanishedLeads(msgspec.Struct, frozen=True, kw_only=True):
    """How many leads of an earlier run of a sheet the sheet does not have any more, and that run."""

    run_id: str
    file: str
    started_at: str
    leads: int


class RunMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is about, written before its first row. Times are ISO 8601 with their offset.

    `run_id` is the first name of its folder, which the ledger of notes knows. `file` is the path as the user gave it.
    `headers` are the sheet's own, in order. `account` is a hash of base address and key. `options` are the settings
    that resume and retry inherit. `parent` is the run that this one retries or undoes, or "". `titles` are the account's lists
    as they were when the rows were judged: reports show them, and edited rows are judged by them. `sheets` are the names of
    the sheets, if several were read: the last of `headers` is then SHEET_COLUMN. `applied_at` is when a plan was first
    applied, or "". `vanished` is about the last run of the sheet, with `--changed`. `known_leads` are those of a check that
    importer sent before. `undone_at` and `undone_by` are when the last undo of the run began to send, and its id, or "".
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
    titles: AccountTitles = {}
    sheets: tuple[str, ...] = ()
    applied_at: str = ""
    vanished: VanishedLeads | None = None
    known_leads: int = 0
    undone_at: str = ""
    undone_by: str = ""

    def __post_init__(self) -> None:
        # Checked here, so that a journal whose time cannot be read counts as damaged.
        if self.started.tzinfo is None:
            raise ValueError(f"{self.started_at!r} has no offset")

    @property
    def kind(self) -> RunKind:
        """What the run does to leads."""
        return RunKind.UNDO if self.command == RunKind.UNDO else RunKind.IMPORT

    @property
    def started(self) -> datetime:
        """The time at which the run began."""
        return datetime.fromisoformat(self.started_at)


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the run, and how it ended. `reason` is the sentence that says what stopped it, or ""."""

    state: RunState
    exit_code: int | None = None
    finished_at: str | None = None
    reason: str = ""
    is_planning: bool = False
    """Whether leads are looked up for a plan: nothing was sent yet."""
    is_held: bool = False
    """Whether a person stopped it in the page. No watcher continues it, because the person decides when."""

    @property
    def has_sent(self) -> bool:
        """Whether the run has begun to send, however it ended."""
        return (self.state in RESUMABLE and not self.is_planning) or self.state is RunState.FINISHED


class UsedMemory(msgspec.Struct, frozen=True):
    """The memory of the account (state/account_memory.py) that the run was sent with last."""

    memory_id: str = ""


class SendTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of the sending over all resumes. `seconds` is wall time spent sending; rates are requests a second."""

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


class PeekedRun(NamedTuple):
    """What can be said about a run without a check of its journal."""

    metadata: RunMetadata
    end: RunEnd
    memory_id: str

    def trace(self, folder: Path, memory_id: str) -> RunTrace:
        """Return the run as the memory with this id knows it."""
        progress = f"{self.memory_id} {self.end.finished_at}"
        if self.memory_id == memory_id:
            progress = ""
        elif self.end.state is RunState.RUNNING:
            progress = STILL_RUNNING
        return RunTrace(
            self.metadata.run_id, self.metadata.started_at, self.metadata.sha256, folder, progress
        )


def peek_run(folder: Path, name: str = JOURNAL_NAME, *, wait_s: float = 0) -> PeekedRun | None:
    """Return the metadata and the state of the run in `folder`, or None if they cannot be read.

    It does not check the rest of the journal. `wait_s` is how long to wait for another process's lock.
    """
    try:
        with peek(folder / name, wait_s=wait_s) as connection:
            parts = dict(connection.execute(_PEEK, (METADATA_KEY, END_KEY, MEMORY_KEY)).fetchall())
        metadata = msgspec.json.decode(parts[METADATA_KEY], type=RunMetadata)
        end = msgspec.json.decode(parts[END_KEY], type=RunEnd)
        memory = msgspec.json.decode(parts.get(MEMORY_KEY, "{}"), type=UsedMemory)
        return PeekedRun(metadata, end, memory.memory_id)
    except (*UNREADABLE, OSError, DamagedJournalError):
        return None


class RunRecord:
    """The metadata of a run and its state, in memory and on disk."""

    def __init__(self, file: JournalFile, metadata: RunMetadata) -> None:
        self._file = file
        self.metadata = metadata

    @classmethod
    def create(cls, file: JournalFile, metadata: RunMetadata) -> RunRecord:
        """Write the metadata of a new run."""
        with file.commit():
            file.write_part(METADATA_KEY, metadata)
            file.write_part(END_KEY, RunEnd(state=RunState.STAGING))
        return cls(file, metadata)

    @classmethod
    def load(cls, file: JournalFile) -> RunRecord:
        """Read the metadata of an earlier run. Raises DamagedJournalError."""
        return cls(file, _read_metadata(file))

    def reload(self) -> None:
        """Read the metadata again. Raises DamagedJournalError."""
        self.metadata = _read_metadata(self._file)

    @property
    def end(self) -> RunEnd:
        """The state of the run, and how it ended."""
        with self._file.translate_read_errors():
            return self._file.read_part(END_KEY, RunEnd) or RunEnd(state=RunState.STAGING)

    def write_end(self, end: RunEnd) -> None:
        """Write the state of the run, and how it ended."""
        with self._file.commit():
            self.record_end(end)

    def record_end(self, end: RunEnd) -> None:
        """Do the same within a commit."""
        self._file.write_part(END_KEY, end)

    @property
    def memory_id(self) -> str:
        """The memory that the run was sent with last, or ""."""
        with self._file.translate_read_errors():
            return (self._file.read_part(MEMORY_KEY, UsedMemory) or UsedMemory()).memory_id

    def write_memory_id(self, memory_id: str) -> None:
        """Write the memory that the run is sent with."""
        with self._file.commit():
            self._file.write_part(MEMORY_KEY, UsedMemory(memory_id))

    def set_notices(self, notices: tuple[Notice, ...]) -> None:
        """Replace the notices, for instance when the end of the sheet adds hidden rows and footers."""
        self.change_metadata(notices=notices)

    def set_mapping(self, mapping: Mapping) -> None:
        """Replace the mapping, when answers were added to it while the rows were judged."""
        self.change_metadata(mapping=mapping)

    def change_metadata(self, **values: Any) -> None:
        """Replace fields of the metadata."""
        self.metadata = msgspec.structs.replace(self.metadata, **values)
        with self._file.commit():
            self._file.write_part(METADATA_KEY, self.metadata)


def _read_metadata(file: JournalFile) -> RunMetadata:
    with file.translate_read_errors():
        metadata = file.read_part(METADATA_KEY, RunMetadata)
    if metadata is None:
        raise DamagedJournalError(*run_messages.INCOMPLETE_JOURNAL.format(path=file.path))
    return metadata
