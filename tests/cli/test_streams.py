"""Standard streams that are closed, full, or read by something that obeys: the command ends as its work ended."""

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
    """A line of sh; `importer` is ours."""
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
def test_closed_streams_change_nothing(folder, crm, closed):
    """Uvloop aborts where a socket becomes file 0 to 2."""
    done = shell(f"importer run x.csv --yes --run-id r {closed}", folder)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "reports/r/summary.json").read_text())["counts"]["accepted"] == 1


def test_without_a_terminal_or_a_standard_input_at_all_it_does_not_ask(folder):
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
def test_a_full_disk_behind_a_stream(folder, crm, command, code):
    """What nobody can be told on standard error is no fault; half an output that a program will read is."""
    done = shell(command, folder)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if ">/dev/full" in command and "2>" not in command:
        assert done.stderr.splitlines()[-1].startswith(
            "importer: Cannot write to standard output: No space left"
        )


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_disk_that_fills_up_amid_the_output(folder, crm, monkeypatch, unbuffered):
    """Half an output is a fault, also under PYTHONUNBUFFERED, where Python counts what was written and says no more."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    done = shell("ulimit -f 8; importer dropdowns --json >out.json", folder)  # blocks of 512 bytes
    assert (folder / "out.json").stat().st_size == 4096
    assert done.returncode == 2
    assert done.stderr.startswith("importer: Cannot write to standard output: File too large")


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EINVAL])
def test_a_reader_that_has_left_is_no_fault(folder, number):
    """`| head`, `| more`: Windows calls the broken pipe an invalid argument (as subprocess.Popen.communicate knows)."""
    program = f"""
from importer.cli import console
with console.reader_may_be_gone():
    raise OSError({number}, "said by the system")
print("to nobody")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_device_is_no_sheet(folder, crm, capsys):
    """/dev/zero has no end: its private copy would fill the disk."""
    assert main(["check", "/dev/zero"]) == 2
    assert "importer: /dev/zero is a device, not a sheet." in capsys.readouterr().err


def test_json_holds_nothing_that_a_terminal_obeys(importer):
    """And is the same JSON all the same."""
    header = "Na\u202eme\x9b31m"
    ended = importer(
        "check", write_csv(importer.folder / "x.csv", [["Phone", header], ["9845012345", "A"]]), "--json"
    )
    assert all(char.isprintable() or char == "\n" for char in ended.out)
    assert header in json.loads(ended.out)["columns"]


def test_a_traceback_is_text_too(importer, capsys):
    assert main(["check", "no\x1b[2Jfile.csv", "-v"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_memory_that_ends_after_the_first_write_can_be_gone_on_from(folder, crm, importer, monkeypatch):
    def ends(*_args, **_settings):
        raise MemoryError

    monkeypatch.setattr("importer.pipeline.send_and_report._sending", ends)
    ended = importer("run", folder / "x.csv", "--yes", "--run-id", "r")
    assert ended.code == 3
    assert "importer resume r" in ended.err
