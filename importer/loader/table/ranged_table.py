"""The table of a text file that is read in ranges: each range gives the rows that reading the whole file gives there."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

from importer.loader.formats.delimited_text import read_records
from importer.loader.formats.dialect import Dialect
from importer.loader.formats.file_kind import FileKind
from importer.loader.formats.text_ranges import RangeEnd, RangeReader, TextRange, find_cuts
from importer.loader.table.table_reader import OpenOptions, Table, TableSteps, build_table
from importer.models.mapping import Notice, NoticeKind
from importer.models.row import SourceRows


class OpenedRange:
    """The rows of one range, and what reading them has shown."""

    def __init__(
        self, reader: RangeReader, blocks: Iterator[SourceRows], steps: TableSteps, notices: list[Notice]
    ) -> None:
        self._reader = reader
        self._blocks = blocks
        self._steps = steps
        self._has_whole_head = (
            reader.end is None
        )  # the first rows, which decide on the headers, end inside the range
        self.notices = notices

    @property
    def end(self) -> RangeEnd:
        """Where the range ends. It is known when all rows were taken."""
        assert self._reader.end is not None
        return self._reader.end

    @property
    def is_plain(self) -> bool:
        """Whether what follows does not depend on these rows."""
        return self._has_whole_head and self._steps.are_untouched

    def read_blocks(self) -> Iterator[SourceRows]:
        """Yield the rows of the range, without those that follow it."""
        reader = self._reader
        for block in self._blocks:
            if reader.end is not None and len(block) and block.numbers[0] > reader.last_number:
                return
            yield block


class RangedTable:
    """A text file whose header and first rows were read once, for all of its ranges."""

    def __init__(self, path: Path, options: OpenOptions, dialect: Dialect) -> None:
        self._path = path
        self._options = options
        self._dialect = dialect
        self._table = self._build(read_records(path, dialect))

    def find_cuts(self, range_bytes: int) -> list[int]:
        """Return where to cut the file into ranges of about so many bytes; none where it must be read as a whole."""
        is_plain = self._get_steps(self._table).are_untouched
        if self._options.header_row is not None or self._table.beside or not is_plain:
            return []
        return find_cuts(self._path, self._dialect, range_bytes)

    def measure_head(self) -> int:
        """Return how many bytes of a file that can be cut were read for its headers and first rows: each range needs them."""
        reader = RangeReader(self._path, self._dialect, TextRange(0, sys.maxsize))
        self._build(reader.read())
        return reader.read_to

    def open(self, part: TextRange) -> OpenedRange:
        """Open one range of the file."""
        reader = RangeReader(self._path, self._dialect, part)
        if not part.start:
            table = self._build(reader.read())
            return OpenedRange(reader, table.blocks, self._get_steps(table), table.notices)
        steps, notices = deepcopy(self._get_steps(self._table)), [*self._table.notices]
        return OpenedRange(reader, steps.read(reader.read(), notices), steps, notices)

    def _build(self, records: Iterator[SourceRows]) -> Table:
        notices = [Notice(NoticeKind.READ, self._dialect.description)]
        return build_table(records, FileKind.CSV, notices, self._options, None)

    @staticmethod
    def _get_steps(table: Table) -> TableSteps:
        assert table.steps is not None
        return table.steps
