"""Makes rows as wide as the table, and skips what is not a lead: blank rows, totals and report footers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from importer.issues import LOST_CHARACTER, Issue, IssueCode
from importer.loader.table.footers import is_date_line, is_footer, is_footer_continuation
from importer.messages import file_messages
from importer.models.mapping import Notice, NoticeKind
from importer.models.row import SourceRow, SourceRows

_MAX_CELLS_OF_NON_LEAD = 4  # a total, a report footer or a blank row has no more cells with text
_MIN_PHONE_DIGITS = 7  # of a landline without its STD code
_MIN_USUAL_ROWS = 5  # fewer rows of one width do not show what is usual
_MIN_USUAL_SHARE = 0.9  # of the rows; people leave out the last commas more often than that


class UsualWidth:
    """How many cells nearly all rows of a text file have. Another number means that cells may have moved.

    A program that leaves out empty cells at the end writes short rows that are right. It never writes an empty last
    cell, so where one is written, a short row lacks a comma.
    """

    def __init__(self, rows: Iterable[SourceRow]) -> None:
        lengths = Counter(len(row.cells) for row in rows if not row.issues and not is_blank(row.cells))
        usual, count = lengths.most_common(1)[0] if lengths else (0, 0)
        is_clear = count >= max(_MIN_USUAL_ROWS, _MIN_USUAL_SHARE * lengths.total())
        self._usual = usual if is_clear else 0
        self._writes_last_cell = any(
            len(row.cells) == usual and not row.cells[-1].strip() for row in rows if not is_blank(row.cells)
        )

    def is_usual(self, count: int) -> bool:
        """Return whether nearly all rows have so many cells, or no number is usual."""
        return self._usual in (0, count)

    def find_issues(self, cells: Sequence[str]) -> tuple[Issue, ...]:
        """Return an issue for a row with a comma too many or too few. A row without a phone is rejected for that."""
        count = len(cells)
        if self.is_usual(count) or sum(map(str.isdigit, "".join(cells))) < _MIN_PHONE_DIGITS:
            return ()
        if count < self._usual and not self._writes_last_cell and cells[-1].strip():
            return ()
        return (Issue("row", IssueCode.CELL_COUNT, "", str(count), str(self._usual)),)


class RowShaper:
    """Makes rows as wide as the table, and skips blank rows and footers.

    Values without a column are appended to the last one with a mark between them. So nothing of the row is lost,
    and it is rejected again when it is imported again unchanged.
    """

    def __init__(self, width: int, usual: UsualWidth) -> None:
        self._footer_rows: list[int] = []
        self._date_rows: list[int] = []
        self._is_after_footer = False
        self.width = width
        self._usual = usual
        self._is_width_usual = usual.is_usual(width)
        self._min_blanks = width - _MAX_CELLS_OF_NON_LEAD
        self._blank = ("",) * width

    @property
    def is_untouched(self) -> bool:
        """Whether no row was skipped so far, but for blank ones."""
        return not (self._footer_rows or self._date_rows or self._is_after_footer)

    def fit_blocks(self, blocks: Iterable[SourceRows], notices: list[Notice]) -> Iterator[SourceRows]:
        """Yield the data rows, as wide as the table; at the end, add notices that name the rows that were skipped."""
        for block in blocks:
            if self.is_regular(block):
                yield block
            else:
                yield SourceRows.from_rows(row for row in map(self._fit_row, block) if row is not None)
        if self._footer_rows:
            notices.append(
                Notice(NoticeKind.IGNORED, file_messages.SKIPPED_FOOTERS.format(self._footer_rows))
            )
        if self._date_rows:
            notices.append(Notice(NoticeKind.IGNORED, file_messages.SKIPPED_DATES.format(self._date_rows)))

    def is_regular(self, block: SourceRows) -> bool:
        """Return whether a block needs no change, as nearly all blocks of a valid file. Its issues are known already."""
        if self._is_after_footer or not self._is_width_usual or set(map(len, block.cells)) != {self.width}:
            return False
        few = [cells for cells in block.cells if cells.count("") >= self._min_blanks]
        return not any(is_blank(cells) or is_footer(cells) or is_date_line(cells) for cells in few)

    def _fit_row(self, row: SourceRow) -> SourceRow | None:
        """Return the row as wide as the table; None for one that is skipped."""
        kept, extra = row.cells[: self.width], row.cells[self.width :]
        cells = kept + self._blank[len(kept) :]
        found = find_extra_cells(extra)
        if not row.issues and not found and cells.count("") >= self._min_blanks:
            if is_blank(cells):
                return None
            if is_footer(cells) or (self._is_after_footer and is_footer_continuation(cells)):
                self._footer_rows.append(row.number)
                self._is_after_footer = True
                return None
            if is_date_line(cells):
                self._date_rows.append(row.number)
                return None
        self._is_after_footer = False
        found = found or self._usual.find_issues(row.cells)
        return SourceRow(row.number, append_extra_cells(cells, extra) if found else cells, row.issues + found)


def find_extra_cells(extra: Iterable[str]) -> tuple[Issue, ...]:
    """Return an issue for values without a column."""
    values = [cell for cell in extra if cell.strip()]
    return (Issue("row", IssueCode.RAGGED, "", values[0], str(len(values))),) if values else ()


def append_extra_cells(cells: tuple[str, ...], extra: Iterable[str]) -> tuple[str, ...]:
    """Append values without a column to the last cell, with a mark; where there are none, the mark alone."""
    values = [cell for cell in extra if cell.strip()]
    return (*cells[:-1], LOST_CHARACTER.join([cells[-1], *(values or [""])]))


def is_blank(cells: Sequence[str]) -> bool:
    """Whether a row has no text at all."""
    return not any(map(str.strip, cells))
