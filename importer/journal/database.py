"""The journal's SQLite file: create, open and check it, read and write it, and name its errors in one sentence."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import resources
from pathlib import Path
from typing import TypeVar

import msgspec

from importer.atomic_file import replace_file
from importer.errors import DamagedJournalError, JournalReadError
from importer.issues import UnknownCodeError
from importer.messages import run_messages
from importer.state.disk_errors import LOCKED_CODES, get_sqlite_code, translate_write_errors

JOURNAL_NAME = "journal.sqlite"
STAGING_NAME = "staging.sqlite"
"""The file's name until every row is judged: a file with this name has sent nothing."""
SCHEMA_VERSION = 1
_APPLICATION_ID = 0x5346494D  # "SFIM": tells our journals from other SQLite files

_UNREACHABLE_CODES = LOCKED_CODES | frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_NOMEM,
    }
)
"""Errors of a lock or of the disk: the journal itself may be whole."""

UNDECODABLE = (msgspec.DecodeError, csv.Error)
"""Errors of a body, an issue or a line that is not what importer wrote."""
UNREADABLE = (sqlite3.DatabaseError, *UNDECODABLE, ValueError, LookupError, TypeError)
"""Errors of a journal that is not what importer wrote."""

_Part = TypeVar("_Part", bound=msgspec.Struct)


def create_database(path: Path) -> sqlite3.Connection:
    """Create the file for staging. It does not wait for the disk: a crash before it is complete only costs time."""
    connection = connect(path)
    # The lock tells a file that is being written from one whose process was killed.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.executescript(resources.files(__package__).joinpath("schema.sql").read_text("utf-8"))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection that may move between threads, one at a time."""
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def open_checked(path: Path) -> sqlite3.Connection:
    """Return a connection to a journal of an earlier run. Raises DamagedJournalError if it cannot be trusted."""
    with translate_read_errors(path):
        connection = connect(path)
        try:
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def is_abandoned(path: Path) -> bool:
    """Return whether the process that staged rows into this file has ended."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True  # half a file: its process has ended, or it would hold the lock
    finally:
        connection.close()
    return True


def fsync_file(path: Path) -> None:
    """Return once the file, and its name in the folder, are on the disk."""
    for place in (path, path.parent) if os.name == "posix" else (path,):
        descriptor = os.open(place, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def translate_read_errors(
    path: Path, *, is_sending: bool = False, kinds: tuple[type[Exception], ...] = UNREADABLE
) -> Iterator[None]:
    """Turn what cannot be read into DamagedJournalError, or into JournalReadError once rows may have been sent."""
    error_type = JournalReadError if is_sending else DamagedJournalError
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except UnknownCodeError as error:
        raise error_type(*run_messages.UNKNOWN_ISSUE_CODE.format(path=path, code=error)) from error
    except kinds as error:
        is_unreachable = get_sqlite_code(error) in _UNREACHABLE_CODES
        text = run_messages.UNREACHABLE_JOURNAL if is_unreachable else run_messages.DAMAGED_JOURNAL
        raise error_type(*text.format(path=path, error=error)) from error


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise DamagedJournalError(*run_messages.NOT_A_JOURNAL.format(path=path))
    if version > SCHEMA_VERSION:
        raise DamagedJournalError(
            *run_messages.NEWER_JOURNAL.format(path=path, version=version, known=SCHEMA_VERSION)
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


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
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
            (key, msgspec.json.encode(part).decode()),
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
            self.sql = connect(self.path)

    def make_durable(self) -> None:
        """Make all that was staged survive a power loss, and every commit from now on."""
        fsync_file(self.path)
        self.sql.execute("PRAGMA journal_mode = WAL")
        self.sql.execute("PRAGMA synchronous = FULL")
