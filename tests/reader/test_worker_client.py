"""Tests for the reading process as the main process sees it: whatever happens to it, the user gets rows or a sentence."""

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
from importer.loader.formats.dialect import find_dialect
from importer.loader.formats.text_ranges import TextRange
from importer.loader.table.table_reader import OpenOptions
from importer.models.mapping import Mapping
from importer.models.row import SourceRow
from importer.reader import protocol, worker_client
from importer.reader.protocol import RangesRequest, ReadEnd
from importer.reader.row_processor import ProcessorConfig
from importer.reader.source import InMemoryReader, open_file
from importer.reader.worker import _set_ctrl_c_handler
from importer.reader.worker_client import Watchdog, WorkerClient
from tests.loader.write_workbooks import text_cell, write_xlsx
from tests.support import write_csv

CONFIG = ProcessorConfig(mapping=Mapping(columns=()), titles={}, region="IN", unknown="reject")


@pytest.fixture
def sheet(tmp_path):
    return write_csv(tmp_path / "leads.csv", [["Phone"], *[[f"98450{i:05}"] for i in range(5000)]])


def test_python_files_in_the_users_folder_are_not_run(importer):
    """People keep scripts beside their sheets; one named like a module of Python's must not be loaded."""
    sheet = write_csv(importer.folder / "leads.csv", [["Phone"], ["9845012345"]])
    (importer.folder / "csv.py").write_text("raise SystemExit('the wrong csv')")
    ended = importer("check", sheet)
    assert (ended.code, ended.summary["counts"]["accepted"]) == (0, 1)


def test_reading_process_has_our_module_path(sheet, monkeypatch):
    """A notebook may have extended `sys.path`, and a cloud function has no other way."""
    bare = getattr(sys, "_base_executable", sys.executable)  # a Python in which nothing of ours is installed
    monkeypatch.setattr(sys, "executable", bare)
    with WorkerClient(sheet, OpenOptions()) as reader:
        assert reader.preview.headers == ("Phone",)


def test_rows_come_in_the_order_of_the_file(sheet):
    with WorkerClient(sheet, OpenOptions()) as reader:
        numbers = [number for batch in reader.judge(CONFIG) for number in batch.numbers]
        assert numbers == list(range(2, 5002))
        assert reader.end is not None
        assert reader.end.rows == 5000


def test_sheet_can_be_judged_again(sheet):
    """A person may change an answer after the check. Another reading process then reads the same copy."""
    with WorkerClient(sheet, OpenOptions()) as reader:
        first, again = ([number for batch in reader.judge(CONFIG) for number in batch.numbers] for _ in "12")
        assert first == again == list(range(2, 5002))
        assert reader.end == ReadEnd(5000, reader.preview.notices)


def test_rows_that_can_be_read_once_are_not_silently_empty_the_second_time():
    """No row would be staged, and the counts would agree."""
    rows = [SourceRow(2, ("9845012345",))]
    again = InMemoryReader(("Phone",), rows)
    once = InMemoryReader(("Phone",), iter(rows))
    for reader in (again, once):
        assert sum(map(len, reader.judge(CONFIG))) == 1
    assert sum(map(len, again.judge(CONFIG))) == 1
    with pytest.raises(ValueError, match="only once"):
        list(once.judge(CONFIG))


def test_log_says_how_the_file_was_recognised_without_its_cells(sheet, caplog):
    """At INFO the encoding, the delimiter and the header row are logged, at DEBUG the batches; never a phone."""
    with caplog.at_level("DEBUG", logger="importer"), WorkerClient(sheet, OpenOptions()) as reader:
        assert sum(map(len, reader.judge(CONFIG))) == 5000
    info = [record.getMessage() for record in caplog.records if record.levelname == "INFO"]
    assert info == ["Opened the file (columns: 1). UTF-8 text, cells separated by commas. Header in row 1."]
    assert "The sheet ends after 5000 rows" in caplog.text
    assert "98450" not in caplog.text


@pytest.mark.skipif(os.name == "nt", reason="Windows has no Ctrl-Z")
def test_ctrl_z_in_the_middle_of_a_message_loses_no_row(tmp_path, monkeypatch):
    """With PYTHONUNBUFFERED, as in many containers, Python's own stream would leave out the rest of a message."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    sheet = write_csv(tmp_path / "leads.csv", [["Phone", "Note"], *[["9845012345", "n" * 2000]] * 8000])
    with WorkerClient(sheet, OpenOptions()) as reader:
        batches = reader.judge(CONFIG)
        read = 0
        for batch in batches:
            read += len(batch)
            time.sleep(0.1)  # the pipe is full: the child is in the middle of its next message
            os.kill(reader._child.pid, signal.SIGSTOP)
            os.kill(reader._child.pid, signal.SIGCONT)
    assert read == 8000


def test_change_of_the_file_during_the_run_shifts_no_row(sheet):
    """The file is read once, from a private copy."""
    with open_file(sheet, OpenOptions()) as opened:
        sheet.write_text("Phone\n" + "1\n" * 9000)
        cells = [cells for batch in opened.reader.judge(CONFIG) for cells in batch.cells]
    assert len(cells) == 5000
    assert all(f"98450{i:05}" in shown for i, shown in enumerate(cells))


def test_reading_process_that_has_failed_takes_no_other_request(sheet):
    """It ends a moment later. Until then it looks alive, and whoever reads the rest of the sheet in order would get nothing."""
    dialect = find_dialect(sheet, encoding=None, delimiter=None)
    request = RangesRequest(str(sheet), OpenOptions(), dialect, CONFIG)
    with WorkerClient(sheet, OpenOptions(), first_request=request) as client:
        assert client.judge_range(TextRange(0, 9000)).end.records > 1000
        assert not client.is_dead
        sheet.unlink()
        with pytest.raises(UnreadableFileError):
            client.judge_range(TextRange(9000, 18000))
        assert client.is_dead


def test_errors_of_the_reading_process_arrive_with_their_advice(sheet):
    with (
        WorkerClient(sheet, OpenOptions(sheets=("2",))) as reader,
        pytest.raises(UsageError, match="no sheets") as refused,
    ):
        assert reader.preview
    assert refused.value.advice == "Run again without --sheet."


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("SIGKILL", "The system stopped the process that reads the file .* out of memory"),
        ("SIGABRT", "crashed.* damaged or malicious"),
        ("SIGSEGV", "crashed.* damaged or malicious"),
    ],
    ids=["killed", "aborted", "segmentation fault"],
)
def test_reading_process_that_dies_gives_a_sentence(sheet, number, expected):
    """A hostile workbook can crash compiled code; the kernel kills the process when memory runs out, which is not the fault of the file."""
    number = getattr(signal, number)
    with (
        WorkerClient(sheet, OpenOptions()) as reader,
        pytest.raises(UnreadableFileError, match=expected) as refused,
    ):
        batches = reader.judge(CONFIG)
        next(batches)
        os.kill(reader._child.pid, number)
        list(batches)
    assert f"exit -{int(number)}" in refused.value.message
    assert refused.value.advice


@pytest.mark.parametrize(("windows", "disposition"), [(False, signal.SIG_IGN), (True, signal.SIG_DFL)])
def test_ctrl_c_ends_the_reading_process_on_windows_alone(windows, disposition):
    """On Windows the main process cannot be interrupted while it waits, so Ctrl-C would only work minutes later."""
    before = signal.getsignal(signal.SIGINT)
    try:
        _set_ctrl_c_handler(is_windows=windows)
        assert signal.getsignal(signal.SIGINT) is disposition
    finally:
        signal.signal(signal.SIGINT, before)


def _replace_worker(monkeypatch, script: str) -> None:
    """Start another program instead of the reading process."""
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
        "import msgspec; b = msgspec.msgpack.encode({'type': 'ReadFailure', 'kind': 'xx', 'message': 'm', 'advice': ''}).replace(b'xx', b'\\xff\\xfe'); out.write(len(b).to_bytes(4, 'big') + b); out.flush(); time.sleep(60)",
        "import msgspec; b = msgspec.msgpack.encode({'type': 'ReadFailure', 'kind': 'annotations', 'message': 'm', 'advice': ''}); out.write(len(b).to_bytes(4, 'big') + b); out.flush(); time.sleep(60)",
        "import msgspec; b = msgspec.msgpack.encode({'type': 'ReadEnd', 'rows': 7, 'notices': []}); out.write(len(b).to_bytes(4, 'big') + b); out.flush(); time.sleep(60)",
        "raise MemoryError",
        "import os; os.abort()",
    ],
    ids=[
        "nothing",
        "exit code",
        "half a length",
        "four gigabytes",
        "not msgpack",
        "cut off",
        "invalid UTF-8",
        "not an error class",
        "end before preview",
        "MemoryError",
        "abort",
    ],
)
def test_reading_process_that_sends_nonsense_gives_a_sentence(sheet, monkeypatch, script):
    """A message that claims four gigabytes is not accepted and not waited for."""
    _replace_worker(monkeypatch, script)
    with WorkerClient(sheet, OpenOptions()) as reader, pytest.raises(UnreadableFileError, match="crashed"):
        assert reader.preview


def test_reading_process_that_never_responds_is_ended(sheet, monkeypatch):
    _replace_worker(monkeypatch, "time.sleep(60)")
    with (
        WorkerClient(sheet, OpenOptions(), timeout_s=0.05) as reader,
        pytest.raises(UnreadableFileError, match="no row could be read"),
    ):
        assert reader.preview


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a pipe tells otherwise that nobody reads it")
def test_busy_reading_process_ends_with_its_parent(tmp_path):
    """A command that is killed cannot end its child, which may be busy with a large sheet for long."""
    os.mkfifo(tmp_path / "sheet")  # no process writes into it, so the reading process waits
    script = (
        "import sys; from pathlib import Path; from importer.loader.table.table_reader import OpenOptions\n"
        "from importer.reader.worker_client import WorkerClient\n"
        "reader = WorkerClient(Path(sys.argv[1]), OpenOptions())\n"
        "print(reader._child.pid, flush=True); reader.preview"
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


def test_watchdog_counts_only_waiting():
    """While a person thinks about a question, the reading process rightly waits for us."""
    calls = []
    fired = threading.Event()
    watchdog = Watchdog(lambda: (calls.append(1), fired.set()), timeout_s=0.05)
    with watchdog:
        pass
    assert not fired.wait(0.2)
    with watchdog:
        assert fired.wait(10)
    assert (calls, watchdog.has_fired) == ([1], True)


def test_thread_of_the_watchdog_ends_with_the_client(sheet):
    before = threading.active_count()
    with WorkerClient(sheet, OpenOptions()):
        pass
    for thread in threading.enumerate():
        if thread.name.startswith("watchdog"):
            thread.join(10)
    assert threading.active_count() == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_file_that_needs_too_much_memory_gives_a_sentence(tmp_path):
    """With one cell of endless text, the reading process reaches its memory limit, and the main process does not."""
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


def test_long_cells_are_sent_in_small_messages(tmp_path):
    """Only so much of the sheet is in the memory of the main process at once."""
    sheet = write_csv(
        tmp_path / "leads.csv", [["Phone", "Note"], *[["9845012345", "x" * 99_000] for _ in range(400)]]
    )
    with WorkerClient(sheet, OpenOptions()) as reader:
        assert 1 < len(reader.preview.sample) < 100
        batches = list(reader.judge(CONFIG))
    assert [number for batch in batches for number in batch.numbers] == list(range(2, 402))
    assert max(len(batch) for batch in batches) < 100


def test_preview_of_a_sheet_of_two_blocks_has_its_last_notices(tmp_path):
    """Hidden rows are named at the terminal before anything is asked."""
    row = '<row r="{0}"><c r="A{0}"><v>{1}</v></c></row>'
    rows = "".join(row.format(number, 9845000000 + number) for number in range(2, 2049))
    rows = rows.replace('<row r="700">', '<row r="700" hidden="1">')
    head = f'<row r="1">{text_cell("A1", "Phone")}</row>'
    with WorkerClient(write_xlsx(tmp_path / "sheet", head + rows), OpenOptions()) as reader:
        assert len(reader.preview.sample) == 500
        assert any("hidden or filtered out in the sheet (row 700)" in n.text for n in reader.preview.notices)


def test_row_too_long_for_a_message_is_refused_by_its_number(tmp_path, monkeypatch):
    from importer.reader import worker

    monkeypatch.setattr(worker.protocol, "MAX_FRAME_BYTES", 100)
    with pytest.raises(UnreadableFileError, match="Row 7 "):
        worker._write_message(io.BytesIO(), b"x" * 200, [7])


def test_batch_with_columns_of_different_lengths_is_refused():
    """Cells of one row must never be joined with the body of another."""
    row = StagedRow(7, "x", "valid", "+919845012345", "{}", "")
    body = protocol.encode(protocol.JudgedBatch(StagedRows.from_rows([row, row])))
    assert len(protocol.decode_response(body).rows) == 2
    uneven = msgspec.msgpack.decode(body)
    uneven["rows"][0].pop()
    with pytest.raises(msgspec.ValidationError):
        protocol.decode_response(msgspec.msgpack.encode(uneven))


def test_message_is_read_whole_or_not_at_all():
    stream = io.BytesIO()
    protocol.write_frame(stream, b"abc")
    whole = stream.getvalue()
    assert protocol.read_frame(io.BytesIO(whole)) == b"abc"
    for cut in range(len(whole)):
        assert protocol.read_frame(io.BytesIO(whole[:cut])) is None


def test_no_memory_is_allocated_for_a_message_that_is_too_long():
    class Stream(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size <= protocol.MAX_FRAME_BYTES
            return super().read(size)

    assert protocol.read_frame(Stream(b"\xff\xff\xff\xff" + b"x" * 9)) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_no_copy_and_no_child_stay_when_the_command_is_stopped(tmp_path, crm, monkeypatch, number):
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


def _wait_for(condition) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("the condition was never met")


def test_reading_process_has_no_api_key_in_its_environment(sheet, monkeypatch):
    monkeypatch.setenv("SUPERFONE_API_KEY", "canary")
    with WorkerClient(sheet, OpenOptions()) as reader:
        if Path("/proc").exists():
            assert b"canary" not in Path(f"/proc/{reader._child.pid}/environ").read_bytes()


def test_internal_error_of_the_reading_process_keeps_its_traceback(tmp_path, sheet, monkeypatch):
    """The file is not called hostile, and -v shows the lines of the reading process as the cause."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importer.loader.formats.dialect as module\n"
        "def broken(*_, **__):\n    raise ZeroDivisionError('ours')\n"
        "module.find_dialect = broken\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        pytest.raises(
            UnreadableFileError, match=r"\(ZeroDivisionError\).*internal error in importer"
        ) as refused,
        open_file(sheet, OpenOptions()) as opened,
    ):
        assert opened.preview
    assert "in broken" in str(refused.value.__cause__)
