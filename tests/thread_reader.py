"""A reading process that is a thread of the test: it answers the same messages, without the start of a Python.

A process costs 0.2 CPU seconds before it reads its first row, twice as much as all the rest of a small import.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Collection
from contextlib import suppress
from typing import BinaryIO

from importer.reader import worker


class ThreadReader:
    """What `WorkerClient` needs of a process."""

    def __init__(self, hidden_variables: Collection[str] = ()) -> None:
        del hidden_variables  # a thread sees what its process sees
        self._sockets = (*socket.socketpair(), *socket.socketpair())
        stdin, requests, stdout, responses = self._sockets
        self.stdin, self.stdout = stdin.makefile("wb"), stdout.makefile("rb")
        streams = requests.makefile("rb"), responses.makefile("wb")
        for end in self._sockets:
            end.close()  # with its file
        self._thread = threading.Thread(target=_serve, args=streams, name="reader", daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """End what is read and written on both sides. To close a file would wait for the thread that reads it."""
        for end in self._sockets:
            with suppress(OSError):  # it is closed already
                end.shutdown(socket.SHUT_RDWR)

    def communicate(self) -> None:
        """Wait until the thread has ended, and close its streams."""
        self._thread.join()
        for stream in (self.stdin, self.stdout):
            with suppress(BrokenPipeError):  # what was not sent yet
                stream.close()

    def poll(self) -> int | None:
        """Return the exit code of a process that has ended, else None."""
        return None if self._thread.is_alive() else 0

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the thread has ended, and return the exit code of a process that ends by itself."""
        self._thread.join(timeout)
        return 0


def _serve(requests: BinaryIO, responses: BinaryIO) -> None:
    with suppress(BrokenPipeError, ConnectionResetError), requests, responses:
        worker.serve(requests, responses)
