"""Workbooks, row by row, as the spreadsheet shows them: python-calamine for most, openpyxl streams the largest."""

from __future__ import annotations

import datetime as dt
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
from importer.loader.formats.limits import MAX_CELLS_AT_ONCE, STREAM_FROM_BYTES
from importer.loader.formats.locked import locked
from importer.loader.formats.merged_cells import Area, areas_of
from importer.loader.formats.number_formats import show_date, show_number
from importer.loader.formats.ods_reader import ods_rows, ods_sheets
from importer.loader.formats.row_metadata import RowMarks
from importer.loader.formats.xls_metadata import is_locked, xls_marks
from importer.loader.formats.xlsb_metadata import xlsb_areas, xlsb_marks
from importer.loader.formats.xlsx_metadata import SheetPart, find_part, is_strict, xlsx_areas, xlsx_marks
from importer.loader.formats.zip_safety import BROKEN, check_archive
from importer.models.mapping import Notice, NoticeKind
from importer.models.row import BLOCK_ROWS, SourceRows
from importer.models.status import LISTS_SHEET, ROWS_SHEET

_DAMAGED = "The workbook cannot be read: it is cut off or damaged."
_ADVICE = "Open it in Excel or LibreOffice, save it again as .xlsx, and import that."

_ESCAPED = re.compile("_x((?![dD][89A-Fa-f])[0-9A-Fa-f]{4})_")
_NAMED_ROWS = 20
_NO_MORE = (1 << 62, RowMarks())
_MOST_AHEAD = 50_000  # marks that are kept while the quick reader is at work: some 20 MB


class WorkSheet(msgspec.Struct):
    """One sheet: its rows as texts, a block at a time, and what must be said of it.

    `merged` are the areas of cells merged over several rows; they come in while the rows are read.
    """

    name: str
    blocks: Iterator[SourceRows]
    notices: list[Notice]
    merged: deque[Area]


class _Values(NamedTuple):
    """Rows with their cells' values, and what the reader of these does not tell of some of them, by number."""

    numbers: Sequence[int]
    cells: Sequence[list[Any]]
    marks: dict[int, RowMarks]


def open_sheet(path: Path, kind: FileKind, chosen: str | None) -> WorkSheet:
    """The chosen sheet, else the first that is visible. Raises UnreadableFileError or UsageError."""
    if kind is not FileKind.XLS:
        check_archive(path)
    with _refused_if_broken():
        book = None if kind is FileKind.ODS else _open(path, kind)
        sheets = ods_sheets(path) if book is None else _sheets(book)
    name = _choose([*sheets], {name for name, visible in sheets.items() if not visible}, chosen)
    notices = [Notice(NoticeKind.READ, f'Sheet "{name}" of the workbook.')]
    others = [
        other for other, visible in sheets.items() if other != name and (visible or other != LISTS_SHEET)
    ]
    if others:
        listed = ", ".join(f'"{other}"' for other in others)
        notices.append(
            Notice(NoticeKind.IGNORED, f"Other sheets were not read: {listed}. Name one with --sheet.")
        )
    merged: deque[Area] = deque()
    return WorkSheet(name, _shown(_rows(path, kind, book, name, merged), notices), notices, merged)


@contextmanager
def _refused_if_broken() -> Iterator[None]:
    """A damaged workbook makes its readers raise nearly anything; people read one sentence."""
    try:
        yield
    except BROKEN as error:
        raise UnreadableFileError(_DAMAGED, _ADVICE) from error


def _open(path: Path, kind: FileKind) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError  # noqa: PLC0415 - workbooks only

    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise locked() from error
    except CalamineError as error:
        if kind is FileKind.XLS and is_locked(path):  # told by its name only, which our private copy has not
            raise locked() from error
        raise UnreadableFileError(_DAMAGED, _ADVICE) from error


def _sheets(book: Any) -> dict[str, bool]:
    """Names of the sheets that hold cells, each with whether it is visible."""
    return {
        sheet.name: str(sheet.visible).endswith(".Visible")
        for sheet in book.sheets_metadata
        if "WorkSheet" in str(sheet.typ)
    }


def _choose(names: list[str], hidden: set[str], chosen: str | None) -> str:
    if not names:
        raise UnreadableFileError("The workbook has no sheet of cells.", _ADVICE)
    if chosen is None:
        return next((name for name in names if name not in hidden), names[0])
    if chosen in names:
        return chosen
    if ROWS_SHEET in names:
        return ROWS_SHEET  # the option was about the sheet that this report of ours was made from
    if chosen.isdigit() and 1 <= int(chosen) <= len(names):
        return names[int(chosen) - 1]
    listed = ", ".join(f'"{name}"' for name in names)
    raise UsageError(f'The workbook has no sheet "{chosen}".', f"It has: {listed}.")


def _rows(path: Path, kind: FileKind, book: Any, name: str, merged: deque[Area]) -> Iterator[_Values]:
    """The rows of a sheet with their marks, by the reader that suits the format and the size."""
    with _refused_if_broken():
        match kind:
            case FileKind.ODS:
                yield from _put_together(ods_rows(path, name, merged))
            case FileKind.XLS:
                yield from _marked(*_whole(book, name, merged, xls_marks(path, name)))
            case FileKind.XLSB:
                areas = xlsb_areas(path, name)
                rows, marks = _whole(book, name, merged, xlsb_marks(path, name))
                merged.extend(areas)
                yield from _marked(rows, marks)
            case FileKind.XLSX | FileKind.CSV:
                part = find_part(path, name)
                marks = xlsx_marks(path, part.name)
                if _is_huge(part) and not is_strict(path):
                    merged.extend(xlsx_areas(path, part.name))
                    yield from _marked(_streamed(path, name), marks)
                else:
                    yield from _marked(*_whole(book, name, merged, marks))


def _is_huge(part: SheetPart) -> bool:
    """Whether the quick reader, which keeps a cell for each place of the sheet, would need too much memory."""
    return part.size_bytes > STREAM_FROM_BYTES or part.rows * part.columns > MAX_CELLS_AT_ONCE


def _put_together(rows: Iterator[tuple[int, list[Any], RowMarks | None]]) -> Iterator[_Values]:
    while some := list(islice(rows, BLOCK_ROWS)):
        marks = {number: mark for number, _, mark in some if mark is not None}
        yield _Values([number for number, _, _ in some], [cells for _, cells, _ in some], marks)


def _marked(rows: Iterator[list[Any]], marks: Iterator[tuple[int, RowMarks]]) -> Iterator[_Values]:
    """All rows from the first, with their marks; both come from top to bottom.

    A row of nothing but formulas without a value has marks alone: the reader does not see it at the sheet's end.
    """
    last = 0
    number, mark = next(marks, _NO_MORE)
    while block := list(islice(rows, BLOCK_ROWS)):
        found = _Values(range(last + 1, last + 1 + len(block)), block, {})
        last = found.numbers[-1]
        while number <= last:
            found.marks[number] = mark
            number, mark = next(marks, _NO_MORE)
        yield found
    while number < _NO_MORE[0]:
        if mark.filled:
            raise ValueError(number)  # the reader has stopped before the sheet's end
        yield _Values([number], [[]], {number: mark})
        number, mark = next(marks, _NO_MORE)


def _shown(blocks: Iterator[_Values], notices: list[Notice]) -> Iterator[SourceRows]:
    """The rows as texts; at their end `notices` names those that were hidden."""
    hidden: list[int] = []
    for numbers, values, marks in blocks:
        if not marks:
            cells = list(map(_as_texts, values))
        else:
            marked = [(number, row, marks.get(number)) for number, row in zip(numbers, values, strict=True)]
            cells = [_with_marks(row, mark) if mark else _as_texts(row) for _, row, mark in marked]
            hidden += [
                number for number, row, mark in marked if mark and mark.hidden and _holds_any(row, mark)
            ]
        yield SourceRows(numbers, cells, find_unreadable_rows(cells))
    if hidden:
        notices.append(Notice(NoticeKind.READ, _hidden_rows(hidden)))


def _holds_any(row: list[Any], mark: RowMarks) -> bool:
    return bool(mark.texts) or any(cell not in ("", None) for cell in row)


def _as_texts(row: list[Any]) -> list[str]:
    return [cell if type(cell) is str else show_value(cell, None) for cell in row]


def _with_marks(cells: list[Any], mark: RowMarks) -> list[str]:
    formats = mark.formats
    texts = [
        cell if type(cell) is str else show_value(cell, formats.get(column))
        for column, cell in enumerate(cells)
    ]
    for column, text in mark.texts.items():
        texts += [""] * (column + 1 - len(texts))
        texts[column] = text
    return texts


def _hidden_rows(numbers: list[int]) -> str:
    listed = ", ".join(map(str, numbers[:_NAMED_ROWS])) + (" ..." if len(numbers) > _NAMED_ROWS else "")
    one = len(numbers) == 1
    return (
        f"{len(numbers):,} {'row is' if one else 'rows are'} hidden or filtered out in the sheet "
        f"({'row' if one else 'rows'} {listed}); {'it is' if one else 'they are'} read like the others."
    )


def _whole(
    book: Any, name: str, merged: deque[Area], marks: Iterator[tuple[int, RowMarks]]
) -> tuple[Iterator[list[Any]], Iterator[tuple[int, RowMarks]]]:
    """All rows through calamine, which keeps the sheet in memory. Cells begin in column A, rows in row 1.

    While it is at work, on another core where there is one, the marks are read. What is wrong with these is told at
    once: nobody waits for the rows of a sheet that is refused.
    """
    from python_calamine import CalamineError  # noqa: PLC0415 - only workbooks need it

    another = ThreadPoolExecutor(1)
    loading = another.submit(book.get_sheet_by_name, name)
    another.shutdown(wait=False)  # takes no more work, and ends with what it has
    ahead: list[tuple[int, RowMarks]] = []
    while not loading.done() and len(ahead) < _MOST_AHEAD and (mark := next(marks, None)) is not None:
        ahead.append(mark)
    try:
        sheet = loading.result()
    except CalamineError as error:
        raise UnreadableFileError(_DAMAGED, _ADVICE) from error
    merged.extend(areas_of(sheet.merged_cell_ranges))
    before = [""] * (sheet.start[1] if sheet.start else 0)
    rows: Iterator[list[Any]] = sheet.iter_rows()
    return (before + cells for cells in rows) if before else rows, chain(ahead, marks)


def _streamed(path: Path, name: str) -> Iterator[list[Any]]:
    """All rows through openpyxl's read-only mode: slower, and the memory stays flat."""
    from openpyxl import load_workbook  # noqa: PLC0415 - the largest workbooks only

    with path.open("rb") as file:  # by its name it would judge our private copy, which has no suffix
        values = load_workbook(file, read_only=True, data_only=True)[name]
        values.reset_dimensions()
        for row in values.iter_rows(values_only=True):
            yield [_unescaped(cell) if type(cell) is str else cell for cell in row]


def _unescaped(text: str) -> str:
    """The text with characters that XML cannot hold (`_x000D_`), which openpyxl leaves as they are written."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def show_value(value: Any, code: str | None) -> str:
    """A cell's value as the spreadsheet shows it under the number format `code`."""
    match value:
        case float() if code is None and value.is_integer() and -1e15 < value < 1e15:
            return str(int(value))
        case dt.date() | dt.time() | dt.timedelta():  # a datetime is a date
            return show_date(value, code)
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return show_number(float(value), code)
        case _:
            return "" if value is None else str(value)
