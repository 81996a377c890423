"""Read workbooks row by row as the spreadsheet shows them: calamine reads most, openpyxl streams the largest."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from importer.errors import UnreadableFileError, UsageError
from importer.issues import find_unreadable_rows
from importer.loader.formats.file_kind import FileKind
from importer.loader.formats.number_formats import format_value
from importer.loader.formats.ods_reader import list_ods_sheets, read_ods_rows
from importer.loader.formats.sheet_metadata import MergedArea, RowMetadata, to_merged_areas
from importer.loader.formats.xls_metadata import check_xls_size, is_password_protected, read_xls_row_metadata
from importer.loader.formats.xlsb_metadata import read_xlsb_merged_areas, read_xlsb_row_metadata
from importer.loader.formats.xlsx_metadata import (
    SheetPart,
    can_openpyxl_read,
    find_sheet_part,
    read_xlsx_merged_areas,
    read_xlsx_row_metadata,
)
from importer.loader.formats.zip_safety import DAMAGED_FILE_ERRORS, check_archive
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind
from importer.models.row import BLOCK_ROWS, SourceRows
from importer.models.status import LISTS_SHEET, ROWS_SHEET

# _x000D_ stands for a character that XML cannot contain; _xD83D_ would be half a character, so it is text.
_XML_ESCAPE = re.compile("_x((?![dD][89A-Fa-f])[0-9A-Fa-f]{4})_")
_NO_MORE = (1 << 62, RowMetadata())
_MAX_CELLS_IN_MEMORY = 30_000_000  # cells, empty ones too, that calamine may keep in memory
# Larger sheet XML (unpacked) is streamed: slower, but memory stays flat.
_MAX_SHEET_BYTES_IN_MEMORY = 150 * 1024**2
ALL_SHEETS = "all"
"""What `--sheet` takes for every visible sheet."""
_MAX_METADATA_AHEAD = 50_000  # rows whose metadata is kept while calamine loads the sheet: some 20 MB


class Worksheet(msgspec.Struct):
    """One sheet: its rows as texts, in blocks, and the notices about it.

    `merged` are the cells merged over several rows; they are added while the rows are read.
    """

    name: str
    blocks: Iterator[SourceRows]
    notices: list[Notice]
    merged: deque[MergedArea]


class _ValueBlock(NamedTuple):
    """A block of rows with the values of their cells, and the metadata of some of them by row number."""

    numbers: Sequence[int]
    cells: Sequence[list[Any]]
    metadata: dict[int, RowMetadata]


class Workbook:
    """An opened workbook. Each sheet is read when it is opened. Raises UnreadableFileError.

    `named_sheets` are its sheets with cells, without the hidden one that holds the lists of our own workbooks.
    """

    def __init__(self, path: Path, kind: FileKind) -> None:
        self._path = path
        self._kind = kind
        with _raise_as_unreadable():
            check_xls_size(path) if kind is FileKind.XLS else check_archive(path)
            self._book = None if kind is FileKind.ODS else _open_with_calamine(path, kind)
            sheets = list_ods_sheets(path) if self._book is None else _list_sheets(self._book)
        if not sheets:
            raise UnreadableFileError(*file_messages.NO_SHEET_OF_CELLS)
        self._names = [*sheets]
        self._visible = [name for name, visible in sheets.items() if visible]
        self.named_sheets = [name for name, visible in sheets.items() if visible or name != LISTS_SHEET]

    def choose_sheets(self, chosen: Sequence[str]) -> list[str]:
        """Return the sheets that `--sheet` names or numbers, else the first visible one. Raises UsageError."""
        if not chosen:
            return [*self._visible, *self._names][:1]
        return list(dict.fromkeys(name for one in chosen for name in self._find_sheets(one)))

    def _find_sheets(self, chosen: str) -> list[str]:
        names = self._names
        if chosen in names:
            return [chosen]
        if ROWS_SHEET in names:
            return [ROWS_SHEET]  # the option was about the sheet that this report of ours was made from
        if chosen == ALL_SHEETS:
            return self._visible or names
        if chosen.isdigit() and 1 <= int(chosen) <= len(names):
            return [names[int(chosen) - 1]]
        listed = file_messages.list_sheet_names(names)
        raise UsageError(*file_messages.NO_SUCH_SHEET.format(sheet=chosen, sheets=listed))

    def open_sheet(self, name: str) -> Worksheet:
        """Open a sheet. Its rows are read while they are taken."""
        notices: list[Notice] = []
        merged: deque[MergedArea] = deque()
        values = _read_value_blocks(self._path, self._kind, self._book, name, merged)
        return Worksheet(name, _format_blocks(values, notices), notices, merged)


@contextmanager
def _raise_as_unreadable() -> Iterator[None]:
    """Raise UnreadableFileError for whatever a damaged workbook makes its readers raise."""
    try:
        yield
    except DAMAGED_FILE_ERRORS as error:
        raise UnreadableFileError(*file_messages.UNREADABLE_WORKBOOK) from error


def _open_with_calamine(path: Path, kind: FileKind) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError  # noqa: PLC0415 - workbooks only

    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise UnreadableFileError(*file_messages.PASSWORD_PROTECTED) from error
    except CalamineError as error:
        # calamine knows an encrypted .xls by its suffix only, and our private copy has none.
        if kind is FileKind.XLS and is_password_protected(path):
            raise UnreadableFileError(*file_messages.PASSWORD_PROTECTED) from error
        raise UnreadableFileError(*file_messages.UNREADABLE_WORKBOOK) from error


def _list_sheets(book: Any) -> dict[str, bool]:
    """Return the names of the sheets with cells, each with whether it is visible."""
    return {
        sheet.name: str(sheet.visible).endswith(".Visible")
        for sheet in book.sheets_metadata
        if "WorkSheet" in str(sheet.typ)
    }


def _read_value_blocks(
    path: Path, kind: FileKind, book: Any, name: str, merged: deque[MergedArea]
) -> Iterator[_ValueBlock]:
    """Yield the rows of a sheet with their metadata, by the reader that suits the format and the size."""
    with _raise_as_unreadable():
        match kind:
            case FileKind.ODS:
                yield from _group_into_blocks(read_ods_rows(path, name, merged))
            case FileKind.XLS:
                yield from _attach_metadata(
                    *_load_sheet(book, name, merged, read_xls_row_metadata(path, name))
                )
            case FileKind.XLSB:
                areas = read_xlsb_merged_areas(path, name)
                rows, metadata = _load_sheet(book, name, merged, read_xlsb_row_metadata(path, name))
                merged.extend(areas)
                yield from _attach_metadata(rows, metadata)
            case FileKind.XLSX | FileKind.CSV | FileKind.VCF:
                part = find_sheet_part(path, name)
                metadata = read_xlsx_row_metadata(path, part.name)
                if _is_too_large_for_memory(part) and can_openpyxl_read(path):
                    merged.extend(read_xlsx_merged_areas(path, part.name))
                    yield from _attach_metadata(_stream_rows(path, name), metadata)
                else:
                    yield from _attach_metadata(*_load_sheet(book, name, merged, metadata))


def _is_too_large_for_memory(part: SheetPart) -> bool:
    """Return whether calamine, which stores every cell up to the last one, would need too much memory."""
    return part.size_bytes > _MAX_SHEET_BYTES_IN_MEMORY or part.rows * part.columns > _MAX_CELLS_IN_MEMORY


def _group_into_blocks(rows: Iterator[tuple[int, list[Any], RowMetadata | None]]) -> Iterator[_ValueBlock]:
    while block := list(islice(rows, BLOCK_ROWS)):
        metadata = {number: found for number, _, found in block if found is not None}
        yield _ValueBlock([number for number, _, _ in block], [cells for _, cells, _ in block], metadata)


def _attach_metadata(
    rows: Iterator[list[Any]], metadata: Iterator[tuple[int, RowMetadata]]
) -> Iterator[_ValueBlock]:
    """Yield all rows from the first with their metadata; both come from top to bottom.

    A row of formulas without a value has only metadata: calamine does not see it at the end of a sheet.
    """
    last = 0
    number, found = next(metadata, _NO_MORE)
    while cells := list(islice(rows, BLOCK_ROWS)):
        block = _ValueBlock(range(last + 1, last + 1 + len(cells)), cells, {})
        last = block.numbers[-1]
        while number <= last:
            block.metadata[number] = found
            number, found = next(metadata, _NO_MORE)
        yield block
    while number < _NO_MORE[0]:
        if found.has_value:
            raise ValueError(number)  # the reader stopped before the end of the sheet
        yield _ValueBlock([number], [[]], {number: found})
        number, found = next(metadata, _NO_MORE)


def _format_blocks(blocks: Iterator[_ValueBlock], notices: list[Notice]) -> Iterator[SourceRows]:
    """Yield the rows as texts; at the end, add a notice that names the hidden rows."""
    hidden: list[int] = []
    for numbers, values, metadata in blocks:
        if not metadata:
            cells = list(map(_format_row, values))
        else:
            rows = [(number, row, metadata.get(number)) for number, row in zip(numbers, values, strict=True)]
            cells = [
                _format_row_with_metadata(row, found) if found else _format_row(row) for _, row, found in rows
            ]
            hidden += [
                number for number, row, found in rows if found and found.is_hidden and _has_any(row, found)
            ]
        yield SourceRows(numbers, cells, find_unreadable_rows(cells))
    if hidden:
        notices.append(Notice(NoticeKind.READ, file_messages.HIDDEN_ROWS.format(hidden)))


def _has_any(row: list[Any], metadata: RowMetadata) -> bool:
    return bool(metadata.texts) or any(cell not in ("", None) for cell in row)


def _format_row(row: list[Any]) -> list[str]:
    return [cell if type(cell) is str else format_value(cell, None) for cell in row]


def _format_row_with_metadata(row: list[Any], metadata: RowMetadata) -> list[str]:
    formats = metadata.number_formats
    texts = [
        cell if type(cell) is str else format_value(cell, formats.get(column))
        for column, cell in enumerate(row)
    ]
    for column, text in metadata.texts.items():
        texts += [""] * (column + 1 - len(texts))
        texts[column] = text
    return texts


def _load_sheet(
    book: Any, name: str, merged: deque[MergedArea], metadata: Iterator[tuple[int, RowMetadata]]
) -> tuple[Iterator[list[Any]], Iterator[tuple[int, RowMetadata]]]:
    """Load all rows with calamine, which keeps the sheet in memory. Cells begin in column A, rows in row 1.

    The metadata is read at the same time, on another core where there is one. What is wrong in it is raised at once:
    nobody waits for the rows of a sheet that is refused.
    """
    from python_calamine import CalamineError  # noqa: PLC0415 - only workbooks need it

    executor = ThreadPoolExecutor(1)
    loading = executor.submit(book.get_sheet_by_name, name)
    executor.shutdown(wait=False)  # takes no more work, and ends with what it has
    ahead: list[tuple[int, RowMetadata]] = []
    while (
        not loading.done()
        and len(ahead) < _MAX_METADATA_AHEAD
        and (found := next(metadata, None)) is not None
    ):
        ahead.append(found)
    try:
        sheet = loading.result()
    except CalamineError as error:
        raise UnreadableFileError(*file_messages.UNREADABLE_WORKBOOK) from error
    merged.extend(to_merged_areas(sheet.merged_cell_ranges))
    left_of_sheet = [""] * (sheet.start[1] if sheet.start else 0)
    rows: Iterator[list[Any]] = sheet.iter_rows()
    return (left_of_sheet + cells for cells in rows) if left_of_sheet else rows, chain(ahead, metadata)


def _stream_rows(path: Path, name: str) -> Iterator[list[Any]]:
    """Yield all rows through openpyxl's read-only mode: slower, but memory stays flat."""
    from openpyxl import load_workbook  # noqa: PLC0415 - the largest workbooks only

    with path.open("rb") as file:  # openpyxl would refuse our private copy by its name, which has no suffix
        sheet = load_workbook(file, read_only=True, data_only=True)[name]
        sheet.reset_dimensions()
        for row in sheet.iter_rows(values_only=True):
            yield [_unescape_xml(cell) if type(cell) is str else cell for cell in row]


def _unescape_xml(text: str) -> str:
    """Replace escapes such as `_x000D_`, which openpyxl leaves as they are written."""
    return _XML_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
