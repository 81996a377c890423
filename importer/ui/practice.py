"""The practice CRM that the page can start: a sandbox in a thread, which keeps its leads and its port."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from importer.credentials import Credentials, Secret
from importer.sandbox.lead_edits import add_demo_leads
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import RunningSandbox, run_sandbox

PRACTICE_FOLDER = "practice"
"""Folder of the reports folder that holds the practice CRM. No run id may be named like it."""
_DATABASE, _PORT = "crm.sqlite", "port"


class PracticeCrm:
    """Starts the practice CRM when it is first needed. Runs know their CRM by its address, so its port stays the same."""

    def __init__(self, reports: Path) -> None:
        self._folder = reports / PRACTICE_FOLDER
        self._stack = ExitStack()
        self._running: RunningSandbox | None = None

    @property
    def page_url(self) -> str:
        """The address of its page of leads, or "" if it is not running."""
        return self._running.page_url if self._running else ""

    @property
    def exists(self) -> bool:
        """Whether it was started before."""
        return (self._folder / _DATABASE).is_file()

    def start(self) -> Credentials:
        """Return its address and key, and start it before if need be. Raises OSError, sqlite3.Error."""
        key = SandboxOptions().api_key
        if self._running is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            is_new = not self.exists
            options = SandboxOptions(db=str(self._folder / _DATABASE), port=self._choose_port())
            self._running = self._stack.enter_context(run_sandbox(options))
            if is_new:
                add_demo_leads(self._running.sandbox.store)
            port = self._running.page_url.rstrip("/").rpartition(":")[2]
            (self._folder / _PORT).write_text(port, "ascii")
        return Credentials(self._running.base_url, Secret(key))

    def close(self) -> None:
        """Stop it."""
        self._stack.close()
        self._running = None

    def _choose_port(self) -> int:
        """Return the port of the last time, or 0 for any if that one is in use."""
        try:
            port = int((self._folder / _PORT).read_text("ascii"))
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except (OSError, ValueError, OverflowError):
            return 0
        return port
