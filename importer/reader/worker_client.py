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
from importer.credentials import API_KEY_VARIABLE
from importer.errors import ImporterError, UnreadableFileError
from importer.journal.staging import StagedRows
from importer.loader.formats.limits import COPY_THE_ROWS
from importer.loader.table.table_reader import OpenOptions
from importer.reader import protocol
from importer.reader.row_processor import ProcessorConfig

PATIENCE_S = 600.0
"""How long the reader may go without a word: a workbook of a million rows opens in a tenth of that."""
_PIPE_BYTES = 1 << 20
"""Two messages: through the usual 64 KB, we and the child would wait for each other six times in each."""
_LAST_BREATH_S = 2.0  # between the end of what it says and its own end
_START = "import sys; sys.path += sys.argv[1:]; from importer.reader.worker import main; main()"
_KILLED = -9


class WorkerClient:
    """A child that reads one file: it begins at once, `opened` waits for what it finds, `judged` streams the rows.

    It is a command of its own rather than a `multiprocessing` worker, so that it also works from a notebook
    and from scripts without a main guard.
    """

    def __init__(self, path: Path, options: OpenOptions, *, timeout_s: float = PATIENCE_S) -> None:
        self._watchdog = Watchdog(self._kill, timeout_s=timeout_s)
        environment = {name: value for name, value in os.environ.items() if name != API_KEY_VARIABLE}
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
            self._send(protocol.Open(str(path), options))
        except BaseException:
            self.close()
            raise
        self.end: protocol.ReadEnd | None = None

    @cached_property
    def preview(self) -> protocol.SheetPreview:
        """The header and the first rows. Raises what the child raised."""
        answer = self._receive()
        if not isinstance(answer, protocol.SheetPreview):
            raise self._died()
        return answer

    def judge(self, config: ProcessorConfig) -> Iterator[StagedRows]:
        """Batches of judged rows in file order; afterwards `done` counts them. Raises what the child raised."""
        _ = self.preview  # it comes first
        self._send(protocol.Judge(config))
        while True:
            match self._receive():
                case protocol.Batch(rows):
                    yield rows
                case protocol.ReadEnd() as done:
                    self.end = done
                    return
                case protocol.SheetPreview():
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

    def _send(self, message: protocol.ToChild) -> None:
        assert self._child.stdin is not None
        try:
            protocol.write_frame(self._child.stdin, protocol.encode(message))
        except OSError:  # a broken pipe; Windows calls it an invalid argument
            raise self._died() from None

    def _receive(self) -> protocol.SheetPreview | protocol.Batch | protocol.ReadEnd:
        assert self._child.stdout is not None
        with self._watchdog:
            body = protocol.read_frame(self._child.stdout)
        if body is None:
            raise self._died()
        try:
            answer: protocol.FromChild = protocol.decode_from_child(body)
        except ValueError:  # not ours, or no UTF-8
            raise self._died() from None
        if isinstance(answer, protocol.Failed):
            raise (_revived(answer) or self._died()) from (
                _InTheChild(answer.trace) if answer.trace else None
            )
        return answer

    def _kill(self) -> None:
        self._child.kill()

    def _died(self) -> UnreadableFileError:
        if self._watchdog.bit:
            return UnreadableFileError(
                f"The file kept its reader busy for {self._watchdog.timeout_s / 60:.0f} minutes without a row.",
                COPY_THE_ROWS,
            )
        try:
            code = self._child.wait(_LAST_BREATH_S)
        except subprocess.TimeoutExpired:  # one that talks nonsense is still alive
            self._child.kill()
            code = self._child.wait()
        else:
            if code == _KILLED:  # no file can do that: Linux does, where memory runs short
                return UnreadableFileError(
                    f"The system ended the reader of the file (exit {code}), most likely for want of memory.",
                    "Give this machine or container more of it, or save the sheet as CSV, which needs less.",
                )
        return UnreadableFileError(
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
    """Bites, once, when a wait takes longer than `timeout_s`; only time inside its `with` counts."""

    def __init__(self, bite: Callable[[], None], *, timeout_s: float) -> None:
        self.timeout_s = timeout_s
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
                elif not self._waits.wait(self.timeout_s):
                    self.bit = True
                    self._bite()
                    return


def _revived(failed: protocol.Failed) -> ImporterError | None:
    """The error that the child raised; None where it names none of ours."""
    kind = getattr(errors, failed.kind, None)
    if not (isinstance(kind, type) and issubclass(kind, ImporterError)):
        return None
    revived: ImporterError = kind(failed.message, failed.advice)
    return revived
