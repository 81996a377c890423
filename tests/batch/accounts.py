"""Many accounts on one server: a practice CRM for each, by the first part of the path."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from importer.sandbox.app import BASE, Sandbox
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import SandboxOptions, load_default_account


class Accounts:
    """The sandboxes by name, and their addresses."""

    def __init__(self, port: int, options: Mapping[str, SandboxOptions]) -> None:
        self._port = port
        self.sandboxes = {
            name: Sandbox(one, load_default_account(), LeadStore(None)) for name, one in options.items()
        }

    def get_url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._port}/{name}{BASE}"

    def list_phones(self, name: str) -> list[str]:
        """Return the phones of the account's leads in the order in which they were made."""
        return [lead["phone"] for lead in self.sandboxes[name].store.all_leads()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request. A test may put another function in the place of `answer`."""
        await self.answer(scope, receive, send)

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on to the account of its path."""
        _, name, rest = scope["path"].split("/", 2)
        path = f"/{rest}"
        await self.sandboxes[name]({**scope, "path": path, "raw_path": path.encode()}, receive, send)


@contextmanager
def run_accounts(
    options: Mapping[str, SandboxOptions], kind: type[Accounts] = Accounts
) -> Iterator[Accounts]:
    """Run the accounts in a thread, on a free port, until the block ends."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    accounts = kind(listener.getsockname()[1], options)
    config = uvicorn.Config(accounts, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield accounts
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=5)
        for sandbox in accounts.sandboxes.values():
            sandbox.store.close()
