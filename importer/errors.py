"""The errors that stop a run: one exception tree, each error with advice on what to do next.

    ImporterError                      base class; caught once, in `importer.cli`
    ├── NothingSentError               exit 2: the file, an option or a setting was refused before the first write
    │   ├── UsageError                 an option or a setting makes no sense
    │   ├── UnreadableFileError        the file cannot be read as a table
    │   ├── EmptySheetError            the sheet has a header and no rows below it
    │   ├── MissingPhoneColumnError    no column holds the phones of the leads
    │   ├── MappingError               the column mapping contradicts itself or the sheet
    │   ├── MissingKeyError            no API key was given, or others can read the file that holds it
    │   ├── RunNotFoundError           the run is not in the reports folder
    │   ├── StaleEditError             somebody else changed the row meanwhile
    │   └── DamagedJournalError        the journal cannot be read, or is from a newer version
    ├── RunStoppedError                exit 3: stopped early; `importer resume` continues it
    │   ├── KeyRefusedError            the server answered 401 (exit 2 if nothing had been sent yet)
    │   ├── BlockedError               a ban, a redirect, or pages of HTML where JSON should be
    │   ├── ServerUnavailableError     no network, or the server limited us for longer than --max-wait
    │   ├── JournalReadError           the journal became unreadable while its rows were sent
    │   └── DiskWriteError             the disk is full, or the reports folder became read-only
    ├── RunLockedError                 exit 4: another run is sending to this account
    └── RunInterruptedError            exit 130: Ctrl-C or SIGTERM; `importer resume` continues it

An error of a single row is not an exception: see `importer.issues`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class ImporterError(Exception):
    """An error that stops a run.

    `message` says what is wrong and where. `advice` says what to do next. Both are full sentences.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __reduce__(self) -> tuple[type[ImporterError], tuple[str, str]]:
        """Keep the advice when the reading process sends an error to ours."""
        return type(self), (self.message, self.advice)

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class NothingSentError(ImporterError):
    """Refused before the first write: nothing changed in the CRM."""


class UsageError(NothingSentError):
    """An option or a setting makes no sense."""


class UnreadableFileError(NothingSentError):
    """The file cannot be read as a table of rows."""


class EmptySheetError(NothingSentError):
    """The sheet has a header and no rows below it. With `--allow-empty` this is not an error."""


class MissingPhoneColumnError(NothingSentError):
    """No column of the sheet holds the phones of the leads."""


class MappingError(NothingSentError):
    """The column mapping contradicts itself, the sheet, or the field table."""


class MissingKeyError(NothingSentError):
    """No API key was given, or others can read the file that holds it."""


class RunNotFoundError(NothingSentError):
    """The run named by the user is not in the reports folder."""


class StaleEditError(NothingSentError):
    """An edit of a row that was changed meanwhile: it would undo a change that its author has not seen."""


class DamagedJournalError(NothingSentError):
    """The journal cannot be read, or was written by a newer version."""


class RunStoppedError(ImporterError):
    """Stopped early. Everything known is in the journal, and `importer resume` continues the run."""

    exit_code = 3


class KeyRefusedError(RunStoppedError):
    """The server answered 401. Before the first write the pipeline turns this into exit 2."""


class BlockedError(RunStoppedError):
    """Something between us and the API answered: a redirect, a login page, or a 403 that is not about one row."""


class ServerUnavailableError(RunStoppedError):
    """No network, or the server limited us for longer than `--max-wait`."""


class JournalReadError(RunStoppedError):
    """The journal became unreadable while its rows were sent, or afterwards."""


class DiskWriteError(RunStoppedError):
    """The disk is full, or the reports folder became read-only."""


class RunLockedError(ImporterError):
    """Another run is sending to this account."""

    exit_code = 4


class RunInterruptedError(ImporterError):
    """Ctrl-C or SIGTERM. Requests in flight were finished, and `importer resume` continues the run."""

    exit_code = 130


@contextmanager
def raise_as_nothing_sent() -> Iterator[None]:
    """Turn a RunStoppedError of this block into a NothingSentError, because there is nothing to resume yet."""
    try:
        yield
    except RunStoppedError as error:
        raise NothingSentError(error.message, error.advice) from error
