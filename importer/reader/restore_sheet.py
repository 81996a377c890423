"""Restore the original sheet from a report of ours that is imported again: without `_` columns and escaped formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from importer.csv_injection import unescape_formula
from importer.issues import LOST_CHARACTER, Issue, IssueCode, is_about
from importer.loader.cells.phones import is_possibly_shortened
from importer.loader.formats.file_kind import FileKind
from importer.loader.table.table_reader import Table
from importer.messages import issue_messages
from importer.models.row import SourceRows
from importer.models.status import (
    PLAN_COLUMNS,
    REPORT_COLUMNS,
    ROWS_SHEET,
    TASK_COLUMNS,
    VERIFICATION_COLUMNS,
)
from importer.validator.deduplicate import is_same_number

_MIN_DRAGGED_ROWS = 3  # that count up: two neighbours may have bought their numbers together
_PHONE_DIGITS = 10  # the last ones, which dragging counts up; a shorter number is no phone
_MIN_SHORTENED_DIGITS = 10  # a shorter number that ends in zeros is an amount


def restore_table(table: Table) -> tuple[tuple[str, ...], Iterator[SourceRows]]:
    """Return the headers and rows of the sheet that a report was made from, with cells as they were first typed.

    Cells of our workbook have no escaped formulas. A CSV report that was saved as a workbook still has them.
    """
    is_workbook = table.kind is not FileKind.CSV and table.sheet == ROWS_SHEET
    return restore_rows(table.headers, table.blocks, str if is_workbook else unescape_formula)


def restore_rows(
    report_headers: Sequence[str], blocks: Iterable[SourceRows], restore_cell: Callable[[str], str] = str
) -> tuple[tuple[str, ...], Iterator[SourceRows]]:
    """Return the headers and rows of the original sheet, from rows below the header of a report."""
    restorer = _RowRestorer(report_headers, restore_cell)
    return restorer.headers, map(restorer.restore_block, blocks)


_ADDED_COLUMNS = frozenset({*REPORT_COLUMNS, *PLAN_COLUMNS, *VERIFICATION_COLUMNS, *TASK_COLUMNS})


class _RowRestorer:
    """Restores rows of the original sheet from rows of a report.

    A row whose phone was doubted stays rejected until the phone is fixed: Excel may have shortened it to that of another
    lead, or somebody dragged it down. Imported, it would overwrite the other lead.
    """

    def __init__(self, report_headers: Sequence[str], restore_cell: Callable[[str], str]) -> None:
        report_columns = {name: at for at, name in enumerate(report_headers) if name in _ADDED_COLUMNS}
        self._restore_cell = restore_cell
        self._kept = [index for index, name in enumerate(report_headers) if name not in _ADDED_COLUMNS]
        self._codes_column = report_columns.get("_codes")
        self._phone_column = report_columns.get("_phone")
        self.headers = tuple(restore_cell(report_headers[index]) for index in self._kept)

    def restore_block(self, block: SourceRows) -> SourceRows:
        """Return the rows of the original sheet for a block of the report."""
        restore_cell, kept = self._restore_cell, self._kept
        cells = [tuple([restore_cell(row[index]) for index in kept]) for row in block.cells]
        issues = {at: _drop_lost_letters_of_report(found, cells[at]) for at, found in block.issues.items()}
        if self._phone_column is not None:
            phones = [restore_cell(row[self._phone_column]) for row in block.cells]
            for at, issue in chain(
                self._find_doubts(block, cells, phones), self._find_dragged(cells, phones)
            ):
                issues[at] = (*issues.get(at, ()), issue)
        return SourceRows(block.numbers, cells, issues)

    def _find_doubts(
        self, block: SourceRows, rows: Sequence[Sequence[str]], phones: Sequence[str]
    ) -> Iterator[tuple[int, Issue]]:
        """Yield the rows whose number was doubted in the report, and that still have it."""
        if self._codes_column is None:
            return
        for at, report_row in enumerate(block.cells):
            codes = report_row[self._codes_column]
            if _has_code(codes, IssueCode.SHORTENED):
                yield from ((at, issue) for issue in self._find_shortened(rows[at], phones[at]))
            if _has_code(codes, IssueCode.DRAGGED) and phones[at]:
                yield from ((at, issue) for issue in self._find_still_dragged(rows[at], phones[at]))

    def _find_dragged(
        self, rows: Sequence[Sequence[str]], phones: Sequence[str]
    ) -> Iterator[tuple[int, Issue]]:
        """Yield the rows whose number was changed to one that counts on from the row above.

        Who drags a cell down in a spreadsheet to copy it gets 98450 12346, 98450 12347 below 98450 12345.
        """
        for header, column in zip(self.headers, zip(*rows, strict=True), strict=True):
            numbers = list(map(_read_last_digits, column))
            for start, end in _find_counting_runs(numbers):
                for at in range(start, end):
                    if phones[at] and not phones[at].endswith(f"{numbers[at]:0{_PHONE_DIGITS}}"):
                        yield at, Issue("customer_phone", IssueCode.DRAGGED, header, column[at], phones[at])

    def _find_still_dragged(self, cells: Sequence[str], phone: str) -> list[Issue]:
        """Return an issue for the first cell that still has the number that was doubted in the report before."""
        return [
            Issue("customer_phone", IssueCode.DRAGGED, header, cell, issue_messages.FIRST_REPORT)
            for header, cell in zip(self.headers, cells, strict=True)
            if (number := _read_last_digits(cell)) is not None and phone.endswith(str(number))
        ][:1]

    def _find_shortened(self, cells: Sequence[str], phone: str) -> list[Issue]:
        """Return an issue for the first cell that still has the phone that was doubted."""
        return [
            Issue("customer_phone", IssueCode.SHORTENED, header, cell, "another lead")
            for header, cell in zip(self.headers, cells, strict=True)
            if _is_doubted_phone(cell.strip(), phone)
        ][:1]


def _read_last_digits(cell: str) -> int | None:
    """Return the last ten digits of a cell that is long enough for a phone and has no letters."""
    if len(cell) < _PHONE_DIGITS or not cell[-1].isdecimal():
        return None  # most cells of a report end here
    digits = "".join(filter(str.isdecimal, cell))
    is_phone_like = len(digits) >= _PHONE_DIGITS and not any(map(str.isalpha, cell))
    return int(digits[-_PHONE_DIGITS:]) if is_phone_like else None


def _find_counting_runs(numbers: Sequence[int | None]) -> Iterator[tuple[int, int]]:
    """Yield where numbers count up by one from row to row: the first index, and the index after the last."""
    start = 0
    for at in range(1, len(numbers) + 1):
        before = numbers[at - 1]
        if at < len(numbers) and before is not None and numbers[at] == before + 1:
            continue
        if at - start >= _MIN_DRAGGED_ROWS:
            yield start, at
        start = at


def _drop_lost_letters_of_report(issues: tuple[Issue, ...], cells: Sequence[str]) -> tuple[Issue, ...]:
    """Return the issues without a lost letter in our own columns: `_problems` quotes it after it was fixed, too."""
    is_lost = any(LOST_CHARACTER in cell for cell in cells)
    return tuple(issue for issue in issues if is_lost or issue.code != IssueCode.UNDECODABLE)


def _has_code(codes: str, code: IssueCode) -> bool:
    """Return whether a code such as `customer_phone.shortened` is there; a lead may take its phone from any column."""
    return code in codes and any(is_about(one, {code}) for one in codes.split(";"))


def _is_doubted_phone(cell: str, phone: str) -> bool:
    return is_possibly_shortened(cell) and len(cell) >= _MIN_SHORTENED_DIGITS and is_same_number(phone, cell)
