"""Our side of the reading process: start it, ask it, and turn its death into a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import IO, Self

from importer import errors
from importer.access import KEY_NAME
from importer.errors import ImporterError, UnreadableFile
from importer.journal import StagedRows
from importer.loader.limits import COPY_THE_ROWS
from importer.loader.opening import OpenOptions
from importer.staging import frames
from importer.staging.recipe import Recipe

PATIENCE_S = 600.0
"""How long the reader may go without a word: a workbook of a million rows opens in a tenth of that."""
_PIPE_BYTES = 1 << 20
"""Two messages: through the usual 64 KB, we and the child would wait for each other six times in each."""
_LAST_BREATH_S = 2.0  # between the end of what it says and its own end
_START = "import sys; sys.path += sys.argv[1:]; from importer.staging.child import main; main()"
_KILLED = -9


class ReadingProcess:
    """A child that reads one file: it begins at once, `opened` waits for what it finds, `judged` streams the rows.

    It is a command of its own rather than a `multiprocessing` worker, so that it also works from a notebook
    and from scripts without a main guard.
    """

    def __init__(self, path: Path, options: OpenOptions, *, patience_s: float = PATIENCE_S) -> None:
        self._watchdog = Watchdog(self._kill, patience_s=patience_s)
        environment = {name: value for name, value in os.environ.items() if name != KEY_NAME}
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            # It finds modules where we do: a notebook or a host of functions may have told us alone of their folder. That
            # comes last, and -P: a file csv.py in the user's folder must not stand in for Python's own.
            [sys.executable, "-P", "-c", _START, *map(str, sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a reader that aborts prints its own traceback
            env=environment,
        )
        _widen(self._child.stdout)
        try:
            self._send(frames.Open(str(path), options))
        except BaseException:
            self.close()
            raise
        self.done: frames.Done | None = None

    @cached_property
    def opened(self) -> frames.Opened:
        """The header and the first rows. Raises what the child raised."""
        answer = self._receive()
        if not isinstance(answer, frames.Opened):
            raise self._died()
        return answer

    def judged(self, recipe: Recipe) -> Iterator[StagedRows]:
        """Batches of judged rows in file order; afterwards `done` counts them. Raises what the child raised."""
        _ = self.opened  # it comes first
        self._send(frames.Judge(recipe))
        while True:
            match self._receive():
                case frames.Batch(rows):
                    yield rows
                case frames.Done() as done:
                    self.done = done
                    return
                case frames.Opened():
                    raise self._died()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        self._watchdog.close()
        self._child.kill()
        self._child.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, message: frames.ToChild) -> None:
        assert self._child.stdin is not None
        try:
            frames.write_frame(self._child.stdin, frames.encode(message))
        except OSError:  # a broken pipe; Windows calls it an invalid argument
            raise self._died() from None

    def _receive(self) -> frames.Opened | frames.Batch | frames.Done:
        assert self._child.stdout is not None
        with self._watchdog:
            body = frames.read_frame(self._child.stdout)
        if body is None:
            raise self._died()
        try:
            answer: frames.FromChild = frames.decode_from_child(body)
        except ValueError:  # not ours, or no UTF-8
            raise self._died() from None
        if isinstance(answer, frames.Failed):
            raise (_revived(answer) or self._died()) from (
                _InTheChild(answer.trace) if answer.trace else None
            )
        return answer

    def _kill(self) -> None:
        self._child.kill()

    def _died(self) -> UnreadableFile:
        if self._watchdog.bit:
            return UnreadableFile(
                f"The file kept its reader busy for {self._watchdog.patience_s / 60:.0f} minutes without a row.",
                COPY_THE_ROWS,
            )
        try:
            code = self._child.wait(_LAST_BREATH_S)
        except subprocess.TimeoutExpired:  # one that talks nonsense is still alive
            self._child.kill()
            code = self._child.wait()
        else:
            if code == _KILLED:  # no file can do that: Linux does, where memory runs short
                return UnreadableFile(
                    f"The system ended the reader of the file (exit {code}), most likely for want of memory.",
                    "Give this machine or container more of it, or save the sheet as CSV, which needs less.",
                )
        return UnreadableFile(
            f"The reader of the file gave up on it (exit {code}): the file is damaged, or made to harm.",
            COPY_THE_ROWS,
        )


def _widen(pipe: IO[bytes] | None) -> None:
    """Let more of a message lie in the pipe, where the system can and allows it."""
    if sys.platform == "linux" and pipe is not None:
        import fcntl  # noqa: PLC0415 - does not exist on Windows

        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class _InTheChild(Exception):
    """What went wrong in the child, as its traceback."""


class Watchdog:
    """Bites, once, when a wait takes longer than `patience_s`; only time inside its `with` counts."""

    def __init__(self, bite: Callable[[], None], *, patience_s: float) -> None:
        self.patience_s = patience_s
        self.bit = False
        self._bite = bite
        self._waits = threading.Condition()
        self._waiting = self._over = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        with self._waits:
            self._waiting = True
            self._waits.notify()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._watch, name="watchdog of the reading process", daemon=True
            )
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        with self._waits:
            self._waiting = False
            self._waits.notify()

    def close(self) -> None:
        """Let the thread end."""
        with self._waits:
            self._over = True
            self._waits.notify()

    def _watch(self) -> None:
        with self._waits:
            while not self._over:
                if not self._waiting:
                    self._waits.wait()
                elif not self._waits.wait(self.patience_s):
                    self.bit = True
                    self._bite()
                    return


def _revived(failed: frames.Failed) -> ImporterError | None:
    """The error that the child raised; None where it names none of ours."""
    kind = getattr(errors, failed.kind, None)
    if not (isinstance(kind, type) and issubclass(kind, ImporterError)):
        return None
    revived: ImporterError = kind(failed.message, failed.advice)
    return revived
