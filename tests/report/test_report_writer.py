"""The files of a run: complete or missing, never over an edited file, and rebuilt from the journal alone."""

import errno
import gc
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from importer.atomic_file import AtomicFile
from importer.errors import DiskWriteError
from importer.journal.run_journal import Journal
from importer.report.report_writer import write_reports
from importer.untrusted_text import quote_command
from tests.prepared_python import StartedCommand, StartedPython
from tests.report.builders import build_accepted, build_metadata, build_rejected, write_run_reports

COLUMNS = [("Phone", "customer_phone"), ("Name", "full_name")]
NAMES = {"results.csv", "failed_rows.csv", "failed_rows.xlsx", "report.html", "summary.json"}


def build_rows(count=3):
    return [
        build_accepted(2, ["9845000002", "Asha"]),
        *[build_rejected(n, ["12", f"Person {n}"]) for n in range(3, 3 + count)],
    ]


def read_files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in NAMES}


def rewrite_reports(folder: Path):
    with Journal.open(folder) as journal:
        return write_reports(journal, folder)


@pytest.fixture
def folder(tmp_path):
    write_run_reports(tmp_path, build_metadata(COLUMNS), build_rows())
    return tmp_path


def test_reports_are_rebuilt_byte_for_byte(folder):
    """The journal alone is enough to write every report again."""
    before = read_files(folder)
    for name in NAMES:
        (folder / name).unlink()
    rewrite_reports(folder)
    assert read_files(folder) == before
    rewrite_reports(folder)
    assert read_files(folder) == before
    visible = {path.name for path in folder.iterdir() if not path.name.startswith((".", "journal"))}
    assert visible == NAMES


def test_workbook_open_in_excel_is_written_beside(folder, monkeypatch):
    """Windows refuses to replace an open file: the new one gets another name, which the summary and the page show."""
    replace = Path.replace

    def refuse(self, target):
        if target.name in ("failed_rows.xlsx", "failed_rows-new.xlsx"):
            raise PermissionError(errno.EACCES, "open in another program")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    summary = rewrite_reports(folder)
    assert summary.files["failed_rows.xlsx"] == "failed_rows-new2.xlsx"
    assert json.loads((folder / "summary.json").read_text())["files"] == summary.files
    page = (folder / "report.html").read_text("utf-8")
    assert 'href="failed_rows-new2.xlsx"' in page
    assert quote_command(str(folder / "failed_rows-new2.xlsx")) in page
    assert (folder / "failed_rows-new2.xlsx").read_bytes() == (folder / "failed_rows.xlsx").read_bytes()


def test_edited_file_is_never_overwritten(folder):
    """Somebody fixes failed_rows.xlsx, then the reports are written again: the edits stay."""
    workbook = folder / "failed_rows.xlsx"
    whole = workbook.read_bytes()
    workbook.write_bytes(b"edited by hand")
    for _ in range(2):  # nor the second time, when our own file is beside it
        summary = rewrite_reports(folder)
        assert workbook.read_bytes() == b"edited by hand"
        assert summary.files["failed_rows.xlsx"] == "failed_rows-new.xlsx"
        assert (folder / "failed_rows-new.xlsx").read_bytes() == whole
    assert not (folder / "failed_rows-new2.xlsx").exists()


def test_command_names_file_written_beside(importer):
    """Otherwise people would go on with the old file."""
    (importer.folder / "leads.csv").write_text("Phone,Name\n12,Asha\n")
    ended = importer("check", "leads.csv", "--run-id", "r")
    (ended.folder / "failed_rows.xlsx").write_bytes(b"edited")
    again = importer("report", "r")
    assert "failed_rows-new.xlsx" in again.out + again.err


@pytest.mark.parametrize("name", sorted(NAMES))
def test_full_disk_is_an_error_and_keeps_old_files(folder, monkeypatch, name):
    """Whichever file does not fit: the old files and the journal stay as they were."""
    before, journal = read_files(folder), (folder / "journal.sqlite").read_bytes()
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

        def raise_disk_full(self):
            raise FileCreateError(OSError(errno.ENOSPC, "No space left on device"))

        monkeypatch.setattr(Workbook, "close", raise_disk_full)
    for method_name, method in (("open", opened), ("write_text", text), ("write_bytes", binary)):
        monkeypatch.setattr(Path, method_name, full(method))
    with pytest.raises(DiskWriteError, match="No space left") as raised:
        rewrite_reports(folder)
    assert "importer report" in raised.value.advice
    assert "journal of the run is safe" in raised.value.message
    monkeypatch.undo()
    assert read_files(folder) == before
    assert (folder / "journal.sqlite").read_bytes() == journal


def test_full_disk_while_packing_prints_no_second_error(folder, monkeypatch):
    """A half-written ZipFile raises again when it is garbage-collected, in a traceback that nobody can catch."""

    def raise_disk_full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("zipfile.ZipFile.write", raise_disk_full)
        patch.setattr("zipfile.ZipFile.writestr", raise_disk_full)
        with pytest.raises(DiskWriteError, match="No space left"):
            rewrite_reports(folder)
    complaints = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    gc.collect()
    assert complaints == []


def test_read_only_folder_is_an_error(folder):
    """The user gets a DiskWriteError, not a traceback."""
    if os.getuid() == 0:
        (folder / ".writing.lock").unlink()
        (folder / ".writing.lock").mkdir()  # root may write anywhere, but not into this
    else:
        folder.chmod(0o500)
    with pytest.raises(DiskWriteError):
        rewrite_reports(folder)
    folder.chmod(0o700)


@pytest.mark.slow
def test_killed_writer_leaves_no_partial_file(tmp_path):
    """After kill -9 at any moment the old files are complete, and the next writer cleans up."""
    write_run_reports(tmp_path, build_metadata(COLUMNS), build_rows(1_000))
    before = read_files(tmp_path)
    for name in NAMES:
        (tmp_path / name).unlink()
    code = (
        "import sys, pathlib\nfrom importer.journal.run_journal import Journal\nfrom importer.report.report_writer import write_reports\n"
        "print('ready', flush=True)\n"
        "folder = pathlib.Path(sys.argv[1])\nwrite_reports(Journal.open(folder), folder)\n"
    )

    def start():
        child = StartedPython(code, tmp_path, folder=tmp_path, environment=os.environ)
        while child.output != "ready\n":
            assert child.poll() is None, child.errors
        return child

    child = start()
    begun = time.monotonic()
    child.communicate(60)
    whole_s = time.monotonic() - begun
    assert (child.returncode, read_files(tmp_path)) == (0, before)
    ended = []
    for part in range(1, 7):
        child = start()
        time.sleep(whole_s * part / 8)
        child.kill()
        child.communicate(60)
        ended.append(child.returncode)
        assert read_files(tmp_path) == before
    assert -signal.SIGKILL in ended
    rewrite_reports(tmp_path)
    assert read_files(tmp_path) == before
    assert not list(tmp_path.glob(".writing-*"))


@pytest.mark.slow
def test_writers_wait_for_each_other(tmp_path):
    """`importer report` may run while the run itself writes: one of them writes at a time."""
    write_run_reports(tmp_path, build_metadata(COLUMNS), build_rows(500))
    before = read_files(tmp_path)
    writers = [StartedCommand("report", tmp_path, folder=tmp_path, environment=os.environ) for _ in range(3)]
    ended = [writer.communicate(60) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], ended
    assert read_files(tmp_path) == before


def test_atomic_file_is_complete_or_missing(tmp_path):
    """An error in the block leaves no file."""
    with pytest.raises(ZeroDivisionError), AtomicFile(tmp_path / "x.xlsx") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with AtomicFile(tmp_path / "x.xlsx") as temporary:
        temporary.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["x.xlsx"]
