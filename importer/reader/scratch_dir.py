"""Make the private folder that a sheet is copied into, and remove the folders that killed processes left."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from importer.errors import NothingSentError
from importer.loader.table.table_reader import COPY_NAME
from importer.messages import file_messages

_PREFIX, _LOCK = "importer-", "lock"
_MIN_STALE_AGE_S = 3600.0  # a newer folder without a lock may be one that another process has just made


@contextmanager
def open_scratch_dir() -> Iterator[Path]:
    """Make a folder that only this user can read, and remove it at the end of the block.

    The process keeps a lock in it, which the system releases however the process ends. So the next start can
    distinguish the folder of a running process from that of a killed one, and remove the personal data in it.
    Raises NothingSentError where no folder can be made.
    """
    from filelock import FileLock  # noqa: PLC0415 - a sheet that is in memory needs none

    remove_stale_dirs(time.time())
    folder = _make_dir()
    lock = FileLock(folder / _LOCK)
    try:
        with suppress(OSError):  # a disk without locks: then this folder stays if we are killed
            lock.acquire(timeout=0)
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale_dirs(now_s: float) -> None:
    """Remove the folders of processes that were killed; `now_s` is in seconds since 1970."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and _is_stale_scratch_dir(Path(entry.path), now_s):
                _remove_unless_locked(Path(entry.path))


def _make_dir() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=_PREFIX))
    except OSError as error:
        raise NothingSentError(*file_messages.NO_SCRATCH_DIR.format(reason=error.strerror)) from error


def _is_stale_scratch_dir(folder: Path, now_s: float) -> bool:
    """Return whether `open_scratch_dir` made the folder for this user, long ago."""
    try:
        status = folder.lstat()
        names = {path.name for path in folder.iterdir()} if stat.S_ISDIR(status.st_mode) else set()
    except OSError:
        return False  # removed in the meantime, or not readable for us
    is_own = os.name != "posix" or status.st_uid == os.getuid()
    return is_own and _LOCK in names <= {_LOCK, COPY_NAME} and now_s - status.st_mtime > _MIN_STALE_AGE_S


def _remove_unless_locked(folder: Path) -> None:
    from filelock import FileLock  # noqa: PLC0415 - as above

    with suppress(OSError):
        with FileLock(folder / _LOCK, timeout=0):
            pass  # no process has it; Windows would not remove a file that we have locked ourselves
        shutil.rmtree(folder)
