"""A file is replaced at once, and on Windows also after another program has closed it."""

import os
from errno import EINVAL, EIO

import pytest

from importer.atomic_file import fsync_folders, replace_file


class LockedFile:
    """A file that another program holds for the first tries."""

    def __init__(self, tries):
        self.tries = tries
        self.waits = []

    def replace(self, place):
        self.tries -= 1
        if self.tries >= 0:
            raise PermissionError(13, "The process cannot access the file")
        return place


def test_locked_file_is_tried_again_on_windows(tmp_path):
    """A virus scanner opens each new file for a moment: reports of a whole check were lost for it."""
    file = LockedFile(4)
    assert replace_file(file, tmp_path, windows=True, sleep=file.waits.append) == tmp_path
    assert file.waits == [0.1] * 4


@pytest.mark.parametrize(("windows", "waits"), [(True, 9), (False, 0)])
def test_file_locked_for_long_raises(tmp_path, windows, waits):
    """After a second the error is raised; on other systems at once."""
    file = LockedFile(99)
    with pytest.raises(PermissionError):
        replace_file(file, tmp_path, windows=windows, sleep=file.waits.append)
    assert len(file.waits) == waits


def test_file_replaces_target(tmp_path):
    """On all systems the new content is at the target."""
    for windows in (True, False):
        (tmp_path / "a").write_text(f"new {windows}")
        assert replace_file(tmp_path / "a", tmp_path / "b", windows=windows) == tmp_path / "b"
        assert (tmp_path / "b").read_text() == f"new {windows}"


POSIX_ONLY = pytest.mark.skipif(os.name != "posix", reason="Windows has no fsync of a folder")


@POSIX_ONLY
def test_names_are_asked_for_up_to_the_first_folder_of_others(tmp_path, synced, monkeypatch):
    """We can have made no folder in one that we cannot write to."""
    others = tmp_path / "home"
    file = others / "asha" / "reports" / "r" / "journal.sqlite"
    file.parent.mkdir(parents=True)
    monkeypatch.setattr("os.access", lambda folder, _mode: folder.is_relative_to(others / "asha"))
    fsync_folders(file)
    assert synced == [others / "asha" / "reports" / "r", others / "asha" / "reports", others / "asha"]


@POSIX_ONLY
def test_file_system_without_fsync_of_folders_is_no_error(tmp_path, monkeypatch):
    """Some answer that they cannot. A disk that fails is an error."""

    def fail(_descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("os.fsync", fail)
    code = EINVAL
    fsync_folders(tmp_path / "file")
    code = EIO
    with pytest.raises(OSError, match=os.strerror(EIO)):
        fsync_folders(tmp_path / "file")
