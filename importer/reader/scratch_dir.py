"""Copy a sheet into a private folder, and remove the folders that killed processes left."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

from importer.errors import NothingSentError, UnreadableFileError
from importer.loader.formats.not_a_sheet import check_is_no_link
from importer.messages import file_messages

_PREFIX, _LOCK, _COPY = "importer-", "lock", "sheet"
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
    return is_own and _LOCK in names <= {_LOCK, _COPY} and now_s - status.st_mtime > _MIN_STALE_AGE_S


def _remove_unless_locked(folder: Path) -> None:
    from filelock import FileLock  # noqa: PLC0415 - as above

    with suppress(OSError):
        with FileLock(folder / _LOCK, timeout=0):
            pass  # no process has it; Windows would not remove a file that we have locked ourselves
        shutil.rmtree(folder)


def copy_to_private_file(source: Path | BinaryIO, folder: Path) -> tuple[Path, str]:
    """Copy a file, or a stream, to a file that only this user can read. Return its path and its SHA-256.

    The copy is what is read, so that a change of the file during the run cannot shift rows.
    """
    copy = folder / _COPY
    digest = hashlib.sha256()
    try:
        with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in _read_chunks(source):
                digest.update(chunk)
                file.write(chunk)
    except OSError as error:
        raise NothingSentError(
            *file_messages.CANNOT_COPY.format(folder=folder, reason=error.strerror)
        ) from error
    return copy, digest.hexdigest()


def _read_chunks(source: Path | BinaryIO) -> Iterator[bytes]:
    """Yield the content of a file or stream. Raises UnreadableFileError where it cannot be read."""
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as stream:
            while chunk := _check_is_bytes(stream.read(1 << 20)):
                yield chunk
    # ValueError: a file name with a NUL, a stream that was closed, or one that does not return bytes.
    except (OSError, ValueError) as error:
        check_is_no_link(str(source))
        reason = (isinstance(error, OSError) and error.strerror) or error
        name = source if isinstance(source, Path) else file_messages.STANDARD_INPUT
        raise UnreadableFileError(
            *file_messages.CANNOT_READ_SOURCE.format(source=name, reason=reason)
        ) from error


def _check_is_bytes(chunk: bytes | str | None) -> bytes:
    """Return what was read. Raises ValueError for text, and for None: a pipe that does not wait for the rest."""
    if chunk is None:
        raise ValueError(file_messages.STREAM_WOULD_BLOCK)
    if isinstance(chunk, str):
        raise ValueError(file_messages.STREAM_OF_TEXT)  # noqa: TRY004 - reported like other faults of a stream
    return chunk
