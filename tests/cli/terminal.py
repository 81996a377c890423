"""Runs the command on a pseudo-terminal, so that a test can type answers and read the screen."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import termios
import time
from contextlib import suppress
from pathlib import Path

from tests.prepared_python import START_AT_60, start_python

_MAX_WAIT_S = 40.0
_KEY_REPEAT_S = 3.0
_PROGRAM = f"""
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C needs a controlling terminal
from importer.cli.main import main
{START_AT_60}
sys.exit(main())
"""
_PROMPT = re.compile(r"[^\n]: $")
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """`importer` on a terminal. `shown` is everything printed so far."""

    def __init__(self, folder: Path, *arguments: object, **environment: str) -> None:
        self.shown = ""
        self._at = 0
        self._ours, theirs = pty.openpty()
        attributes = termios.tcgetattr(theirs)
        attributes[3] &= ~termios.ECHO  # otherwise typed text would be shown twice
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        termios.tcsetwinsize(theirs, (40, 110))
        self._process = start_python(
            _PROGRAM,
            arguments,
            folder=folder,
            environment={**os.environ, "TERM": "xterm", "COLUMNS": "110", **environment},
            streams=(theirs, theirs, theirs),
        )
        os.close(theirs)

    def expect(self, text: str) -> str:
        """Wait until `text` is shown after the last expected text. Returns everything up to it."""
        until = time.monotonic() + _MAX_WAIT_S
        while (found := self.plain.find(text, self._at)) < 0:
            if not self._read(until):
                raise AssertionError(f"{text!r} was not shown. The screen has:\n{self.plain[self._at :]}")
        before, self._at = self.plain[self._at : found + len(text)], found + len(text)
        return before

    def wait_for_question(self) -> str:
        """Wait for a prompt. Returns everything since the last expected text, or "" if the command ends without one."""
        until = time.monotonic() + _MAX_WAIT_S
        while not _PROMPT.search(self.rest):
            if not self._read(until):
                return ""
        before, self._at = self.rest, len(self.plain)
        return before

    def type(self, text: str) -> None:
        """Type a line, and Enter."""
        os.write(self._ours, text.encode() + b"\n")

    def press(self, key: bytes) -> None:
        """Press one key, such as Ctrl-C (byte 3) or Ctrl-D (byte 4)."""
        with suppress(OSError):  # the command may have ended
            os.write(self._ours, key)

    def leave(self, key: bytes) -> int:
        """Press a key until the command ends. Returns the exit code.

        If Ctrl-C comes after the prompt is drawn and before it is read, Python only notices it at the next key.
        """
        until = time.monotonic() + _MAX_WAIT_S
        while self._process.poll() is None and time.monotonic() < until:
            self.press(key)
            while self._read(time.monotonic() + _KEY_REPEAT_S):
                pass
        return self.wait_for_exit()

    def wait_for_exit(self) -> int:
        """Wait until the command ends. Returns the exit code."""
        until = time.monotonic() + _MAX_WAIT_S
        while self._read(until):
            pass
        return self._process.wait(_MAX_WAIT_S)

    def hang_up(self) -> int:
        """Close the terminal window. Returns the exit code."""
        os.close(self._ours)
        self._ours = os.open(os.devnull, os.O_RDONLY)
        return self._process.wait(_MAX_WAIT_S)

    def close(self) -> None:
        """Kill the command if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._ours)

    @property
    def plain(self) -> str:
        """The screen without colours."""
        return _ESCAPES.sub("", self.shown).replace("\r\n", "\n")

    @property
    def rest(self) -> str:
        """Everything after the last expected text."""
        return self.plain[self._at :]

    def _read(self, until: float) -> bool:
        """Read new output. Returns False at the end of the output or at `until`."""
        ready, _, _ = select.select([self._ours], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return False
        try:
            read = os.read(self._ours, 65536)
        except OSError:  # Linux raises EIO when the command has ended
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)
