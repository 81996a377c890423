"""Serves the page on this machine alone, opens it in the browser, and ends by itself when nobody uses it."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn

from importer.messages import ui_messages
from importer.process_setup import handle_signals
from importer.ui.request_guard import LAUNCH_PATH, RequestGuard
from importer.ui.sessions import Sessions
from importer.ui.web_app import build_app
from importer.ui.workspace import Workspace

IDLE_S = 30 * 60.0
"""How long nobody may use the page before the command ends, unless a run is under way."""
_IDLE_CHECK_S = 15.0
_HOST = "127.0.0.1"


class PageServer(NamedTuple):
    """A server that listens already: its application, where it is, and the page that the browser opens."""

    workspace: Workspace
    sessions: Sessions
    guard: RequestGuard
    listener: socket.socket
    idle: IdleWatch
    start: str = "/"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self.listener.getsockname()[1]
        return port

    def make_launch_url(self) -> str:
        """Return an address that opens the page once."""
        return f"http://{_HOST}:{self.port}{LAUNCH_PATH}{self.sessions.make_launch_code(self.start)}"


class IdleWatch:
    """Knows when the page was used last."""

    def __init__(self, workspace: Workspace, clock: Callable[[], float] = time.monotonic) -> None:
        self._workspace = workspace
        self._clock = clock
        self._used_at = clock()

    def record_use(self) -> None:
        """Note that the page is used now."""
        self._used_at = self._clock()

    def is_idle(self) -> bool:
        """Return whether nobody has used the page for long, and no run is under way. A question may wait for days."""
        if self._workspace.tasks.is_working:
            self.record_use()
        return self._clock() - self._used_at > IDLE_S


def prepare_server(workspace: Workspace, port: int = 0) -> PageServer:
    """Return a server that listens on this machine alone, on a free port or on this one. Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name != "nt":  # on Windows it would let two programs share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    sessions, idle = Sessions(), IdleWatch(workspace)
    guard = RequestGuard(
        build_app(workspace, sessions),
        sessions,
        port=listener.getsockname()[1],
        on_request=idle.record_use,
        denied=ui_messages.DENIED,
    )
    return PageServer(workspace, sessions, guard, listener, idle)


def serve(page: PageServer, *, announce: Callable[[], None], say: Callable[[str], None]) -> None:
    """Answer requests until Ctrl-C, SIGTERM, or 30 idle minutes. `announce` is called when the server is about to answer.

    The first Ctrl-C lets runs finish the requests under way, as it does in the terminal. The second one ends at once.
    """
    # No access log: addresses of files and forms have no place in it, and nobody reads it.
    config = uvicorn.Config(
        page.guard,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    server = uvicorn.Server(config)

    def stop(*_: object) -> None:
        server.should_exit = True

    with handle_signals(("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"), stop):
        announce()
        asyncio.run(_serve_until_idle(server, page, say))
    _finish_tasks(page.workspace, say)


async def _serve_until_idle(server: uvicorn.Server, page: PageServer, say: Callable[[str], None]) -> None:
    async with _watch_idle(server, page, say):
        await server.serve(sockets=[page.listener])


@asynccontextmanager
async def _watch_idle(
    server: uvicorn.Server, page: PageServer, say: Callable[[str], None]
) -> AsyncIterator[None]:
    """End the server when the page is idle."""

    async def watch() -> None:
        while not page.idle.is_idle():  # noqa: ASYNC110 - what ends the wait is that nothing happens
            await asyncio.sleep(_IDLE_CHECK_S)
        say(ui_messages.IDLE.format(minutes=round(IDLE_S / 60)))
        server.should_exit = True

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()


def _finish_tasks(workspace: Workspace, say: Callable[[str], None]) -> None:
    """Let the runs under way end as after one Ctrl-C. A second one ends this wait, and `resume` finishes the runs."""
    running = workspace.tasks.stop_all()
    if any(task.sends for task in running):
        say(ui_messages.STOPPING)
    for task in running:
        task.join()


def open_preparation(workspace: Workspace, file: Path) -> str:
    """Keep a file that was named on the command line as a preparation. Return the path of its page."""
    preparation = workspace.begin_preparation(file.name, file.absolute(), workspace.make_run_id())
    return f"/runs/{preparation.run_id}"
