"""The memory of notes already sent, shared by all runs of a reports folder: one note, one lead, once.

It holds fingerprints only, no phone and no text, so that `importer purge` can take the runs away and the
promise still stands. It is attached to a journal's connection, so that both are written in one commit.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from importer.models import NoteState

LEDGER_NAME = "notes.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS ledger.notes (
  fingerprint BLOB PRIMARY KEY,
  run_id TEXT NOT NULL,
  state  TEXT NOT NULL      -- unknown from the moment before it leaves, sent once the CRM has said so
) STRICT, WITHOUT ROWID
"""


class KnownNote(NamedTuple):
    """What the ledger says of a note: which run sent it, and whether that is sure."""

    run_id: str
    state: NoteState


def attach(connection: sqlite3.Connection, folder: Path) -> None:
    """Open the ledger of `folder` beside the journal, as the schema `ledger`."""
    connection.execute("ATTACH DATABASE ? AS ledger", (str(folder / LEDGER_NAME),))
    connection.execute("PRAGMA ledger.journal_mode = WAL")
    connection.execute("PRAGMA ledger.synchronous = FULL")
    connection.execute(_SCHEMA)


def fingerprint(account: str, phone: str, note: str) -> bytes:
    """16 bytes that stand for this note on this lead of this account, and tell nothing of either."""
    return hashlib.blake2b(f"{phone}\0{note}".encode(), key=account.encode()[:64], digest_size=16).digest()


def known(connection: sqlite3.Connection, prints: Sequence[bytes]) -> dict[bytes, KnownNote]:
    """What the ledger says of these notes; absent ones were never sent."""
    marks = ",".join("?" * len(prints))
    found = connection.execute(
        f"SELECT fingerprint, run_id, state FROM ledger.notes WHERE fingerprint IN ({marks})",
        prints,
    )
    return {row[0]: KnownNote(row[1], NoteState(row[2])) for row in found}


def claim(connection: sqlite3.Connection, run_id: str, prints: Iterable[bytes]) -> None:
    """Write down, before the bytes leave, that these notes may be on their way."""
    connection.executemany(
        "INSERT OR IGNORE INTO ledger.notes VALUES (?, ?, ?)",
        [(print_, run_id, NoteState.UNKNOWN) for print_ in prints],
    )


def settle(connection: sqlite3.Connection, prints: Iterable[bytes]) -> None:
    """The CRM has said that it took these notes."""
    connection.executemany(
        "UPDATE ledger.notes SET state = ? WHERE fingerprint = ?",
        [(NoteState.SENT, print_) for print_ in prints],
    )


def release(connection: sqlite3.Connection, run_id: str, prints: Iterable[bytes]) -> None:
    """These notes of this run cannot have arrived: they may travel again. What other runs sent stays known."""
    connection.executemany(
        "DELETE FROM ledger.notes WHERE fingerprint = ? AND run_id = ? AND state = ?",
        [(print_, run_id, NoteState.UNKNOWN) for print_ in prints],
    )
