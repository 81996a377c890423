"""Our side of the reading process: start it, ask it, and turn its death into a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from importer import errors
from importer.errors import ImporterError, UnreadableFile
from importer.journal import StagedRow
from importer.loader.opening import OpenOptions
from importer.settings import KEY_NAME
from importer.staging import frames
from importer.staging.recipe import Recipe


class ReadingProcess:
    """A child that reads one file. `opened` is there at once; `judged` streams the rows.

    It is a command of its own rather than a `multiprocessing` worker, so that it also works from a notebook
    and from scripts without a main guard.
    """

    def __init__(self, path: Path, options: OpenOptions) -> None:
        self._path = path
        environment = {name: value for name, value in os.environ.items() if name != KEY_NAME}
        self._child = subprocess.Popen(  # our own interpreter and module
            # -P: a file csv.py in the user's folder must not stand in for Python's own.
            [sys.executable, "-P", "-m", "importer.staging.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a reader that aborts prints its own traceback
            env=environment,
        )
        try:
            self.opened = self._open(frames.Open(str(path), options))
        except BaseException:
            self.close()
            raise
        self.done: frames.Done | None = None

    def judged(self, recipe: Recipe) -> Iterator[list[StagedRow]]:
        """Batches of judged rows in file order; afterwards `done` counts them. Raises what the child raised."""
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
        self._child.kill()
        self._child.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, question: frames.Open) -> frames.Opened:
        self._send(question)
        answer = self._receive()
        if not isinstance(answer, frames.Opened):
            raise self._died()
        return answer

    def _send(self, message: frames.ToChild) -> None:
        assert self._child.stdin is not None
        try:
            frames.write_frame(self._child.stdin, message)
        except BrokenPipeError:
            raise self._died() from None

    def _receive(self) -> frames.Opened | frames.Batch | frames.Done:
        assert self._child.stdout is not None
        body = frames.read_frame(self._child.stdout)
        if body is None:
            raise self._died()
        answer: frames.FromChild = frames.decode_from_child(body)
        if isinstance(answer, frames.Failed):
            raise _revived(answer)
        return answer

    def _died(self) -> UnreadableFile:
        code = self._child.wait()
        return UnreadableFile(
            f"The reader of the file gave up on it (exit {code}): the file is damaged, or made to harm.",
            "Open it in Excel, copy the rows into a new sheet, save that, and import it.",
        )


def _revived(failed: frames.Failed) -> ImporterError:
    kind = getattr(errors, failed.kind)
    assert issubclass(kind, ImporterError)
    revived: ImporterError = kind(failed.message, failed.advice)
    return revived
