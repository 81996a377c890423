"""The folder of one run: make it for this process alone, and remove from it what importer made and nothing else."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from importer.atomic_file import FOLDER_LOCK, STAGING_PREFIX, is_folder_locked, is_published_name, lock_folder
from importer.errors import DiskWriteError, UsageError
from importer.journal.database import DATABASE_FILES, JOURNAL_NAME, STAGING_NAME, is_unwritten_journal
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata, peek_run
from importer.messages import planning_messages, run_messages
from importer.report.summary import REPORT_FILES
from importer.settings import Settings
from importer.state.disk_errors import translate_write_errors
from importer.state.run_lock import lock_run

_EARLY_NAMES = DATABASE_FILES | {FOLDER_LOCK}
_MAX_WAIT_S = 0.5  # others take the lock for a moment, to see whether the folder is in use


def make_run_id(started: datetime) -> str:
    """Return an id that sorts by time and does not collide: `20261124-114500-3fa2`."""
    return f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def choose_run_folder(settings: Settings) -> Path:
    """Return the folder of the new run. Raises UsageError if its id is taken."""
    assert settings.run_id is not None
    folder = Path(settings.reports, settings.run_id)
    if os.path.lexists(folder) and not was_killed_early(folder):
        raise _build_taken_error(folder)
    return folder


def was_killed_early(folder: Path) -> bool:
    """Return whether the run in `folder` was killed while its rows were judged: nothing was sent."""
    return not is_folder_locked(folder) and _is_of_early_run(folder)


@contextmanager
def create_journal(folder: Path, metadata: RunMetadata) -> Iterator[Journal]:
    """Create the journal of a new run in its folder, which is locked meanwhile. If the block fails, both are removed.

    Raises UsageError, DiskWriteError.
    """
    with _claim_folder(folder):
        journal = Journal.create(folder, metadata)
        try:
            yield journal
        except BaseException:
            journal.close()
            raise


@contextmanager
def _claim_folder(folder: Path) -> Iterator[None]:
    """Make the folder and lock it. If the block fails, remove it. Raises UsageError if it exists.

    A folder can be made once, so of several commands with one --run-id the first one has it. Only the folder of a run
    that was killed early is used again, by the one that gets its lock.
    """
    with translate_write_errors(folder):
        is_new = _make_folder(folder)
    with ExitStack() as lock:
        _lock_claimed_folder(folder, lock, is_new=is_new)
        try:
            yield
        except BaseException:
            with suppress(OSError):
                remove_own_files(folder)
                lock.close()
                remove_empty_folder(folder)
            raise


def _make_folder(folder: Path) -> bool:
    """Return whether the folder was made: False if it exists."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def _lock_claimed_folder(folder: Path, lock: ExitStack, *, is_new: bool) -> None:
    """Lock the folder until `lock` is closed, and empty it. Raises UsageError if it is not free."""
    if not is_new and not _is_of_early_run(folder):
        raise _build_taken_error(folder)
    with translate_write_errors(folder):
        try:
            lock.enter_context(lock_folder(folder, wait_s=_MAX_WAIT_S if is_new else 0))
        except TimeoutError:
            raise _build_taken_error(folder) from None
        if is_new:
            return
        if not _is_of_early_run(folder) or find_foreign_names(folder):
            raise _build_taken_error(folder)
        remove_own_files(folder)


def _is_of_early_run(folder: Path) -> bool:
    """Return whether the folder is that of a run whose rows are not all judged yet.

    A process that was killed right at the start leaves a database without its metadata.
    """
    if folder.is_symlink() or not folder.is_dir() or (folder / JOURNAL_NAME).exists():
        return False
    if found := peek_run(folder, STAGING_NAME):
        return found.metadata.run_id == folder.name
    try:
        names = {path.name for path in folder.iterdir()}
        return STAGING_NAME in names <= _EARLY_NAMES and is_unwritten_journal(folder / STAGING_NAME)
    except FileNotFoundError:  # the process that has the folder goes on meanwhile: it was not killed
        return False


def _build_taken_error(folder: Path) -> UsageError:
    is_run = peek_run(folder) or is_folder_locked(folder)
    text = run_messages.RUN_ID_TAKEN if is_run else run_messages.FOLDER_TAKEN
    return UsageError(*text.format(run_id=folder.name, reports=folder.parent, folder=folder))


# --- remove


def discard_run(folder: Path) -> None:
    """Remove a run that has sent nothing, so that its sheet can be judged again under the same id.

    Raises DiskWriteError if one of its reports is open.
    """
    try:
        with lock_folder(folder):
            remove_own_files(folder)
        remove_empty_folder(folder)
    except OSError as error:
        text = run_messages.CANNOT_DISCARD.format(path=error.filename or folder, reason=error.strerror)
        raise DiskWriteError(*text) from error


def discard_unsent_run(folder: Path) -> None:
    """Remove a run that waits to be sent. Raises RunLockedError if a command works with it, UsageError if it was sent.

    A command that asks before it sends holds the lock: without its journal, nobody would know what it has sent.
    """
    run = peek_run(folder)
    if run is None:
        return
    with lock_run(folder.parent, folder.name, sha256=run.metadata.sha256, account=run.metadata.account):
        run = peek_run(folder)
        if run is not None and run.end.has_sent:
            raise UsageError(*planning_messages.ALREADY_SENT.format(run=folder.name))
        discard_run(folder)


def find_foreign_names(folder: Path) -> list[str]:
    """Return what lies in the folder of a run and was not made by importer, by name. A link is not ours."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if not _is_own(entry))


def remove_own_files(folder: Path) -> None:
    """Remove what importer made in the folder of a run. Raises OSError.

    The journal goes last: without it, nobody could tell that the other files are ours.
    """
    with os.scandir(folder) as entries:
        own = sorted(filter(_is_own, entries), key=lambda entry: entry.name in DATABASE_FILES)
    for entry in own:
        if entry.is_dir(follow_symlinks=False):
            for inner in Path(entry.path).iterdir():
                inner.unlink()
            Path(entry.path).rmdir()
        elif entry.name != FOLDER_LOCK:
            Path(entry.path).unlink()


def remove_empty_folder(folder: Path) -> None:
    """Remove a folder in which nothing but its lock is left. Raises OSError."""
    (folder / FOLDER_LOCK).unlink(missing_ok=True)
    folder.rmdir()


def _is_own(entry: os.DirEntry[str]) -> bool:
    if entry.is_dir(follow_symlinks=False):
        with os.scandir(entry.path) as inner:
            return entry.name.startswith(STAGING_PREFIX) and all(map(_is_plain_file, inner))
    return _is_plain_file(entry) and (
        entry.name in {FOLDER_LOCK, *DATABASE_FILES}
        or any(is_published_name(entry.name, name) for name in REPORT_FILES)
    )


def _is_plain_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)
