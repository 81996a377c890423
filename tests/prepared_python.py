"""A Python that has loaded the modules of a run, and forks for each command that a test starts.

A start costs half a CPU second, five times as much as the command that most tests start. A fork has what a start gives:
streams, environment, folder and session of its own, and the end of an interpreter. The process that forks has one
thread, so no lock stays locked in the fork.
"""

from __future__ import annotations

import gc
import io
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import msgspec

import importer
from importer.reader import worker_client
from tests.thread_reader import ThreadReader

_ROOT = Path(__file__).parents[1]
_SERVER = "import sys; from tests.prepared_python import serve; serve(int(sys.argv[1]))"
_MAX_BYTES = 1 << 20
START_AT_60 = """
from importer.sender.adaptive_rate import AdaptiveRate
original = AdaptiveRate.__init__
def start_at_60(rate, *args, **kwargs):
    original(rate, *args, **kwargs)
    rate.rate = 60.0
AdaptiveRate.__init__ = start_at_60
"""
"""Lines for a program: `--rate auto` begins at 60 a second. At 5, most of a test would be waiting."""

_NEEDS_A_START = ("PYTHON", "LC_", "LANG", "COVERAGE_")
"""Variables that Python reads when it starts. A fork has those of the prepared Python."""


class Request(msgspec.Struct):
    """A program as for `python -c`. Its streams, and a pipe for its pid and exit code, are sent along with it."""

    program: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    reads_in_thread: bool


class ForkedProcess:
    """What the tests need of `subprocess.Popen`, of a process that is somebody else's child."""

    def __init__(self, news: int) -> None:
        self._news = os.fdopen(news, "rb", buffering=0)
        self.pid = self._read_number()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._await(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code. Raises subprocess.TimeoutExpired."""
        code = self._await(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("the command", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def _await(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._news], [], [], timeout)[0]:
            self.returncode = self._read_number()
            self._news.close()
        return self.returncode

    def _read_number(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            read = self._news.read(1)
            assert read, "the prepared Python has ended"
            line += read
        return int(line)


class PreparedPython:
    """Starts programs by a fork of a Python that has loaded the modules already."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-c", _SERVER, str(theirs.fileno())], cwd=_ROOT, pass_fds=[theirs.fileno()]
            )

    def start(
        self,
        program: str,
        arguments: Sequence[object],
        *,
        folder: Path,
        environment: Mapping[str, str],
        streams: tuple[int, int, int],
    ) -> ForkedProcess:
        """Start `python -c program`, in a session of its own, and return when it has one.

        Its sheets are read in a thread or a process as those of this test: see READER_PLACES in conftest.py.
        """
        request = Request(
            program,
            [*map(str, arguments)],
            str(folder),
            dict(environment),
            reads_in_thread=worker_client.start_process is ThreadReader,
        )
        news, theirs = os.pipe()
        try:
            socket.send_fds(self._socket, [msgspec.msgpack.encode(request)], [*streams, theirs])
        finally:
            os.close(theirs)
        return ForkedProcess(news)


@cache
def prepare_python() -> PreparedPython:
    """Return the prepared Python of this process. It ends when this process does."""
    return PreparedPython()


def start_python(
    program: str,
    arguments: Sequence[object],
    *,
    folder: Path,
    environment: Mapping[str, str],
    streams: tuple[int, int, int],
) -> ForkedProcess | subprocess.Popen[Any]:
    """Start `python -c program` by a fork where that is the same, else as a process that starts."""
    if sys.platform == "linux" and not _needs_a_start(environment):
        return prepare_python().start(
            program, arguments, folder=folder, environment=environment, streams=streams
        )
    stdin, stdout, stderr = streams
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=stdin, stdout=stdout, stderr=stderr, cwd=folder, env=environment, start_new_session=True,
    )  # fmt: skip


def _needs_a_start(environment: Mapping[str, str]) -> bool:
    """Return whether a variable that Python reads when it starts is another one than ours, or coverage is measured."""
    names = {name for name in {*environment, *os.environ} if name.startswith(_NEEDS_A_START)}
    return any(
        environment.get(name) != os.environ.get(name) or name.startswith("COVERAGE_") for name in names
    )


class StartedPython:
    """A program in a session of its own, without a terminal. Its output is in files, which a test may read meanwhile."""

    def __init__(
        self, program: str, *arguments: object, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._out, self._err = TemporaryFile(), TemporaryFile()  # noqa: SIM115 - closed with this object
        with Path(os.devnull).open("rb") as nothing:
            self._process = start_python(
                program,
                arguments,
                folder=folder,
                environment=environment,
                streams=(nothing.fileno(), self._out.fileno(), self._err.fileno()),
            )
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    @property
    def returncode(self) -> int | None:
        """The exit code: negative where a signal ended it, None before it was waited for."""
        return self._process.returncode

    def kill(self) -> None:
        """Kill it as `kill -9` does."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end and return the output and the errors. Raises subprocess.TimeoutExpired."""
        self._process.wait(timeout)
        return self.output, self.errors

    @property
    def output(self) -> str:
        """What it has written to standard output so far."""
        return _read_all(self._out)

    @property
    def errors(self) -> str:
        """What it has written to standard error so far."""
        return _read_all(self._err)


class StartedCommand(StartedPython):
    """`importer`, started so."""

    _PROGRAM = "import sys\nfrom importer.cli.main import run_as_process\nsys.exit(run_as_process())"

    def __init__(
        self, *arguments: object, folder: Path, environment: Mapping[str, str], before: str = ""
    ) -> None:
        """Start it. `before` are lines of Python that run first."""
        super().__init__(f"{before}\n{self._PROGRAM}", *arguments, folder=folder, environment=environment)


def _read_all(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size, 0).decode()


# --- the prepared process


def serve(connection: int) -> None:
    """Fork for each request, until the tests close the socket."""
    _load_modules()
    gc.freeze()  # their objects stay shared with the forks
    with socket.socket(fileno=connection) as requests:
        while True:
            message, descriptors, _, _ = socket.recv_fds(requests, _MAX_BYTES, 4)
            _reap()
            if not message:
                return
            if os.fork() == 0:
                break
            for descriptor in descriptors:
                os.close(descriptor)
    _keep(msgspec.msgpack.decode(message, type=Request), *descriptors)


def _load_modules() -> None:
    names = [module.name for module in pkgutil.walk_packages(importer.__path__, "importer.")]
    for name in ("filelock", "rich.progress", *names):
        if not name.endswith("__main__"):
            with suppress(ImportError):  # of a library that only some users install: the command will say it
                import_module(name)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _keep(request: Request, stdin: int, stdout: int, stderr: int, news: int) -> None:
    """Run a program in a process of its own, and tell its pid and exit code."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.write(news, b"%d\n" % os.getpid())
        os.close(news)
        _become(request, (stdin, stdout, stderr))
        return
    for descriptor in (stdin, stdout, stderr):
        os.close(descriptor)
    _, status = os.waitpid(pid, 0)
    os.write(news, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(request: Request, streams: tuple[int, int, int]) -> None:
    for at, descriptor in enumerate(streams):
        os.dup2(descriptor, at)
    for descriptor in set(streams):
        os.close(descriptor)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    if request.reads_in_thread:
        worker_client.start_process = ThreadReader
    sys.argv = ["-c", *request.arguments]
    sys.stdin = sys.__stdin__ = _open_stream(sys.stdin, "rb")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _open_stream(sys.stdout, "wb")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _open_stream(sys.stderr, "wb")  # type: ignore[misc]
    exec(compile(request.program, "<string>", "exec"), {"__name__": "__main__"})


def _open_stream(like: Any, mode: str) -> io.TextIOWrapper:
    """Open a standard stream anew, as Python does when it starts: whether it is a terminal is seen now."""
    binary = open(like.fileno(), mode, buffering=0 if like.write_through else -1, closefd=False)  # noqa: SIM115
    is_line_buffered = not like.write_through and mode == "wb" and (like is sys.stderr or binary.isatty())
    return io.TextIOWrapper(
        binary, like.encoding, like.errors, newline=None if mode == "rb" else "\n",
        line_buffering=is_line_buffered, write_through=like.write_through,
    )  # fmt: skip
