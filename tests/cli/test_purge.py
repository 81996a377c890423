"""purge removes all personal data of old runs, but keeps fingerprints of the notes that were sent."""

import os
import shutil
import sqlite3
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from importer.atomic_file import lock_folder
from importer.cli import history_commands
from importer.errors import DiskWriteError
from importer.pipeline.purge_runs import purge
from importer.pipeline.reports_folder import list_runs
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


def list_files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def make_docs(importer, name, content):
    """Make a folder of the user's own in the reports folder, and return the files of both."""
    docs = importer.reports / "docs"
    docs.mkdir(parents=True)
    (docs / "thesis.txt").write_text("ten years of work")
    (docs / name).write_bytes(content)
    return list_files(docs)


def build_foreign_database(folder):
    with closing(sqlite3.connect(folder / "foreign.sqlite")) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
    return (folder / "foreign.sqlite").read_bytes()


@pytest.mark.parametrize("name", ["journal.sqlite", "staging.sqlite"])
@pytest.mark.parametrize("content", [b"", b"junk", None], ids=["empty", "text", "another program's database"])
def test_folder_that_is_not_a_run_stays_as_it_is(importer, tmp_path, name, content):
    """No file of ours is made in it, by any command, and purge does not touch it (FINDINGS, Attack: purge)."""
    there = make_docs(importer, name, build_foreign_database(tmp_path) if content is None else content)
    sheet = write_csv(importer.folder / "x.csv", [["Phone"], [PHONE]])
    result = importer("check", sheet, "--run-id", "docs")
    assert (result.code, "docs already exists" in result.err) == (2, True)
    importer("runs")
    result = importer("purge", "--older-than", "0h", "--yes")
    assert result.code == 0
    assert list_files(importer.reports / "docs") == there
    if name == "journal.sqlite":
        assert "docs was not deleted: its journal cannot be read" in result.err


def test_purge_keeps_files_that_importer_did_not_make_and_names_them(importer, ran):
    """Personal data of ours goes, also from a report beside one that was open, and from a killed report."""
    for name in ("failed_rows-new2.xlsx", "my fixed.xlsx", "results.csv.bak"):
        (ran.folder / name).write_text(NOTE)
    for folder in (".writing-abc", "notes"):
        (ran.folder / folder).mkdir()
        (ran.folder / folder / "results.csv").write_text(NOTE)
    result = importer("purge", "--older-than", "0h", "--yes")
    assert result.err.splitlines() == [
        "Deleted 1 run: first.",
        "reports/first still has files that importer did not make: my fixed.xlsx, notes, results.csv.bak.",
    ]
    assert list_files(ran.folder) == [
        ".writing.lock",
        "my fixed.xlsx",
        "notes",
        "notes/results.csv",
        "results.csv.bak",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_purge_follows_no_link(importer, ran, tmp_path):
    """Neither a folder that is a link nor a link in a run's folder leads out of the reports folder."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "results.csv").write_text("mine")
    (ran.folder / "results.csv").unlink()
    (ran.folder / "results.csv").symlink_to(outside / "results.csv")
    (ran.folder / ".writing-abc").symlink_to(outside)
    assert "results.csv" in importer("purge", "--older-than", "0h", "--yes").err
    assert list_files(outside) == ["results.csv"]
    importer("run", "x.csv", "--yes", "--run-id", "second")
    moved = (importer.reports / "second").rename(tmp_path / "second")
    there = list_files(moved)
    (importer.reports / "second").symlink_to(moved)
    result = importer("purge", "--older-than", "0h", "--yes")
    assert "reports/second was not deleted: it is a link to another folder." in result.err
    assert list_files(moved) == there


def test_purge_keeps_a_copied_or_renamed_run_and_names_it(importer, ran):
    """Its folder does not have the name that its journal has, so somebody made it and may need it."""
    shutil.copytree(ran.folder, importer.reports / "copy")
    result = importer("purge", "--older-than", "0h", "--yes")
    assert "reports/copy was not deleted: its journal belongs to run first" in result.err
    assert [path.parent.name for path in importer.reports.glob("*/journal.sqlite")] == ["copy"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b"junk"),
        lambda path: execute(
            path, "UPDATE meta SET value = replace(value, 'started_at\":\"2', 'started_at\":\"')"
        ),
    ],
    ids=["file", "start"],
)
def test_purge_names_a_run_with_an_unreadable_journal_and_removes_the_others(importer, ran, harm):
    """It may belong to another program. Its age is that of its file."""
    importer("run", "x.csv", "--yes", "--run-id", "second")
    journal = ran.folder / "journal.sqlite"
    harm(journal)
    result = importer("purge", "--older-than", "0h", "--yes")
    assert result.code == 0
    assert result.err == (
        "reports/first was not deleted: its journal cannot be read, so it may belong to another program. "
        "If you do not need it, delete it yourself.\nDeleted 1 run: second.\n"
    )
    os.utime(journal, (time.time() + 3600, time.time() + 3600))
    assert "first" not in importer("purge", "--older-than", "0h", "--yes").err


def execute(path, statement):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_purge_removes_a_damaged_run_that_is_surely_ours(importer, ran):
    """Its rows cannot be trusted, but its metadata can: its reports still have personal data."""
    execute(ran.folder / "journal.sqlite", "UPDATE rows SET phone = '+919845099999' WHERE number = 2")
    assert "Deleted 1 run: first." in importer("purge", "--older-than", "0h", "--yes").err
    assert not ran.folder.exists()


def test_purge_leaves_a_run_whose_files_are_being_written(importer, ran):
    with lock_folder(ran.folder):
        result = importer("purge", "--older-than", "0h", "--yes")
    assert "1 run was not deleted because it is in use now." in result.err
    assert (ran.folder / "results.csv").exists()


def test_file_in_use_stops_purge_with_one_sentence(importer, ran, monkeypatch):
    """Windows cannot remove a file that Excel has open. The journal goes last, so purge can be run again."""
    unlink = Path.unlink

    def refuse(path, **options):
        if path.name == "failed_rows.xlsx":
            raise PermissionError(13, "in use", str(path))
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(DiskWriteError, match=r"failed_rows\.xlsx could not be deleted"):
        purge(importer.reports, list_runs(importer.reports))
    result = importer("purge", "--older-than", "0h", "--yes")
    assert result.code == 2
    assert "Close the program" in result.err
    assert timedelta(0) < datetime.now(UTC) - datetime.fromisoformat(
        list_runs(importer.reports)[0].started_at
    )
    monkeypatch.undo()
    monkeypatch.chdir(importer.folder)
    assert not purge(importer.reports, list_runs(importer.reports)).in_use
    assert not ran.folder.exists()


def test_purge_removes_old_sheets_of_the_page(importer):
    """A sheet that was chosen in the browser and never sent has personal data too."""
    from importer.pipeline.preparations import Preparation, Preparations

    sheets = Preparations(importer.reports)
    path = sheets.make_upload_path("old", "leads.csv")
    path.write_text("Phone\n9845010001\n")
    sheets.save(
        Preparation(run_id="old", file="leads.csv", path=str(path), started_at="2026-01-01T10:00:00+05:30")
    )
    assert importer("purge", "--older-than", "1d").code == 2
    assert path.exists()
    result = importer("purge", "--older-than", "1d", "--yes")
    assert (result.code, path.parent.exists()) == (0, False)
    assert "1 sheet that was chosen there" in result.err
