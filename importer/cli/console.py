"""The only module that prints: plain text for files and pipes; on a terminal colour, and a progress bar with the time left."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

import click
import msgspec

from importer.errors import DiskWriteError
from importer.messages import format_count, terminal_messages
from importer.untrusted_text import sanitize

verbosity: ContextVar[int] = ContextVar("verbosity", default=0)
"""The number of -v, or `verbose` of the settings file. From 1 on, errors show their traceback."""
sending_started: ContextVar[bool] = ContextVar("sending_started", default=False)
"""Whether the command has started to send. After that, Ctrl-C must not say that nothing was sent."""

is_json_due: ContextVar[bool] = ContextVar("is_json_due", default=False)
"""Whether `--json` was given and nothing was printed for it yet: each ending prints exactly one JSON value."""

_CONTROL_CHARACTERS = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""Characters that JSON does not escape, but that a terminal obeys or that reverse the text."""
_CLOSED_READER_ERRORS = {errno.EPIPE, errno.EINVAL, errno.EIO}
"""A broken pipe, its name on Windows, and a terminal that was closed."""
_BAR_WITH_TOTAL = "{desc} {percentage:3.0f}%|{bar:24}| {unit}"
_BAR_WITHOUT_TOTAL = "{desc} {unit}"


def print_line(text: str = "", *, err: bool = False, **style: Any) -> None:
    """Print one line without control characters. `style` is click's (fg, bold, dim).

    Line breaks in `text` are replaced too: a file name with one could fake a line of ours.
    """
    line = sanitize(text)
    with ignore_closed_reader(err=err):
        click.echo(click.style(line, **style) if style and supports_colour(err=err) else line, err=err)


def print_json(value: object) -> None:
    """Print a value as JSON on standard output, in UTF-8 whatever the terminal's encoding is."""
    is_json_due.set(False)
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    safe = _CONTROL_CHARACTERS.sub(lambda char: f"\\u{ord(char[0]):04x}", text)
    unwritten = memoryview(safe.encode() + b"\n")
    with ignore_closed_reader():
        sys.stdout.flush()
        # Under PYTHONUNBUFFERED, as in most containers, the stream is raw. A write may then stop early, at a full disk
        # or a signal, and only the next write raises the error.
        while unwritten:
            unwritten = unwritten[sys.stdout.buffer.write(unwritten) :]
        sys.stdout.buffer.flush()


@contextmanager
def ignore_closed_reader(*, err: bool = False) -> Iterator[None]:
    """Continue if the reader of the output is gone: a closed terminal, or `| head`.

    Raises DiskWriteError if standard output cannot be written for another reason, such as a full disk.
    """
    try:
        yield
    except OSError as error:
        # Send all further output to nowhere. Otherwise Python exits with a code of its own when it flushes its buffers.
        os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())
        if error.errno not in _CLOSED_READER_ERRORS and not err:
            raise DiskWriteError(
                *terminal_messages.CANNOT_WRITE_OUTPUT.format(reason=error.strerror)
            ) from error


def flush_output() -> None:
    """Write what is left in the buffer of standard output. If that failed at the exit, Python would change the exit code."""
    with suppress(DiskWriteError), ignore_closed_reader():
        sys.stdout.flush()


def supports_colour(*, err: bool = False) -> bool:
    """Return whether the stream is a terminal with colours. NO_COLOR turns them off (no-color.org)."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_interactive() -> bool:
    """Return whether a person can be asked: standard input and standard error are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def format_duration(seconds: float) -> str:
    """Return `40 s`, `3 min` or `2 h 5 min`."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def print_wait(seconds: float) -> None:
    """Print that the CRM asks to wait before it sends its lists."""
    print_line(terminal_messages.WAITING_FOR_LISTS.format(duration=format_duration(seconds)), err=True)


class ProgressBar:
    """A progress bar on standard error. It is drawn on a terminal only, so that files and pipes get plain text."""

    def __init__(self, title: str, *, total: int | None, enabled: bool) -> None:
        self.title = title
        self._total = total
        self._enabled = enabled and sys.stderr.isatty()
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, done: int, note: str = "") -> None:
        """Move the bar to `done` rows and show `note` behind it."""
        if not self._enabled:
            return
        with ignore_closed_reader(err=True):
            bar = self._bar if self._bar is not None else self._open()
            bar.n = done
            bar.unit = self._describe(done, note)
            bar.update(0)

    def close(self) -> None:
        """End the bar's line."""
        if self._bar is not None:
            with ignore_closed_reader(err=True):
                self._bar.refresh()
                self._bar.close()
            self._bar = None

    def _describe(self, done: int, note: str) -> str:
        total = f"/{format_count(self._total)}" if self._total else ""
        return f"{format_count(done)}{total} rows{f', {note}' if note else ''}"

    def _open(self) -> Any:
        from tqdm import tqdm

        self._bar = tqdm(
            total=self._total,
            desc=self.title,
            mininterval=0.2,
            dynamic_ncols=True,
            file=sys.stderr,
            bar_format=_BAR_WITH_TOTAL if self._total else _BAR_WITHOUT_TOTAL,
        )
        return self._bar


def cut(text: str, width: int) -> str:
    """Return the text on one line, shortened to `width` characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
