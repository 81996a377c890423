"""What all tests share: a sandbox on a free port, the command pointed at it, and the choice of the quick tests."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

from importer.process_setup import tune_gc
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import RunningSandbox, run_sandbox
from importer.sender.adaptive_rate import AdaptiveRate
from importer.state.state_folder import STATE_DIR_VARIABLE
from tests.case_ids import name_case
from tests.support import KEY, Command, Expected
from tests.thread_reader import ThreadReader

settings.register_profile("untimed", deadline=None)  # a busy machine is not an error of the code
settings.load_profile("untimed")

_MEMORY_DISK, _MIN_FREE_BYTES = Path("/dev/shm"), 4 << 30
# A journal's commits are durable, and tests waited for the disk most of the time. In memory a commit is durable at once.
if _MEMORY_DISK.is_dir() and shutil.disk_usage(_MEMORY_DISK).free > _MIN_FREE_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY_DISK))


# Without compiled files each process that a test starts compiles our package again: 0.1 CPU seconds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

tune_gc()  # as each command does: with Python's threshold the tests took 6% more CPU time

# A shell that runs us in the background ignores Ctrl-C, and the commands that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

TESTS = Path(__file__).parent
SOCKET_PLACES = (
    "batch/test_coordinator.py",
    "batch/test_processes.py",
    "cli",
    "cluster",
    "desktop",
    "e2e",
    "sandbox",
    "trial",
    "sender/test_client.py",
    "sender/test_transport.py",
)
SERVERS = frozenset({"crm", "server"})
"""Fixtures: a sandbox, and a page of `importer ui` with its practice CRM."""
SLOW_PLACES = (
    "reader/test_worker_client.py",
    "loader/test_damaged_files.py",
    "test_api.py",
    "test_prepared_python.py",
)
LONG_PLACES = (
    "desktop", "test_docs.py", "cluster/test_dask.py", "batch/test_processes.py", "e2e/test_planning_kills.py",
    "e2e/test_faults.py", "trial/test_agency.py",
)  # fmt: skip
"""Tests of seconds each. They go first, so that in the end no worker is alone with one of them."""
PROCESS_PLACES = (
    "batch/test_processes.py", "reader", "loader", "pipeline/test_run_folder.py", "pipeline/test_several_sheets.py", "report/test_round_trip.py",
    "report/test_import_fixed_rows.py", "report/test_report_writer.py", "sandbox/test_sandbox_command.py",
    "cli/test_logging.py", "cli/test_owner_prompts.py", "cli/test_prompts.py", "cli/test_rejected_input.py",
    "cli/test_streams.py", "cli/test_terminal_output.py", "e2e/test_faults.py", "e2e/test_first_import.py",
    "e2e/test_samples.py", "e2e/test_two_folders.py",
)  # fmt: skip
"""Tests of what a process of its own does: reading sheets of all kinds, signals, a terminal, closed streams, races."""
READER_PLACES = (
    "desktop", "reader", "loader/test_damaged_files.py", "cli/test_streams.py", "cli/test_terminal_output.py",
    "e2e/test_first_import.py", "e2e/test_samples.py",
)  # fmt: skip
"""Tests in which a process of its own reads the sheet. Elsewhere a thread does, unless a test starts a Python."""
COVERAGE_VARIABLE = "COVERAGE_PROCESS_CONFIG"
"""Set by coverage (`patch = ["subprocess"]` in pyproject.toml): a Python that finds it measures itself."""
SIMULATIONS = ("tests.sender.simulation", "tests.sender.poisoned_rows")
POSIX_ONLY = re.compile(
    r"^(import|from) (pty|termios|resource|fcntl|tests\.torture|tests\.(cli\.|trial\.at_)terminal)\b",
    re.MULTILINE,
)
"""Imports that Windows does not have: a pseudo-terminal, limits of a process, signals."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Let `-n auto` start three workers a core, because many tests wait for a socket or a program. Those of quick do not."""
    has_waits = "not socket" not in config.getoption("markexpr")
    return (3 if has_waits else 1) * (os.cpu_count() or 1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--flipped-bits",
        type=int,
        default=250,
        help="how many bits of a journal of each state are flipped; 0 is all",
    )
    parser.addoption(
        "--race-rounds",
        type=int,
        default=10,
        help="how often processes race for one run folder; 1000 find more",
    )
    parser.addoption(
        "--write-expected", action="store_true", help="write tests/e2e/expected anew; then read the diff"
    )
    parser.addoption(
        "--write-examples",
        action="store_true",
        help="write what the commands on the pages print; then read the diff",
    )


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Give each case of a table an id that says its values."""
    return name_case(val)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Return the list of files and folders that importer asks the system to write to the disk, in order."""
    opened: dict[int, Path] = {}
    asked: list[Path] = []
    open_file, fsync = os.open, os.fsync

    def remember(path: Path, flags: int, *rest: Any, **named: Any) -> int:
        descriptor = open_file(path, flags, *rest, **named)
        opened[descriptor] = Path(path)
        return descriptor

    def record(descriptor: int) -> None:
        asked.append(opened[descriptor])
        fsync(descriptor)

    monkeypatch.setattr("os.open", remember)
    monkeypatch.setattr("os.fsync", record)
    return asked


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out on Windows the tests that need a pseudo-terminal or signals."""
    if sys.platform == "win32" and collection_path.suffix == ".py":
        return bool(POSIX_ONLY.search(collection_path.read_text("utf-8"))) or None
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first, and mark those that `make quick` leaves out: with sockets, simulations, many examples."""
    items.sort(key=lambda item: not find_place(item).startswith(LONG_PLACES))
    for item in items:
        if uses_socket(item):
            item.add_marker(pytest.mark.socket)
        if is_slow(item):
            item.add_marker(pytest.mark.slow)


def find_place(item: pytest.Item) -> str:
    """Return the path of a test's file in the folder of the tests."""
    return item.path.relative_to(TESTS).as_posix()


def uses_socket(item: pytest.Item) -> bool:
    """Return whether a test talks to a server, or lies where most tests do."""
    return find_place(item).startswith(SOCKET_PLACES) or not SERVERS.isdisjoint(
        getattr(item, "fixturenames", ())
    )


def is_slow(item: pytest.Item) -> bool:
    """Return whether a test runs many examples, the send loop in virtual time, or another process."""
    function = getattr(item, "function", None)
    names = vars(getattr(item, "module", None) or object)
    return (
        find_place(item).startswith(SLOW_PLACES)
        or any(getattr(value, "__module__", "") in SIMULATIONS for value in names.values())
        or (function is not None and is_hypothesis_test(function))
        or names_subprocess(item)
    )


def is_about_processes(item: pytest.Item) -> bool:
    """Return whether a test is about what happens in another process, or starts one itself."""
    return find_place(item).startswith(PROCESS_PLACES) or names_subprocess(item)


def names_subprocess(item: pytest.Item) -> bool:
    """Return whether the function of a test uses the module `subprocess`."""
    code = getattr(getattr(item, "function", None), "__code__", None)
    return "subprocess" in getattr(code, "co_names", ())


@pytest.fixture(autouse=True)
def state_dir(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a state folder of its own, and the commands that it starts: never the user's."""
    folder = tmp_path_factory.getbasetemp() / "states" / secrets.token_hex(8)
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(folder))
    return folder


@pytest.fixture(autouse=True)
def process_coverage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure the coverage of other processes only in tests that are about them.

    Each import starts a process that reads its file, and coverage costs it 0.2 CPU seconds. What it runs is measured in
    the places listed above, which read sheets of all kinds, and without a process in tests/validator.
    """
    if not is_about_processes(request.node):
        monkeypatch.delenv(COVERAGE_VARIABLE, raising=False)


@pytest.fixture(autouse=True)
def thread_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read sheets in a thread, except where the reading process itself is tested."""
    if not request.path.relative_to(TESTS).as_posix().startswith(READER_PLACES):
        monkeypatch.setattr("importer.reader.worker_client.start_process", ThreadReader)


@pytest.fixture
def crm() -> Iterator[RunningSandbox]:
    """Run a healthy sandbox."""
    with run_sandbox(SandboxOptions()) as sandbox:
        yield sandbox


@pytest.fixture
def fast_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `--rate auto` begin at 500 requests a second: at 5, most tests would wait for their few rows to leave."""
    original = AdaptiveRate.__init__

    def start_fast(rate: AdaptiveRate, *args: Any, **kwargs: Any) -> None:
        original(rate, *args, **kwargs)
        rate.rate = 500.0

    monkeypatch.setattr(AdaptiveRate, "__init__", start_fast)


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits after a failed request to a twenty-fifth. The simulations have the real ones, in virtual time."""
    monkeypatch.setattr("importer.sender.retry._FIRST_BACKOFF_S", 0.02)
    monkeypatch.setattr("importer.sender.circuit_breaker._FIRST_PROBE_WAIT_S", 0.02)
    monkeypatch.setattr("importer.sender.get_retry._FIRST_GET_JITTER_S", 0.012)


@pytest.fixture
def importer(
    crm: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fast_start: None,
    short_waits: None,
) -> Command:
    """Return the command in an empty folder, with the sandbox's address and key set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUPERFONE_API_KEY", KEY)
    monkeypatch.setenv("SUPERFONE_BASE_URL", crm.base_url)
    return Command(tmp_path, capsys)


@pytest.fixture
def expected(request: pytest.FixtureRequest) -> Expected:
    """Return the leads that a sample must leave in the CRM, kept in a file that a person has read."""
    return Expected(write=request.config.getoption("--write-expected"))
