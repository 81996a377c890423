"""The private folder that a sheet is copied into; what killed processes left of theirs is cleared away."""

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

_PREFIX, _LOCK = "importer-", "lock"
_OLD_S = 3600.0
"""A folder that nobody holds may be a minute old and about to be held; one of this age is nobody's."""


@contextmanager
def open_scratch_dir() -> Iterator[Path]:
    """A folder that only this user can read, gone when the block ends. Raises NothingSentError where none can be made.

    While the block runs its lock is held, which goes with the process however that ends: so the next start can
    tell the folder of a living process from that of one that was killed, and what it holds is personal.
    """
    from filelock import FileLock  # noqa: PLC0415 - a sheet that is in memory needs none

    clear_left_behind(time.time())
    room = _make()
    lock = FileLock(room / _LOCK)
    try:
        with suppress(OSError):  # a disk without locks: then this folder stays, should we be killed
            lock.acquire(timeout=0)
        yield room
    finally:
        lock.release()
        shutil.rmtree(room, ignore_errors=True)


def clear_left_behind(now_s: float) -> None:
    """Take away the folders of processes that were killed. `now_s` are seconds since 1970."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for found in entries:
            if found.name.startswith(_PREFIX) and _is_old_and_ours(Path(found.path), now_s):
                _remove_unless_held(Path(found.path))


def _make() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=_PREFIX))
    except OSError as error:
        raise NothingSentError(
            f"No folder for the private copy of the sheet could be made: {error.strerror}.",
            "Make room on the disk, or name another folder for such files by TMPDIR.",
        ) from error


def _is_old_and_ours(folder: Path, now_s: float) -> bool:
    """Whether it is what `open_scratch_dir` makes, of this user, and has been there for long."""
    try:
        found = folder.lstat()
        held = {path.name for path in folder.iterdir()} if stat.S_ISDIR(found.st_mode) else set()
    except OSError:
        return False  # gone in the meantime, or not ours to look into
    is_own = os.name != "posix" or found.st_uid == os.getuid()
    return is_own and _LOCK in held <= {_LOCK, COPY_NAME} and now_s - found.st_mtime > _OLD_S


def _remove_unless_held(folder: Path) -> None:
    from filelock import FileLock  # noqa: PLC0415 - as above

    with suppress(OSError):
        with FileLock(folder / _LOCK, timeout=0):
            pass  # nobody holds it; Windows would not remove a file that we hold ourselves
        shutil.rmtree(folder)
