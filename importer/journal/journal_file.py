"""The open SQLite file of one run, which all roles of a journal share."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from importer.atomic_file import replace_file
from importer.journal import database
from importer.journal.database import (
    JOURNAL_NAME,
    STAGING_NAME,
    UNDECODABLE,
    UNREADABLE,
    translate_read_errors,
)
from importer.journal.row_codec import encode
from importer.state.disk_errors import translate_write_errors

_Part = TypeVar("_Part", bound=msgspec.Struct)


class JournalFile:
    """A connection whose reads and commits turn errors of SQLite into ours. Not for two threads at once."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self.sql = connection
        self.folder = folder
        self.is_sending = False
        """Whether rows may have been sent: a read error then stops the run instead of refusing the journal."""

    @property
    def path(self) -> Path:
        """The file, as it is named once every row is judged."""
        return self.folder / JOURNAL_NAME

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Run the block in one transaction. Raises DiskWriteError."""
        with translate_write_errors(self.folder), self.sql:
            self.sql.execute("BEGIN IMMEDIATE")
            yield

    def translate_read_errors(self) -> AbstractContextManager[None]:
        """Raise DamagedJournalError or JournalReadError for what cannot be read in the block."""
        return translate_read_errors(self.path, is_sending=self.is_sending, kinds=UNREADABLE)

    def translate_decode_errors(self) -> AbstractContextManager[None]:
        """Raise the same, only for bodies and lines that cannot be decoded in the block."""
        return translate_read_errors(self.path, is_sending=self.is_sending, kinds=UNDECODABLE)

    def write_part(self, key: str, part: msgspec.Struct) -> None:
        """Write one part of what is known about the run as a whole, within a commit."""
        self.sql.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, encode(part).decode())
        )

    def read_part(self, key: str, kind: type[_Part]) -> _Part | None:
        """Return one part of what is known about the run as a whole, or None."""
        found = self.sql.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return msgspec.json.decode(found[0], type=kind) if found else None

    def publish(self) -> None:
        """Give the file the name that resume and the reports know. Raises DiskWriteError."""
        staged = self.folder / STAGING_NAME
        if not staged.exists():
            return
        with translate_write_errors(self.folder):
            self.sql.close()
            replace_file(staged, self.path)
            self.sql = database.connect(self.path)

    def make_durable(self) -> None:
        """Make all that was staged survive a power loss, and every commit from now on."""
        database.fsync_file(self.path)
        self.sql.execute("PRAGMA journal_mode = WAL")
        self.sql.execute("PRAGMA synchronous = FULL")
