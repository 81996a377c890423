"""Standard streams that are closed, full or read by a terminal do not change how a command ends."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from importer.cli.main import main
from tests.support import write_csv

FULL = Path("/dev/full")
IMPORTER = f'"{sys.executable}" -m importer'


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line in sh, with `importer` as the command of this checkout."""
    line = command.replace("importer", IMPORTER, 1)
    environment = {name: v for name, v in os.environ.items() if not name.startswith("COV")}
    return subprocess.run(
        line, shell=True, cwd=folder, env=environment, text=True, capture_output=True, timeout=60, check=False
    )


@pytest.fixture
def folder(importer):
    write_csv(importer.folder / "x.csv", [["Phone", "Name"], ["9845012345", "Asha Rao"]])
    return importer.folder


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_change_the_run(folder, crm, closed):
    """Uvloop aborts if a socket gets file number 0, 1 or 2."""
    done = shell(f"importer run x.csv --yes --run-id r {closed}", folder)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "reports/r/summary.json").read_text())["counts"]["accepted"] == 1


def test_run_without_standard_input_does_not_ask(folder):
    done = shell("importer run x.csv <&-", folder)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "importer: Confirmation is needed, but this is not an interactive terminal."
    )


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("importer run x.csv --yes -q 2>/dev/full", 0),
        ("importer run x.csv --yes --json >/dev/full", 3),
        ("importer check x.csv --json >/dev/full", 2),
        ("importer dropdowns --json >/dev/full", 2),
        ("importer runs --json >/dev/full", 2),
    ],
)
def test_full_disk_fails_only_for_standard_output(folder, crm, command, code):
    """A lost line on standard error does no harm. Half an output for a program is an error."""
    done = shell(command, folder)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if ">/dev/full" in command and "2>" not in command:
        assert done.stderr.splitlines()[-1].startswith(
            "importer: Cannot write to standard output: No space left"
        )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_disk_that_fills_up_during_output_is_reported(folder, crm, monkeypatch, unbuffered):
    """With PYTHONUNBUFFERED, Python writes a part and raises nothing, but half an output is still an error."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    done = shell("ulimit -f 8; importer dropdowns --json >out.json", folder)  # blocks of 512 bytes
    assert (folder / "out.json").stat().st_size == 4096
    assert done.returncode == 2
    assert done.stderr.startswith("importer: Cannot write to standard output: File too large")


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EINVAL])
def test_closed_reader_is_not_an_error(folder, number):
    """For `| head` and `| more`. Windows reports a broken pipe as an invalid argument."""
    program = f"""
from importer.cli import console
with console.ignore_closed_reader():
    raise OSError({number}, "said by the system")
print("to nobody")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_device_is_rejected(folder, crm, capsys):
    """/dev/zero is endless, so its copy would fill the disk."""
    assert main(["check", "/dev/zero"]) == 2
    assert "importer: /dev/zero is a device, not a sheet." in capsys.readouterr().err


def test_json_has_no_control_characters(importer):
    """The escaped JSON has the same value."""
    header = "Na\u202eme\x9b31m"
    result = importer(
        "check", write_csv(importer.folder / "x.csv", [["Phone", header], ["9845012345", "A"]]), "--json"
    )
    assert all(char.isprintable() or char == "\n" for char in result.out)
    assert header in json.loads(result.out)["columns"]


def test_traceback_has_no_control_characters(importer, capsys):
    assert main(["check", "no\x1b[2Jfile.csv", "-v"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_run_out_of_memory_while_sending_can_be_resumed(folder, crm, importer, monkeypatch):
    def ends(*_args, **_settings):
        raise MemoryError

    monkeypatch.setattr("importer.pipeline.send_and_report._send_pending", ends)
    result = importer("run", folder / "x.csv", "--yes", "--run-id", "r")
    assert result.code == 3
    assert "importer resume r" in result.err


def test_signal_between_a_line_and_its_flush_leaves_nothing_to_flush_at_the_exit(monkeypatch):
    """A terminal was closed in that moment, and Python ended with 120 instead of 130."""
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")

    def print_half_a_line(*_, **__):
        stream.write("Reading leads.csv")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        patched.setattr("importer.cli.main.app.main", print_half_a_line)
        assert main(["check", "leads.csv"]) == 130
    stream.close()  # what Python does at its exit
