"""Tests for the private folder of a sheet's copy: it is removed with its process, or at the next start after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

import pytest

from importer.errors import NothingSentError
from importer.loader.table.table_reader import OpenOptions
from importer.reader.scratch_dir import open_scratch_dir, remove_stale_dirs
from importer.reader.source import open_file
from tests.support import write_csv

LATER_S = 2 * 3600
HOLD_FOLDER = """
import sys
from importer.reader.scratch_dir import open_scratch_dir
with open_scratch_dir() as folder:
    (folder / "sheet").write_text("personal")
    print(folder.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def temp_dir(tmp_path, monkeypatch):
    """Use a folder of our own for temporary files."""
    temp_dir = tmp_path / "temp"
    temp_dir.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temp_dir))
    return temp_dir


@pytest.fixture
def other_process(temp_dir):
    """Start another process that holds a scratch folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_FOLDER],
        env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temp_dir))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.folder = temp_dir / process.stdout.readline().strip()
    yield process
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_folder_is_private_and_removed_at_the_end(temp_dir, tmp_path):
    sheet = write_csv(tmp_path / "x.csv", [["Phone"], ["9845012345"]])
    with open_file(sheet, OpenOptions()):
        (folder,) = temp_dir.iterdir()
        assert {path.name for path in folder.iterdir()} == {"sheet", "lock"}
        if os.name == "posix":
            assert (folder.stat().st_mode & 0o777, (folder / "sheet").stat().st_mode & 0o777) == (
                0o700,
                0o600,
            )
    assert list(temp_dir.iterdir()) == []


def test_folder_of_a_running_process_stays_however_old_it_is(temp_dir, other_process):
    remove_stale_dirs(time.time() + LATER_S)
    assert (other_process.folder / "sheet").read_text() == "personal"
    other_process.stdin.close()
    other_process.wait()
    assert list(temp_dir.iterdir()) == []


def test_old_folder_of_a_killed_process_is_removed_at_the_next_start(temp_dir, other_process, tmp_path):
    """A new one is not removed at once: its process may not have locked it yet."""
    other_process.kill()
    other_process.wait()
    remove_stale_dirs(time.time())
    assert (other_process.folder / "sheet").read_text() == "personal"
    long_ago = time.time() - LATER_S
    os.utime(other_process.folder, (long_ago, long_ago))
    sheet = write_csv(tmp_path / "x.csv", [["Phone"], ["9845012345"]])
    with open_file(sheet, OpenOptions()):
        assert not other_process.folder.exists()
        assert len(list(temp_dir.iterdir())) == 1


def test_folders_that_only_look_like_ours_are_not_removed(temp_dir, tmp_path):
    """They contain another file or no lock, are links or files, or have another name."""
    theirs = {
        "importer-1": ["lock", "sheet", "thesis.doc"],
        "importer-2": ["sheet"],
        "importer-3": [],
        "other-4": ["lock"],
    }
    for name, files in theirs.items():
        (temp_dir / name).mkdir()
        for file in files:
            (temp_dir / name / file).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "lock").touch()
    (temp_dir / "importer-5").symlink_to(tmp_path / "elsewhere")
    (temp_dir / "importer-6").touch()
    remove_stale_dirs(time.time() + LATER_S)
    assert {path.name for path in temp_dir.iterdir()} == {*theirs, "importer-5", "importer-6"}
    assert (tmp_path / "elsewhere" / "lock").exists()


@pytest.mark.skipif(os.name != "posix", reason="owners of files are POSIX")
def test_folder_of_another_user_is_not_removed(temp_dir, monkeypatch):
    left = temp_dir / "importer-1"
    left.mkdir()
    (left / "lock").touch()
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    remove_stale_dirs(time.time() + LATER_S)
    assert left.exists()
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(temp_dir))
    remove_stale_dirs(time.time() + LATER_S)
    assert not left.exists()


def test_folder_that_cannot_be_made_is_an_error(temp_dir):
    temp_dir.rmdir()
    with (
        pytest.raises(NothingSentError, match="Cannot make a folder for the private copy of the sheet"),
        open_scratch_dir(),
    ):
        pass
