"""Files are written beside their place and moved into it, so that no half file is ever seen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

from filelock import FileLock

from importer.moving import moved

_MOST_ASIDE = 99
_ROOM, _LOCK = ".writing-", ".writing.lock"


class Placing:
    """A temporary path that takes its place when the block ends well; `placed` says where it came to lie."""

    def __init__(self, path: Path) -> None:
        self.placed = path
        self._temporary = path.with_name(f".{path.name}.new")

    def __enter__(self) -> Path:
        return self._temporary

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.placed = put_in_place(self._temporary, self.placed)
        else:
            with suppress(OSError):
                self._temporary.unlink()


def put_in_place(temporary: Path, path: Path, *, stamp_s: float | None = None) -> Path:
    """Move a whole file to `path`; answers with where it lies now. Raises OSError.

    A file that somebody has open in Excel cannot be replaced on Windows, and one that somebody has worked in must
    not be: then the new one lies beside it, as `failed_rows-new.xlsx`. `stamp_s` is the time of change that the
    files of one run are given: one with another time has been worked in.
    """
    if stamp_s is not None:
        os.utime(temporary, (stamp_s, stamp_s))
    for place in _places(path):
        if not place.exists() or _is_ours(place, stamp_s, first=place == path):
            with suppress(PermissionError):
                return moved(temporary, place)
    raise PermissionError(EACCES, "cannot be replaced", str(path))


@contextmanager
def writing_room(folder: Path) -> Iterator[Path]:
    """A folder inside `folder` to write files in before they are moved; it is gone when the block ends.

    One process at a time has it, so what a killed one left behind is nobody's and is cleared away.
    """
    with FileLock(folder / _LOCK):
        for left in folder.glob(f"{_ROOM}*/"):
            shutil.rmtree(left, ignore_errors=True)
        room = Path(mkdtemp(prefix=_ROOM, dir=folder))
        try:
            yield room
        finally:
            shutil.rmtree(room, ignore_errors=True)


def _is_ours(place: Path, stamp_s: float | None, *, first: bool) -> bool:
    return first if stamp_s is None else place.stat().st_mtime == stamp_s


def _places(path: Path) -> Iterator[Path]:
    yield path
    yield path.with_name(f"{path.stem}-new{path.suffix}")
    for number in range(2, _MOST_ASIDE):
        yield path.with_name(f"{path.stem}-new{number}{path.suffix}")
