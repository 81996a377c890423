"""failed_rows.xlsx: the rows to mend, faulty cells in colour with the problem on them, real dropdown lists."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from traceback import clear_frames
from types import TracebackType
from typing import Any, Self

from importer.fields import BY_NAME, Dropdown, Kind
from importer.issues import Severity, sentence
from importer.journal import RunHeader
from importer.models import LISTS_SHEET, REPORT_COLUMNS, ROWS_SHEET, RowOutcome
from importer.report.origin import PROPERTY
from importer.report.places import NOWHERE, Places

MOST_ROWS = 100_000  # more than a person mends by hand; failed_rows.csv has all
_MOST_CELL = 32_767  # of a cell, in UTF-16 units: Excel's own limit
_MOST_COLUMNS = 16_384  # Excel's own limit too
_MOST_COMMENT = 1_000
COMMENTED_ROWS = (
    5_000  # comments are kept in memory until the end; further down the words stand in _problems alone
)
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
    return len(cells) + len(REPORT_COLUMNS) <= _MOST_COLUMNS and all(map(_cell_fits, cells))


def _cell_fits(cell: str) -> bool:
    long = len(cell) > _MOST_CELL // 2 and len(cell.encode("utf-16-le")) > 2 * _MOST_CELL
    return not long and not _UNHOLDABLE(cell)


class FailedWorkbook:
    """Written row by row; memory stays flat."""

    def __init__(self, path: Path, header: RunHeader) -> None:
        self._path = path
        self._header = header
        self._places = Places(header.mapping.columns)
        self._row = 0
        self._holds = fits(header.headers)
        self._names = (*header.headers, *REPORT_COLUMNS) if self._holds else REPORT_COLUMNS
        self._widths = [len(name) for name in self._names]

    @property
    def rows(self) -> int:
        """How many rows it holds so far."""
        return self._row

    def __enter__(self) -> Self:
        import xlsxwriter  # noqa: PLC0415 - only reports need it

        options = {
            "constant_memory": True, "tmpdir": str(self._path.parent),
            "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
        }  # fmt: skip
        # Packed in memory, some 70 bytes a row: see _close.
        self._packed = io.BytesIO()
        self._book: Any = xlsxwriter.Workbook(self._packed, options)
        self._book.set_properties({"created": datetime.fromisoformat(self._header.started_at)})
        self._book.set_custom_property(PROPERTY, self._header.run_id)
        self._sheet: Any = self._book.add_worksheet(ROWS_SHEET)
        self._set_formats()
        self._write_header()
        return self

    def add(self, outcome: RowOutcome, behind: Sequence[object]) -> None:
        """One row; cells with an error get its sentence as a comment. A row that does not fit is passed over."""
        if not self._holds or self._row >= MOST_ROWS or not fits(outcome.cells):
            return
        self._row += 1
        said = self._said(outcome)
        sentences = " | ".join(sentence(outcome.number, issue) for issue in outcome.issues)
        # Every sentence shall be seen; constant memory wants the height before the cells.
        self._sheet.set_row(
            self._row, _LINE * min(1 + len(sentences) // _OUR_WIDTHS["_problems"], _MOST_LINES)
        )
        for column, cell in enumerate(outcome.cells):
            problem = said.get(column)
            if cell or problem:
                self._sheet.write_string(self._row, column, cell, self._bad if problem else self._text)
            if problem and self._row <= COMMENTED_ROWS:
                self._sheet.write_comment(self._row, column, problem[:_MOST_COMMENT], _comment_size(problem))
        self._write_behind(outcome, behind, sentences, nowhere=NOWHERE in said)
        self._widths[: len(outcome.cells)] = map(max, self._widths, map(len, outcome.cells))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            with suppress(OSError):
                self._close()
            return
        self._finish()
        self._close()
        self._path.write_bytes(self._packed.getbuffer())

    def _close(self) -> None:
        """Pack the workbook. Raises OSError.

        A ZipFile that was left half writes its end when it is collected, and complains where nobody can catch
        it: so it goes here, while what it writes to is still there and has room.
        """
        from xlsxwriter.exceptions import FileCreateError  # noqa: PLC0415 - only reports need it

        try:
            self._book.close()
        except (OSError, FileCreateError) as failed:
            for error in (failed, failed.__context__):
                clear_frames(error.__traceback__ if error else None)
            raise OSError(str(failed)) from None

    def _set_formats(self) -> None:
        text = {"num_format": "@", "valign": "top"}
        self._text = self._book.add_format(text)
        self._bad = self._book.add_format({**text, "bg_color": "#FFD9D1", "font_color": "#9C1C0C"})
        self._own = self._book.add_format({**text, "font_color": "#64748B"})
        self._own_number = self._book.add_format({"valign": "top", "font_color": "#64748B", "align": "left"})
        self._wrapped = self._book.add_format({**text, "font_color": "#64748B", "text_wrap": True})
        self._wrapped_bad = self._book.add_format({**text, "font_color": "#9C1C0C", "text_wrap": True})

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

    def _write_behind(
        self, outcome: RowOutcome, behind: Sequence[object], sentences: str, *, nowhere: bool
    ) -> None:
        """The `_` columns; the problem is coloured where no cell of the row can be."""
        for column, value in enumerate(behind, len(outcome.cells)):
            if column - len(outcome.cells) == _PROBLEMS:
                shown = self._wrapped_bad if nowhere else self._wrapped
                self._sheet.write_string(self._row, column, sentences[:_MOST_CELL], shown)
            elif isinstance(value, int):
                self._sheet.write_number(self._row, column, value, self._own_number)
            elif value:
                self._sheet.write_string(self._row, column, str(value), self._own)

    def _said(self, outcome: RowOutcome) -> dict[int, str]:
        """What is wrong, by column of the sheet."""
        places = {
            at: [sentence(outcome.number, issue) for issue in issues if issue.severity is Severity.ERROR]
            for at, issues in self._places.of(outcome).items()
        }
        return {at: "\n".join(lines) for at, lines in places.items() if lines}

    def _finish(self) -> None:
        last = max(self._row, 1)
        ours = len(self._names) - len(REPORT_COLUMNS)
        for column, width in enumerate(self._widths[:ours]):
            self._sheet.set_column(column, column, min(max(width + 3, 10), 40), self._text)
        for column, width in enumerate(_OUR_WIDTHS.values(), ours):
            self._sheet.set_column(column, column, width, self._own)
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
        field = BY_NAME.get(name)
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
