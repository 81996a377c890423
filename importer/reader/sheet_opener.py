"""Open the sheets of a file: their first rows for a preview, then all rows of those that were chosen, as one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from importer.errors import UnreadableFileError, UsageError
from importer.loader.formats.text_ranges import TextRange
from importer.loader.table.ranged_table import RangedTable
from importer.loader.table.table_reader import OpenOptions, SourceFile
from importer.messages import file_messages
from importer.models.mapping import Notice
from importer.models.row import BLOCK_ROWS, SourceRows
from importer.models.status import is_report_header
from importer.reader.combine_sheets import SheetCombiner, combine_headers, describe_choice, name_notices
from importer.reader.protocol import SAMPLE_ROWS, Cuts, SheetPreview, WorkbookPreview
from importer.reader.restore_sheet import restore_table


class OpenedSheet(NamedTuple):
    """A sheet whose first rows were read: its preview, all of its rows, and notices that grow while they are taken.

    `beside` are the names of the tables that are side by side in it. Each of them is then a sheet of its own here.
    """

    preview: SheetPreview
    blocks: Iterator[SourceRows]
    notices: list[Notice]
    beside: tuple[str, ...] = ()


class SheetOpener:
    """Opens the sheets of one file."""

    def __init__(self, path: Path, options: OpenOptions) -> None:
        self._path = path
        self._options = options
        self._file = SourceFile(path, options)
        self._named = options.sheets
        self._kept: dict[str, OpenedSheet] = {}
        self._beside: dict[str, tuple[str, ...]] = {}
        self._headers: dict[str, tuple[str, ...]] = {}
        self._chosen: Sequence[str] = ()
        self._read: list[OpenedSheet] = []

    def preview(self) -> WorkbookPreview:
        """Return the previews of the sheets that may be read. Only the first stays open: all could fill the memory."""
        previews = []
        for sheet in self._open_sheets():
            if not self._kept:
                self._kept[sheet.preview.name] = sheet
            self._headers[sheet.preview.name] = sheet.preview.headers
            previews.append(sheet.preview)
        return WorkbookPreview(tuple(previews), self._list_all_sheets())

    def _open_sheets(self) -> Iterator[OpenedSheet]:
        """Yield each sheet. One that cannot be read is left out, unless it was named or is the only one."""
        first_error: UnreadableFileError | UsageError | None = None
        for name in self._file.sheets:
            try:
                yield from self._open_tables(name)
            except (UnreadableFileError, UsageError) as error:
                if len(self._file.sheets) > 1 and not self._file.takes_all:
                    message = file_messages.IN_SHEET.format(sheet=name, message=error.message)
                    raise type(error)(message, error.advice) from error
                first_error = first_error or error
        if first_error is not None and not self._headers:
            raise first_error

    def _open_tables(self, sheet: str) -> Iterator[OpenedSheet]:
        """Yield the sheet, or each of the tables that are side by side in it: those that were named, else all of them."""
        first = self._open(sheet)
        self._beside[sheet] = first.beside
        named = [name for name in first.beside if name in self._named]
        chosen = first.beside if sheet in self._named or not named else named
        if first.preview.name in (*chosen, sheet):
            yield first
        yield from (self._open(name, sheet) for name in chosen if name != first.preview.name)

    def _open(self, name: str, sheet: str | None = None) -> OpenedSheet:
        """Open a sheet, or one of the tables side by side in `sheet`.

        One of up to two blocks is read to its end: its last notices are in the preview.
        """
        table = self._file.open(name)
        beside = tuple(one.name for one in table.beside)
        is_own_report = is_report_header(table.headers)
        headers, blocks = restore_table(table) if is_own_report else (table.headers, table.blocks)
        begun: list[SourceRows] = []
        while sum(map(len, begun)) <= 2 * BLOCK_ROWS and (block := next(blocks, None)) is not None:
            begun.append(block)
        sample = tuple(islice(chain.from_iterable(begun), SAMPLE_ROWS))
        preview = SheetPreview(
            headers,
            sample,
            tuple(table.notices),
            is_own_report,
            name=(*beside, name)[0],
            sheet=name if sheet is None else sheet,
            is_one_of_several=len(self._file.sheets) > 1 or bool(beside) or sheet is not None,
            kind=table.kind,
            top_rows=table.top_rows,
            header_number=table.header_number,
        )
        return OpenedSheet(preview, chain(begun, blocks), table.notices, beside)

    def read_rows(self, names: Sequence[str]) -> Iterator[SourceRows]:
        """Yield the rows of the chosen sheets, one sheet after another."""
        self._chosen = names
        union = combine_headers(self._headers[name] for name in names)
        for position, name in enumerate(names, 1):
            sheet = self._kept.pop(name, None) or self._open(name)
            self._read.append(sheet)
            if len(names) == 1:
                yield from sheet.blocks
            else:
                combiner = SheetCombiner(sheet.preview.headers, union, name, position)
                yield from map(combiner.combine, sheet.blocks)

    def find_cuts(self, range_bytes: int) -> Cuts:
        """Return where to cut a text file into ranges of about so many bytes; nowhere if it must be read as a whole."""
        opened = next(iter(self._kept.values()), None)
        if not self._file.is_text or opened is None or opened.beside or opened.preview.is_own_report:
            return Cuts((), None, 0)
        offsets = self._ranged.find_cuts(range_bytes)
        return Cuts(tuple(offsets), self._file.dialect, self._ranged.measure_head() if offsets else 0)

    def read_rest(self, rest: TextRange) -> Iterator[SourceRows]:
        """Yield the rows of the rest of a text file. Its notices are then those of the whole file."""
        opened = self._ranged.open(rest)
        first = next(iter(self._kept.values()))
        self._chosen = (first.preview.name,)
        self._read = [first._replace(notices=opened.notices)]
        yield from opened.read_blocks()

    @cached_property
    def _ranged(self) -> RangedTable:
        return RangedTable(self._path, self._options, self._file.dialect)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What was found in the sheets of which rows were read so far."""
        of_sheets = [name_notices(sheet.preview.name, sheet.notices) for sheet in self._read]
        if len(self._chosen) == 1:
            of_sheets = [iter(sheet.notices) for sheet in self._read]
        return (*describe_choice(self._chosen, self._list_all_sheets()), *chain.from_iterable(of_sheets))

    def _list_all_sheets(self) -> tuple[str, ...]:
        """Return the names of all that could be read: sheets of the workbook, and tables side by side."""
        sheets = self._file.all_sheets or [name for name in self._file.sheets if self._beside.get(name)]
        return tuple(one for name in sheets for one in self._beside.get(name) or (name,))
