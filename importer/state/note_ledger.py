"""The memory of notes already sent, shared by all runs of a reports folder: one note, one lead, once.

It holds fingerprints only, no phone and no text, so that `importer purge` can take the runs away and the
promise still stands. It is attached to a journal's connection, so that both are written by one commit; where
the machine dies between the two files, the journal's own intents still know of the doubt.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from importer.errors import NothingSentError
from importer.models.delivery import PendingRow
from importer.models.status import NoteState

LEDGER_NAME = "notes.sqlite"
_VERSION = 1
_MOST_ASKED = 500  # variables of one statement; SQLite takes 32,766, where it was built so

_TABLES = (
    """CREATE TABLE IF NOT EXISTS ledger.notes (
      fingerprint BLOB PRIMARY KEY,
      run_id  TEXT NOT NULL,
      account TEXT NOT NULL,    -- base address and key, as a hash: another key need not be another account
      state   TEXT NOT NULL     -- unknown from the moment before it leaves, sent once the CRM has said so
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS ledger.salt (salt BLOB NOT NULL) STRICT",
)

Note: TypeAlias = tuple[str, str]
"""A lead's phone and the text of one of its notes."""


class Known(NamedTuple):
    """What the ledger says of a note: which run of which account sent it, and whether that is sure."""

    run_id: str
    account: str
    state: NoteState


class RunIdentity(NamedTuple):
    """Which run sends, to which account: `account` is a hash of base address and key."""

    run_id: str
    account: str
    base_url: str


class NoteLedger:
    """The ledger as one run sees it. Everything but the opening happens within a transaction of the journal."""

    def __init__(self, connection: sqlite3.Connection, run: RunIdentity, folder: Path) -> None:
        self._sql = connection
        self._run = run
        _attach(connection, folder / LEDGER_NAME)
        (version,) = connection.execute("PRAGMA ledger.user_version").fetchone()
        self.is_new = version == 0
        """Whether what the runs of the folder know is still to be learnt, all of it or what a killed process left."""
        (self._salt,) = connection.execute("SELECT salt FROM ledger.salt").fetchone()

    def claim(self, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """Write down, before the bytes leave, which notes may be on their way; answers with the rows as they may leave.

        A note that is known already, from another run or another row, is left out of its row.
        """
        asked = [row for row in rows if row.note_state is NoteState.NOT_SENT]
        if not asked:
            return list(rows)
        prints = {row.number: self._prints((row.phones[0], note) for note in row.notes) for row in asked}
        known = self._known([print_ for some in prints.values() for print_ in some])
        told = [_told(row, prints.get(row.number, []), known, self._run.account) for row in rows]
        mine = (self._run.run_id, self._run.account, NoteState.UNKNOWN)
        self._sql.executemany(
            "INSERT OR IGNORE INTO ledger.notes VALUES (?, ?, ?, ?)",
            [(print_, *mine) for some in prints.values() for print_ in some if print_ not in known],
        )
        return told

    def settle(self, notes: Iterable[Note]) -> None:
        """The CRM has said that it took these notes."""
        self._sql.executemany(
            "UPDATE ledger.notes SET state = ? WHERE fingerprint = ?",
            [(NoteState.SENT, print_) for print_ in self._prints(notes)],
        )

    def release(self, notes: Iterable[Note]) -> None:
        """These notes of this run cannot have arrived: they may travel again. What other runs sent stays known."""
        self._sql.executemany(
            "DELETE FROM ledger.notes WHERE fingerprint = ? AND run_id = ? AND state = ?",
            [(print_, self._run.run_id, NoteState.UNKNOWN) for print_ in self._prints(notes)],
        )

    def learn(self, base_url: str, notes: Iterable[tuple[Note, Known]]) -> None:
        """Take in what a journal knows, to make a lost ledger again."""
        self._sql.executemany(
            """INSERT INTO ledger.notes VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state
               WHERE excluded.state = 'sent'""",
            [(_print(self._salt, base_url, note), *known) for note, known in notes],
        )

    def learnt_all(self) -> None:
        """All that the runs of the folder know has been learnt."""
        self._sql.execute(f"PRAGMA ledger.user_version = {_VERSION}")
        self.is_new = False

    def _prints(self, notes: Iterable[Note]) -> list[bytes]:
        return [_print(self._salt, self._run.base_url, note) for note in notes]

    def _known(self, prints: Sequence[bytes]) -> dict[bytes, Known]:
        found: dict[bytes, Known] = {}
        for start in range(0, len(prints), _MOST_ASKED):
            some = prints[start : start + _MOST_ASKED]
            marks = ",".join("?" * len(some))
            rows = self._sql.execute(
                f"SELECT fingerprint, run_id, account, state FROM ledger.notes WHERE fingerprint IN ({marks})",
                some,
            )
            found |= {row[0]: Known(row[1], row[2], NoteState(row[3])) for row in rows}
        return found


def _print(salt: bytes, base_url: str, note: Note) -> bytes:
    """16 bytes that stand for this note on this lead, and tell nothing of either."""
    text = "\0".join((base_url, *note))
    return hashlib.blake2b(text.encode(), key=salt, digest_size=16).digest()


def _told(row: PendingRow, prints: list[bytes], known: dict[bytes, Known], account: str) -> PendingRow:
    """The row without those of its notes that are known."""
    found = [known[print_] for print_ in prints if print_ in known]
    if not found:
        return row
    left = tuple(note for note, print_ in zip(row.notes, prints, strict=True) if print_ not in known)
    other_key = any(one.account != account for one in found)
    sure = not other_key and all(one.state is NoteState.SENT for one in found)
    state = NoteState.SENT if sure else NoteState.UNKNOWN
    return msgspec.structs.replace(
        row,
        notes=left or row.notes,
        note_state=NoteState.NOT_SENT if left else state,
        withheld_state=state,
        note_run_id=found[0].run_id,
        is_other_key=other_key,
    )


def _attach(connection: sqlite3.Connection, path: Path) -> None:
    """Open the ledger beside the journal. Raises NothingSentError where it cannot be trusted: nothing is guessed."""
    try:
        # As bytes: a folder's name may hold some that are no letters.
        connection.execute("ATTACH DATABASE ? AS ledger", (os.fsencode(path),))
        _check(connection)
        connection.execute("PRAGMA ledger.journal_mode = WAL")
        connection.execute("PRAGMA ledger.synchronous = FULL")
        _create(connection)
    except sqlite3.OperationalError:
        raise  # the disk's doing: `writing` has the words
    except sqlite3.DatabaseError as error:
        raise NothingSentError(
            f"The memory of notes already sent, {path}, cannot be used ({error}).",
            "Move it out of the folder and try again: it is made anew from the runs that are there. "
            "Only notes of runs that were purged could then be sent once more.",
        ) from error


def _check(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA ledger.user_version").fetchone()
    if version > _VERSION:
        raise sqlite3.DatabaseError("it is from a newer importer")
    (verdict,) = connection.execute("PRAGMA ledger.quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _create(connection: sqlite3.Connection) -> None:
    for table in _TABLES:
        connection.execute(table)
    connection.execute(
        "INSERT INTO ledger.salt SELECT ? WHERE NOT EXISTS (SELECT 1 FROM ledger.salt)",
        (secrets.token_bytes(32),),
    )
