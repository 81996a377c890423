"""The private folder of a sheet's copy: it goes with its process, and what a killed one left goes at the next start."""

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
IN_A_ROOM = """
import sys
from importer.reader.scratch_dir import open_scratch_dir
with open_scratch_dir() as room:
    (room / "sheet").write_text("personal")
    print(room.name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    """A folder for temporary files of our own."""
    rooms = tmp_path / "rooms"
    rooms.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(rooms))
    return rooms


@pytest.fixture
def owner(rooms):
    """Another process that holds a room."""
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_ROOM],
        env={**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(rooms))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.room = rooms / process.stdout.readline().strip()
    yield process
    process.stdin.close()
    process.stdout.close()
    process.wait()


def test_a_room_is_private_and_goes_when_it_is_left(rooms, tmp_path):
    sheet = write_csv(tmp_path / "x.csv", [["Phone"], ["9845012345"]])
    with open_file(sheet, OpenOptions()):
        (room,) = rooms.iterdir()
        assert {path.name for path in room.iterdir()} == {"sheet", "lock"}
        if os.name == "posix":
            assert (room.stat().st_mode & 0o777, (room / "sheet").stat().st_mode & 0o777) == (0o700, 0o600)
    assert list(rooms.iterdir()) == []


def test_the_room_of_a_living_process_stays_however_old_it_is(rooms, owner):
    remove_stale_dirs(time.time() + LATER_S)
    assert (owner.room / "sheet").read_text() == "personal"
    owner.stdin.close()
    owner.wait()
    assert list(rooms.iterdir()) == []


def test_the_room_of_a_killed_process_goes_at_the_next_start_once_it_is_old(rooms, owner, tmp_path):
    """Not at once: one that is new may not have been locked yet."""
    owner.kill()
    owner.wait()
    remove_stale_dirs(time.time())
    assert (owner.room / "sheet").read_text() == "personal"
    long_ago = time.time() - LATER_S
    os.utime(owner.room, (long_ago, long_ago))
    sheet = write_csv(tmp_path / "x.csv", [["Phone"], ["9845012345"]])
    with open_file(sheet, OpenOptions()):
        assert not owner.room.exists()
        assert len(list(rooms.iterdir())) == 1


def test_what_only_looks_like_a_room_is_left_alone(rooms, tmp_path):
    """Something else in it, no lock in it, a link, a file, another name: nothing that a process of ours has made."""
    theirs = {
        "importer-1": ["lock", "sheet", "thesis.doc"],
        "importer-2": ["sheet"],
        "importer-3": [],
        "other-4": ["lock"],
    }
    for name, files in theirs.items():
        (rooms / name).mkdir()
        for file in files:
            (rooms / name / file).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "lock").touch()
    (rooms / "importer-5").symlink_to(tmp_path / "elsewhere")
    (rooms / "importer-6").touch()
    remove_stale_dirs(time.time() + LATER_S)
    assert {path.name for path in rooms.iterdir()} == {*theirs, "importer-5", "importer-6"}
    assert (tmp_path / "elsewhere" / "lock").exists()


@pytest.mark.skipif(os.name != "posix", reason="owners of files are POSIX")
def test_the_room_of_another_user_is_left_alone(rooms, monkeypatch):
    left = rooms / "importer-1"
    left.mkdir()
    (left / "lock").touch()
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    remove_stale_dirs(time.time() + LATER_S)
    assert left.exists()
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(rooms))
    remove_stale_dirs(time.time() + LATER_S)
    assert not left.exists()


def test_where_no_room_can_be_made_it_is_said(rooms):
    rooms.rmdir()
    with (
        pytest.raises(NothingSentError, match="Cannot make a folder for the private copy of the sheet"),
        open_scratch_dir(),
    ):
        pass
