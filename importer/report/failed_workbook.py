"""Write failed_rows.xlsx: the rows to fix, with faulty cells in colour, the problem on them, and dropdown lists."""

from __future__ import annotations

import io
import re
from collections.abc import Container, Sequence
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from traceback import clear_frames
from types import TracebackType
from typing import Any, Self

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from importer.issues import Severity
from importer.journal.run_metadata import RunMetadata
from importer.messages import report_messages
from importer.models.delivery import ReportRow
from importer.models.issue_cells import NO_COLUMN, IssueCells
from importer.models.mapping import get_unique_titles
from importer.models.status import (
    ACCOUNT_PROPERTY,
    PLAN_COLUMNS,
    REPORT_COLUMNS,
    ROWS_SHEET,
    RUN_ID_PROPERTY,
    TASK_COLUMNS,
    VERIFICATION_COLUMNS,
)
from importer.report.dropdown_lists import MAX_CELL_UNITS, add_dropdowns
from importer.report.sheet_row_writer import SheetRowWriter, read_sample_styles

MAX_ROWS = 100_000  # more than a person fixes by hand; failed_rows.csv has all
MAX_COMMENTED_ROWS = 1_000  # as many as the page lists; comments stay in memory until the end
_MAX_COLUMNS = 16_384  # Excel's own limit
_MAX_REPORT_CELL = MAX_CELL_UNITS // 2  # characters, because some are two units
_MAX_COMMENT = 1_000  # characters
_A4 = 9  # Excel's number of the paper size
# What XML cannot hold, and `_x000A__x000A_`, which Excel would read as characters.
_cannot_hold = re.compile("[\ufffe\uffff]|_x[0-9a-fA-F]{4}_x[0-9a-fA-F]{4}_").search
_COLUMN_WIDTHS = {
    "_row": 8, "_status": 11, "_phone": 17, "_problems": 75, "_codes": 32, "_attempts": 11, "_http_status": 13, "_note": 10,
    "_plan": 11, "_changes": 60, "_lead": 12, "_verified": 14, "_task": 10,
}  # fmt: skip
_LINE_HEIGHT = 15  # points
_MAX_LINES = 8
_MAX_REPORT_COLUMNS = len((*REPORT_COLUMNS, *PLAN_COLUMNS, *VERIFICATION_COLUMNS, *TASK_COLUMNS))
_PROBLEMS = REPORT_COLUMNS.index("_problems")


def fits_in_workbook(cells: Sequence[str]) -> bool:
    """Return whether a workbook can hold the row exactly as it was typed. The others are in failed_rows.csv only."""
    if len(cells) + _MAX_REPORT_COLUMNS > _MAX_COLUMNS:
        return False
    return _fits_in_cell("".join(cells)) or all(map(_fits_in_cell, cells))  # most rows fit even as one cell


def _fits_in_cell(text: str) -> bool:
    is_too_long = len(text) > MAX_CELL_UNITS // 2 and len(text.encode("utf-16-le")) > 2 * MAX_CELL_UNITS
    return not is_too_long and not _cannot_hold(text)


class _Style(IntEnum):
    """The styles of cells; the sample row has a cell of each, in this order."""

    TEXT = 0
    FAULTY = 1
    REPORT = 2
    REPORT_NUMBER = 3
    PROBLEMS = 4
    PROBLEMS_FAULTY = 5


_NUMBER_COLUMNS = {"_row", "_attempts", "_http_status"}
_TEXT_FORMAT: dict[str, object] = {"num_format": "@", "valign": "top"}
_GREY, _RED = {"font_color": "#64748B"}, {"font_color": "#9C1C0C"}
_FORMATS: dict[_Style, dict[str, object]] = {
    _Style.TEXT: _TEXT_FORMAT,
    _Style.FAULTY: {**_TEXT_FORMAT, **_RED, "bg_color": "#FFD9D1"},
    _Style.REPORT: {**_TEXT_FORMAT, **_GREY},
    _Style.REPORT_NUMBER: {"valign": "top", "align": "left", **_GREY},
    _Style.PROBLEMS: {**_TEXT_FORMAT, **_GREY, "text_wrap": True},
    _Style.PROBLEMS_FAULTY: {**_TEXT_FORMAT, **_RED, "text_wrap": True},
}


class FailedWorkbook:
    """A workbook that is written row by row, so that memory stays flat."""

    def __init__(self, path: Path, metadata: RunMetadata, columns: Sequence[str] = REPORT_COLUMNS) -> None:
        self._path = path
        self._columns = columns
        self._report_styles = [
            _Style.REPORT_NUMBER if name in _NUMBER_COLUMNS else _Style.REPORT for name in columns
        ]
        self._metadata = metadata
        self._issue_cells = IssueCells(metadata.mapping.columns)
        self._holds_sheet = fits_in_workbook(metadata.headers)
        self._names = (*metadata.headers, *columns) if self._holds_sheet else (*columns,)
        self._widths = [len(name) for name in self._names]

    @property
    def rows(self) -> int:
        """The number of rows written so far."""
        return self._rows.last - 1

    def __enter__(self) -> Self:
        # Rows are written before the workbook is packed, and need the numbers of its styles: a first workbook shows them.
        self._open_book()
        self._close_book()
        styles = read_sample_styles(self._packed)
        self._open_book()
        rows_path = self._path.with_suffix(".rows")
        self._rows = SheetRowWriter(rows_path, styles, len(self._names)).__enter__()
        return self

    def add(self, row: ReportRow, report_cells: Sequence[object]) -> None:
        """Write one row. Cells with an error get its sentence as a comment. A row that does not fit is skipped."""
        if not self._holds_sheet or self.rows >= MAX_ROWS or not fits_in_workbook(row.cells):
            return
        problems = self._collect_problems(row)
        sentences = " | ".join(row.sentences)
        lines = min(
            1 + len(sentences) // _COLUMN_WIDTHS["_problems"], _MAX_LINES
        )  # the whole text is visible
        self._rows.add(_LINE_HEIGHT * lines, *self._build_cells(row, report_cells, sentences, problems))
        if self.rows <= MAX_COMMENTED_ROWS:
            self._write_comments(problems)
        self._widths[: len(row.cells)] = map(max, self._widths, map(len, row.cells))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.__exit__(kind, error, trace)
        if kind is not None:
            with suppress(OSError):
                self._close_book()
            return
        self._finish_sheet()
        self._close_book()
        self._rows.write_workbook(self._packed, self._path)

    def _open_book(self) -> None:
        """Begin a new workbook with a header, and a sample row that has a cell of each style."""
        options = {
            "constant_memory": True, "tmpdir": str(self._path.parent),
            "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        }  # fmt: skip
        # Packed in memory (its rows are not in it): see _close_book.
        self._packed = io.BytesIO()
        self._book: Any = xlsxwriter.Workbook(self._packed, options)
        self._book.set_properties({"created": self._metadata.started})
        self._book.set_custom_property(RUN_ID_PROPERTY, self._metadata.run_id)
        self._book.set_custom_property(ACCOUNT_PROPERTY, self._metadata.account)
        self._sheet: Any = self._book.add_worksheet(ROWS_SHEET)
        self._write_header()
        self._formats = {style: self._book.add_format(look) for style, look in _FORMATS.items()}
        for style in _Style:
            self._sheet.write_blank(1, style, None, self._formats[style])

    def _write_header(self) -> None:
        bold = {"num_format": "@", "bold": True, "bottom": 1, "valign": "top"}
        sheet_format = self._book.add_format({**bold, "bg_color": "#DBEAFE"})
        report_format = self._book.add_format({**bold, "bg_color": "#F1F5F9", "font_color": "#64748B"})
        first_report_column = len(self._names) - len(self._columns)
        for column, name in enumerate(self._names):
            is_report_column = column >= first_report_column
            self._sheet.write_string(0, column, name, report_format if is_report_column else sheet_format)
        size = {"width": 320, "height": 100}
        self._sheet.write_comment(0, first_report_column, report_messages.ABOUT_REPORT_COLUMNS, size)
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_landscape()
        self._sheet.set_paper(_A4)
        self._sheet.fit_to_pages(1, 0)
        self._sheet.repeat_rows(0)

    def _collect_problems(self, row: ReportRow) -> dict[int, str]:
        """Return the sentences of the row's errors by column of the sheet."""
        problems: dict[int, str] = {}
        columns = self._issue_cells.find_columns(row.issues, row.cells)
        for column, issue, sentence in zip(columns, row.issues, row.sentences, strict=True):
            if issue.severity is Severity.ERROR:
                problems[column] = f"{problems[column]}\n{sentence}" if column in problems else sentence
        return problems

    def _build_cells(
        self, row: ReportRow, report_cells: Sequence[object], sentences: str, problems: Container[int]
    ) -> tuple[list[str | int | None], list[_Style]]:
        """Return the values of the row and their styles. Where no cell can be coloured, `_problems` is."""
        values: list[str | int | None] = [cell or None for cell in row.cells]
        styles = [_Style.TEXT] * len(values)
        for column, cell in enumerate(row.cells):
            if column in problems:
                values[column], styles[column] = cell, _Style.FAULTY
        report_values = [
            value if isinstance(value, int) else str(value or "")[:_MAX_REPORT_CELL] or None
            for value in report_cells
        ]
        report_values[_PROBLEMS] = sentences[:_MAX_REPORT_CELL]
        style = _Style.PROBLEMS_FAULTY if NO_COLUMN in problems else _Style.PROBLEMS
        return values + report_values, [
            *styles,
            *self._report_styles[:_PROBLEMS],
            style,
            *self._report_styles[_PROBLEMS + 1 :],
        ]

    def _write_comments(self, problems: dict[int, str]) -> None:
        for column, problem in problems.items():
            if column != NO_COLUMN:
                self._sheet.write_comment(
                    self.rows, column, problem[:_MAX_COMMENT], _compute_comment_size(problem)
                )

    def _finish_sheet(self) -> None:
        """Set what depends on all rows: widths, filter, dropdown lists."""
        last_row = max(self.rows, 1)
        first_report_column = len(self._names) - len(self._columns)
        for column, width in enumerate(self._widths[:first_report_column]):
            self._sheet.set_column(column, column, min(max(width + 3, 10), 40), self._formats[_Style.TEXT])
        for column, name in enumerate(self._columns, first_report_column):
            self._sheet.set_column(column, column, _COLUMN_WIDTHS[name], self._formats[_Style.REPORT])
        self._sheet.autofilter(0, 0, last_row, len(self._names) - 1)
        # Phones are text on purpose: no green corners.
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last_row + 1}"})
        if first_report_column:
            columns = self._metadata.mapping.columns
            fields = {column.index: column.field for column in columns if column.field}
            titles = get_unique_titles(self._metadata.titles)
            add_dropdowns(self._book, self._sheet, fields, titles, rows=last_row)

    def _close_book(self) -> None:
        """Pack the workbook. Raises OSError.

        A ZipFile that failed half-way writes its end when it is garbage-collected, and then prints an error that nobody
        can catch. So its frames are cleared here, while what it writes to still exists.
        """
        try:
            self._book.close()
        except (OSError, FileCreateError) as failed:
            for error in (failed, failed.__context__):
                clear_frames(error.__traceback__ if error else None)
            raise OSError(str(failed)) from None


def _compute_comment_size(text: str) -> dict[str, int]:
    """Return the pixels that the text needs; Excel's default box would cut it off."""
    lines = sum(1 + len(line) // 45 for line in text.split("\n"))
    return {"width": 300, "height": 24 + 17 * min(lines, 20)}
