"""What stops a run: one exception tree, each with advice on what to do next.

    ImporterError                    base; caught once, in `importer.cli`
    ├── NothingSent          exit 2  usage, file, settings: refused before the first write
    │   ├── UsageError               an option or a setting makes no sense
    │   ├── UnreadableFile           the file cannot be read as a table
    │   ├── NoPhoneColumn            no column holds the leads' phones
    │   ├── BadMapping               the column mapping contradicts itself or the sheet
    │   ├── NoKey                    no API key was given, or where it lies is not safe
    │   ├── NoSuchRun                the run named is not in the reports folder
    │   └── DamagedJournal           the journal cannot be read, or is from a newer version
    ├── RunStopped           exit 3  stopped early; `importer resume` goes on
    │   ├── KeyRefused               401 (exit 2 when nothing had been sent yet)
    │   ├── Blocked                  a ban, a redirect, or pages of HTML where JSON should be
    │   ├── ServerAway               no network, or the server pushed back beyond --patience
    │   ├── CannotRead               the journal cannot be read any more while its rows are sent
    │   └── CannotWrite              disk full, or the reports folder became read-only
    ├── RunIsHeld            exit 4  another run holds this file and account
    └── Interrupted          exit 130  Ctrl-C or SIGTERM; `importer resume` goes on

A fault of a single row is never an exception: see `importer.issues`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class ImporterError(Exception):
    """What stops a run.

    `message` says what is wrong and where; `advice` says what to do next. Both are plain sentences.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __reduce__(self) -> tuple[type[ImporterError], tuple[str, str]]:
        """Errors cross from the reading process to ours, advice included."""
        return type(self), (self.message, self.advice)

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class NothingSent(ImporterError):
    """Refused before the first write: the CRM is as it was."""


class UsageError(NothingSent):
    """An option or a setting makes no sense."""


class UnreadableFile(NothingSent):
    """The file cannot be read as a table of rows."""


class NoPhoneColumn(NothingSent):
    """No column of the sheet holds the leads' phones."""


class BadMapping(NothingSent):
    """The column mapping contradicts itself, the sheet, or the field table."""


class NoKey(NothingSent):
    """No API key was given, or the place where it lies is open to others."""


class NoSuchRun(NothingSent):
    """The run named on the command line is not in the reports folder."""


class DamagedJournal(NothingSent):
    """The journal cannot be read, or was written by a newer version."""


class RunStopped(ImporterError):
    """Stopped early; everything known is in the journal and `importer resume` goes on."""

    exit_code = 3


class KeyRefused(RunStopped):
    """The server answered 401. Before the first write this is exit 2: the pipeline says so."""


class Blocked(RunStopped):
    """A redirect, a portal, or a 403 that is not about one row: somebody stands between us and the API.

    A page that says 200 may stand before an API that took the row (law 3): `may_have_arrived`.
    """

    may_have_arrived = False


class ServerAway(RunStopped):
    """No network, or the server pushed back for longer than `--patience`."""


class CannotRead(RunStopped):
    """The journal cannot be read any more while its rows are sent, or when they have been."""


class CannotWrite(RunStopped):
    """The disk is full or the reports folder became read-only."""


class RunIsHeld(ImporterError):
    """Another run holds this file and account."""

    exit_code = 4


class Interrupted(ImporterError):
    """Ctrl-C or SIGTERM; what was in flight has been drained and `importer resume` goes on."""

    exit_code = 130


@contextmanager
def before_the_first_write() -> Iterator[None]:
    """What would stop a run is exit 2 in this block: there is nothing to resume yet."""
    try:
        yield
    except RunStopped as error:
        raise NothingSent(error.message, error.advice) from error
