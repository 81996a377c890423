"""What earlier versions left in a reports folder is taken over: their ledger of notes, and their journals."""

import hashlib
import sqlite3
from contextlib import closing

import pytest

from importer.errors import NothingSentError
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_metadata import MEMORY_KEY, RunEnd
from importer.models.status import NoteState, RunState
from importer.state.state_folder import AccountState
from tests.journal.records import (
    URL,
    build_result,
    build_valid_row,
    claim_next,
    damage_middle,
    lose_memory,
    make_phone,
    start_sending,
)
from tests.support import make_account

OLD_KEY = "a" * 16


def write_old_ledger(reports, notes, *, salt=b"s" * 32, version=1):
    """Write `notes.sqlite` as version 0.1 did in November 2026: (lead's number, text, state, key)."""
    with closing(sqlite3.connect(reports / "notes.sqlite", isolation_level=None)) as ledger:
        ledger.execute("PRAGMA journal_mode = WAL")
        ledger.execute(
            """CREATE TABLE IF NOT EXISTS notes (fingerprint BLOB PRIMARY KEY, run_id TEXT NOT NULL,
               account TEXT NOT NULL, state TEXT NOT NULL) STRICT, WITHOUT ROWID"""
        )
        ledger.execute("CREATE TABLE IF NOT EXISTS salt (salt BLOB NOT NULL) STRICT")
        ledger.execute("INSERT INTO salt SELECT ? WHERE NOT EXISTS (SELECT 1 FROM salt)", (salt,))
        for number, text, state, key in notes:
            name = "\0".join((URL, make_phone(number), text)).encode()
            mark = hashlib.blake2b(name, key=salt, digest_size=16).digest()
            ledger.execute("INSERT INTO notes VALUES (?, 'old-run', ?, ?)", (mark, key, state))
        ledger.execute(f"PRAGMA user_version = {version}")


def claim_all(tmp_path, run_id="run-1", numbers=(2, 3, 4), account=None):
    """Send a note "hi" to these leads, and return the states of the notes."""
    rows = [build_valid_row(number, "hi") for number in numbers]
    journal = (
        start_sending(tmp_path, run_id, rows) if account is None else start(tmp_path, run_id, rows, account)
    )
    return [row.note_state for row in claim_next(journal, len(rows))]


def start(tmp_path, run_id, rows, account):
    from importer.journal.run_journal import Journal
    from tests.journal.records import build_metadata

    (key,) = account.keys
    journal = Journal.create(tmp_path / run_id, build_metadata(run_id, key))
    journal.staging.stage(rows)
    journal.begin_sending(account)
    return journal


def test_notes_of_an_old_ledger_are_known(tmp_path):
    """The runs may be purged: only their fingerprints are left, and these need the salt of the old ledger."""
    write_old_ledger(tmp_path, [(2, "hi", "sent", OLD_KEY), (3, "hi", "unknown", OLD_KEY)])
    assert claim_all(tmp_path) == [NoteState.SENT, NoteState.UNKNOWN, NoteState.NOT_SENT]


def test_old_ledger_is_known_in_other_folders_too(tmp_path):
    """It is taken over once, when a run meets it, for all folders."""
    (tmp_path / "old").mkdir()
    write_old_ledger(tmp_path / "old", [(2, "hi", "sent", OLD_KEY)])
    account = make_account(tmp_path)
    start(tmp_path / "old", "run-1", [], account).close()
    (tmp_path / "old" / "notes.sqlite").unlink()
    assert claim_all(tmp_path / "new", account=account) == [NoteState.SENT] + [NoteState.NOT_SENT] * 2


def test_old_ledger_that_has_grown_is_read_again(tmp_path):
    """A colleague with the earlier version still uses the folder."""
    write_old_ledger(tmp_path, [(2, "hi", "sent", OLD_KEY)])
    claim_all(tmp_path, numbers=(2,))
    write_old_ledger(tmp_path, [(3, "hi", "sent", OLD_KEY)])
    assert claim_all(tmp_path, "run-2", numbers=(3,)) == [NoteState.SENT]


def test_ledgers_of_two_reports_folders_are_known_together(tmp_path):
    """Each has its own salt."""
    account = make_account(tmp_path)
    for folder, number in (("a", 2), ("b", 3)):
        (tmp_path / folder).mkdir()
        write_old_ledger(tmp_path / folder, [(number, "hi", "sent", OLD_KEY)], salt=folder.encode() * 32)
        start(tmp_path / folder, "run-1", [], account).close()
    found = claim_all(tmp_path / "c", account=account)
    assert found == [NoteState.SENT, NoteState.SENT, NoteState.NOT_SENT]


def test_notes_of_other_accounts_stay_out(tmp_path):
    """An old ledger is for all accounts at one address. A key that nobody knows may be an old one of this account."""
    write_old_ledger(tmp_path, [(2, "hi", "sent", "b" * 16), (3, "hi", "sent", "c" * 16)])
    account = make_account(tmp_path)._replace(other_keys=frozenset({"b" * 16}))
    found = claim_all(tmp_path, account=account)
    assert found == [NoteState.NOT_SENT, NoteState.UNKNOWN, NoteState.NOT_SENT]


def test_accounts_at_one_address_do_not_hold_back_each_other_s_notes(tmp_path):
    """SCALE: the note of account B was held back because A had sent the same. Not in one reports folder either."""
    accounts = [
        AccountState(make_account(tmp_path, key).folder, frozenset({key}), frozenset({other}))
        for key, other in (("a" * 16, "b" * 16), ("b" * 16, "a" * 16))
    ]
    for number, account in enumerate(accounts):
        found = claim_all(tmp_path / "reports", f"run-{number}", account=account)
        assert found == [NoteState.NOT_SENT] * 3


@pytest.mark.parametrize("harm", ["text", "damage", "foreign"])
def test_unusable_old_ledger_stops_the_run(tmp_path, harm):
    """What it knows is never guessed."""
    write_old_ledger(tmp_path, [(number, "hi" * 99, "sent", OLD_KEY) for number in range(99)])
    path = tmp_path / "notes.sqlite"
    match harm:
        case "text":
            path.write_bytes(b"no database at all" * 300)
        case "damage":
            damage_middle(path)
        case "foreign":
            path.unlink()
            with closing(sqlite3.connect(path)) as other:
                other.execute("CREATE TABLE t (x)")
    with pytest.raises(NothingSentError, match=r"notes\.sqlite, cannot be used"):
        claim_all(tmp_path)


def test_journal_of_an_earlier_version_is_learnt_once(tmp_path, monkeypatch):
    """It does not say which memory it was sent with. Its ledger may be lost."""
    old = start_sending(tmp_path, "old", [build_valid_row(2, "hi")])
    claim_next(old)
    old.delivery.record(DeliveryBatch(results=[build_result(2, note=NoteState.SENT)]))
    old.run.write_end(RunEnd(state=RunState.FINISHED, finished_at="2026-11-29T10:00:00+05:30"))
    old.file.sql.execute("DELETE FROM meta WHERE key = ?", (MEMORY_KEY,))
    old.close()
    lose_memory(tmp_path)
    assert claim_all(tmp_path, "run-1", numbers=(2,)) == [NoteState.SENT]
    monkeypatch.setattr("importer.journal.delivery_log.DeliveryLog.read_known_notes", None)
    assert claim_all(tmp_path, "run-2", numbers=(2,)) == [NoteState.SENT]
