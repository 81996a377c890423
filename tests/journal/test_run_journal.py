"""Open, refuse and flush a journal."""

import os
import sqlite3

import pytest

from importer.errors import DamagedJournalError, JournalReadError
from importer.journal import database
from importer.journal.database import translate_read_errors
from importer.journal.run_journal import Journal
from tests.journal.records import (
    build_metadata,
    build_valid_row,
    damage_middle,
    make_foreign,
    make_newer,
    start_sending,
)
from tests.support import make_account


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_BUSY, "cannot be read"),
        (sqlite3.SQLITE_IOERR_READ, "cannot be read"),
        (sqlite3.SQLITE_READONLY, "cannot be read"),
        (sqlite3.SQLITE_ERROR, "is damaged"),
        (sqlite3.SQLITE_CORRUPT, "is damaged"),
    ],
    ids=["busy", "io", "readonly", "error", "corrupt"],
)
@pytest.mark.parametrize(
    ("is_sending", "kind"),
    [(False, DamagedJournalError), (True, JournalReadError)],
    ids=["resume", "sending"],
)
def test_lock_or_disk_error_is_not_called_damage(tmp_path, code, words, is_sending, kind):
    """A lock or a disk error says nothing about the journal. While rows are sent it stops the run with exit 3."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    with pytest.raises(kind, match=words) as raised, translate_read_errors(tmp_path, is_sending=is_sending):
        raise error
    assert raised.value.advice
    assert raised.value.exit_code == (3 if is_sending else 2)


@pytest.mark.parametrize("harm", ["DELETE FROM meta", "UPDATE meta SET value = '{'"])
def test_file_of_a_journal_that_cannot_be_opened_is_closed(tmp_path, monkeypatch, harm):
    """Windows removes no file that is open, so a damaged run could not be purged."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2)])
    journal.file.sql.execute(harm)
    journal.close()
    made = []
    connect = database.connect
    monkeypatch.setattr(
        database, "connect", lambda *args, **named: made.append(connect(*args, **named)) or made[-1]
    )
    with pytest.raises(DamagedJournalError):
        Journal.open(tmp_path / "run-1")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


def test_results_survive_power_loss(tmp_path):
    """From the first write on, SQLite uses WAL with synchronous=FULL."""
    journal = start_sending(tmp_path)
    assert journal.file.sql.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal.file.sql.execute("PRAGMA synchronous").fetchone() == (2,)
    assert journal.file.sql.execute("PRAGMA memory.synchronous").fetchone() == (2,)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no fsync of a folder")
def test_journal_and_its_name_are_on_disk_before_the_first_intent(tmp_path, synced):
    """Staging does not wait for the disk, so `begin_sending` must: the WAL alone holds no staged row.

    The journal was renamed, and its folder, the reports folder and those above may be new. Where the system keeps no
    name by itself, the journal was gone after 151 of 181 power cuts.
    """
    folder = tmp_path / "new" / "reports" / "r"
    account = make_account(tmp_path)
    synced.clear()
    journal = Journal.create(folder, build_metadata("r"))
    journal.stage([build_valid_row(2)])
    assert synced == []
    journal.begin_sending(account)
    assert synced[:5] == [folder / "journal.sqlite", folder, folder.parent, tmp_path / "new", tmp_path]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (damage_middle, "is damaged"),
        (lambda path: path.write_bytes(b"not a database at all, only text" * 40), "is damaged"),
        (lambda path: path.write_bytes(b""), "is not a journal"),
        (make_newer, "newer importer"),
        (make_foreign, "is not a journal"),
    ],
    ids=["page", "text", "empty", "newer", "foreign"],
)
def test_untrusted_journal_is_refused_with_advice(tmp_path, harm, words):
    """A damaged or foreign journal, or one of a newer version, is refused, and nothing is sent from it."""
    journal = Journal.create(tmp_path / "r", build_metadata("r"))
    journal.stage([build_valid_row(2)])
    journal.staging.complete()
    journal.close()
    harm(tmp_path / "r" / "journal.sqlite")
    with pytest.raises(DamagedJournalError, match=words) as raised:
        Journal.open(tmp_path / "r")
    assert raised.value.advice


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_truncated_journal_is_refused_with_advice(tmp_path, share):
    """A file that lost its end is refused, and the error says what to do."""
    journal = start_sending(tmp_path, rows=[build_valid_row(n, "a note") for n in range(2, 400)])
    journal.close()
    path = tmp_path / "run-1" / "journal.sqlite"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(DamagedJournalError) as raised:
        Journal.open(tmp_path / "run-1")
    assert raised.value.advice
