"""A sheet to import, wherever its rows come from: a file, a DataFrame, an earlier run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Protocol

from importer.journal.run_metadata import RunMetadata
from importer.journal.staging import StagedRows
from importer.loader.table.table_reader import OpenOptions
from importer.models.mapping import Notice
from importer.models.row import SourceRow, split_into_blocks
from importer.reader.parallel_client import LocalPlaces, ParallelClient
from importer.reader.protocol import SAMPLE_ROWS, ReadEnd, SheetPreview, WorkbookPreview
from importer.reader.range_places import RangePlaces
from importer.reader.row_processor import ProcessorConfig, RowProcessor
from importer.reader.scratch_dir import copy_to_private_file, open_scratch_dir
from importer.reader.worker_client import WorkerClient
from importer.settings import Settings
from importer.untrusted_text import format_path


class Reader(Protocol):
    """Reads a sheet: `preview` first, then `judge` batch by batch; `end` is set after the last one."""

    end: ReadEnd | None

    @property
    def opened(self) -> WorkbookPreview:
        """The sheets that may be read, each by itself."""

    @property
    def workbook(self) -> WorkbookPreview:
        """Those of the opened sheets that are read."""

    def choose_sheets(self, names: Sequence[str]) -> None:
        """Read only these of the opened sheets, from now on."""

    @property
    def preview(self) -> SheetPreview:
        """Header and first rows. May wait for them, and raise what is wrong with the file."""

    def judge(self, config: ProcessorConfig) -> Iterator[StagedRows]:
        """Yield batches of judged rows, in the order of the sheet. It can be called again, to judge all rows again."""


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

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sheets, if several are read; for the rows of an earlier run, those of that run."""
        names = tuple(sheet.name for sheet in self.reader.workbook.sheets)
        own = self.origin.sheets if self.origin is not None else ()
        return names if len(names) > 1 else own

    @property
    def is_empty(self) -> bool:
        """Whether there is no row below the header."""
        return not self.preview.sample


class InMemoryReader:
    """Reads rows that are already in this process. To judge them again, `rows` must be able to start again."""

    def __init__(
        self, headers: Sequence[str], rows: Iterable[SourceRow], notices: Sequence[Notice] = ()
    ) -> None:
        self._all_rows = rows
        self._rest = iter(rows)
        self._sample = tuple(islice(self._rest, SAMPLE_ROWS))
        self.preview = SheetPreview(tuple(headers), self._sample, tuple(notices))
        self.end: ReadEnd | None = None

    @property
    def opened(self) -> WorkbookPreview:
        """The rows, as the only sheet."""
        return WorkbookPreview((self.preview,), ())

    @property
    def workbook(self) -> WorkbookPreview:
        """The rows, as the only sheet."""
        return self.opened

    def choose_sheets(self, names: Sequence[str]) -> None:
        """Do nothing: there is one sheet."""

    def judge(self, config: ProcessorConfig) -> Iterator[StagedRows]:
        """Yield batches of judged rows, in order."""
        rows = chain(self._sample, self._rest) if self.end is None else self._start_again()
        total = 0
        for batch in RowProcessor(config).process(split_into_blocks(rows)):
            yield batch
            total += len(batch)
        self.end = ReadEnd(total, self.preview.notices)

    def _start_again(self) -> Iterator[SourceRow]:
        rows = iter(self._all_rows)
        if rows is self._all_rows:
            raise ValueError("these rows can be read only once")
        return rows


def make_open_options(settings: Settings, *, asks: bool = False) -> OpenOptions:
    """Return what the loader must know to open the file. `asks`: a person can choose among its sheets."""
    return OpenOptions(
        sheets=settings.sheet,
        header_row=settings.header_row,
        encoding=settings.encoding,
        delimiter=settings.delimiter,
        surveys_sheets=asks and not settings.sheet,
    )


@contextmanager
def open_file(
    source: Path | BinaryIO, options: OpenOptions, places: RangePlaces | None = None
) -> Iterator[Sheet]:
    """Open a file, or a stream of CSV, in a reading process. It is read once, from a private copy.

    A large CSV is judged in other `places` too: in processes of this computer, unless others are given.
    """
    with open_scratch_dir() as folder:
        copy, sha256 = copy_to_private_file(source, folder)
        if not isinstance(source, Path):  # a stream is read in order, as it came
            with WorkerClient(copy, options) as reader:
                yield Sheet(reader, file="-", sha256=sha256)
            return
        with ParallelClient(copy, options, places or LocalPlaces()) as parallel:
            yield Sheet(parallel, file=format_path(source), sha256=sha256, path=source)
