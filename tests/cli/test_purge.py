"""purge removes all personal data of old runs, but keeps fingerprints of the notes that were sent."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from importer.cli import history_commands
from importer.errors import DiskWriteError
from importer.pipeline.reports_folder import list_runs, purge
from tests.support import write_csv

PHONE, NOTE = "98450 10001", "asked about the villa"


@pytest.fixture
def ran(importer, crm):
    sheet = write_csv(
        importer.folder / "x.csv", [["Phone", "Name", "Note"], [PHONE, "Asha Rao", NOTE], ["12", "B", ""]]
    )
    return importer("run", sheet, "--yes", "--run-id", "first")


def test_purge_leaves_no_personal_data(importer, ran, state_dir):
    """No file has the phone, name or note any more, nor the run's path, including the memory of notes and the locks."""
    assert importer("purge", "--older-than", "0h", "--yes").code == 0
    left = [path for folder in (importer.reports, state_dir) for path in folder.rglob("*") if path.is_file()]
    assert state_dir in {parent for path in left for parent in path.parents}
    for path in left:
        held = path.read_bytes()
        for personal in ("9845010001", PHONE, "Asha", "villa", str(ran.folder)):
            assert personal.encode() not in held, path


def test_purge_removes_only_old_runs(importer, ran):
    result = importer("purge", "--older-than", "1d", "--yes")
    assert "No run in reports is older than 1d" in result.err
    assert ran.folder.exists()


def test_purge_asks_for_confirmation(importer, ran, monkeypatch):
    """Without a terminal, and after the answer no, nothing is removed and the exit code is 2."""
    result = importer("purge", "--older-than", "0h")
    assert (result.code, ran.folder.exists()) == (2, True)
    assert "--yes" in result.err
    asked = []
    monkeypatch.setattr(history_commands, "is_interactive", lambda: True)

    monkeypatch.setattr(history_commands, "confirm", lambda question, **_: asked.append(question))
    result = importer("purge", "--older-than", "0h")
    assert (result.code, result.err) == (2, "importer: Nothing was deleted.\n")
    assert asked == ["Delete 1 run and all personal data in it?"]
    assert ran.folder.exists()


def test_ctrl_c_at_the_question_of_purge_does_not_mention_sending(importer, ran, monkeypatch):
    """The sentence does not say that nothing was removed either: Ctrl-C can come during the removal."""

    def press(*_, **__):
        raise history_commands.click.Abort

    monkeypatch.setattr(history_commands, "is_interactive", lambda: True)
    monkeypatch.setattr(history_commands, "confirm", press)
    result = importer("purge", "--older-than", "0h")
    assert result.code == 130
    assert result.err == "importer: Stopped. importer runs lists the runs that are left.\n"
    assert ran.folder.exists()


def test_purge_removes_a_run_with_a_damaged_journal(importer, ran):
    """Its reports still have personal data. The age is that of its file."""
    (ran.folder / "journal.sqlite").write_bytes(b"junk")
    assert importer("purge", "--older-than", "1d", "--yes").code == 0
    assert ran.folder.exists()
    assert importer("purge", "--older-than", "0h", "--yes").code == 0
    assert not ran.folder.exists()


def test_purge_names_a_run_with_an_unreadable_start_and_removes_the_others(importer, ran):
    """Such a run is removed only if its file is old as well."""
    importer("run", "x.csv", "--yes", "--run-id", "second")
    with closing(sqlite3.connect(ran.folder / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE meta SET value = replace(value, 'started_at\":\"2', 'started_at\":\"')")
    for path in (ran.folder / "journal.sqlite", *importer.reports.glob("second/journal.sqlite")):
        os.utime(path, (time.time() + 3600, time.time() + 3600))
    importer("runs")  # reading lays files beside the journal, which makes the folder young and not the run
    result = importer("purge", "--older-than", "0h", "--yes")
    assert result.code == 0
    assert result.err.splitlines() == [
        "first was not deleted: it cannot be read, and it changed less than 0h ago.",
        "Deleted 1 run: second.",
    ]
    os.utime(ran.folder / "journal.sqlite", (time.time() - 7200, time.time() - 7200))
    importer("runs")
    assert "Deleted 1 run: first." in importer("purge", "--older-than", "1h", "--yes").err


def test_file_in_use_stops_purge_with_one_sentence(importer, ran, monkeypatch):
    """Windows cannot remove a file that Excel has open."""

    def refuse(path):
        raise PermissionError(13, "in use", str(path / "failed_rows.xlsx"))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(DiskWriteError, match=r"failed_rows\.xlsx could not be deleted"):
        purge(importer.reports, list_runs(importer.reports))
    result = importer("purge", "--older-than", "0h", "--yes")
    assert result.code == 2
    assert "Close the program" in result.err
    assert timedelta(0) < datetime.now(UTC) - datetime.fromisoformat(
        list_runs(importer.reports)[0].started_at
    )
