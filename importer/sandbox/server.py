"""Starts a sandbox: in the foreground for people, in a thread for tests and the demo."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import uvicorn

from importer.process_setup import handle_signals
from importer.sandbox.app import BASE, Sandbox
from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import SandboxOptions, load_default_account


class RunningSandbox(msgspec.Struct, frozen=True):
    """A sandbox that is running: its URLs, and the object behind them for tests."""

    base_url: str
    page_url: str
    sandbox: Sandbox


def serve(options: SandboxOptions, announce: Callable[[str], None]) -> None:
    """Answer requests until Ctrl-C or SIGTERM, then return. `announce` is called with the base URL.

    Raises OSError if the port is in use, sqlite3.Error if the file is not a sandbox's database.
    """
    sandbox, listener = _prepare(options)
    server = _build_server(sandbox)

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn listens for signals only once it runs, and raises them again when it has stopped.
    with handle_signals(("SIGINT", "SIGTERM"), stop):
        announce(format_base_url(listener.getsockname()[1]))
        server.run(sockets=[listener])
        sandbox.store.close()


@contextmanager
def run_sandbox(options: SandboxOptions | None = None) -> Iterator[RunningSandbox]:
    """Run a sandbox in a thread of its own, on a free port, until the block ends."""
    sandbox, listener = _prepare(options or SandboxOptions())
    server = _build_server(sandbox)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    base_url = format_base_url(listener.getsockname()[1])
    try:
        yield RunningSandbox(base_url, get_page_url(base_url), sandbox)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(timeout=5)
        if not thread.is_alive():
            sandbox.store.close()


def _prepare(options: SandboxOptions) -> tuple[Sandbox, socket.socket]:
    """Return the sandbox and its open port. The port listens before its URL is announced."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name != "nt":  # on Windows it would let two programs share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", options.port))
        listener.listen(1024)
        return Sandbox(options, load_default_account(), LeadStore(options.database)), listener
    except (OSError, sqlite3.Error):
        listener.close()
        raise


def _build_server(sandbox: Sandbox) -> uvicorn.Server:
    config = uvicorn.Config(
        sandbox,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def get_page_url(base_url: str) -> str:
    """Return the URL of the sandbox's web page."""
    return base_url.removesuffix(BASE) + "/"


def format_base_url(port: int) -> str:
    """Return the base URL of a sandbox on a port of this machine."""
    return f"http://127.0.0.1:{port}{BASE}"
