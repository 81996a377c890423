"""A command from a prepared Python is like one that starts: streams, environment, folder, session, exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.prepared_python import ForkedProcess, StartedCommand, start_python

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems start each command")

NOTHING = Path(os.devnull)
DESCRIBE = """
import json, locale, os, signal, sys, threading
json.dump({
    "arguments": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ), "main": __name__,
    "leads its session": os.getsid(0) == os.getpid(), "threads": threading.active_count(),
    "descriptors": sorted(os.listdir("/proc/self/fd"))[:-1],
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "child": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
    "streams": [[s.fileno(), s.encoding, s.errors, s.line_buffering, s.write_through, s.isatty()]
                for s in (sys.stdin, sys.stdout, sys.stderr)],
}, sys.stdout)
"""


def describe(path, environment, how):
    with path.open("w+b") as out, NOTHING.open("rb") as nothing:
        streams = (nothing.fileno(), out.fileno(), out.fileno())
        process = how(DESCRIBE, ["a b", "ß"], folder=path.parent, environment=environment, streams=streams)
        assert process.wait(60) == 0
    return json.loads(path.read_text("utf-8"))


def start_anew(program, arguments, *, folder, environment, streams):
    stdin, stdout, stderr = streams
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=folder, env=environment, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True,
    )  # fmt: skip


def test_fork_has_what_a_start_gives(tmp_path):
    """Nothing of the prepared Python shows, and nothing of the test that asked for it."""
    environment = {**os.environ, "ONLY_HERE": "yes"}
    del environment["PATH"]
    forked = describe(tmp_path / "forked", environment, start_python)
    assert forked == describe(tmp_path / "started", environment, start_anew)


@pytest.mark.parametrize(
    "program", ["sys.exit(7)", "1 / 0", "sys.exit('words')", "", "os.kill(os.getpid(), 9)"]
)
def test_exit_code_is_that_of_the_program(tmp_path, program):
    with NOTHING.open("r+b") as nothing:
        streams = (nothing.fileno(),) * 3
        wanted, got = (
            how(
                f"import os, sys\n{program}", [], folder=tmp_path, environment=os.environ, streams=streams
            ).wait(60)
            for how in (start_anew, start_python)
        )
    assert got == wanted


@pytest.mark.parametrize(
    ("variable", "is_forked"), [("PYTHONX", False), ("LC_ALL", False), ("COVERAGE_X", False), ("TERM", True)]
)
def test_what_python_reads_when_it_starts_needs_a_start(tmp_path, variable, is_forked):
    with NOTHING.open("r+b") as nothing:
        environment = {**os.environ, variable: "C"}
        streams = (nothing.fileno(),) * 3
        process = start_python("", [], folder=tmp_path, environment=environment, streams=streams)
    assert isinstance(process, ForkedProcess) is is_forked
    process.wait(60)


def test_command_can_be_read_meanwhile_and_killed(tmp_path):
    """Its errors can be read while it runs. After kill -9 its exit code is that of the signal."""
    before = "import os, time; os.write(2, b'ready'); time.sleep(60)"
    command = StartedCommand("--version", folder=tmp_path, environment=os.environ, before=before)
    assert command.poll() is None
    while command.errors != "ready":
        assert command.poll() is None
    command.kill()
    assert command.communicate(timeout=60) == ("", "ready")
    assert command.returncode == -signal.SIGKILL
    command.kill()  # of one that has ended: nothing


def test_output_of_a_command_is_whole(tmp_path):
    command = StartedCommand("--version", folder=tmp_path, environment=os.environ)
    out, errors = command.communicate(timeout=60)
    assert (command.returncode, errors) == (0, "")
    assert out.startswith("importer")
