"""A sheet about to be imported, wherever its rows come from: a file, a DataFrame, an earlier run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Protocol

from importer.journal import RunHeader, StagedRows
from importer.loader.opening import OpenOptions, private_copy
from importer.models import Notice, SourceRow, blocks_of
from importer.settings import Settings
from importer.staging.frames import SAMPLE_ROWS, Done, Opened
from importer.staging.process import ReadingProcess
from importer.staging.recipe import Recipe, judge_rows
from importer.staging.rooms import private_room


class Reader(Protocol):
    """What reads a sheet: `opened` first, `judged` by the batch, `done` at the end."""

    done: Done | None

    @property
    def opened(self) -> Opened:
        """Header and first rows. May have to wait for them, and raise what is wrong with the file."""

    def judged(self, recipe: Recipe) -> Iterator[StagedRows]:
        """Batches of judged rows, in the order of the sheet."""


class Sheet:
    """The rows, with what must be known of where they come from.

    `path` is None where there is no file; `origin` is the run whose rows these are, where that is known.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        file: str,
        sha256: str,
        path: Path | None = None,
        origin: RunHeader | None = None,
    ) -> None:
        self.reader = reader
        self.file = file
        self.sha256 = sha256
        self.path = path
        self.origin = origin

    @property
    def opened(self) -> Opened:
        """Header and first rows. Raises UnreadableFile or UsageError."""
        return self.reader.opened


class RowsReader:
    """Reads rows that are already in this process."""

    def __init__(
        self, headers: Sequence[str], rows: Iterable[SourceRow], notices: Sequence[Notice] = ()
    ) -> None:
        self._rows = iter(rows)
        self._sample = tuple(islice(self._rows, SAMPLE_ROWS))
        self.opened = Opened(tuple(headers), self._sample, tuple(notices))
        self.done: Done | None = None

    def judged(self, recipe: Recipe) -> Iterator[StagedRows]:
        """Batches of judged rows, in order."""
        total = 0
        for batch in judge_rows(blocks_of(chain(self._sample, self._rows)), recipe):
            yield batch
            total += len(batch)
        self.done = Done(total, self.opened.notices)


def open_options(settings: Settings) -> OpenOptions:
    """What the loader must know to open the file."""
    return OpenOptions(
        sheet=settings.sheet,
        header_row=settings.header_row,
        encoding=settings.encoding,
        delimiter=settings.delimiter,
    )


@contextmanager
def open_file(source: Path | BinaryIO, options: OpenOptions) -> Iterator[Sheet]:
    """Open a file, or a stream of CSV, in a reading process. It is read once, from a private copy."""
    with private_room() as room:
        copy, sha256 = private_copy(source, room)
        path = source if isinstance(source, Path) else None
        with ReadingProcess(copy, options) as reader:
            yield Sheet(reader, file=_shown(path) if path else "-", sha256=sha256, path=path)


def _shown(path: Path) -> str:
    """The path as text that can be written everywhere: a name on disk may hold bytes that are no letters."""
    return os.fsencode(path).decode("utf-8", "replace")
