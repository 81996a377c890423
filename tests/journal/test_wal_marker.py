"""A journal that was copied without its -wal file is told from a whole one, at every moment of a run."""

import os
import shutil
import subprocess
import sys

import pytest

from importer.errors import DamagedJournalError
from importer.journal import wal_marker
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, SecondMetrics, peek_run
from importer.models.status import RunState
from tests.journal.records import (
    build_metadata,
    build_result,
    build_valid_row,
    claim_next,
    make_account,
    start_sending,
)

ROWS = [build_valid_row(n, "a note") for n in range(2, 60)]


def copy(journal, folder, *, names=("journal.sqlite", "journal.sqlite-wal")):
    """Copy the files of a journal while it is in use, as a backup or a person would."""
    target = folder / journal.folder.name
    target.mkdir(parents=True)
    for name in names:
        if (journal.folder / name).exists():
            shutil.copy(journal.folder / name, target / name)
    return target


def copy_main_file(journal, folder):
    return copy(journal, folder, names=("journal.sqlite",))


def send_everything(journal):
    rows = claim_next(journal, 100)
    journal.delivery.record(DeliveryBatch(results=[build_result(row.number) for row in rows]))


def send_much(journal):
    """Write so much that the commits are copied into the main file on the way."""
    for second in range(60):
        journal.delivery.record(DeliveryBatch(metrics=[SecondMetrics(second, 1, 0, 0)]))
    send_everything(journal)


def finish(journal):
    send_everything(journal)
    journal.run.write_end(RunEnd(state=RunState.FINISHED))


SENDING = {
    "before the first row": lambda _: None,
    "with an intent": claim_next,
    "with results": send_everything,
    "after a checkpoint": send_much,
    "finished, and still open": finish,
}


@pytest.mark.parametrize("moment", SENDING)
def test_copy_without_wal_is_refused_once_sending_began(tmp_path, monkeypatch, moment):
    """Rows may have been sent of which the main file knows nothing (FINDINGS, Attack: a journal without its -wal)."""
    monkeypatch.setattr(wal_marker, "_MAX_WAL_BYTES", 40_000)
    journal = start_sending(tmp_path, rows=ROWS)
    SENDING[moment](journal)
    copied = copy_main_file(journal, tmp_path / "copy")
    with pytest.raises(DamagedJournalError, match=r"copied without journal\.sqlite-wal"):
        Journal.open(copied)
    metadata, end, _ = peek_run(copied)
    assert (metadata.run_id, end.state) == ("run-1", RunState.RUNNING)
    with pytest.raises(DamagedJournalError, match=r"copied without"):
        Journal.open(copied)  # looking at it makes it no better
    journal.close()


@pytest.mark.parametrize("moment", SENDING)
def test_whole_copy_is_read(tmp_path, monkeypatch, moment):
    """With its -wal nothing is missing, and whoever looks at the copy first changes nothing in that."""
    monkeypatch.setattr(wal_marker, "_MAX_WAL_BYTES", 40_000)
    journal = start_sending(tmp_path, rows=ROWS)
    SENDING[moment](journal)
    counts = journal.counts()
    copied = copy(journal, tmp_path / "copy")
    journal.close()
    for folder in (copied, journal.folder):
        for _ in range(2):
            assert peek_run(folder) is not None
            with Journal.open(folder) as again:
                assert again.counts() == counts


@pytest.mark.parametrize("is_resumed", [False, True])
def test_copy_of_a_closed_journal_is_whole(tmp_path, is_resumed):
    """SQLite has copied all commits into the main file then. After a resume too."""
    journal = start_sending(tmp_path, rows=ROWS)
    claim_next(journal, 3)
    if is_resumed:
        journal.close()
        journal = Journal.open(tmp_path / "run-1")
        journal.begin_sending(make_account(tmp_path))
    send_everything(journal)
    counts = journal.counts()
    journal.close()
    with Journal.open(copy_main_file(journal, tmp_path / "copy")) as again:
        assert again.counts() == counts


def test_copy_of_a_checked_run_is_whole(tmp_path):
    journal = Journal.create(tmp_path / "r", build_metadata("r"))
    journal.stage(ROWS)
    journal.run.write_end(RunEnd(state=RunState.CHECKED))
    journal.staging.complete()
    with Journal.open(copy_main_file(journal, tmp_path / "copy")) as again:
        assert sum(again.counts().values()) == len(ROWS)
    journal.close()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
@pytest.mark.parametrize(
    "look", [peek_run, lambda folder: Journal.open(folder).close()], ids=["peek", "open"]
)
@pytest.mark.parametrize("step", range(1, 5))
def test_kill_amid_a_checkpoint_does_not_make_the_journal_unreadable(tmp_path, look, step):
    """The marker may stand although nothing is missing. Whoever sees the -wal beside it removes it."""
    pid = os.fork()
    if pid == 0:
        journal = start_sending(tmp_path, rows=ROWS)
        claim_next(journal)
        steps = []

        class DyingConnection:
            def execute(self, sql):
                journal.file.sql.execute(sql)
                steps.append(sql)
                if len(steps) == step:
                    os._exit(9)

        wal_marker.checkpoint(DyingConnection())
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    for _ in range(2):
        look(tmp_path / "run-1")
        with Journal.open(tmp_path / "run-1") as again:
            assert len(again.delivery.read_pending(-1, 99)) == len(ROWS)
    with Journal.open(copy_main_file(again, tmp_path / "copy")) as copied:
        assert copied.delivery.read_pending(-1, 1)[0].may_have_arrived


def test_commits_are_copied_into_the_main_file_on_the_way(tmp_path, monkeypatch):
    """The -wal of a long run stays small."""
    monkeypatch.setattr(wal_marker, "_MAX_WAL_BYTES", 40_000)
    journal = start_sending(tmp_path, rows=ROWS)
    sizes = []
    for second in range(60):
        journal.delivery.record(DeliveryBatch(metrics=[SecondMetrics(second, 1, 0, 0)]))
        sizes.append((journal.folder / "journal.sqlite-wal").stat().st_size)
    assert max(sizes) < 60_000
    assert sizes != sorted(sizes)
    journal.close()


LOOK = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("SELECT count(*) FROM meta").fetchall()
connection.close()
"""


@pytest.mark.parametrize("is_continued", [False, True], ids=["run", "resume or apply"])
@pytest.mark.parametrize("is_listed", [False, True], ids=["", "listed by the same process"])
def test_look_of_another_process_leaves_the_journal_of_a_sending_run_whole(tmp_path, is_continued, is_listed):
    """`importer runs` beside it: the last one to close a journal deletes its -wal, so SQLite must know of the sender.

    On POSIX, closing any handle of a file drops all locks of the process on it, SQLite's too.
    """
    journal = start_sending(tmp_path, rows=ROWS)
    if is_continued:
        journal.close()
        journal = Journal.open(tmp_path / "run-1")
        journal.begin_sending(make_account(tmp_path))
        journal.begin_sending(make_account(tmp_path))
    claim_next(journal, 5)
    with journal:
        if is_listed:  # as importer ui does
            assert peek_run(journal.folder) is not None
            Journal.open_unverified(journal.folder).close()
        subprocess.run([sys.executable, "-c", LOOK, journal.folder / "journal.sqlite"], check=True)
        assert (journal.folder / "journal.sqlite-wal").exists()
        send_everything(journal)
