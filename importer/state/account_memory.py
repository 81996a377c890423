"""What this computer remembers of an account: one SQLite file in the state folder, shared by all runs to the account.

It holds fingerprints of notes, tasks and field values, and which runs have sent. It has no phone and no text, so it stays when `importer purge`
removes runs. It is attached to the journal's connection as `memory`, so that one commit writes both. In WAL mode each
of the two files is committed by itself: if the machine dies between them, nothing has left yet, because a request
waits for the whole commit, and what came back is still doubtful by the journal's own intent.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from importer.errors import NothingSentError
from importer.messages import run_messages
from importer.state.disk_errors import translate_write_errors

MEMORY_NAME = "memory.sqlite"
STILL_RUNNING = "running"
"""Progress of a run without this memory that is sending, or was killed: its notes are always read again."""
_VERSION = 1

_TABLES = (
    # `memory_id` tells this file from one that was lost and made again, and from that of another computer.
    "CREATE TABLE IF NOT EXISTS memory.identity (memory_id TEXT NOT NULL, salt BLOB NOT NULL) STRICT",
    """CREATE TABLE IF NOT EXISTS memory.notes (
      fingerprint BLOB PRIMARY KEY,
      run_id  TEXT NOT NULL,
      account TEXT NOT NULL,    -- base address and key, as a hash: see state/account_identity.py
      state   TEXT NOT NULL     -- unknown from the moment before it leaves, sent once the CRM has confirmed it
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS memory.runs (
      run_id     TEXT NOT NULL,
      started_at TEXT NOT NULL,
      sha256     TEXT NOT NULL,  -- of the sheet
      folder     BLOB NOT NULL,  -- where it was last seen, '' once it was purged
      progress   TEXT NOT NULL,  -- how far its notes are known: see RunTrace
      PRIMARY KEY (run_id, started_at)
    ) STRICT, WITHOUT ROWID""",
    # Tasks, as the notes above: see state/task_ledger.py.
    """CREATE TABLE IF NOT EXISTS memory.tasks (
      fingerprint BLOB PRIMARY KEY,
      run_id     TEXT NOT NULL,
      state      TEXT NOT NULL,  -- unknown from the moment before it leaves, created once the CRM has confirmed it
      settles_at TEXT NOT NULL   -- of a task in doubt: from then on the CRM's list tells whether it was created
    ) STRICT, WITHOUT ROWID""",
    # What was written last to each field of a lead, as fingerprints: see state/field_memory.py.
    """CREATE TABLE IF NOT EXISTS memory.leads (
      lead       BLOB PRIMARY KEY,
      run_id     TEXT NOT NULL,
      written_at TEXT NOT NULL,
      fields     BLOB NOT NULL   -- field -> fingerprints of the sheet's value, the one sent, the one shown
    ) STRICT""",
    # Leads of the above whose last row did not go in, or may not have gone in, and the run of that row.
    "CREATE TABLE IF NOT EXISTS memory.unsettled_leads (lead BLOB PRIMARY KEY, run_id TEXT NOT NULL) STRICT, WITHOUT ROWID",
    # What each run does with fields that have a value in the CRM: see `Policies.describe`.
    "CREATE TABLE IF NOT EXISTS memory.policies (run_id TEXT PRIMARY KEY, policies TEXT NOT NULL) STRICT, WITHOUT ROWID",
    # Ledgers of earlier versions, taken over from reports folders. Their fingerprints need their own salt.
    "CREATE TABLE IF NOT EXISTS memory.old_ledgers (salt BLOB PRIMARY KEY, notes INTEGER NOT NULL) STRICT",
)


class RunTrace(NamedTuple):
    """One run that has begun to send, as the memory knows it.

    `progress` is "" for a run that was sent with this memory, which knows all its notes. For a run of another computer
    or an earlier version it changes whenever that run goes on, so that its notes are read again.
    """

    run_id: str
    started_at: str
    sha256: str
    folder: Path
    progress: str = ""


class AccountMemory:
    """The memory as one run uses it, attached to the connection of the run's journal.

    `is_read_only` is for `read_memory`, whose connection has no journal.
    """

    def __init__(self, connection: sqlite3.Connection, account: Path, *, is_read_only: bool = False) -> None:
        self.sql = connection
        _attach(connection, account / MEMORY_NAME, is_read_only=is_read_only)
        self.memory_id, self.salt = connection.execute(
            "SELECT memory_id, salt FROM memory.identity"
        ).fetchone()

    def is_known(self, run: RunTrace) -> bool:
        """Return whether the memory has all notes that the run has sent so far."""
        if run.progress == STILL_RUNNING:
            return False
        found = self.sql.execute(
            "SELECT 1 FROM memory.runs WHERE run_id = ? AND started_at = ? AND progress = ?",
            (run.run_id, run.started_at, run.progress),
        ).fetchone()
        return found is not None

    def add_run(self, run: RunTrace) -> None:
        """Remember a run, within a transaction: its notes are known, and where it is."""
        folder = os.fsencode(run.folder.absolute())
        self.sql.execute(
            "INSERT OR REPLACE INTO memory.runs VALUES (?, ?, ?, ?, ?)",
            (run.run_id, run.started_at, run.sha256, folder, run.progress),
        )


@contextmanager
def read_memory(account: Path) -> Iterator[AccountMemory | None]:
    """Open the memory for the block, and write nothing into it. None if there is none of this version yet.

    Raises DiskWriteError if it cannot be reached, and NothingSentError if it cannot be trusted.
    """
    if not (account / MEMORY_NAME).is_file():
        yield None
        return
    with (
        translate_write_errors(account),
        closing(sqlite3.connect(":memory:", isolation_level=None, timeout=30)) as connection,
    ):
        connection.execute("PRAGMA query_only = ON")
        memory = AccountMemory(connection, account, is_read_only=True)
        (tables,) = connection.execute(
            "SELECT count(*) FROM memory.sqlite_master WHERE type = 'table'"
        ).fetchone()
        yield memory if tables >= len(_TABLES) else None


def fingerprint(salt: bytes, *parts: str) -> bytes:
    """Return 16 bytes that identify these texts, such as a note on a lead, and reveal none of them."""
    return hashlib.blake2b("\0".join(parts).encode(), key=salt, digest_size=16).digest()


def find_run_folders(account: Path, sha256: str | None = None) -> list[Path]:
    """Return the folders of runs that sent to the account (those that sent this file), in all reports folders.

    Without a memory that can be read there are none: what was sent does not depend on them.
    """
    path = account / MEMORY_NAME
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            found = connection.execute(
                "SELECT folder FROM runs WHERE sha256 = coalesce(?, sha256)", (sha256,)
            ).fetchall()
    except sqlite3.Error:
        return []
    return [Path(os.fsdecode(folder)) for (folder,) in found if folder]


def is_content_known(account: Path, sha256: str) -> bool:
    """Return whether a run has begun to send a file with this content to the account, be it purged since."""
    path = account / MEMORY_NAME
    if not path.is_file():
        return False
    with translate_write_errors(account), closing(sqlite3.connect(path, timeout=30)) as connection:
        found = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'runs')"
        ).fetchone()
        if not found[0]:
            return False
        (known,) = connection.execute(
            "SELECT EXISTS (SELECT 1 FROM runs WHERE sha256 = ?)", (sha256,)
        ).fetchone()
        return bool(known)


def is_known_run(account: Path, run_id: str) -> bool:
    """Return whether a run with this id has sent to the account, also if it was purged since."""
    path = account / MEMORY_NAME
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            return connection.execute("SELECT 1 FROM runs WHERE run_id = ?", (run_id,)).fetchone() is not None
    except sqlite3.Error:
        return False


def forget_run_folders(account: Path, folders: Iterable[Path]) -> None:
    """Remove the paths of purged runs: a path may name a person. What they sent stays known. Raises DiskWriteError."""
    names = [(b"", os.fsencode(folder)) for folder in folders]
    if not names:
        return
    with (
        translate_write_errors(account),
        closing(sqlite3.connect(account / MEMORY_NAME, timeout=30)) as connection,
        connection,
    ):
        connection.execute("PRAGMA secure_delete = ON")
        connection.executemany("UPDATE runs SET folder = ? WHERE folder = ?", names)


def _attach(connection: sqlite3.Connection, path: Path, *, is_read_only: bool) -> None:
    """Open the memory beside the journal. Raises NothingSentError if it cannot be trusted: nothing is guessed."""
    try:
        # As bytes: a folder's name may hold some that are no letters.
        connection.execute("ATTACH DATABASE ? AS memory", (os.fsencode(path),))
        _check(connection)
        if is_read_only:
            return
        connection.execute("PRAGMA memory.journal_mode = WAL")
        connection.execute("PRAGMA memory.synchronous = FULL")
        _create(connection)
    except sqlite3.OperationalError:
        raise  # caused by the disk: `translate_write_errors` has the sentence
    except sqlite3.DatabaseError as error:
        raise NothingSentError(*run_messages.UNUSABLE_MEMORY.format(path=path, error=error)) from error


def _check(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA memory.user_version").fetchone()
    if version > _VERSION:
        raise sqlite3.DatabaseError(run_messages.NEWER_MEMORY)
    (verdict,) = connection.execute("PRAGMA memory.quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _create(connection: sqlite3.Connection) -> None:
    for table in _TABLES:
        connection.execute(table)
    connection.execute(
        "INSERT INTO memory.identity SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM memory.identity)",
        (secrets.token_hex(8), secrets.token_bytes(32)),
    )
    connection.execute(f"PRAGMA memory.user_version = {_VERSION}")
