"""The reports folder: find and list the runs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import NamedTuple

import msgspec

from importer.errors import DamagedJournalError, RunNotFoundError
from importer.journal.database import JOURNAL_NAME, STAGING_NAME
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, RunMetadata, peek_run
from importer.messages import run_messages
from importer.models.status import RESUMABLE, UNSENT, RowStatus, RunKind, RunState
from importer.pipeline.run_folder import was_killed_early
from importer.state.account_memory import find_run_folders, forget_run_folders, is_content_known
from importer.state.run_lock import is_run_locked
from importer.state.state_folder import AccountState, list_account_folders

_MAX_WAIT_S = 30.0  # for a locked journal whose metadata are needed


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run in the history. `damage` says why nothing more is known about it."""

    run_id: str
    file: str = ""
    started_at: str = ""
    state: str = ""
    counts: dict[RowStatus, int] = {}
    resumable: bool = False
    applicable: bool = False
    undoable: bool = False
    kind: RunKind = RunKind.IMPORT
    parent: str = ""
    undone_at: str = ""
    undone_by: str = ""
    damage: str = ""

    @property
    def started(self) -> datetime | None:
        """The time at which the run began, if it is known."""
        return datetime.fromisoformat(self.started_at) if self.started_at else None


class _SentRun(NamedTuple):
    """A run that has begun to send. In the order of time."""

    started: datetime
    folder: Path
    state: RunState


def now() -> datetime:
    """Return the time with its offset."""
    return datetime.now(UTC).astimezone()


# --- find


def find_run(reports: Path, run: str) -> Path:
    """Return the folder of a run, given its id or its folder. Raises RunNotFoundError.

    Locks and the ledger of notes are found beside the folder, so `.`, `..` and links are resolved.
    """
    for folder in (reports / run, Path(run)):
        if (folder / JOURNAL_NAME).is_file():
            return folder.resolve() if folder.name in ("", "..") or folder.is_symlink() else folder
        if (folder / STAGING_NAME).is_file():
            raise RunNotFoundError(*run_messages.RUN_WITHOUT_JOURNAL.format(run=run))
    raise RunNotFoundError(*run_messages.RUN_NOT_FOUND.format(run=run, reports=reports))


def reports_beside(sheet: Path) -> Path | None:
    """Return the reports folder if the sheet is in the folder of a run, else None."""
    if not (sheet.parent / JOURNAL_NAME).is_file():
        return None
    return sheet.absolute().parent.parent


def find_unfinished_run(reports: Path, sha256: str, account: AccountState) -> Path | None:
    """Return the folder of the last run that sent this file to this account, if it can be resumed.

    It may be in another reports folder.
    """
    last = max(_find_sent_runs(reports, sha256, account), default=None)
    return last.folder if last is not None and last.state in RESUMABLE else None


def find_interrupted_run(reports: Path, sha256: str, account: AccountState) -> Path | None:
    """Return the same for a caller that does not hold the account's lock: None also while that run is sending."""
    folder = find_unfinished_run(reports, sha256, account)
    return None if folder is None or is_sending(folder) else folder


def find_last_run_of_file(reports: Path, file: str, account: AccountState) -> Path | None:
    """Return the folder of the last run that sent a whole file of this name to this account.

    Numbers in the name do not count: they may be a date. Standard input has no name.
    """
    name = _read_letters(file)
    if not name:
        return None
    return find_last_sent_run(
        reports,
        account,
        lambda metadata: not metadata.parent and _read_letters(metadata.file) == name,
    )


def find_last_sent_run(
    reports: Path, account: AccountState, is_wanted: Callable[[RunMetadata], bool]
) -> Path | None:
    """Return the folder of the last wanted run that has begun to send to this account."""
    last = max(_list_sent_runs(reports, account, is_wanted), default=None)
    return last.folder if last is not None else None


def _read_letters(file: str) -> str:
    """Return the letters of a file's name, without its folder and its ending."""
    return "".join(letter for letter in PurePath(file).stem.casefold() if letter.isalpha())


def has_been_sent(reports: Path, sha256: str, account: AccountState) -> bool:
    """Return whether a run has begun to send this file to this account, however it ended."""
    return any(_find_sent_runs(reports, sha256, account))


def was_sent(reports: Path, sha256: str, account: AccountState) -> bool:
    """Return the same also where the run's folder is gone: the account remembers the content."""
    return is_content_known(account.folder, sha256) or has_been_sent(reports, sha256, account)


def list_unsent_runs(reports: Path, sha256: str, account: AccountState) -> Iterator[tuple[Path, RunEnd]]:
    """Yield the folders and ends of runs that checked or planned this file and wait to be sent."""
    for path in reports.glob(f"*/{JOURNAL_NAME}"):
        run = peek_run(path.parent)
        if run is None or run.metadata.sha256 != sha256 or run.metadata.account not in account.keys:
            continue
        if run.end.state in UNSENT and run.metadata.kind is RunKind.IMPORT:
            yield path.parent, run.end


def _find_sent_runs(reports: Path, sha256: str, account: AccountState) -> Iterator[_SentRun]:
    return _list_sent_runs(reports, account, lambda metadata: metadata.sha256 == sha256, sha256=sha256)


def _list_sent_runs(
    reports: Path,
    account: AccountState,
    is_wanted: Callable[[RunMetadata], bool],
    *,
    sha256: str | None = None,
) -> Iterator[_SentRun]:
    """Yield the wanted runs that have begun to send to this account; `sha256` makes the list of those elsewhere short."""
    here = [path.parent for path in reports.glob(f"*/{JOURNAL_NAME}")]
    elsewhere = find_run_folders(account.folder, sha256)
    # A run that is in both is named by its path in the reports folder, as the user knows it.
    folders = {folder.absolute(): folder for folder in (*elsewhere, *here)}
    for folder in folders.values():
        run = peek_run(folder)
        if (
            run
            and run.metadata.kind is RunKind.IMPORT
            and is_wanted(run.metadata)
            and run.metadata.account in account.keys
            and run.end.has_sent
        ):
            yield _SentRun(run.metadata.started, folder, run.end.state)


def forget_purged_runs(reports: Path, state: Path) -> None:
    """Remove the paths of runs that are not in the reports folder any more from the state folder."""
    for account in list_account_folders(state):
        folders = [folder for folder in find_run_folders(account) if folder.parent == reports.absolute()]
        gone = [folder for folder in folders if not (folder / JOURNAL_NAME).is_file()]
        forget_run_folders(account, gone)


# --- list


def list_runs(reports: Path) -> list[RunLine]:
    """Return all runs of the folder, oldest first, also those that were killed early."""
    lines = [_read_line(path.parent) for path in reports.glob(f"*/{JOURNAL_NAME}")]
    early = {path.parent for path in reports.glob(f"*/{STAGING_NAME}")}
    lines += [
        RunLine(run_id=folder.name, damage=run_messages.KILLED_WHILE_CHECKING)
        for folder in early
        if was_killed_early(folder)
    ]
    return sorted(lines, key=_get_sort_key)


def _get_sort_key(line: RunLine) -> tuple[float, str]:
    """Sort by the moment, whatever the offset of its clock. Runs of unknown time come first."""
    return line.started.timestamp() if line.started else 0.0, line.run_id


def list_metadata(reports: Path) -> Iterator[RunMetadata]:
    """Yield the metadata of the runs that can be read, newest first."""
    paths = sorted(reports.glob(f"*/{JOURNAL_NAME}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in paths:
        if metadata := read_metadata(path.parent):
            yield metadata


def read_metadata(folder: Path) -> RunMetadata | None:
    """Return the metadata of the run in `folder`, or None if they cannot be read; `importer runs` says why."""
    found = peek_run(folder, wait_s=_MAX_WAIT_S)
    return found.metadata if found else None


def count_rows(folder: Path) -> dict[RowStatus, int]:
    """Return the rows of a run by status; nothing if it cannot be read."""
    return _read_line(folder).counts


def _read_line(folder: Path) -> RunLine:
    try:
        with Journal.open_unverified(folder) as journal:
            end, metadata = journal.run.end, journal.metadata
            state = end.state
            if state is RunState.RUNNING and not is_sending(folder):
                state = RunState.INTERRUPTED  # it was killed
            return RunLine(
                run_id=folder.name,
                file=metadata.file,
                started_at=metadata.started_at,
                state=state.value,
                counts=journal.reports.count_by_status(),
                resumable=state in RESUMABLE - {RunState.RUNNING},
                applicable=state in UNSENT,
                undoable=_is_undoable(journal, state),
                kind=metadata.kind,
                parent=metadata.parent,
                undone_at=metadata.undone_at,
                undone_by=metadata.undone_by,
            )
    except DamagedJournalError as error:
        return RunLine(run_id=folder.name, damage=error.message)


def _is_undoable(journal: Journal, state: RunState) -> bool:
    """Return whether a run that has ended, or was stopped, has kept the way back and was not undone yet."""
    is_over = journal.run.end.has_sent and state is not RunState.RUNNING
    return is_over and not journal.metadata.undone_by and not journal.plans.is_empty


def is_sending(folder: Path) -> bool:
    """Return whether a process is sending the rows of the run in `folder` right now."""
    metadata = read_metadata(folder)
    return metadata is not None and is_run_locked(
        folder.parent, folder.name, sha256=metadata.sha256, account=metadata.account
    )
