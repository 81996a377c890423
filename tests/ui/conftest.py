"""What the tests of the page share: a server over a folder of its own, and a browser at it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from importer.state.state_folder import STATE_DIR_VARIABLE
from tests.ui.browser import Browser, make_server


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path / "state"))


@pytest.fixture
def server(tmp_path, fast_start) -> Iterator:
    """Return a server for new sheets of the practice CRM."""
    page = make_server(tmp_path, practice=True)
    yield page
    for task in page.workspace.tasks.stop_all():
        task.join()
    page.workspace.accounts.practice.close()
    page.listener.close()


@pytest.fixture
def browser(server) -> Browser:
    return Browser(server)


@pytest.fixture
def run_python():
    """Return what a program prints, in a process of its own."""

    def run(program: str) -> str:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return done.stdout

    return run
