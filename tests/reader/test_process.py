"""The reading process, seen from our side: whatever becomes of it, the user reads rows or a sentence."""

from __future__ import annotations

import io
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from importer.errors import ImporterError, UnreadableFileError, UsageError
from importer.journal.staging import StagedRow, StagedRows
from importer.loader.table.table_reader import OpenOptions
from importer.models.mapping import Mapping
from importer.reader import protocol, worker_client
from importer.reader.row_processor import ProcessorConfig
from importer.reader.source import open_file
from importer.reader.worker import _mind_ctrl_c
from importer.reader.worker_client import Watchdog, WorkerClient
from tests.loader.books import text_cell, write_xlsx
from tests.support import write_csv

RECIPE = ProcessorConfig(mapping=Mapping(columns=()), titles={}, region="IN", unknown="reject")


@pytest.fixture
def sheet(tmp_path):
    return write_csv(tmp_path / "leads.csv", [["Phone"], *[[f"98450{i:05}"] for i in range(5000)]])


def test_python_files_in_the_users_folder_are_not_run(importer):
    """People keep scripts beside their sheets; one named like a module of Python's must not be loaded."""
    sheet = write_csv(importer.folder / "leads.csv", [["Phone"], ["9845012345"]])
    (importer.folder / "csv.py").write_text("raise SystemExit('the wrong csv')")
    ended = importer("check", sheet)
    assert (ended.code, ended.summary["counts"]["accepted"]) == (0, 1)


def test_the_reader_finds_modules_where_we_do(sheet, monkeypatch):
    """A notebook may have named the folder by `sys.path.append`, and a host of functions has no other way."""
    bare = getattr(sys, "_base_executable", sys.executable)  # a Python in which nothing of ours is installed
    monkeypatch.setattr(sys, "executable", bare)
    with WorkerClient(sheet, OpenOptions()) as reader:
        assert reader.preview.headers == ("Phone",)


def test_rows_come_in_the_order_of_the_file(sheet):
    with WorkerClient(sheet, OpenOptions()) as reader:
        numbers = [number for batch in reader.judge(RECIPE) for number in batch.numbers]
        assert numbers == list(range(2, 5002))
        assert reader.end is not None
        assert reader.end.rows == 5000


@pytest.mark.skipif(os.name == "nt", reason="nothing halts a process there as Ctrl-Z does")
def test_no_row_is_lost_where_ctrl_z_meets_a_message_half_way(tmp_path, monkeypatch):
    """As many containers do, with PYTHONUNBUFFERED: Python's own stream then leaves the rest of a message out."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    sheet = write_csv(tmp_path / "leads.csv", [["Phone", "Note"], *[["9845012345", "n" * 2000]] * 8000])
    with WorkerClient(sheet, OpenOptions()) as reader:
        batches = reader.judge(RECIPE)
        read = 0
        for batch in batches:
            read += len(batch)
            time.sleep(0.1)  # the pipe is full: the child is in the middle of its next message
            os.kill(reader._child.pid, signal.SIGSTOP)
            os.kill(reader._child.pid, signal.SIGCONT)
    assert read == 8000


def test_a_file_that_changes_while_it_is_read_shifts_no_row(sheet):
    """It is read once, from a private copy."""
    with open_file(sheet, OpenOptions()) as opened:
        sheet.write_text("Phone\n" + "1\n" * 9000)
        cells = [cells for batch in opened.reader.judge(RECIPE) for cells in batch.cells]
    assert len(cells) == 5000
    assert all(f"98450{i:05}" in shown for i, shown in enumerate(cells))


def test_errors_of_the_child_arrive_with_their_advice(sheet):
    with (
        WorkerClient(sheet, OpenOptions(sheet="2")) as reader,
        pytest.raises(UsageError, match="no sheets") as refused,
    ):
        assert reader.preview
    assert refused.value.advice == "Leave --sheet out."


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("SIGKILL", "The system ended the reader of the file .* want of memory"),
        ("SIGABRT", "gave up.* damaged, or made to harm"),
        ("SIGSEGV", "gave up.* damaged, or made to harm"),
    ],
)
def test_a_reader_that_dies_in_mid_file_gives_a_sentence(sheet, number, said):
    """What a hostile workbook can do to compiled code, and what the kernel does when memory is gone: no fault of the file."""
    number = getattr(signal, number)
    with (
        WorkerClient(sheet, OpenOptions()) as reader,
        pytest.raises(UnreadableFileError, match=said) as refused,
    ):
        batches = reader.judge(RECIPE)
        next(batches)
        os.kill(reader._child.pid, number)
        list(batches)
    assert f"exit -{int(number)}" in refused.value.message
    assert refused.value.advice


@pytest.mark.parametrize(("windows", "disposition"), [(False, signal.SIG_IGN), (True, signal.SIG_DFL)])
def test_ctrl_c_ends_a_reader_that_its_parent_cannot_end(windows, disposition):
    """On Windows a read of a pipe is not interrupted: Ctrl-C was heard when the workbook had opened, minutes later."""
    before = signal.getsignal(signal.SIGINT)
    try:
        _mind_ctrl_c(windows=windows)
        assert signal.getsignal(signal.SIGINT) is disposition
    finally:
        signal.signal(signal.SIGINT, before)


def _impostor(monkeypatch, script: str) -> None:
    """Another program in the child's place."""
    start = subprocess.Popen

    def instead(_command, **how):
        return start([sys.executable, "-c", f"import sys, time\nout = sys.stdout.buffer\n{script}"], **how)

    monkeypatch.setattr(worker_client.subprocess, "Popen", instead)


@pytest.mark.parametrize(
    "script",
    [
        "",
        "sys.exit(3)",
        "out.write(b'ab')",
        "out.write(b'\\xff\\xff\\xff\\xff' + b'x' * 100); out.flush(); time.sleep(60)",
        "out.write(b'\\0\\0\\0\\4junk'); out.flush(); time.sleep(60)",
        "out.write(b'\\0\\0\\0\\x64short')",
        "import msgspec; b = msgspec.msgpack.encode({'type': 'Failed', 'kind': 'xx', 'message': 'm', 'advice': ''}).replace(b'xx', b'\\xff\\xfe'); out.write(len(b).to_bytes(4, 'big') + b); out.flush(); time.sleep(60)",
        "import msgspec; b = msgspec.msgpack.encode({'type': 'Failed', 'kind': 'annotations', 'message': 'm', 'advice': ''}); out.write(len(b).to_bytes(4, 'big') + b); out.flush(); time.sleep(60)",
        "import msgspec; b = msgspec.msgpack.encode({'type': 'Done', 'rows': 7, 'notices': []}); out.write(len(b).to_bytes(4, 'big') + b); out.flush(); time.sleep(60)",
        "raise MemoryError",
        "import os; os.abort()",
    ],
)
def test_a_child_that_talks_nonsense_gives_a_sentence(sheet, monkeypatch, script):
    """Also one that claims a message of four gigabytes: it is not believed, and not waited for."""
    _impostor(monkeypatch, script)
    with WorkerClient(sheet, OpenOptions()) as reader, pytest.raises(UnreadableFileError, match="gave up"):
        assert reader.preview


def test_a_reader_that_never_answers_is_ended(sheet, monkeypatch):
    _impostor(monkeypatch, "time.sleep(60)")
    with (
        WorkerClient(sheet, OpenOptions(), timeout_s=0.05) as reader,
        pytest.raises(UnreadableFileError, match="kept its reader busy"),
    ):
        assert reader.preview


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a pipe tells otherwise that nobody reads it")
def test_a_reader_that_is_busy_does_not_outlive_who_asked_it(tmp_path):
    """A command that is killed has no time to end its child, which may be at work on a large sheet for long."""
    os.mkfifo(tmp_path / "sheet")  # nobody writes into it: the reader waits for ever
    script = (
        "import sys; from pathlib import Path; from importer.loader.table.table_reader import OpenOptions\n"
        "from importer.reader.worker_client import WorkerClient\n"
        "reader = WorkerClient(Path(sys.argv[1]), OpenOptions())\n"
        "print(reader._child.pid, flush=True); reader.opened"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "sheet")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        with (tmp_path / "sheet").open("wb") as unread:  # which waits until the child has opened it too
            parent.kill()
            gone = select.poll()
            gone.register(unread, 0)
            try:
                assert gone.poll(20_000) == [(unread.fileno(), select.POLLERR)]
            finally:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)


def test_the_watchdog_counts_waiting_only():
    """While a person thinks about a question, the child rightly waits for us."""
    bites = []
    bitten = threading.Event()
    watchdog = Watchdog(lambda: (bites.append(1), bitten.set()), timeout_s=0.05)
    with watchdog:
        pass
    assert not bitten.wait(0.2)
    with watchdog:
        assert bitten.wait(10)
    assert (bites, watchdog.bit) == ([1], True)


def test_the_watchdogs_thread_ends_with_the_reader(sheet):
    before = threading.active_count()
    with WorkerClient(sheet, OpenOptions()):
        pass
    for thread in threading.enumerate():
        if thread.name.startswith("watchdog"):
            thread.join(10)
    assert threading.active_count() == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_file_that_needs_more_memory_than_allowed_gives_a_sentence(tmp_path):
    """One cell of endless text: the child meets its limit, we do not."""
    sheet = tmp_path / "sheet"
    with sheet.open("wb") as file:
        file.write(b'Phone\n"')
        file.truncate(1500 << 20)  # a hole: it costs no disk
        file.seek(0, 2)
    with sheet.open("r+b") as file:
        for at in range(1 << 20, 1500 << 20, 64 << 20):
            file.seek(at)
            file.write(b"x")
    with WorkerClient(sheet, OpenOptions()) as reader, pytest.raises(ImporterError) as refused:
        assert reader.preview
    assert refused.value.advice


def test_long_cells_travel_in_small_messages(tmp_path):
    """So much of the sheet's text is in our memory at once, and no more."""
    sheet = write_csv(
        tmp_path / "leads.csv", [["Phone", "Note"], *[["9845012345", "x" * 99_000] for _ in range(400)]]
    )
    with WorkerClient(sheet, OpenOptions()) as reader:
        assert 1 < len(reader.preview.sample) < 100
        batches = list(reader.judge(RECIPE))
    assert [number for batch in batches for number in batch.numbers] == list(range(2, 402))
    assert max(len(batch) for batch in batches) < 100


def test_what_is_known_at_the_end_of_a_sheet_of_two_blocks_is_told_at_once(tmp_path):
    """The hidden rows are named at the terminal before anything is asked."""
    row = '<row r="{0}"><c r="A{0}"><v>{1}</v></c></row>'
    rows = "".join(row.format(number, 9845000000 + number) for number in range(2, 2049))
    rows = rows.replace('<row r="700">', '<row r="700" hidden="1">')
    head = f'<row r="1">{text_cell("A1", "Phone")}</row>'
    with WorkerClient(write_xlsx(tmp_path / "sheet", head + rows), OpenOptions()) as reader:
        assert len(reader.preview.sample) == 500
        assert any("hidden or filtered out in the sheet (row 700)" in n.text for n in reader.preview.notices)


def test_a_row_that_no_message_holds_is_refused_by_its_number(tmp_path, monkeypatch):
    from importer.reader import worker

    monkeypatch.setattr(worker.protocol, "MAX_FRAME_BYTES", 100)
    with pytest.raises(UnreadableFileError, match="Row 7 "):
        worker._write(io.BytesIO(), b"x" * 200, [7])


def test_columns_of_unequal_length_are_no_batch():
    """A reader that lies: no row may be put together from the cells of one and the body of another."""
    row = StagedRow(7, "x", "valid", "+919845012345", "{}", "")
    body = protocol.encode(protocol.Batch(StagedRows.of([row, row])))
    assert len(protocol.decode_from_child(body).rows) == 2
    uneven = msgspec.msgpack.decode(body)
    uneven["rows"][0].pop()
    with pytest.raises(msgspec.ValidationError):
        protocol.decode_from_child(msgspec.msgpack.encode(uneven))


def test_a_message_is_read_whole_or_not_at_all():
    stream = io.BytesIO()
    protocol.write_frame(stream, b"abc")
    whole = stream.getvalue()
    assert protocol.read_frame(io.BytesIO(whole)) == b"abc"
    for cut in range(len(whole)):
        assert protocol.read_frame(io.BytesIO(whole[:cut])) is None


def test_room_is_never_made_for_a_message_that_is_too_long():
    class Stream(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size <= protocol.MAX_FRAME_BYTES
            return super().read(size)

    assert protocol.read_frame(Stream(b"\xff\xff\xff\xff" + b"x" * 9)) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_no_copy_and_no_child_stay_behind_when_it_is_stopped(tmp_path, crm, monkeypatch, number):
    """The private copy is somebody's customer list."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "SUPERFONE_API_KEY": "sandbox-key",
        "SUPERFONE_BASE_URL": crm.base_url,
    }
    command = subprocess.Popen(
        [sys.executable, "-m", "importer", "check", "-"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdin is not None
    command.stdin.write(b"Phone\n" + b"9845012345\n" * 300_000)
    command.stdin.flush()
    _wait_for(lambda: any(path.stat().st_size for path in temporary.rglob("sheet")))
    command.send_signal(number)
    command.communicate(timeout=30)
    assert command.returncode == 130
    assert list(temporary.iterdir()) == []


def _wait_for(happened) -> None:
    for _ in range(3000):
        if happened():
            return
        time.sleep(0.01)
    pytest.fail("it did not happen")


def test_the_child_has_no_key_in_its_environment(sheet, monkeypatch):
    monkeypatch.setenv("SUPERFONE_API_KEY", "canary")
    with WorkerClient(sheet, OpenOptions()) as reader:
        if Path("/proc").exists():
            assert b"canary" not in Path(f"/proc/{reader._child.pid}/environ").read_bytes()


def test_a_fault_in_the_child_is_told_as_such_with_its_traceback(tmp_path, sheet, monkeypatch):
    """Not as a file that is made to harm: -v shows the child's own lines, since they are the error's cause."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importer.loader.formats.delimited_text as room\n"
        "def broken(*_, **__):\n    raise ZeroDivisionError('ours')\n"
        "room.find_dialect = broken\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        pytest.raises(UnreadableFileError, match=r"\(ZeroDivisionError\).*fault of importer") as refused,
        open_file(sheet, OpenOptions()) as opened,
    ):
        assert opened.preview
    assert "in broken" in str(refused.value.__cause__)
