"""Running a sandbox: in the foreground for people, in a thread for tests and the demo."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import uvicorn

from importer.sandbox.account import seeded_account
from importer.sandbox.app import BASE, Sandbox
from importer.sandbox.options import SandboxOptions
from importer.sandbox.store import Store


class Running(msgspec.Struct, frozen=True):
    """A sandbox that answers: its addresses, and the object behind them for tests to look into."""

    base_url: str
    page_url: str
    sandbox: Sandbox


def serve(options: SandboxOptions, announce: Callable[[str], None]) -> None:
    """Answer requests until Ctrl-C or SIGTERM. Raises OSError when the port is taken."""
    sandbox, listener = _prepared(options)
    announce(f"LISTENING {_base_url(listener)}")
    _server(sandbox).run(sockets=[listener])


@contextmanager
def running(options: SandboxOptions | None = None) -> Iterator[Running]:
    """A sandbox in a thread of its own, on a free port, for as long as the block runs."""
    sandbox, listener = _prepared(options or SandboxOptions())
    server = _server(sandbox)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    base_url = _base_url(listener)
    try:
        yield Running(base_url, base_url.removesuffix(BASE) + "/", sandbox)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=5)


def _prepared(options: SandboxOptions) -> tuple[Sandbox, socket.socket]:
    """The port is open before anybody is told of it, so that nobody comes too early."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", options.port))
    listener.listen(1024)
    return Sandbox(options, seeded_account(), Store(options.database)), listener


def _server(sandbox: Sandbox) -> uvicorn.Server:
    config = uvicorn.Config(
        sandbox,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}{BASE}"
