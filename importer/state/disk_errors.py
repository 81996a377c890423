"""Turn what a disk or SQLite refuses to write into one sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from importer.errors import DiskWriteError
from importer.messages import run_messages

LOCKED_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""All runs to an account write to one memory, and a process that is paused in mid-commit keeps its lock."""


@contextmanager
def translate_write_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the disk or of SQLite into DiskWriteError, with advice for `folder`."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise  # an error in our code, which must be seen
    except (sqlite3.DatabaseError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        is_locked = get_sqlite_code(error) in LOCKED_CODES
        raise DiskWriteError(
            run_messages.CANNOT_WRITE_FOLDER.format(folder=folder, reason=reason),
            run_messages.LOCKED_ADVICE if is_locked else _find_write_advice(folder),
        ) from error


def get_sqlite_code(error: Exception) -> int:
    """Return SQLite's primary error code, without the bits that only refine it; SQLITE_OK for other errors."""
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF


def _find_write_advice(folder: Path) -> str:
    try:
        os.getcwd()  # noqa: PTH109 - pathlib has no shorter way to ask
    except OSError:
        return run_messages.REMOVED_FOLDER_ADVICE
    # Path.is_file raises where we may not look.
    for place in (folder, *folder.parents):
        if os.path.isfile(place):  # noqa: PTH113
            return run_messages.FILE_IN_THE_WAY_ADVICE.format(file=place)
    return run_messages.FULL_DISK_ADVICE
