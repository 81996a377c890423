"""The practice CRM that the page can start: a sandbox in a thread, which keeps its leads and its port."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from importer.credentials import Credentials, Secret
from importer.sandbox.lead_edits import add_demo_leads
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import RunningSandbox, format_base_url, get_page_url, run_sandbox

PRACTICE_FOLDER = "practice"
"""Folder of the reports folder that holds the practice CRM. No run id may be named like it."""
_DATABASE, _PORT, _LOCK = "crm.sqlite", "port", "running.lock"
_MAX_START_S = 5.0  # another importer ui may just be starting it for the first time


class PracticeCrm:
    """Starts the practice CRM when it is first needed. Runs know their CRM by its address, so its port stays the same.

    Two `importer ui` over one reports folder share it: the second uses that of the first, and takes over when it ends.
    """

    def __init__(self, reports: Path) -> None:
        from filelock import FileLock  # noqa: PLC0415 - only a practice CRM needs it

        self._folder = reports / PRACTICE_FOLDER
        self._stack = ExitStack()
        self._running: RunningSandbox | None = None
        self._base_url = ""
        self._threads = threading.Lock()
        self._lock = FileLock(self._folder / _LOCK, thread_local=False)

    @property
    def page_url(self) -> str:
        """The address of its page of leads, or "" if it is not running."""
        return get_page_url(self._base_url) if self._base_url else ""

    @property
    def exists(self) -> bool:
        """Whether it was started before."""
        return (self._folder / _DATABASE).is_file()

    def start(self) -> Credentials:
        """Return its address and key, and start it before if need be. Raises OSError, ValueError, sqlite3.Error."""
        with self._threads:
            if self._running is None:
                self._start_or_find()
        return Credentials(self._base_url, Secret(SandboxOptions().api_key))

    def _start_or_find(self) -> None:
        from filelock import Timeout  # noqa: PLC0415 - as above

        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        has_port = (self._folder / _PORT).is_file()
        try:
            self._lock.acquire(timeout=0 if has_port else _MAX_START_S)
        except Timeout:
            self._base_url = format_base_url(self._read_port())
            return
        self._stack.callback(self._lock.release)
        is_new = not self.exists
        options = SandboxOptions(db=str(self._folder / _DATABASE), port=self._choose_port())
        self._running = self._stack.enter_context(run_sandbox(options))
        self._base_url = self._running.base_url
        if is_new:
            add_demo_leads(self._running.sandbox.store)
        (self._folder / _PORT).write_text(str(urlsplit(self._base_url).port), "ascii")

    def close(self) -> None:
        """Stop it, if it is ours."""
        self._stack.close()
        self._running = None

    def _read_port(self) -> int:
        return int((self._folder / _PORT).read_text("ascii"))

    def _choose_port(self) -> int:
        """Return the port of the last time, or 0 for any if that one is in use."""
        try:
            port = self._read_port()
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except (OSError, ValueError, OverflowError):
            return 0
        return port
