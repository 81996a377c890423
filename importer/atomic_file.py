"""Atomic files: written beside their place and moved into it whole, so that nobody ever sees half a file."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EACCES, EBADF, EINVAL
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

_RETRY_FOR_S, _RETRY_STEP_S = 1.0, 0.1
_MAX_ALTERNATIVES = 99
_CANNOT_FSYNC_FOLDERS = frozenset({EBADF, EINVAL})  # what some file systems answer, as PostgreSQL knows too
STAGING_PREFIX, FOLDER_LOCK = ".writing-", ".writing.lock"


def replace_file(
    source: Path,
    target: Path,
    *,
    windows: bool = os.name == "nt",
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Move `source` to `target`, replacing what is there; return `target`. Raises OSError.

    On Windows a virus scanner or an indexer often holds a file for some milliseconds after it was closed, and it
    cannot be moved until they let go. So we try again for a second. A file that is open in Excel stays locked longer.
    """
    if not windows:
        return source.replace(target)
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed  # noqa: PLC0415 - Windows only

    retrying = Retrying(
        retry=retry_if_exception_type(PermissionError),
        wait=wait_fixed(_RETRY_STEP_S),
        stop=stop_after_attempt(round(_RETRY_FOR_S / _RETRY_STEP_S)),
        sleep=sleep,
        reraise=True,
    )
    return retrying(source.replace, target)


def fsync_file(path: Path) -> None:
    """Return once the content of a file is on the disk. Raises OSError."""
    _fsync(path, os.O_RDWR)  # Windows asks for the right to write


def fsync_folders(path: Path) -> None:
    """Return once the name of `path` is on the disk, and that of each folder above it that we may have made. Raises OSError.

    A name is kept by the folder that it is in. A folder that we made is in one that we can write to, so the first one
    that we cannot write to ends the walk. Windows keeps names by itself and has no way to ask for it.
    """
    if os.name != "posix":
        return
    for folder in path.absolute().parents:
        if not os.access(folder, os.W_OK | os.R_OK):
            return
        try:
            _fsync(folder, os.O_RDONLY)
        except OSError as error:
            if error.errno not in _CANNOT_FSYNC_FOLDERS:
                raise


def _fsync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class AtomicFile:
    """A temporary path that is published to `path` when the block ends without an error.

    `published` is where the file is afterwards: see `publish_file`.
    """

    def __init__(self, path: Path) -> None:
        self.published = path
        self._temporary = path.with_name(f".{path.name}.new")

    def __enter__(self) -> Path:
        return self._temporary

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.published = publish_file(self._temporary, self.published)
        else:
            with suppress(OSError):
                self._temporary.unlink()


def publish_file(temporary: Path, path: Path, *, stamp_s: float | None = None) -> Path:
    """Move a complete file to `path`; return where it is now. Raises OSError.

    Windows cannot replace a file that is open in Excel, and we must not replace a file that somebody has edited.
    Then the new file goes beside the old one, as `failed_rows-new.xlsx`. `stamp_s` is the modification time that all
    files of one run get: a file with another time has been edited.
    """
    if stamp_s is not None:
        os.utime(temporary, (stamp_s, stamp_s))
    for target in _list_alternatives(path):
        if not target.exists() or _is_unedited(target, stamp_s, is_first=target == path):
            with suppress(PermissionError):
                return replace_file(temporary, target)
    raise PermissionError(EACCES, "cannot be replaced", str(path))


@contextmanager
def lock_folder(folder: Path, *, wait_s: float = -1) -> Iterator[None]:
    """Keep other processes from writing into `folder` while the block runs. Raises OSError, TimeoutError.

    The operating system holds the lock, so it ends with its process, however that ends. -1 waits for ever.
    """
    from filelock import FileLock  # noqa: PLC0415 - only commands that write need it

    with FileLock(folder / FOLDER_LOCK, timeout=wait_s):
        yield


def is_folder_locked(folder: Path) -> bool:
    """Return whether a process is writing into `folder`. A folder without a lock file stays without one."""
    if not (folder / FOLDER_LOCK).is_file():
        return False
    try:
        with lock_folder(folder, wait_s=0):
            return False
    except TimeoutError:
        return True


@contextmanager
def open_staging_dir(folder: Path) -> Iterator[Path]:
    """Yield a new folder inside `folder` for files that are not complete yet; remove it when the block ends.

    One process at a time has it, so whatever a killed process left behind belongs to nobody and is removed.
    """
    with lock_folder(folder):
        for leftover in folder.glob(f"{STAGING_PREFIX}*/"):
            shutil.rmtree(leftover, ignore_errors=True)
        staging_dir = Path(mkdtemp(prefix=STAGING_PREFIX, dir=folder))
        try:
            yield staging_dir
        finally:
            shutil.rmtree(staging_dir, ignore_errors=True)


def is_published_name(file_name: str, name: str) -> bool:
    """Return whether `publish_file` may have given this name to the file `name`."""
    return any(target.name == file_name for target in _list_alternatives(Path(name)))


def _is_unedited(target: Path, stamp_s: float | None, *, is_first: bool) -> bool:
    return is_first if stamp_s is None else target.stat().st_mtime == stamp_s


def _list_alternatives(path: Path) -> Iterator[Path]:
    """Yield `path` itself, then `NAME-new`, `NAME-new2` and so on."""
    yield path
    yield path.with_name(f"{path.stem}-new{path.suffix}")
    for number in range(2, _MAX_ALTERNATIVES):
        yield path.with_name(f"{path.stem}-new{number}{path.suffix}")
