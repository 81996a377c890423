"""The journal's SQLite file: create, open and check it, read and write it, and name its errors in one sentence."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Literal, NoReturn, TypeVar
from urllib.parse import quote

import msgspec

from importer.atomic_file import fsync_file, fsync_folders, replace_file
from importer.errors import DamagedJournalError, JournalReadError
from importer.issues import UnknownCodeError
from importer.journal.checksums import add_checksum_functions, find_damage, write_row_count
from importer.journal.wal_marker import checkpoint, get_wal_path, is_wal_large, settle_marker
from importer.messages import run_messages
from importer.state.disk_errors import LOCKED_CODES, get_sqlite_code, translate_write_errors

JOURNAL_NAME = "journal.sqlite"
STAGING_NAME = "staging.sqlite"
"""The file's name until every row is judged: a file with this name has sent nothing."""
DATABASE_FILES = frozenset(
    name + suffix for name in (JOURNAL_NAME, STAGING_NAME) for suffix in ("", "-wal", "-shm", "-journal")
)
"""The journal and what SQLite keeps beside it."""
SCHEMA_VERSION = 3
_APPLICATION_ID = 0x5346494D  # "SFIM": tells our journals from other SQLite files
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 72  # of a SQLite file, up to the end of its application_id
_MAX_WAIT_S = 30.0  # for the lock of another process, which holds it for one commit
_SCHEMA = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")

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


_OPEN_FILES: Counter[str] = Counter()
"""How many connections of this process each journal has. Its file must not be opened beside them: see `make_durable`."""
_OPEN_FILES_LOCK = Lock()


class _Connection(sqlite3.Connection):
    """A connection that says which file this process has open."""

    _place = ""

    def register(self, path: Path) -> None:
        """Count the connection, before it locks anything."""
        with _OPEN_FILES_LOCK:
            self._place = os.path.realpath(path)
            _OPEN_FILES[self._place] += 1

    def close(self) -> None:
        """Close the connection, and count it no more."""
        super().close()
        with _OPEN_FILES_LOCK:
            if self._place:
                _OPEN_FILES[self._place] -= 1
            self._place = ""


def create_database(path: Path) -> sqlite3.Connection:
    """Create the file for staging. It does not wait for the disk: a crash before it is complete only costs time."""
    connection = connect(path, mode="rwc")
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # one lock for all batches
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.executescript(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return connection


def connect(
    path: Path, *, mode: Literal["rw", "rwc"] = "rw", wait_s: float = _MAX_WAIT_S
) -> sqlite3.Connection:
    """Return a connection that may move between threads, one at a time. Only the mode `rwc` creates the file."""
    place = path.absolute().as_posix()
    # Three slashes before a drive letter, four before a network share. As bytes: a name may hold some that are no letters.
    uri = f"file://{'' if place.startswith('/') else '/'}{quote(os.fsencode(place))}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, check_same_thread=False, isolation_level=None, timeout=wait_s, factory=_Connection
    )
    connection.register(path)
    connection.execute("PRAGMA temp_store = MEMORY")
    add_checksum_functions(connection)
    return connection


def open_checked(path: Path) -> sqlite3.Connection:
    """Return a connection to a journal of an earlier run. Raises DamagedJournalError if its structure is damaged."""
    with translate_read_errors(path):
        connection, is_wal_missing = _open_known(path)
        try:
            _check_structure(connection)
            if is_wal_missing:
                _raise_wal_missing(path)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def peek(path: Path, *, wait_s: float) -> Iterator[sqlite3.Connection]:
    """Open a journal for a look at its first table, unchecked. `wait_s` is how long to wait for another's lock."""
    with closing(_open_known(path, wait_s=wait_s)[0]) as connection:
        yield connection


def _open_known(path: Path, *, wait_s: float = _MAX_WAIT_S) -> tuple[sqlite3.Connection, bool]:
    """Return a connection to a journal of this version, and whether its -wal is missing."""
    _check_application(path)
    had_wal = get_wal_path(path).exists()
    connection = connect(path, wait_s=wait_s)
    try:
        _check_version(connection, path)
        return connection, settle_marker(connection, had_wal=had_wal)
    except BaseException:
        connection.close()
        raise


def verify_checksums(connection: sqlite3.Connection, path: Path) -> None:
    """Raise DamagedJournalError if any row is not as it was written."""
    with translate_read_errors(path):
        if damage := find_damage(connection):
            raise sqlite3.DatabaseError(damage)


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


def is_unwritten_journal(path: Path) -> bool:
    """Return whether a file is empty, or begins as our journals do: the process that made it was killed at once."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    return not header or header.endswith(_APPLICATION_ID.to_bytes(4, "big"))


def _check_application(path: Path) -> None:
    """Raise DamagedJournalError for a missing file, which SQLite would create, and for another program's.

    A file that this process has open was checked before.
    """
    try:
        with _OPEN_FILES_LOCK:
            if _OPEN_FILES[os.path.realpath(path)]:
                return
            with path.open("rb") as file:
                header = file.read(_HEADER_BYTES)
    except OSError as error:
        text = run_messages.UNREACHABLE_JOURNAL.format(path=path, error=error.strerror)
        raise DamagedJournalError(*text) from error
    if header and not header.startswith(_MAGIC):
        raise sqlite3.DatabaseError("file is not a database")
    if not header.endswith(_APPLICATION_ID.to_bytes(4, "big")):
        raise DamagedJournalError(*run_messages.NOT_A_JOURNAL.format(path=path))


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        text = run_messages.NEWER_JOURNAL if version > SCHEMA_VERSION else run_messages.OLDER_JOURNAL
        raise DamagedJournalError(*text.format(path=path, version=version, known=SCHEMA_VERSION))


def _check_structure(connection: sqlite3.Connection) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
    if _read_schema(connection) != _build_schema():
        raise sqlite3.DatabaseError("its tables are not those of a journal")


def _raise_wal_missing(path: Path) -> NoReturn:
    raise DamagedJournalError(*run_messages.MISSING_WAL.format(path=path, wal=get_wal_path(path).name))


def _read_schema(connection: sqlite3.Connection) -> list[tuple[str]]:
    """Return the definitions of tables and views. A changed view would change what the reports say."""
    return connection.execute(
        "SELECT sql FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
    ).fetchall()


@cache
def _build_schema() -> list[tuple[str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_SCHEMA)
        return _read_schema(connection)


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
            "INSERT OR REPLACE INTO meta (key, value, checksum) VALUES (?1, ?2, checksum(?1, ?2))",
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
            write_row_count(self.sql)
            self.sql.close()
            replace_file(staged, self.path)
            self.sql = connect(self.path)

    def make_durable(self) -> None:
        """Make all that was staged survive a power loss, and every commit from now on.

        A journal that has a -wal was made durable before. Its file must not be opened and closed beside SQLite: that would drop
        SQLite's locks on it (https://www.sqlite.org/howtocorrupt.html, 2.2), and the next process that looks at the run
        would delete the -wal of a run that is sending.
        """
        (mode,) = self.sql.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            fsync_file(self.path)
            fsync_folders(self.path)
            self.sql.execute("PRAGMA journal_mode = WAL")
        self.sql.execute("PRAGMA synchronous = FULL")
        self.sql.execute("PRAGMA wal_autocheckpoint = 0")  # `checkpoint` does it

    def checkpoint(self) -> None:
        """Copy all commits into the main file, which says then that more follow. Raises DiskWriteError."""
        with translate_write_errors(self.folder):
            checkpoint(self.sql)

    def checkpoint_if_large(self) -> None:
        """Do the same once much has been committed. Raises DiskWriteError."""
        if is_wal_large(self.path):
            self.checkpoint()
