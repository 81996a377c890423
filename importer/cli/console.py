"""The only printer: plain text for files and pipes, colour and a progress bar on a terminal."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import click
import msgspec

from importer.errors import DiskWriteError
from importer.untrusted_text import sanitize

verbosity: ContextVar[bool] = ContextVar("loud", default=False)
"""Whether tracebacks are shown: -v, or `verbose` of the settings file, which is read when much may have failed already."""
sending_started: ContextVar[bool] = ContextVar("has_sent", default=False)
"""Whether the command has come to the sending: a Ctrl-C after it is no "before anything was sent"."""

_OBEYED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What JSON lets stand as it is and a terminal obeys, or what turns the writing round."""
_READER_GONE = {errno.EPIPE, errno.EINVAL, errno.EIO}
"""A broken pipe; what Windows calls one; a terminal that was closed."""


def print_line(text: str = "", *, err: bool = False, **style: Any) -> None:
    """Print one line with nothing in it that a terminal would obey. `style` is click's (fg, bold, dim).

    It is one line whatever the text: a file name with a line break in it could else say that all went well.
    """
    line = sanitize(text)
    with ignore_closed_reader(err=err):
        click.echo(click.style(line, **style) if style and supports_colour(err=err) else line, err=err)


def print_json(shown: object) -> None:
    """A value as JSON on standard output, in UTF-8 whatever the terminal's encoding."""
    text = msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
    safe = _OBEYED.sub(lambda char: f"\\u{ord(char[0]):04x}", text)
    left = memoryview(safe.encode() + b"\n")
    with ignore_closed_reader():
        sys.stdout.flush()
        # Under PYTHONUNBUFFERED, as in most containers, the stream is raw: it takes what a disk has room for, or what
        # went before a signal came, and only the next write is told why.
        while left:
            left = left[sys.stdout.buffer.write(left) :]
        sys.stdout.buffer.flush()


@contextmanager
def ignore_closed_reader(*, err: bool = False) -> Iterator[None]:
    """A terminal that was closed, or `| head`, takes no more lines; what is under way must not end by that.

    Output that goes to a file on a full disk is a fault that its reader must hear of: raises DiskWriteError.
    """
    try:
        yield
    except OSError as error:
        # What is still in the buffer, and all that follows, is said to nobody: Python would exit with a code of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.stderr if err else sys.stdout).fileno())
        if error.errno not in _READER_GONE and not err:
            raise DiskWriteError(
                f"Standard output cannot be written: {error.strerror}.",
                "Make room on the disk. What was done stands in the run's folder: importer runs lists it.",
            ) from error


def supports_colour(*, err: bool = False) -> bool:
    """Colour only on a terminal, and never where NO_COLOR is set (no-color.org)."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_interactive() -> bool:
    """Whether a person is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
