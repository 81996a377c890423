"""Moving a file into its place: at once, and on Windows also when another program lets go of it."""

import pytest

from importer.atomic_file import replace_file


class Held:
    """A file that another program holds for the first tries."""

    def __init__(self, tries):
        self.tries = tries
        self.waits = []

    def replace(self, place):
        self.tries -= 1
        if self.tries >= 0:
            raise PermissionError(13, "The process cannot access the file")
        return place


def test_a_virus_scanner_is_waited_for_on_windows(tmp_path):
    """It looks at each file that was just closed: a check of the whole sheet was thrown away for it."""
    file = Held(4)
    assert replace_file(file, tmp_path, windows=True, sleep=file.waits.append) == tmp_path
    assert file.waits == [0.1] * 4


@pytest.mark.parametrize(("windows", "waits"), [(True, 9), (False, 0)])
def test_a_file_that_is_held_for_long_is_told(tmp_path, windows, waits):
    file = Held(99)
    with pytest.raises(PermissionError):
        replace_file(file, tmp_path, windows=windows, sleep=file.waits.append)
    assert len(file.waits) == waits


def test_a_file_is_moved(tmp_path):
    for windows in (True, False):
        (tmp_path / "a").write_text(f"new {windows}")
        assert replace_file(tmp_path / "a", tmp_path / "b", windows=windows) == tmp_path / "b"
        assert (tmp_path / "b").read_text() == f"new {windows}"
