"""A real terminal to type at: the command on a pseudo-terminal, with what it shows read as it comes."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

_PATIENCE_S = 40.0
_PRESSED_AGAIN_S = 3.0
_PROGRAM = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C reaches it
from importer.cli.main import main
from importer.sender.adaptive_rate import AdaptiveRate
original = AdaptiveRate.__init__
def start_at_60(rate, *args, **kwargs):  # at 5 a second, most of a test would be waiting
    original(rate, *args, **kwargs)
    rate.rate = 60.0
AdaptiveRate.__init__ = start_at_60
sys.exit(main())
"""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """`importer` with a person in front of it. `shown` is all that was printed; `expect` waits for more of it."""

    def __init__(self, folder: Path, *arguments: object, **environment: str) -> None:
        self.shown = ""
        self._at = 0
        self._ours, theirs = pty.openpty()
        attributes = termios.tcgetattr(theirs)
        attributes[3] &= ~termios.ECHO  # what is typed would stand twice in what is shown
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        termios.tcsetwinsize(theirs, (40, 110))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "110", **environment},
            start_new_session=True,
        )
        os.close(theirs)

    def expect(self, text: str) -> str:
        """Wait until `text` has been shown, behind what was waited for before; answers with all up to it."""
        until = time.monotonic() + _PATIENCE_S
        while (found := self.plain.find(text, self._at)) < 0:
            if not self._read(until):
                raise AssertionError(f"{text!r} was not shown. Shown was:\n{self.plain[self._at :]}")
        before, self._at = self.plain[self._at : found + len(text)], found + len(text)
        return before

    def type(self, text: str) -> None:
        """Type a line, and Enter."""
        os.write(self._ours, text.encode() + b"\n")

    def press(self, key: bytes) -> None:
        """Press one key: 03 is Ctrl-C, 04 is Ctrl-D."""
        with suppress(OSError):  # it may have ended in the meantime
            os.write(self._ours, key)

    def leave(self, key: bytes) -> int:
        """Press a key until the command ends; answers with the exit code.

        A Ctrl-C in the moment when the prompt is drawn and not yet read is seen by Python only at the next key.
        """
        until = time.monotonic() + _PATIENCE_S
        while self._process.poll() is None and time.monotonic() < until:
            self.press(key)
            while self._read(time.monotonic() + _PRESSED_AGAIN_S):
                pass
        return self.run_end()

    def run_end(self) -> int:
        """Wait for the end; answers with the exit code."""
        until = time.monotonic() + _PATIENCE_S
        while self._read(until):
            pass
        return self._process.wait(_PATIENCE_S)

    def hang_up(self) -> int:
        """Close the window; answers with the exit code."""
        os.close(self._ours)
        self._ours = os.open(os.devnull, os.O_RDONLY)
        return self._process.wait(_PATIENCE_S)

    def close(self) -> None:
        """End it, whatever it is doing."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._ours)

    @property
    def plain(self) -> str:
        """What is shown, without colours."""
        return _ESCAPES.sub("", self.shown).replace("\r\n", "\n")

    @property
    def rest(self) -> str:
        """What was shown behind the last text that was waited for."""
        return self.plain[self._at :]

    def _read(self, until: float) -> bool:
        """Read what has come; False at the end, or when it takes too long."""
        ready, _, _ = select.select([self._ours], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            return False
        try:
            read = os.read(self._ours, 65536)
        except OSError:  # Linux says EIO when the other side has gone
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)
