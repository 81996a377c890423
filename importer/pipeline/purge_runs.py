"""Remove old runs and the personal data in them: files of importer in folders that are surely its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from importer.atomic_file import lock_folder
from importer.errors import DiskWriteError
from importer.journal.database import JOURNAL_NAME, STAGING_NAME
from importer.messages import run_messages
from importer.pipeline.reports_folder import RunLine, is_sending, list_runs, read_metadata
from importer.pipeline.run_folder import (
    find_foreign_names,
    remove_empty_folder,
    remove_own_files,
    was_killed_early,
)


class KeptFolder(NamedTuple):
    """A folder that looks like a run and was not removed, and why."""

    folder: Path
    reason: str


class OldRuns(NamedTuple):
    """The runs that may be purged, and the folders that look like old runs and may not."""

    runs: list[RunLine]
    kept: list[KeptFolder]


class PurgeResult(NamedTuple):
    """The ids of the runs that were removed, the names of other files by the folder they are left in, and runs in use."""

    removed: list[str]
    left: dict[Path, list[str]]
    in_use: int


def find_old_runs(reports: Path, older_than: timedelta, now: datetime) -> OldRuns:
    """Return the runs that started longer ago.

    A folder is a run's own if its journal says so: it can be read, and it has the run id that is the folder's name.
    Another folder stays, whatever lies in it. Its age is that of its file: it started no later than the last write.
    """
    old = OldRuns([], [])
    for line in list_runs(reports):
        folder = reports / line.run_id
        if now - (line.started or _read_change_time(folder)) <= older_than:
            continue
        if reason := _find_reason_to_keep(folder):
            old.kept.append(KeptFolder(folder, reason))
        else:
            old.runs.append(line)
    return old


def _find_reason_to_keep(folder: Path) -> str:
    if folder.is_symlink():
        return run_messages.KEPT_LINK
    if was_killed_early(folder):
        return ""
    metadata = read_metadata(folder)
    if metadata is None:
        return run_messages.KEPT_UNREADABLE
    is_own = metadata.run_id == folder.name
    return "" if is_own else run_messages.KEPT_OTHER_RUN.format(run_id=metadata.run_id)


def _read_change_time(folder: Path) -> datetime:
    files = [folder / name for name in (JOURNAL_NAME, STAGING_NAME) if (folder / name).is_file()]
    # Not the folder's own time: SQLite creates files beside the journal even to read it.
    return datetime.fromtimestamp((files or [folder])[0].stat().st_mtime, UTC)


def purge(reports: Path, lines: Sequence[RunLine]) -> PurgeResult:
    """Remove what importer made in the folders of runs. A run that is sending stays, and so do files of others.

    The ledger of notes stays too: it holds fingerprints, so that no note is sent twice. Raises DiskWriteError if a file
    is in use.
    """
    removed: list[str] = []
    left: dict[Path, list[str]] = {}
    for line in lines:
        folder = reports / line.run_id
        if is_sending(folder):
            continue
        try:
            names = _remove_run(folder)
        except TimeoutError:
            continue
        except OSError as error:
            text = run_messages.CANNOT_PURGE.format(path=error.filename or folder, reason=error.strerror)
            raise DiskWriteError(*text) from error
        removed.append(line.run_id)
        if names:
            left[folder] = names
    return PurgeResult(removed, left, in_use=len(lines) - len(removed))


def _remove_run(folder: Path) -> list[str]:
    """Remove a run, and return the names of what is left. Raises OSError, TimeoutError."""
    with lock_folder(folder, wait_s=0):
        foreign = find_foreign_names(folder)
        remove_own_files(folder)
    if not foreign:
        remove_empty_folder(folder)
    return foreign
