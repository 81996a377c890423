"""A sheet on its way to a run: its file, and what a person has decided about it so far.

    REPORTS/preparing/RUN_ID/
      preparation.json           what follows, written whole after each decision
      NAME.xlsx            the sheet, if it was uploaded; a file that was named stays where it is

The run gets the id of its preparation. So after a crash nothing is asked again that was answered, and one address shows the sheet
from its first page to its report. `importer purge` removes preparations as it removes runs.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import msgspec

from importer.atomic_file import fsync_file, replace_file
from importer.errors import RunNotFoundError, UnreadableFileError
from importer.messages import run_messages, ui_messages
from importer.pipeline.questions import AnswerKey
from importer.state.disk_errors import translate_write_errors

PREPARATIONS_FOLDER = "preparing"
"""Folder of the reports folder that holds the preparations. No run id may be named like it."""
_FILE = "preparation.json"
_MAX_SUFFIX_CHARS = 20
_MAX_NAME_BYTES = 120  # a name of more than 255 bytes cannot be stored, and a report adds an ending to it
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')  # what Windows refuses, and what ends a folder's name

MAX_UPLOAD_BYTES = 512 << 20
"""A CSV of two million rows has a quarter of that."""


class Preparation(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided about one sheet.

    `file` is its name for people, `path` where it is. `options` are those of the command. `answers` are the answers to
    questions, by their keys. `is_practice`: it goes to the practice CRM. `is_settled`: sheet and columns were confirmed.
    """

    run_id: str
    file: str
    path: str
    started_at: str
    is_practice: bool = False
    is_settled: bool = False
    options: dict[str, Any] = {}
    answers: tuple[tuple[AnswerKey, str | None], ...] = ()

    @property
    def started(self) -> datetime:
        """When the sheet was chosen."""
        return datetime.fromisoformat(self.started_at)

    def change(self, **values: Any) -> Preparation:
        """Return the preparation with other values."""
        return msgspec.structs.replace(self, **values)


class Preparations:
    """The preparations of a reports folder."""

    def __init__(self, reports: Path) -> None:
        self._folder = reports / PREPARATIONS_FOLDER

    def save(self, preparation: Preparation) -> None:
        """Write the preparation whole. Raises DiskWriteError."""
        folder = self._folder / preparation.run_id
        with translate_write_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = folder / f".{_FILE}.new"
            temporary.touch(mode=0o600)
            temporary.write_bytes(msgspec.json.encode(preparation))
            fsync_file(temporary)
            replace_file(temporary, folder / _FILE)

    def find(self, run_id: str) -> Preparation | None:
        """Return a preparation, or None if there is none that can be read."""
        try:
            return msgspec.json.decode((self._folder / run_id / _FILE).read_bytes(), type=Preparation)
        except (OSError, msgspec.MsgspecError):
            return None

    def get(self, run_id: str) -> Preparation:
        """Return a preparation. Raises RunNotFoundError."""
        preparation = self.find(run_id)
        if preparation is None:
            raise RunNotFoundError(
                *run_messages.RUN_NOT_FOUND.format(run=run_id, reports=self._folder.parent)
            )
        return preparation

    def list_all(self) -> Iterator[Preparation]:
        """Yield the preparations, in no order."""
        for path in self._folder.glob(f"*/{_FILE}"):
            if preparation := self.find(path.parent.name):
                yield preparation

    def find_older_than(self, age: timedelta, now: datetime) -> list[str]:
        """Return the ids of the sheets that were chosen longer ago."""
        return [one.name for one in self._folder.glob("*/") if now - self._read_start(one) > age]

    def _read_start(self, folder: Path) -> datetime:
        """Return when a sheet was chosen. An upload that was killed left no preparation: its folder has the time."""
        preparation = self.find(folder.name)
        return preparation.started if preparation else datetime.fromtimestamp(folder.stat().st_mtime, UTC)

    def remove(self, run_id: str) -> None:
        """Remove a preparation with the copy of its sheet."""
        with suppress(OSError):
            shutil.rmtree(self._folder / run_id)

    def make_upload_path(self, run_id: str, name: str) -> Path:
        """Return where the sheet of a new preparation is written. Its folder is made. Raises DiskWriteError."""
        folder = self._folder / run_id
        with translate_write_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / make_safe_name(name)


def make_safe_name(name: str) -> str:
    """Return the name of an uploaded file without folders, and without characters that a disk refuses."""
    base = Path(_UNSAFE.sub("_", name.replace("\\", "/").rpartition("/")[2]).strip(" .") or "sheet")
    if base.name == _FILE:
        return f"sheet-{_FILE}"
    suffix = base.suffix[:_MAX_SUFFIX_CHARS]
    stem = base.stem.encode()[: _MAX_NAME_BYTES - len(suffix.encode())].decode("utf-8", "ignore")
    return f"{stem}{suffix}"


@contextmanager
def open_upload(path: Path, *, max_bytes: int) -> Iterator[UploadedFile]:
    """Make a file for this user alone, to which an upload is written. If the block fails, it is removed.

    Raises DiskWriteError.
    """
    with translate_write_errors(path.parent):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # never another's file
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield UploadedFile(file, max_bytes)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


class UploadedFile:
    """A file that is being uploaded. `size` is the number of bytes so far."""

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        self.size = 0
        self._file = file
        self._max_bytes = max_bytes

    def write(self, chunk: bytes) -> None:
        """Write the next bytes. Raises UnreadableFileError for a file that is too large."""
        self.size += len(chunk)
        if self.size > self._max_bytes:
            raise UnreadableFileError(*ui_messages.UPLOAD_TOO_LARGE.format(limit=self._max_bytes >> 20))
        self._file.write(chunk)
