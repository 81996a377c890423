"""A reading process that is a thread of the test: it answers the same messages, without the start of a Python.

A process costs 0.2 CPU seconds before it reads its first row, twice as much as all the rest of a small import.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import BinaryIO

from importer.reader import worker


class ThreadReader:
    """What `WorkerClient` needs of a process."""

    def __init__(self) -> None:
        requests, self.stdin = _open_pipe()
        self.stdout, responses = _open_pipe()
        self._thread = threading.Thread(target=_serve, args=(requests, responses), name="reader", daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """Close the pipes, so that the thread ends when it next reads or writes."""
        for stream in (self.stdin, self.stdout):
            with suppress(BrokenPipeError):
                stream.close()

    def communicate(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    def poll(self) -> int | None:
        """Return the exit code of a process that has ended, else None."""
        return None if self._thread.is_alive() else 0

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the thread has ended, and return the exit code of a process that ends by itself."""
        self._thread.join(timeout)
        return 0


def _open_pipe() -> tuple[BinaryIO, BinaryIO]:
    reading, writing = os.pipe()
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")


def _serve(requests: BinaryIO, responses: BinaryIO) -> None:
    with suppress(BrokenPipeError), requests, responses:
        worker.serve(requests, responses)
