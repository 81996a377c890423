"""Files are written beside their place and moved into it, so that no half file is ever seen."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType


class Placing:
    """A temporary path that takes its place when the block ends well.

    A file that somebody has open in Excel cannot be replaced on Windows: then the new one lies beside it, and
    `placed` says where.
    """

    def __init__(self, path: Path) -> None:
        self.placed = path
        self._temporary = path.with_name(f".{path.name}.new")

    def __enter__(self) -> Path:
        return self._temporary

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with suppress(OSError):
                self._temporary.unlink()
            return
        try:
            self._temporary.replace(self.placed)
        except PermissionError:
            self.placed = self.placed.with_name(f"{self.placed.stem}-new{self.placed.suffix}")
            self._temporary.replace(self.placed)
