"""The ledger of notes already sent, shared by all runs of a reports folder: no note reaches a lead twice.

It holds fingerprints only, no phone and no text, so it stays when `importer purge` removes runs. It is attached to
the journal's connection, so that one commit writes both. If the machine dies between the two files, the journal's
own intents still mark the note as doubtful.
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
from importer.messages import run_messages
from importer.models.delivery import PendingRow
from importer.models.status import NoteState

LEDGER_NAME = "notes.sqlite"
_VERSION = 1
_MAX_VARIABLES = 500  # of one statement; SQLite takes at most 32,766 in its default build

_TABLES = (
    """CREATE TABLE IF NOT EXISTS ledger.notes (
      fingerprint BLOB PRIMARY KEY,
      run_id  TEXT NOT NULL,
      account TEXT NOT NULL,    -- base address and key, as a hash: another key need not be another account
      state   TEXT NOT NULL     -- unknown from the moment before it leaves, sent once the CRM has confirmed it
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS ledger.salt (salt BLOB NOT NULL) STRICT",
)

Note: TypeAlias = tuple[str, str]
"""A lead's phone and the text of one of its notes."""


class KnownNote(NamedTuple):
    """What the ledger knows about a note: the run and account that sent it, and whether that is certain."""

    run_id: str
    account: str
    state: NoteState


class RunIdentity(NamedTuple):
    """The run that sends, and its account: `account` is a hash of base address and key."""

    run_id: str
    account: str
    base_url: str


class NoteLedger:
    """The ledger as one run uses it. Everything but the opening happens within a transaction of the journal."""

    def __init__(self, connection: sqlite3.Connection, run: RunIdentity, folder: Path) -> None:
        self._sql = connection
        self._run = run
        _attach(connection, folder / LEDGER_NAME)
        (version,) = connection.execute("PRAGMA ledger.user_version").fetchone()
        self.is_new = version == 0
        """Whether the notes of the folder's runs must still be learned: the ledger is new, or a rebuild was killed."""
        (self._salt,) = connection.execute("SELECT salt FROM ledger.salt").fetchone()

    def claim(self, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """Write which notes are about to leave, before any byte does. Return the rows as they may be sent.

        A note that another run or another row has claimed is removed from its row.
        """
        unclaimed = [row for row in rows if row.note_state is NoteState.NOT_SENT]
        if not unclaimed:
            return list(rows)
        fingerprints = {
            row.number: self._fingerprint_notes((row.phones[0], note) for note in row.notes)
            for row in unclaimed
        }
        known = self._find_known([one for several in fingerprints.values() for one in several])
        claimed = [
            _remove_known_notes(row, fingerprints.get(row.number, []), known, self._run.account)
            for row in rows
        ]
        claim = (self._run.run_id, self._run.account, NoteState.UNKNOWN)
        self._sql.executemany(
            "INSERT OR IGNORE INTO ledger.notes (fingerprint, run_id, account, state) VALUES (?, ?, ?, ?)",
            [(one, *claim) for several in fingerprints.values() for one in several if one not in known],
        )
        return claimed

    def settle(self, notes: Iterable[Note]) -> None:
        """Mark notes as sent: the CRM has confirmed them."""
        self._sql.executemany(
            "UPDATE ledger.notes SET state = ? WHERE fingerprint = ?",
            [(NoteState.SENT, fingerprint) for fingerprint in self._fingerprint_notes(notes)],
        )

    def release(self, notes: Iterable[Note]) -> None:
        """Remove claims of this run for notes that cannot have arrived. Claims of other runs stay."""
        self._sql.executemany(
            "DELETE FROM ledger.notes WHERE fingerprint = ? AND run_id = ? AND state = ?",
            [
                (fingerprint, self._run.run_id, NoteState.UNKNOWN)
                for fingerprint in self._fingerprint_notes(notes)
            ],
        )

    def learn(self, base_url: str, notes: Iterable[tuple[Note, KnownNote]]) -> None:
        """Add what a journal knows, to rebuild a lost ledger."""
        self._sql.executemany(
            """INSERT INTO ledger.notes (fingerprint, run_id, account, state) VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET state = excluded.state WHERE excluded.state = 'sent'""",
            [(_fingerprint(self._salt, base_url, note), *known) for note, known in notes],
        )

    def finish_learning(self) -> None:
        """Record that the notes of all runs of the folder have been learned."""
        self._sql.execute(f"PRAGMA ledger.user_version = {_VERSION}")
        self.is_new = False

    def _fingerprint_notes(self, notes: Iterable[Note]) -> list[bytes]:
        return [_fingerprint(self._salt, self._run.base_url, note) for note in notes]

    def _find_known(self, fingerprints: Sequence[bytes]) -> dict[bytes, KnownNote]:
        known: dict[bytes, KnownNote] = {}
        for start in range(0, len(fingerprints), _MAX_VARIABLES):
            batch = fingerprints[start : start + _MAX_VARIABLES]
            marks = ",".join("?" * len(batch))
            rows = self._sql.execute(
                f"SELECT fingerprint, run_id, account, state FROM ledger.notes WHERE fingerprint IN ({marks})",
                batch,
            )
            known |= {
                fingerprint: KnownNote(run_id, account, NoteState(state))
                for fingerprint, run_id, account, state in rows
            }
        return known


def _fingerprint(salt: bytes, base_url: str, note: Note) -> bytes:
    """Return 16 bytes that identify this note on this lead and reveal neither."""
    text = "\0".join((base_url, *note))
    return hashlib.blake2b(text.encode(), key=salt, digest_size=16).digest()


def _remove_known_notes(
    row: PendingRow, fingerprints: list[bytes], known: dict[bytes, KnownNote], account: str
) -> PendingRow:
    """Return the row without its known notes, marked with the run that sent them and how certain that is."""
    found = [known[fingerprint] for fingerprint in fingerprints if fingerprint in known]
    if not found:
        return row
    unsent = tuple(
        note for note, fingerprint in zip(row.notes, fingerprints, strict=True) if fingerprint not in known
    )
    is_other_key = any(one.account != account for one in found)
    is_certain = not is_other_key and all(one.state is NoteState.SENT for one in found)
    state = NoteState.SENT if is_certain else NoteState.UNKNOWN
    return msgspec.structs.replace(
        row,
        notes=unsent or row.notes,
        note_state=NoteState.NOT_SENT if unsent else state,
        withheld_state=state,
        note_run_id=found[0].run_id,
        is_other_key=is_other_key,
    )


def _attach(connection: sqlite3.Connection, path: Path) -> None:
    """Open the ledger beside the journal. Raises NothingSentError if it cannot be trusted: nothing is guessed."""
    try:
        # As bytes: a folder's name may hold some that are no letters.
        connection.execute("ATTACH DATABASE ? AS ledger", (os.fsencode(path),))
        _check(connection)
        connection.execute("PRAGMA ledger.journal_mode = WAL")
        connection.execute("PRAGMA ledger.synchronous = FULL")
        _create(connection)
    except sqlite3.OperationalError:
        raise  # caused by the disk: `translate_write_errors` has the sentence
    except sqlite3.DatabaseError as error:
        raise NothingSentError(*run_messages.UNUSABLE_LEDGER.format(path=path, error=error)) from error


def _check(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA ledger.user_version").fetchone()
    if version > _VERSION:
        raise sqlite3.DatabaseError(run_messages.NEWER_LEDGER)
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
