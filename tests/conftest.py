"""A sandbox on a free port, and the command pointed at it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from importer.sandbox.sandbox_options import SandboxOptions
from importer.sandbox.server import RunningSandbox, run_sandbox
from tests.support import KEY, Command, Expected

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("untimed")

_IN_MEMORY, _LEAST_BYTES = Path("/dev/shm"), 4 << 30
# Most of the suite's time went by in waiting for disks: a journal's commits are durable, and in memory they are so at once.
if _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > _LEAST_BYTES:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))


# A gate may run us in the background, where a shell ignores Ctrl-C; the commands that tests start and stop would
# inherit that, and rightly go on ignoring it.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def crm() -> Iterator[RunningSandbox]:
    """A healthy sandbox."""
    with run_sandbox(SandboxOptions()) as sandbox:
        yield sandbox


@pytest.fixture
def importer(
    crm: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """The command, in an empty folder, with the sandbox's address and key set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUPERFONE_API_KEY", KEY)
    monkeypatch.setenv("SUPERFONE_BASE_URL", crm.base_url)
    return Command(tmp_path, capsys)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-expected", action="store_true", help="write tests/e2e/expected anew; then read the diff"
    )
    parser.addoption(
        "--write-examples",
        action="store_true",
        help="write what the pages' commands print; then read the diff",
    )


@pytest.fixture
def expected(request: pytest.FixtureRequest) -> Expected:
    """The leads that a sample must leave in the CRM, kept as a file that a person has read."""
    return Expected(write=request.config.getoption("--write-expected"))
