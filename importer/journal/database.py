"""The journal's file: made, opened, looked over, made durable, and what its disk refuses put into words."""

from __future__ import annotations

import csv
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import msgspec

from importer.errors import DamagedJournalError, DiskWriteError, JournalReadError
from importer.issues import UnknownCodeError

JOURNAL_NAME = "journal.sqlite"
STAGING_NAME = "staging.sqlite"
"""Its name until every row is judged: what carries it never sent anything."""
SCHEMA_VERSION = 1
_UPDATE = "Update importer and try again."
_APPLICATION_ID = 0x5346494D  # "SFIM": tells our journals from other SQLite files

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_LET_GO = "Another program holds it, perhaps a run that was halted by Ctrl-Z: let that go on (type fg there), or end it."
"""All runs of a folder write to one memory of notes; a process that is halted in mid-commit keeps its lock."""
_OUT_OF_REACH = _LOCKED | frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_NOMEM,
    }
)

UNDECODABLE = (msgspec.DecodeError, csv.Error)
"""What a body, an issue or a line raises that is not what we wrote."""
UNREADABLE = (sqlite3.DatabaseError, *UNDECODABLE, ValueError, LookupError, TypeError)
"""The same of a whole journal."""


def create_database(path: Path) -> sqlite3.Connection:
    """A new file for staging: until it is whole a crash costs nothing but time, so nothing waits for the disk."""
    connection = connect(path)
    connection.execute(
        "PRAGMA locking_mode = EXCLUSIVE"
    )  # tells a staging under way from one that was killed
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.executescript(resources.files(__package__).joinpath("schema.sql").read_text("utf-8"))
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may move between threads, one at a time."""
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def open_checked(path: Path) -> sqlite3.Connection:
    """A connection to a journal of an earlier run. Raises DamagedJournalError where it cannot be trusted."""
    with translate_read_errors(path):
        connection = connect(path)
        try:
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def is_abandoned(path: Path) -> bool:
    """Whether the process that staged into this file is gone."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=0)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    except sqlite3.DatabaseError:
        return True  # half a file: whoever wrote it is gone, or would hold it
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
def translate_write_errors(folder: Path) -> Iterator[None]:
    """Turn what a disk can refuse into one sentence (DiskWriteError)."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # a fault of ours, which must be seen
    except (sqlite3.DatabaseError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        advice = _LET_GO if _kind_of(error) in _LOCKED else _how_to_write(folder)
        raise DiskWriteError(f"Cannot write to the folder {folder}: {said}.", advice) from error


def _how_to_write(folder: Path) -> str:
    try:
        os.getcwd()  # noqa: PTH109 - pathlib has no shorter way to ask
    except OSError:
        return "The folder that you are in was removed: change to another."
    # Path.is_file raises where one may not look.
    if file := next((place for place in (folder, *folder.parents) if os.path.isfile(place)), None):  # noqa: PTH113
        return f"{file} is a file. Move it away, or name another folder by --reports."
    return "Make room on the disk, or make the folder writable."


@contextmanager
def translate_read_errors(
    path: Path, *, is_sending: bool = False, faults: tuple[type[Exception], ...] = UNREADABLE
) -> Iterator[None]:
    """Turn what cannot be read into one sentence: DamagedJournalError, or JournalReadError once rows may have left."""
    kind = JournalReadError if is_sending else DamagedJournalError
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except UnknownCodeError as error:
        raise kind(
            f'{path} was written by a newer importer, or changed by hand (this one knows no problem "{error}").',
            _UPDATE,
        ) from error
    except faults as error:
        if _is_out_of_reach(error):
            advice = "Close what else has it open, or look after its disk, and try again."
            raise kind(f"The journal {path} cannot be read ({error}).", advice) from error
        raise kind(
            f"The journal {path} is damaged ({error}).",
            "Run the file again: leads are matched by phone, so none is doubled, and notes that were sent are known.",
        ) from error


def _is_out_of_reach(error: Exception) -> bool:
    """Whether a lock or the disk stands before the journal, which may be whole behind it."""
    return _kind_of(error) in _OUT_OF_REACH


def _kind_of(error: Exception) -> int:
    """SQLite's code of an error, without the part of the number that tells more of the same."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise DamagedJournalError(
            f"{path} is not a journal of importer.", "Name a run that importer runs lists."
        )
    if version > SCHEMA_VERSION:
        raise DamagedJournalError(
            f"{path} was written by a newer importer (journal version {version}, this one knows {SCHEMA_VERSION}).",
            _UPDATE,
        )
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)
