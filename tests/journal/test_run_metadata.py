"""Read the metadata of a run without opening its journal."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from importer.errors import DamagedJournalError
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, peek_run
from importer.models.status import RunState
from tests.journal.records import (
    build_metadata,
    build_valid_row,
    make_newer,
    start_sending,
)


def test_peek_reads_metadata_without_the_rows_and_makes_no_file(tmp_path):
    """The metadata can be read in a damaged journal, but not in one of a newer version."""
    start_sending(tmp_path, rows=[build_valid_row(n, "a note") for n in range(2, 400)]).close()
    path = tmp_path / "run-1" / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:-4000] + b"\xff" * 4000)
    with pytest.raises(DamagedJournalError):
        Journal.open(tmp_path / "run-1")
    assert peek_run(tmp_path / "run-1")[:2] == (build_metadata(), RunEnd(state=RunState.RUNNING))
    make_newer(path)
    assert peek_run(tmp_path / "run-1") is None
    (tmp_path / "none").mkdir()
    assert peek_run(tmp_path / "none") is None
    assert not list((tmp_path / "none").iterdir())


def test_peek_waits_for_a_locked_journal_only_if_asked(tmp_path):
    """Without `wait_s` a locked journal counts as unreadable."""
    start_sending(tmp_path, rows=[build_valid_row(2)]).close()
    with closing(sqlite3.connect(tmp_path / "run-1" / "journal.sqlite", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        assert peek_run(tmp_path / "run-1") is None
        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(peek_run, tmp_path / "run-1", wait_s=60)
            other.execute("COMMIT")
            assert waiting.result() is not None
