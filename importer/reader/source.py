"""A sheet to import, wherever its rows come from (a file, a DataFrame, an earlier run), and the private folder for a file.

A file is copied into the folder, and read there. Folders that killed processes left are removed at the next start.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Protocol

from importer.errors import NothingSentError
from importer.journal.run_metadata import RunMetadata
from importer.journal.staging import StagedRows
from importer.loader.table.table_reader import COPY_NAME, OpenOptions, copy_to_private_file
from importer.messages import file_messages
from importer.models.mapping import Notice
from importer.models.row import SourceRow, split_into_blocks
from importer.reader.protocol import SAMPLE_ROWS, ReadEnd, SheetPreview
from importer.reader.row_processor import ProcessorConfig, RowProcessor
from importer.reader.worker_client import WorkerClient
from importer.settings import Settings

_PREFIX, _LOCK = "importer-", "lock"
_MIN_STALE_AGE_S = 3600.0  # a newer folder without a lock may be one that another process has just made


class Reader(Protocol):
    """Reads a sheet: `preview` first, then `judge` batch by batch; `end` is set after the last one."""

    end: ReadEnd | None

    @property
    def preview(self) -> SheetPreview:
        """Header and first rows. May wait for them, and raise what is wrong with the file."""

    def judge(self, config: ProcessorConfig) -> Iterator[StagedRows]:
        """Yield batches of judged rows, in the order of the sheet."""


class Sheet:
    """The rows of a sheet, and where they come from.

    `path` is None where there is no file; `origin` is the run that these rows come from, if that is known.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        file: str,
        sha256: str,
        path: Path | None = None,
        origin: RunMetadata | None = None,
    ) -> None:
        self.reader = reader
        self.file = file
        self.sha256 = sha256
        self.path = path
        self.origin = origin

    @property
    def preview(self) -> SheetPreview:
        """Header and first rows. Raises UnreadableFileError or UsageError."""
        return self.reader.preview


class InMemoryReader:
    """Reads rows that are already in this process."""

    def __init__(
        self, headers: Sequence[str], rows: Iterable[SourceRow], notices: Sequence[Notice] = ()
    ) -> None:
        self._rows = iter(rows)
        self._sample = tuple(islice(self._rows, SAMPLE_ROWS))
        self.preview = SheetPreview(tuple(headers), self._sample, tuple(notices))
        self.end: ReadEnd | None = None

    def judge(self, config: ProcessorConfig) -> Iterator[StagedRows]:
        """Yield batches of judged rows, in order."""
        total = 0
        for batch in RowProcessor(config).process(split_into_blocks(chain(self._sample, self._rows))):
            yield batch
            total += len(batch)
        self.end = ReadEnd(total, self.preview.notices)


def make_open_options(settings: Settings) -> OpenOptions:
    """Return what the loader must know to open the file."""
    return OpenOptions(
        sheet=settings.sheet,
        header_row=settings.header_row,
        encoding=settings.encoding,
        delimiter=settings.delimiter,
    )


@contextmanager
def open_file(source: Path | BinaryIO, options: OpenOptions) -> Iterator[Sheet]:
    """Open a file, or a stream of CSV, in a reading process. It is read once, from a private copy."""
    with open_scratch_dir() as folder:
        copy, sha256 = copy_to_private_file(source, folder)
        path = source if isinstance(source, Path) else None
        with WorkerClient(copy, options) as reader:
            yield Sheet(reader, file=_format_path(path) if path else "-", sha256=sha256, path=path)


def _format_path(path: Path) -> str:
    """Return the path as text that can be written everywhere: a name on disk may have bytes that are not text."""
    return os.fsencode(path).decode("utf-8", "replace")


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
