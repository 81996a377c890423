"""failed_rows.xlsx: the rows to mend, faulty cells in colour with the problem on them, real dropdown lists."""

from __future__ import annotations

import io
import re
from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from pathlib import Path
from traceback import clear_frames
from types import TracebackType
from typing import Any, Self

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from importer.fields import FIELDS_BY_NAME, Dropdown, Kind
from importer.issues import Severity
from importer.journal.run_metadata import RunMetadata
from importer.models.delivery import ReportRow
from importer.models.status import LISTS_SHEET, REPORT_COLUMNS, ROWS_SHEET
from importer.report.issue_cells import NOWHERE, IssueCells
from importer.report.sheet_row_writer import SheetRowWriter, styles_of_sample
from importer.report.workbook_run_id import PROPERTY

MOST_ROWS = 100_000  # more than a person mends by hand; failed_rows.csv has all
_MOST_CELL = 32_767  # of a cell, in UTF-16 units: Excel's own limit
_MOST_OWN = _MOST_CELL // 2  # of a cell of ours, in characters: some are two units
_MOST_COLUMNS = 16_384  # Excel's own limit too
_MOST_COMMENT = 1_000
COMMENTED_ROWS = 1_000  # as many as the page shows; further down the words stand in _problems alone
_UNHOLDABLE = re.compile("[\ufffe\uffff]|_x[0-9a-fA-F]{4}_x[0-9a-fA-F]{4}_").search
_OUR_WIDTHS = {
    "_row": 8, "_status": 11, "_phone": 17, "_problems": 75, "_codes": 32, "_attempts": 11, "_http_status": 13, "_note": 10,
}  # fmt: skip
_LINE, _MOST_LINES = 15, 8  # points of a row's height
_PROBLEMS = REPORT_COLUMNS.index("_problems")
_ABOUT_OURS = (
    "The grey columns are importer's own. Mend the coloured cells on the left, save the file, and feed it back: "
    "importer run failed_rows.xlsx. Rows that you delete are left alone."
)


def fits(cells: Sequence[str]) -> bool:
    """Whether a workbook can hold the row exactly as it was typed; others stand in failed_rows.csv alone."""
    if len(cells) + len(REPORT_COLUMNS) > _MOST_COLUMNS:
        return False
    return _cell_fits("".join(cells)) or all(map(_cell_fits, cells))  # most rows do as one long cell


def _cell_fits(cell: str) -> bool:
    long = len(cell) > _MOST_CELL // 2 and len(cell.encode("utf-16-le")) > 2 * _MOST_CELL
    return not long and not _UNHOLDABLE(cell)


class _Style(IntEnum):
    """How cells look; the sample row has one of each, in this order."""

    TEXT = 0
    BAD = 1
    OWN = 2
    OWN_NUMBER = 3
    WRAPPED = 4
    WRAPPED_BAD = 5


_NUMBERS = {"_row", "_attempts", "_http_status"}
_OWN_STYLES = [_Style.OWN_NUMBER if name in _NUMBERS else _Style.OWN for name in REPORT_COLUMNS]


class FailedWorkbook:
    """Written row by row; memory stays flat."""

    def __init__(self, path: Path, header: RunMetadata) -> None:
        self._path = path
        self._header = header
        self._places = IssueCells(header.mapping.columns)
        self._holds = fits(header.headers)
        self._names = (*header.headers, *REPORT_COLUMNS) if self._holds else REPORT_COLUMNS
        self._widths = [len(name) for name in self._names]

    @property
    def rows(self) -> int:
        """How many rows it holds so far."""
        return self._rows.last - 1

    def __enter__(self) -> Self:
        # A first workbook tells the numbers that its styles get: rows are written before the second one is packed.
        self._begin()
        self._close()
        styles = styles_of_sample(self._packed)
        self._begin()
        rows = self._path.with_suffix(".rows")
        self._rows = SheetRowWriter(rows, styles, len(self._names)).__enter__()
        return self

    def _begin(self) -> None:
        """A new workbook with a header, and a sample row that has a cell of each style."""
        options = {
            "constant_memory": True, "tmpdir": str(self._path.parent),
            "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        }  # fmt: skip
        # Packed in memory (its rows are not in it): see _close.
        self._packed = io.BytesIO()
        self._book: Any = xlsxwriter.Workbook(self._packed, options)
        self._book.set_properties({"created": self._header.started})
        self._book.set_custom_property(PROPERTY, self._header.run_id)
        self._sheet: Any = self._book.add_worksheet(ROWS_SHEET)
        self._write_header()
        text: dict[str, object] = {"num_format": "@", "valign": "top"}
        grey, red = {"font_color": "#64748B"}, {"font_color": "#9C1C0C"}
        looks: dict[_Style, dict[str, object]] = {
            _Style.TEXT: text,
            _Style.BAD: {**text, **red, "bg_color": "#FFD9D1"},
            _Style.OWN: {**text, **grey},
            _Style.OWN_NUMBER: {"valign": "top", "align": "left", **grey},
            _Style.WRAPPED: {**text, **grey, "text_wrap": True},
            _Style.WRAPPED_BAD: {**text, **red, "text_wrap": True},
        }
        self._formats = {style: self._book.add_format(look) for style, look in looks.items()}
        for style in _Style:
            self._sheet.write_blank(1, style, None, self._formats[style])

    def add(self, outcome: ReportRow, behind: Sequence[object]) -> None:
        """One row; cells with an error get its sentence as a comment. A row that does not fit is passed over."""
        if not self._holds or self.rows >= MOST_ROWS or not fits(outcome.cells):
            return
        said = self._said(outcome)
        sentences = " | ".join(outcome.sentences)
        height = _LINE * min(
            1 + len(sentences) // _OUR_WIDTHS["_problems"], _MOST_LINES
        )  # every sentence is seen
        self._rows.add(height, *self._dressed(outcome, behind, sentences, said))
        if self.rows <= COMMENTED_ROWS:
            for column, problem in said.items():
                if column != NOWHERE:
                    self._sheet.write_comment(
                        self.rows, column, problem[:_MOST_COMMENT], _comment_size(problem)
                    )
        self._widths[: len(outcome.cells)] = map(max, self._widths, map(len, outcome.cells))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.__exit__(kind, error, trace)
        if kind is not None:
            with suppress(OSError):
                self._close()
            return
        self._finish()
        self._close()
        self._rows.put_into(self._packed, self._path)

    def _close(self) -> None:
        """Pack the workbook. Raises OSError.

        A ZipFile that was left half writes its end when it is collected, and complains where nobody can catch
        it: so it goes here, while what it writes to is still there and has room.
        """
        try:
            self._book.close()
        except (OSError, FileCreateError) as failed:
            for error in (failed, failed.__context__):
                clear_frames(error.__traceback__ if error else None)
            raise OSError(str(failed)) from None

    def _write_header(self) -> None:
        bold = {"num_format": "@", "bold": True, "bottom": 1, "valign": "top"}
        theirs = self._book.add_format({**bold, "bg_color": "#DBEAFE"})
        ours = self._book.add_format({**bold, "bg_color": "#F1F5F9", "font_color": "#64748B"})
        first_of_ours = len(self._names) - len(REPORT_COLUMNS)
        for column, name in enumerate(self._names):
            self._sheet.write_string(0, column, name, ours if column >= first_of_ours else theirs)
        self._sheet.write_comment(0, first_of_ours, _ABOUT_OURS, {"width": 320, "height": 100})
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_landscape()
        self._sheet.set_paper(9)  # A4
        self._sheet.fit_to_pages(1, 0)
        self._sheet.repeat_rows(0)

    def _dressed(
        self, outcome: ReportRow, behind: Sequence[object], sentences: str, said: Container[int]
    ) -> tuple[list[str | int | None], list[_Style]]:
        """The row's values and their styles; the problem is coloured where no cell of the row can be."""
        values: list[str | int | None] = [cell or None for cell in outcome.cells]
        styles = [_Style.TEXT] * len(values)
        for column, cell in enumerate(outcome.cells):
            if column in said:
                values[column], styles[column] = cell, _Style.BAD
        own = [value if isinstance(value, int) else str(value or "")[:_MOST_OWN] or None for value in behind]
        own[_PROBLEMS] = sentences[:_MOST_OWN]
        problems = _Style.WRAPPED_BAD if NOWHERE in said else _Style.WRAPPED
        return values + own, [*styles, *_OWN_STYLES[:_PROBLEMS], problems, *_OWN_STYLES[_PROBLEMS + 1 :]]

    def _said(self, outcome: ReportRow) -> dict[int, str]:
        """What is wrong, by column of the sheet."""
        said: dict[int, str] = {}
        for at, issue, words in zip(self._places.of(outcome), outcome.issues, outcome.sentences, strict=True):
            if issue.severity is Severity.ERROR:
                said[at] = f"{said[at]}\n{words}" if at in said else words
        return said

    def _finish(self) -> None:
        last = max(self.rows, 1)
        ours = len(self._names) - len(REPORT_COLUMNS)
        for column, width in enumerate(self._widths[:ours]):
            self._sheet.set_column(column, column, min(max(width + 3, 10), 40), self._formats[_Style.TEXT])
        for column, width in enumerate(_OUR_WIDTHS.values(), ours):
            self._sheet.set_column(column, column, width, self._formats[_Style.OWN])
        self._sheet.autofilter(0, 0, last, len(self._names) - 1)
        self._sheet.ignore_errors(
            {"number_stored_as_text": f"A1:XFD{last + 1}"}
        )  # phones are meant to be text
        if ours:
            fields = {column.index: column.field for column in self._header.mapping.columns if column.field}
            add_dropdowns(self._book, self._sheet, fields, self._header.titles, rows=last)


def _comment_size(text: str) -> dict[str, int]:
    """Pixels that the sentence needs: Excel's own box would cut it off."""
    lines = sum(1 + len(line) // 45 for line in text.split("\n"))
    return {"width": 300, "height": 24 + 17 * min(lines, 20)}


def add_dropdowns(
    book: Any,
    sheet: Any,
    fields: Mapping[int, str],
    titles: Mapping[str, Sequence[str]],
    *,
    rows: int,
    first: int = 1,
) -> None:
    """Give the columns of dropdown fields (column -> field) Excel's own lists, kept on a hidden sheet.

    A list typed into the validation itself may have 255 characters, and no title with a comma; a range has
    no such limits. Where several titles may stand in a cell, another text is only warned of.
    """
    places = _write_lists(book, titles)
    for column, name in fields.items():
        field = FIELDS_BY_NAME.get(name)
        if field is None or field.dropdown is None or field.dropdown not in places:
            continue
        several = field.kind is Kind.TITLES
        sheet.data_validation(
            first, column, rows, column,
            {
                "validate": "list",
                "source": places[field.dropdown],
                "error_type": "information" if several else "warning",
                "error_title": "Not in the account",
                "error_message": f"The account has no such {field.label.lower()}.",
                "input_title": field.label[:32],
                "input_message": "Several may stand here, with commas between." if several else "Choose from the list.",
            },
        )  # fmt: skip


def _write_lists(book: Any, titles: Mapping[str, Sequence[str]]) -> dict[Dropdown, str]:
    """Write the account's titles to a hidden sheet; answers with where each list lies."""
    sheet = book.add_worksheet(LISTS_SHEET)
    sheet.hide()
    lists = [(dropdown, titles[dropdown]) for dropdown in Dropdown if titles.get(dropdown)]
    for row in range(max((len(found) for _, found in lists), default=0)):
        for column, (_, found) in enumerate(lists):
            if row < len(found):
                sheet.write_string(row, column, found[row][:_MOST_CELL])
    letters = "ABCDEFGH"
    return {
        dropdown: f"={LISTS_SHEET}!${letters[column]}$1:${letters[column]}${len(found)}"
        for column, (dropdown, found) in enumerate(lists)
    }
