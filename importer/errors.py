"""What stops a run: one exception tree, each with advice on what to do next.

    ImporterError                    base; caught once, in `importer.cli`
    ├── NothingSentError          exit 2  usage, file, settings: refused before the first write
    │   ├── UsageError               an option or a setting makes no sense
    │   ├── UnreadableFileError           the file cannot be read as a table
    │   ├── MissingPhoneColumnError            no column holds the leads' phones
    │   ├── MappingError               the column mapping contradicts itself or the sheet
    │   ├── MissingKeyError                    no API key was given, or where it lies is not safe
    │   ├── RunNotFoundError                the run named is not in the reports folder
    │   └── DamagedJournalError           the journal cannot be read, or is from a newer version
    ├── RunStoppedError           exit 3  stopped early; `importer resume` goes on
    │   ├── KeyRefusedError               401 (exit 2 when nothing had been sent yet)
    │   ├── BlockedError                  a ban, a redirect, or pages of HTML where JSON should be
    │   ├── ServerUnavailableError               no network, or the server pushed back beyond --max-wait
    │   ├── JournalReadError               the journal cannot be read any more while its rows are sent
    │   └── DiskWriteError              disk full, or the reports folder became read-only
    ├── RunLockedError            exit 4  another run holds this file and account
    └── RunInterruptedError          exit 130  Ctrl-C or SIGTERM; `importer resume` goes on

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


class NothingSentError(ImporterError):
    """Refused before the first write: the CRM is as it was."""


class UsageError(NothingSentError):
    """An option or a setting makes no sense."""


class UnreadableFileError(NothingSentError):
    """The file cannot be read as a table of rows."""


class MissingPhoneColumnError(NothingSentError):
    """No column of the sheet holds the leads' phones."""


class MappingError(NothingSentError):
    """The column mapping contradicts itself, the sheet, or the field table."""


class MissingKeyError(NothingSentError):
    """No API key was given, or the place where it lies is open to others."""


class RunNotFoundError(NothingSentError):
    """The run named on the command line is not in the reports folder."""


class DamagedJournalError(NothingSentError):
    """The journal cannot be read, or was written by a newer version."""


class RunStoppedError(ImporterError):
    """Stopped early; everything known is in the journal and `importer resume` goes on."""

    exit_code = 3


class KeyRefusedError(RunStoppedError):
    """The server answered 401. Before the first write this is exit 2: the pipeline says so."""


class BlockedError(RunStoppedError):
    """A redirect, a portal, or a 403 that is not about one row: somebody stands between us and the API.

    A page that says 200 may stand before an API that took the row (law 3): `may_have_arrived`.
    """

    may_have_arrived = False


class ServerUnavailableError(RunStoppedError):
    """No network, or the server pushed back for longer than `--max-wait`."""


class JournalReadError(RunStoppedError):
    """The journal cannot be read any more while its rows are sent, or when they have been."""


class DiskWriteError(RunStoppedError):
    """The disk is full or the reports folder became read-only."""


class RunLockedError(ImporterError):
    """Another run holds this file and account."""

    exit_code = 4


class RunInterruptedError(ImporterError):
    """Ctrl-C or SIGTERM; what was in flight has been drained and `importer resume` goes on."""

    exit_code = 130


@contextmanager
def raise_as_nothing_sent() -> Iterator[None]:
    """What would stop a run is exit 2 in this block: there is nothing to resume yet."""
    try:
        yield
    except RunStoppedError as error:
        raise NothingSentError(error.message, error.advice) from error
