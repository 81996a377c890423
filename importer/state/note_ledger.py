"""The ledger of notes already sent to an account: no note reaches a lead twice, from whatever folder it is sent.

It holds fingerprints only, in the account's memory (state/account_memory.py). The ledgers that earlier versions kept in
reports folders are taken over as they are: their fingerprints are made with their own salts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec

from importer.errors import NothingSentError
from importer.messages import run_messages
from importer.models.delivery import PendingRow
from importer.models.status import NoteState
from importer.state.account_memory import AccountMemory, fingerprint
from importer.state.disk_errors import get_sqlite_code

OLD_LEDGER_NAME = "notes.sqlite"
"""The ledger of an earlier version, in a reports folder."""
_MAX_VARIABLES = 500  # of one statement; SQLite takes at most 32,766 in its default build

_UNUSABLE_CODES = frozenset(
    {sqlite3.SQLITE_OK, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
)
"""Errors of the file itself: damage that we found, another program's tables, damage that SQLite found, no database."""

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
    """The ledger as one run uses it. Everything happens within a transaction of the journal."""

    def __init__(self, memory: AccountMemory, run: RunIdentity) -> None:
        self._sql = memory.sql
        self._run = run
        self._salt = memory.salt
        self._old_salts = [salt for (salt,) in self._sql.execute("SELECT salt FROM memory.old_ledgers")]

    def claim(self, rows: Sequence[PendingRow]) -> list[PendingRow]:
        """Write which notes are about to leave, before any byte does. Return the rows as they may be sent.

        A note that another run or another row has claimed is removed from its row.
        """
        unclaimed = [row for row in rows if row.note_state is NoteState.NOT_SENT]
        if not unclaimed:
            return list(rows)
        notes = [(row.phones[0], note) for row in unclaimed for note in row.notes]
        known = self.find_known(notes)
        claim = (self._run.run_id, self._run.account, NoteState.UNKNOWN)
        self._sql.executemany(
            "INSERT OR IGNORE INTO memory.notes (fingerprint, run_id, account, state) VALUES (?, ?, ?, ?)",
            [(self._fingerprint(note), *claim) for note in notes if note not in known],
        )
        return [_remove_known_notes(row, known, self._run.account) for row in rows]

    def settle(self, notes: Iterable[Note]) -> None:
        """Mark notes as sent: the CRM has confirmed them."""
        self._sql.executemany(
            "UPDATE memory.notes SET state = ? WHERE fingerprint = ?",
            [(NoteState.SENT, self._fingerprint(note)) for note in notes],
        )

    def release(self, notes: Iterable[Note]) -> None:
        """Remove claims of this run for notes that cannot have arrived. Claims of other runs stay."""
        self._sql.executemany(
            "DELETE FROM memory.notes WHERE fingerprint = ? AND run_id = ? AND state = ?",
            [(self._fingerprint(note), self._run.run_id, NoteState.UNKNOWN) for note in notes],
        )

    def learn(self, notes: Iterable[tuple[Note, KnownNote]]) -> None:
        """Add what the journal of a run knows that did not have this memory."""
        self._sql.executemany(
            """INSERT INTO memory.notes (fingerprint, run_id, account, state) VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET state = excluded.state WHERE excluded.state = 'sent'""",
            ((self._fingerprint(note), *known) for note, known in notes),
        )

    def take_over(self, path: Path, other_keys: Collection[str]) -> None:
        """Add the ledger of an earlier version, without the notes of other accounts. Raises NothingSentError.

        It is read again when it has grown: an earlier version may still write to it.
        """
        try:
            with closing(sqlite3.connect(path, timeout=30)) as old:
                self._copy_old_ledger(old, other_keys)
        except sqlite3.DatabaseError as error:
            if get_sqlite_code(error) in _UNUSABLE_CODES:
                raise NothingSentError(
                    *run_messages.UNUSABLE_MEMORY.format(path=path, error=error)
                ) from error
            raise  # caused by the disk: the commit has the sentence

    def _copy_old_ledger(self, old: sqlite3.Connection, other_keys: Collection[str]) -> None:
        (verdict,) = old.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        (count,) = old.execute("SELECT count(*) FROM notes").fetchone()
        for (salt,) in old.execute("SELECT salt FROM salt").fetchall():
            known = self._sql.execute(
                "SELECT notes FROM memory.old_ledgers WHERE salt = ?", (salt,)
            ).fetchone()
            if known == (count,):
                continue
            rows = old.execute("SELECT fingerprint, run_id, account, state FROM notes")
            self._sql.executemany(
                "INSERT OR IGNORE INTO memory.notes (fingerprint, run_id, account, state) VALUES (?, ?, ?, ?)",
                (row for row in rows if row[2] not in other_keys),
            )
            self._sql.execute("INSERT OR REPLACE INTO memory.old_ledgers VALUES (?, ?)", (salt, count))
            self._old_salts.append(salt)

    def _fingerprint(self, note: Note) -> bytes:
        return fingerprint(self._salt, self._run.base_url, *note)

    def find_known(self, notes: Sequence[Note]) -> dict[Note, KnownNote]:
        """Return those of the notes that are in the ledger, by any of its salts."""
        by_fingerprint = {
            fingerprint(salt, self._run.base_url, *note): note
            for salt in (*self._old_salts, self._salt)
            for note in notes
        }
        wanted = list(by_fingerprint)
        known: dict[Note, KnownNote] = {}
        for start in range(0, len(wanted), _MAX_VARIABLES):
            batch = wanted[start : start + _MAX_VARIABLES]
            marks = ",".join("?" * len(batch))
            rows = self._sql.execute(
                f"SELECT fingerprint, run_id, account, state FROM memory.notes WHERE fingerprint IN ({marks})",
                batch,
            )
            known |= {
                by_fingerprint[found]: KnownNote(run_id, account, NoteState(state))
                for found, run_id, account, state in rows
            }
        return known


def _remove_known_notes(row: PendingRow, known: dict[Note, KnownNote], account: str) -> PendingRow:
    """Return the row without its known notes, marked with the run that sent them and how certain that is."""
    if row.note_state is not NoteState.NOT_SENT:
        return row
    found = [known[note] for text in row.notes if (note := (row.phones[0], text)) in known]
    if not found:
        return row
    unsent = tuple(text for text in row.notes if (row.phones[0], text) not in known)
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
