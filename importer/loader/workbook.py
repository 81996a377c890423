"""Workbooks, row by row, as the spreadsheet shows them: python-calamine for most, openpyxl streams the largest."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from importer.errors import UnreadableFile, UsageError
from importer.loader.archive import check_archive
from importer.loader.kinds import FileKind
from importer.loader.limits import STREAM_FROM_BYTES
from importer.loader.numberformats import show_date, show_number
from importer.loader.sheetxml import SheetMarks, is_strict, read_marks, sheet_part, unpacked_size
from importer.models import LISTS_SHEET, ROWS_SHEET, Notice

_DAMAGED = "The workbook cannot be read: it is cut off or damaged."
_ADVICE = "Open it in Excel or LibreOffice, save it again as .xlsx, and import that."

_ESCAPED = re.compile("_x((?![dD][89A-Fa-f])[0-9A-Fa-f]{4})_")

Row = tuple[int, list[str]]


class WorkSheet(msgspec.Struct):
    """One sheet: its rows by number, as texts, and what must be said of it."""

    name: str
    rows: Iterator[Row]
    notices: list[Notice]


def open_sheet(path: Path, kind: FileKind, chosen: str | None) -> WorkSheet:
    """The chosen sheet, else the first that is visible. Raises UnreadableFile or UsageError."""
    if kind in (FileKind.XLSX, FileKind.XLSB, FileKind.ODS):
        check_archive(path)
    book = _open(path)
    names = [sheet.name for sheet in book.sheets_metadata if "WorkSheet" in str(sheet.typ)]
    hidden = {sheet.name for sheet in book.sheets_metadata if not str(sheet.visible).endswith(".Visible")}
    name = _choose(names, hidden, chosen)
    part = sheet_part(path, name) if kind is FileKind.XLSX else None
    marks = read_marks(path, part) if part else SheetMarks()
    notices = [Notice("read", f'Sheet "{name}" of the workbook.')]
    others = [other for other in names if other != name and not (other == LISTS_SHEET and other in hidden)]
    if others:
        listed = ", ".join(f'"{other}"' for other in others)
        notices.append(Notice("ignored", f"Other sheets were not read: {listed}. Name one with --sheet."))
    if marks.hidden_rows:
        notices.append(
            Notice("read", f"{_rows(marks.hidden_rows)} hidden in the sheet; they are read like the others.")
        )
    streams = part is not None and unpacked_size(path, part) > STREAM_FROM_BYTES and not is_strict(path)
    rows = _streamed(path, name) if streams else _whole(book, name, marks)
    return WorkSheet(name, rows, notices)


def _open(path: Path) -> Any:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError  # noqa: PLC0415 - workbooks only

    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise UnreadableFile(
            "The workbook is locked with a password.", "Remove the password in Excel and save it."
        ) from error
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableFile(_DAMAGED, _ADVICE) from error


def _choose(names: list[str], hidden: set[str], chosen: str | None) -> str:
    if not names:
        raise UnreadableFile("The workbook has no sheet of cells.", _ADVICE)
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


def _whole(book: Any, name: str, marks: SheetMarks) -> Iterator[Row]:
    """All rows through calamine, which keeps the sheet in memory."""
    from python_calamine import CalamineError  # noqa: PLC0415

    try:
        sheet = book.get_sheet_by_name(name)
        rows = sheet.iter_rows()
    except (CalamineError, ValueError) as error:
        raise UnreadableFile(_DAMAGED, _ADVICE) from error
    shown = _shower(marks)
    for number, cells in enumerate(rows, 1):
        texts = [cell if type(cell) is str else shown(cell, column) for column, cell in enumerate(cells)]
        for column, text in marks.cells.get(number, {}).items():
            if column < len(texts):
                texts[column] = text
        yield number, texts


def _streamed(path: Path, name: str) -> Iterator[Row]:
    """All rows through openpyxl's read-only mode: slower, and the memory stays flat."""
    from openpyxl import load_workbook  # noqa: PLC0415 - the largest workbooks only

    values = load_workbook(path, read_only=True, data_only=True)[name]
    values.reset_dimensions()
    for number, row in enumerate(values.iter_rows(), 1):
        yield number, [_cell_text(cell) for cell in row]


def _cell_text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    return _unescaped(value) if type(value) is str else show_value(value, cell.number_format)


def _unescaped(text: str) -> str:
    """The text with characters that XML cannot hold (`_x000D_`), which openpyxl leaves as they are written."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _shower(marks: SheetMarks) -> Callable[[Any, int], str]:
    formats = marks.formats

    def shown(value: Any, column: int) -> str:
        if type(value) is float:
            code = formats.get(column)
            if code is None and value.is_integer() and -1e15 < value < 1e15:
                return str(int(value))
            return show_number(value, code)
        return show_value(value, formats.get(column))

    return shown


def show_value(value: Any, code: str | None) -> str:
    """A cell's value as the spreadsheet shows it under the number format `code`."""
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return show_number(float(value), code)
        case dt.datetime() | dt.date() | dt.time() | dt.timedelta():
            return show_date(value, code)
        case _:
            return "" if value is None else str(value)


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count:,} rows are"
