"""Tell a journal that was copied without its -wal file, which holds the commits of the sending, from a whole one.

The main file alone says "commits follow": `checkpoint` writes the marker, copies everything into the main file, and then
removes the marker by a commit that only the -wal holds. So a reader of both files sees no marker, and once SQLite has
closed the last connection, which copies the -wal into the main file, the main file has none either.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

_MARK = "INSERT OR REPLACE INTO meta (key, value, checksum) VALUES ('commits_follow', '', checksum('commits_follow', ''))"
_UNMARK = "DELETE FROM meta WHERE key = 'commits_follow'"
_IS_MARKED = "SELECT 1 FROM meta WHERE key = 'commits_follow'"
_MAX_WAL_BYTES = 4 * 1024**2  # SQLite's own limit, which cannot write the marker first


def get_wal_path(path: Path) -> Path:
    """Return the file beside the journal `path` into which SQLite writes commits first."""
    return path.with_name(f"{path.name}-wal")


def checkpoint(connection: sqlite3.Connection) -> None:
    """Copy all commits into the main file, which then says that more follow. Outside a transaction."""
    connection.execute(_MARK)
    connection.execute("PRAGMA main.wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA wal_checkpoint")  # the ledger too: SQLite's own checkpoints are off
    connection.execute(_UNMARK)


def is_wal_large(path: Path) -> bool:
    """Return whether the -wal of the journal `path` should be copied into the main file."""
    return get_wal_path(path).stat().st_size > _MAX_WAL_BYTES


def settle_marker(connection: sqlite3.Connection, *, had_wal: bool) -> bool:
    """Return whether the -wal is missing. `had_wal`: it was there before the connection was opened.

    A process that was killed between the two commits of `checkpoint` leaves the marker although nothing is missing. It is
    removed here, before SQLite removes the -wal.
    """
    if connection.execute(_IS_MARKED).fetchone() is None:
        return False
    if had_wal:
        with suppress(sqlite3.OperationalError):  # a disk that cannot be written keeps its -wal as well
            connection.execute(_UNMARK)
    return not had_wal
