"""The files of a run: whole or not there, never over somebody's work, the same again from the journal alone."""

import errno
import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from importer.atomic_file import AtomicFile
from importer.errors import DiskWriteError
from importer.journal.run_journal import Journal
from importer.report.report_writer import write_reports
from importer.untrusted_text import quote_command
from tests.report.builders import build_accepted, build_metadata, build_rejected, write_run_reports

COLUMNS = [("Phone", "customer_phone"), ("Name", "full_name")]
NAMES = {"results.csv", "failed_rows.csv", "failed_rows.xlsx", "report.html", "summary.json"}


def rows(count=3):
    return [
        build_accepted(2, ["9845000002", "Asha"]),
        *[build_rejected(n, ["12", f"Person {n}"]) for n in range(3, 3 + count)],
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in NAMES}


def written_again(folder: Path):
    with Journal.open(folder) as journal:
        return write_reports(journal, folder)


@pytest.fixture
def folder(tmp_path):
    write_run_reports(tmp_path, build_metadata(COLUMNS), rows())
    return tmp_path


def test_the_same_bytes_again_from_the_journal_alone(folder):
    before = contents(folder)
    for name in NAMES:
        (folder / name).unlink()
    written_again(folder)
    assert contents(folder) == before
    written_again(folder)
    assert contents(folder) == before
    visible = {path.name for path in folder.iterdir() if not path.name.startswith((".", "journal"))}
    assert visible == NAMES


def test_a_workbook_that_is_open_in_excel_does_not_lose_the_run(folder, monkeypatch):
    """Windows refuses to replace an open file: the new one lies beside it, and the summary says where."""
    replace = Path.replace

    def refuse(self, target):
        if target.name in ("failed_rows.xlsx", "failed_rows-new.xlsx"):
            raise PermissionError(errno.EACCES, "open in another program")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    summary = written_again(folder)
    assert summary.files["failed_rows.xlsx"] == "failed_rows-new2.xlsx"
    assert json.loads((folder / "summary.json").read_text())["files"] == summary.files
    page = (folder / "report.html").read_text("utf-8")
    assert 'href="failed_rows-new2.xlsx"' in page
    assert quote_command(str(folder / "failed_rows-new2.xlsx")) in page
    assert (folder / "failed_rows-new2.xlsx").read_bytes() == (folder / "failed_rows.xlsx").read_bytes()


def test_a_file_that_somebody_has_worked_in_is_never_overwritten(folder):
    """A person mends failed_rows.xlsx in its place, then writes the reports again: the mending stays."""
    workbook = folder / "failed_rows.xlsx"
    whole = workbook.read_bytes()
    workbook.write_bytes(b"mended by hand")
    for _ in range(2):  # nor the second time, when our own lies beside it
        summary = written_again(folder)
        assert workbook.read_bytes() == b"mended by hand"
        assert summary.files["failed_rows.xlsx"] == "failed_rows-new.xlsx"
        assert (folder / "failed_rows-new.xlsx").read_bytes() == whole
    assert not (folder / "failed_rows-new2.xlsx").exists()


def test_the_user_is_told_where_the_new_file_lies(importer):
    (importer.folder / "leads.csv").write_text("Phone,Name\n12,Asha\n")
    ended = importer("check", "leads.csv", "--run-id", "r")
    (ended.folder / "failed_rows.xlsx").write_bytes(b"mended")
    again = importer("report", "r")
    assert "failed_rows-new.xlsx" in again.out + again.err


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_full_disk_is_a_sentence_and_leaves_the_old_files_whole(folder, monkeypatch, name):
    """Whichever file it is that finds no room: nothing half is seen, the journal is as it was."""
    before, journal = contents(folder), (folder / "journal.sqlite").read_bytes()
    opened, text, binary = Path.open, Path.write_text, Path.write_bytes

    def full(method):
        def refuse(self, *arguments, **named):
            if self.name == name:
                raise OSError(errno.ENOSPC, "No space left on device")
            return method(self, *arguments, **named)

        return refuse

    if name == "failed_rows.xlsx":
        from xlsxwriter import Workbook
        from xlsxwriter.exceptions import FileCreateError

        def no_room(self):
            raise FileCreateError(OSError(errno.ENOSPC, "No space left on device"))

        monkeypatch.setattr(Workbook, "close", no_room)
    for method_name, method in (("open", opened), ("write_text", text), ("write_bytes", binary)):
        monkeypatch.setattr(Path, method_name, full(method))
    with pytest.raises(DiskWriteError, match="No space left") as raised:
        written_again(folder)
    assert "importer report" in raised.value.advice
    assert "journal of the run is safe" in raised.value.message
    monkeypatch.undo()
    assert contents(folder) == before
    assert (folder / "journal.sqlite").read_bytes() == journal


def test_a_disk_that_fills_while_the_workbook_is_packed(folder, monkeypatch):
    """A half-written ZipFile complains once more when it is collected: in a traceback of its own, but not here."""

    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("zipfile.ZipFile.write", no_room)
        patch.setattr("zipfile.ZipFile.writestr", no_room)
        with pytest.raises(DiskWriteError, match="No space left"):
            written_again(folder)
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    gc.collect()
    assert complaints == []


def test_a_folder_that_became_read_only_is_a_sentence(folder):
    if os.getuid() == 0:
        (folder / ".writing.lock").unlink()
        (folder / ".writing.lock").mkdir()  # root may write anywhere, but not into this
    else:
        folder.chmod(0o500)
    with pytest.raises(DiskWriteError):
        written_again(folder)
    folder.chmod(0o700)


def test_killed_while_writing_it_leaves_nothing_half(tmp_path):
    """Kill -9 at moments all over the writing: old files stay whole, and the next writing clears up."""
    write_run_reports(tmp_path, build_metadata(COLUMNS), rows(1_000))
    before = contents(tmp_path)
    for name in NAMES:
        (tmp_path / name).unlink()
    code = (
        "import sys, pathlib\nfrom importer.journal.run_journal import Journal\nfrom importer.report.report_writer import write_reports\n"
        "print('ready', flush=True)\n"
        "folder = pathlib.Path(sys.argv[1])\nwrite_reports(Journal.open(folder), folder)\n"
    )
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", code, tmp_path], check=True, capture_output=True)
    whole_s = time.monotonic() - begun
    assert contents(tmp_path) == before
    for part in range(1, 7):
        child = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(whole_s * part / 8)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert contents(tmp_path) == before
    written_again(tmp_path)
    assert contents(tmp_path) == before
    assert not list(tmp_path.glob(".writing-*"))


def test_two_writers_at_once_write_one_after_the_other(tmp_path):
    """`importer report` while the run itself writes: each has the room alone."""
    write_run_reports(tmp_path, build_metadata(COLUMNS), rows(500))
    before = contents(tmp_path)
    command = [sys.executable, "-m", "importer", "report", tmp_path]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    assert [writer.wait() for writer in writers] == [0, 0, 0], [w.communicate() for w in writers]
    assert contents(tmp_path) == before


def test_what_is_placed_is_whole_or_not_there(tmp_path):
    with pytest.raises(ZeroDivisionError), AtomicFile(tmp_path / "x.xlsx") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with AtomicFile(tmp_path / "x.xlsx") as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["x.xlsx"]
