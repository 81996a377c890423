"""The main process's side of the reading process: start it, send it requests, and explain how it ended."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import IO, Self

import msgspec

from importer import errors
from importer.credentials import API_KEY_VARIABLE
from importer.errors import ImporterError, UnreadableFileError
from importer.journal.staging import StagedRows
from importer.loader.formats.text_ranges import TextRange
from importer.loader.table.table_reader import OpenOptions
from importer.messages import file_messages
from importer.reader import protocol
from importer.reader.combine_sheets import combine_previews
from importer.reader.range_chain import JudgedRange
from importer.reader.row_processor import ProcessorConfig

_logger = logging.getLogger(__name__)

MAX_SILENCE_S = 600.0
"""How long the reading process may send nothing: a workbook of a million rows opens in a tenth of that."""
_PIPE_BYTES = 1 << 20
"""Room for two messages. With the usual 64 KB, both processes would wait for each other six times a message."""
_EXIT_WAIT_S = 2.0  # between the end of its messages and the end of the process
_START = "import sys; sys.path += sys.argv[1:]; from importer.reader.worker import main; main()"
_KILLED_EXIT_CODE = -9


class WorkerClient:
    """A reading process for one file. It starts at once; `preview` waits for the first rows, `judge` streams all.

    It is a command of its own rather than a `multiprocessing` worker, so that it also works from a notebook and from
    scripts without a main guard. It does not see `hidden_variables` of the environment, nor the key of an import.
    """

    def __init__(
        self,
        path: Path,
        options: OpenOptions,
        *,
        timeout_s: float = MAX_SILENCE_S,
        first_request: protocol.RangesRequest | None = None,
        hidden_variables: Iterable[str] = (),
    ) -> None:
        self.path = path
        self.options = options
        self.timeout_s = timeout_s
        self._first_request = first_request or protocol.OpenRequest(str(path), options)
        self._hidden_variables = (API_KEY_VARIABLE, *hidden_variables)
        self.end: protocol.ReadEnd | None = None
        self._start()

    def _start(self) -> None:
        self._watchdog = Watchdog(self.kill, timeout_s=self.timeout_s)
        self._has_failed = False
        self._child = start_process(self._hidden_variables)
        _increase_pipe_size(self._child.stdout)
        try:
            self.send(self._first_request)
        except BaseException:
            self.close()
            raise

    @cached_property
    def opened(self) -> protocol.WorkbookPreview:
        """The sheets that may be read: one, unless several were asked for. Raises the error of the reading process."""
        return self._receive_workbook()

    @cached_property
    def workbook(self) -> protocol.WorkbookPreview:
        """Those of the opened sheets that are read: all of them, unless some were chosen."""
        return self.opened

    def _receive_workbook(self) -> protocol.WorkbookPreview:
        response = self._receive()
        if not isinstance(response, protocol.WorkbookPreview):
            raise self._explain_death()
        return response

    @cached_property
    def preview(self) -> protocol.SheetPreview:
        """The header and the first rows, of all chosen sheets as one. Raises the error of the reading process."""
        preview = combine_previews(self.workbook)
        _log_preview(preview)
        return preview

    def choose_sheets(self, names: Sequence[str]) -> None:
        """Read only these of the opened sheets, from now on."""
        sheets = tuple(sheet for sheet in self.opened.sheets if sheet.name in names)
        self.workbook = msgspec.structs.replace(self.opened, sheets=sheets)
        self.__dict__.pop("preview", None)

    def judge(self, config: ProcessorConfig) -> Iterator[StagedRows]:
        """Yield batches of judged rows in file order, then set `end`. Raises the error of the reading process.

        A reading process judges the sheet once. To judge it again, another one opens the same copy.
        """
        _ = self.preview  # it comes first
        if self.end is not None:
            self._restart()
        yield from self._judge_in_order(config)

    def _restart(self) -> None:
        self.close()
        self._start()
        self._receive_workbook()

    def _judge_in_order(self, config: ProcessorConfig, rest: TextRange | None = None) -> Iterator[StagedRows]:
        """Yield batches of judged rows, of the whole sheet or of the rest of a text file, then set `end`."""
        names = tuple(sheet.name for sheet in self.workbook.sheets)
        self.send(protocol.JudgeRequest(config, names, rest))
        while True:
            match self._receive():
                case protocol.JudgedBatch(rows):
                    _logger.debug("Received %d judged rows", len(rows))
                    yield rows
                case protocol.ReadEnd() as end:
                    _logger.debug("The sheet ends after %d rows", end.rows)
                    self.end = end
                    return
                case _:
                    raise self._explain_death()

    def find_cuts(self, range_bytes: int) -> protocol.Cuts:
        """Return where the file can be cut into ranges of about so many bytes; nowhere if it must be read as a whole."""
        self.send(protocol.CutRequest(range_bytes))
        response = self._receive()
        if not isinstance(response, protocol.Cuts):
            raise self._explain_death()
        return response

    def judge_range(self, part: TextRange) -> JudgedRange:
        """Return the judged rows of a range of the file. It waits for them all."""
        self.send(protocol.RangeRequest(part))
        batches: list[StagedRows] = []
        while True:
            match self._receive():
                case protocol.JudgedBatch(rows):
                    batches.append(rows)
                case protocol.RangeJudged(end, is_plain):
                    return JudgedRange(batches, end, is_plain)
                case _:
                    raise self._explain_death()

    @property
    def is_dead(self) -> bool:
        """Whether the reading process has ended, or is about to: it ends after a failure."""
        return self._has_failed or self._child.poll() is not None

    def kill(self) -> None:
        """End the reading process. Whoever waits for it gets an error."""
        self._child.kill()

    def close(self) -> None:
        """End the reading process, whatever it is doing."""
        self._watchdog.close()
        self._child.kill()
        self._child.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, message: protocol.Request) -> None:
        """Send a request to the reading process."""
        assert self._child.stdin is not None
        try:
            protocol.write_frame(self._child.stdin, protocol.encode(message))
        except OSError:  # a broken pipe; Windows calls it an invalid argument
            raise self._explain_death() from None

    def _receive(self) -> protocol.Answer:
        assert self._child.stdout is not None
        with self._watchdog:
            body = protocol.read_frame(self._child.stdout)
        if body is None:
            raise self._explain_death()
        try:
            response: protocol.Response = protocol.decode_response(body)
        except ValueError:  # not one of our messages, or not UTF-8
            raise self._explain_death() from None
        if isinstance(response, protocol.ReadFailure):
            self._has_failed = True
            cause = _WorkerTraceback(response.trace) if response.trace else None
            raise (_rebuild_error(response) or self._explain_death()) from cause
        return response

    def _explain_death(self) -> UnreadableFileError:
        """Return the error for a reading process that timed out, was killed, crashed, or sent nonsense."""
        if self._watchdog.has_fired:
            minutes = self._watchdog.timeout_s / 60
            return UnreadableFileError(*file_messages.READER_STALLED.format(minutes=minutes))
        try:
            code = self._child.wait(_EXIT_WAIT_S)
        except subprocess.TimeoutExpired:  # a process that sends nonsense is still running
            self._child.kill()
            code = self._child.wait()
        else:
            if code == _KILLED_EXIT_CODE:  # no file can cause that; Linux does when memory runs short
                return UnreadableFileError(*file_messages.READER_KILLED_BY_SYSTEM.format(code=code))
        return UnreadableFileError(*file_messages.READER_CRASHED.format(code=code))


def start_process(hidden_variables: Collection[str]) -> subprocess.Popen[bytes]:
    """Start a reading process, without the variables of the environment that have keys."""
    environment = {name: value for name, value in os.environ.items() if name not in hidden_variables}
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        # The child gets our sys.path, which a notebook or a cloud function may have extended. It is appended, and
        # with -P, so that a file csv.py in the user's folder is not loaded instead of Python's own.
        [sys.executable, "-P", "-c", _START, *map(str, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a library that aborts prints its own traceback
        env=environment,
    )


def _log_preview(preview: protocol.SheetPreview) -> None:
    """Log how the file was recognised; notices name the encoding, the delimiter, the sheet and the header row."""
    _logger.info(
        "Opened the file (columns: %d%s). %s",
        len(preview.headers),
        ", a report of importer" if preview.is_own_report else "",
        " ".join(notice.text for notice in preview.notices),
    )


def _increase_pipe_size(pipe: IO[bytes] | None) -> None:
    """Let more of a message fit into the pipe, where the system can and allows it."""
    if sys.platform == "linux" and pipe is not None:
        import fcntl  # noqa: PLC0415 - does not exist on Windows

        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


class _WorkerTraceback(Exception):
    """The traceback of an unexpected error in the reading process."""


class Watchdog:
    """Calls `on_timeout` once when a wait takes longer than `timeout_s`; only time inside its `with` counts."""

    def __init__(self, on_timeout: Callable[[], None], *, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.has_fired = False
        self._on_timeout = on_timeout
        self._condition = threading.Condition()
        self._is_waiting = self._is_closed = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        with self._condition:
            self._is_waiting = True
            self._condition.notify()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._watch, name="watchdog of the reading process", daemon=True
            )
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        with self._condition:
            self._is_waiting = False
            self._condition.notify()

    def close(self) -> None:
        """End the thread."""
        with self._condition:
            self._is_closed = True
            self._condition.notify()

    def _watch(self) -> None:
        with self._condition:
            while not self._is_closed:
                if not self._is_waiting:
                    self._condition.wait()
                elif not self._condition.wait(self.timeout_s):
                    self.has_fired = True
                    self._on_timeout()
                    return


def _rebuild_error(failure: protocol.ReadFailure) -> ImporterError | None:
    """Return the error that the reading process raised; None where it names none of our errors."""
    kind = getattr(errors, failure.kind, None)
    if not (isinstance(kind, type) and issubclass(kind, ImporterError)):
        return None
    error: ImporterError = kind(failure.message, failure.advice)
    return error
