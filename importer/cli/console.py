"""The only printer: plain text for files and pipes, colour and a progress bar on a terminal."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

import click
import msgspec

from importer.cli.timeleft import plain_time
from importer.errors import CannotWrite
from importer.guard import printable

loud: ContextVar[bool] = ContextVar("loud", default=False)
"""Whether tracebacks are shown: -v, or `verbose` of the settings file, which is read when much may have failed already."""
has_sent: ContextVar[bool] = ContextVar("has_sent", default=False)
"""Whether the command has come to the sending: a Ctrl-C after it is no "before anything was sent"."""

_OBEYED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What JSON lets stand as it is and a terminal obeys, or what turns the writing round."""
_READER_GONE = {errno.EPIPE, errno.EINVAL, errno.EIO}
"""A broken pipe; what Windows calls one; a terminal that was closed."""


def say(text: str = "", *, err: bool = False, **style: Any) -> None:
    """Print one line with nothing in it that a terminal would obey. `style` is click's (fg, bold, dim).

    It is one line whatever the text: a file name with a line break in it could else say that all went well.
    """
    line = printable(text)
    with reader_may_be_gone(err=err):
        click.echo(click.style(line, **style) if style and has_colour(err=err) else line, err=err)


def say_wait(seconds: float) -> None:
    """What is waited for, where the CRM asks to come again later."""
    say(f"The CRM asks to wait {plain_time(seconds)} before it gives its lists ...", err=True)


def show_json(shown: object) -> None:
    """A value as JSON on standard output, in UTF-8 whatever the terminal's encoding."""
    text = msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
    safe = _OBEYED.sub(lambda char: f"\\u{ord(char[0]):04x}", text)
    left = memoryview(safe.encode() + b"\n")
    with reader_may_be_gone():
        sys.stdout.flush()
        # Under PYTHONUNBUFFERED, as in most containers, the stream is raw: it takes what a disk has room for, or what
        # went before a signal came, and only the next write is told why.
        while left:
            left = left[sys.stdout.buffer.write(left) :]
        sys.stdout.buffer.flush()


@contextmanager
def reader_may_be_gone(*, err: bool = False) -> Iterator[None]:
    """A terminal that was closed, or `| head`, takes no more lines; what is under way must not end by that.

    Output that goes to a file on a full disk is a fault that its reader must hear of: raises CannotWrite.
    """
    try:
        yield
    except OSError as error:
        # What is still in the buffer, and all that follows, is said to nobody: Python would exit with a code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())
        if error.errno not in _READER_GONE and not err:
            raise CannotWrite(
                f"Standard output cannot be written: {error.strerror}.",
                "Make room on the disk. What was done stands in the run's folder: importer runs lists it.",
            ) from error


def has_colour(*, err: bool = False) -> bool:
    """Colour only on a terminal, and never where NO_COLOR is set (no-color.org)."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_terminal() -> bool:
    """Whether a person is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


_WITH_TOTAL = "{desc} {percentage:3.0f}%|{bar:24}| {n:,}/{total:,} rows{postfix}"
_WITHOUT_TOTAL = "{desc} {n:,} rows{postfix}"


class Bar:
    """A progress bar on standard error: drawn on a terminal only, so that files and pipes stay plain."""

    def __init__(self, title: str, *, total: int | None, shown: bool) -> None:
        self.title = title
        self._total = total
        self._shown = shown and sys.stderr.isatty()
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def at(self, done: int, note: str = "") -> None:
        """The bar stands at `done`; `note` is shown behind it."""
        if not self._shown:
            return
        with reader_may_be_gone(err=True):
            bar = self._bar if self._bar is not None else self._open()
            bar.n = done
            bar.set_postfix_str(note, refresh=False)
            bar.update(0)

    def close(self) -> None:
        """Leave the line."""
        if self._bar is not None:
            with reader_may_be_gone(err=True):
                self._bar.refresh()
                self._bar.close()
            self._bar = None

    def _open(self) -> Any:
        from tqdm import tqdm

        self._bar = tqdm(
            total=self._total,
            desc=self.title,
            mininterval=0.2,
            dynamic_ncols=True,
            file=sys.stderr,
            bar_format=_WITH_TOTAL if self._total else _WITHOUT_TOTAL,
        )
        return self._bar
