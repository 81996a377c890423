"""purge: what is personal goes with the runs; what must not be sent twice stays known."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from importer.cli import history_commands
from importer.errors import DiskWriteError
from importer.pipeline.runs import list_runs, purge
from tests.support import write_csv

PHONE, NOTE = "98450 10001", "asked about the villa"


@pytest.fixture
def ran(importer, crm):
    sheet = write_csv(
        importer.folder / "x.csv", [["Phone", "Name", "Note"], [PHONE, "Asha Rao", NOTE], ["12", "B", ""]]
    )
    return importer("run", sheet, "--yes", "--run-id", "first")


def test_nothing_personal_is_left_in_the_reports_folder(importer, ran):
    """Phone, name and note are in no file any more, the ledger of notes and the locks among them."""
    assert importer("purge", "--older-than", "0h", "--yes").code == 0
    left = [path for path in importer.reports.rglob("*") if path.is_file()]
    assert left
    for path in left:
        held = path.read_bytes()
        for personal in ("9845010001", PHONE, "Asha", "villa"):
            assert personal.encode() not in held, path


def test_only_old_runs_go(importer, ran):
    ended = importer("purge", "--older-than", "1d", "--yes")
    assert "No run in reports is older than 1d" in ended.err
    assert ran.folder.exists()


def test_it_asks_and_tells_what_could_still_be_resumed(importer, ran, monkeypatch):
    """Nobody at the terminal: exit 2 and nothing is removed. A no is a no."""
    ended = importer("purge", "--older-than", "0h")
    assert (ended.code, ran.folder.exists()) == (2, True)
    assert "--yes" in ended.err
    asked = []
    monkeypatch.setattr(history_commands, "is_interactive", lambda: True)

    monkeypatch.setattr(history_commands, "confirm", lambda question, **_: asked.append(question))
    ended = importer("purge", "--older-than", "0h")
    assert (ended.code, ended.err) == (2, "importer: Nothing was removed.\n")
    assert asked == ["Remove 1 run and all personal data in it?"]
    assert ran.folder.exists()


def test_ctrl_c_while_it_asks_is_no_word_about_sending(importer, ran, monkeypatch):
    """And none about what was removed: it may come while runs are being removed."""

    def press(*_, **__):
        raise history_commands.click.Abort

    monkeypatch.setattr(history_commands, "is_interactive", lambda: True)
    monkeypatch.setattr(history_commands, "confirm", press)
    ended = importer("purge", "--older-than", "0h")
    assert ended.code == 130
    assert ended.err == "importer: Stopped. importer runs lists the runs that are left.\n"
    assert ran.folder.exists()


def test_a_run_whose_journal_is_damaged_goes_too(importer, ran):
    """Its reports hold people all the same; its file tells how old it is."""
    (ran.folder / "journal.sqlite").write_bytes(b"junk")
    assert importer("purge", "--older-than", "1d", "--yes").code == 0
    assert ran.folder.exists()
    assert importer("purge", "--older-than", "0h", "--yes").code == 0
    assert not ran.folder.exists()


def test_a_run_whose_start_cannot_be_read_is_named_and_the_others_go(importer, ran):
    """Its file tells that it may be young; when that is old too, so is the run."""
    importer("run", "x.csv", "--yes", "--run-id", "second")
    with closing(sqlite3.connect(ran.folder / "journal.sqlite")) as connection, connection:
        connection.execute("UPDATE meta SET value = replace(value, 'started_at\":\"2', 'started_at\":\"')")
    for path in (ran.folder / "journal.sqlite", *importer.reports.glob("second/journal.sqlite")):
        os.utime(path, (time.time() + 3600, time.time() + 3600))
    importer("runs")  # reading lays files beside the journal, which makes the folder young and not the run
    ended = importer("purge", "--older-than", "0h", "--yes")
    assert ended.code == 0
    assert ended.err.splitlines() == [
        "first was not removed: it cannot be read, and it changed less than 0h ago.",
        "Removed 1 run: second.",
    ]
    os.utime(ran.folder / "journal.sqlite", (time.time() - 7200, time.time() - 7200))
    importer("runs")
    assert "Removed 1 run: first." in importer("purge", "--older-than", "1h", "--yes").err


def test_a_file_that_is_in_use_is_a_sentence(importer, ran, monkeypatch):
    """Windows does not remove what Excel has open."""

    def refuse(path):
        raise PermissionError(13, "in use", str(path / "failed_rows.xlsx"))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(DiskWriteError, match=r"failed_rows\.xlsx could not be removed"):
        purge(importer.reports, list_runs(importer.reports))
    ended = importer("purge", "--older-than", "0h", "--yes")
    assert ended.code == 2
    assert "Close the program" in ended.err
    assert timedelta(0) < datetime.now(UTC) - datetime.fromisoformat(
        list_runs(importer.reports)[0].started_at
    )
