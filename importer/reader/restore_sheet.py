"""Restore the original sheet from a report of ours that is imported again: without `_` columns and escaped formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from importer.csv_injection import unescape_formula
from importer.issues import LOST_CHARACTER, Issue, IssueCode, is_about
from importer.loader.cells.phones import is_possibly_shortened
from importer.loader.formats.file_kind import FileKind
from importer.loader.table.table_reader import Table
from importer.models.row import SourceRows
from importer.models.status import REPORT_COLUMNS, ROWS_SHEET
from importer.validator.deduplicate import is_same_number

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


class _RowRestorer:
    """Restores rows of the original sheet from rows of a report.

    A row that was rejected because Excel may have shortened its phone to that of another lead stays rejected until
    the phone is fixed. Imported alone, it would overwrite the other lead.
    """

    def __init__(self, report_headers: Sequence[str], restore_cell: Callable[[str], str]) -> None:
        report_columns = {name: at for at, name in enumerate(report_headers) if name in REPORT_COLUMNS}
        self._restore_cell = restore_cell
        self._kept = [index for index, name in enumerate(report_headers) if name not in REPORT_COLUMNS]
        self._codes_column = report_columns.get("_codes")
        self._phone_column = report_columns.get("_phone")
        self.headers = tuple(restore_cell(report_headers[index]) for index in self._kept)

    def restore_block(self, block: SourceRows) -> SourceRows:
        """Return the rows of the original sheet for a block of the report."""
        restore_cell, kept = self._restore_cell, self._kept
        cells = [tuple([restore_cell(row[index]) for index in kept]) for row in block.cells]
        issues = {at: _drop_lost_letters_of_report(found, cells[at]) for at, found in block.issues.items()}
        codes, phone = self._codes_column, self._phone_column
        if codes is not None and phone is not None:
            for at in [at for at, row in enumerate(block.cells) if _has_shortened_code(row[codes])]:
                doubted_phone = restore_cell(block.cells[at][phone])
                issues[at] = (*issues.get(at, ()), *self._find_shortened(cells[at], doubted_phone))
        return SourceRows(block.numbers, cells, issues)

    def _find_shortened(self, cells: Sequence[str], phone: str) -> list[Issue]:
        """Return an issue for the first cell that still has the phone that was doubted."""
        return [
            Issue("customer_phone", IssueCode.SHORTENED, header, cell, "another lead")
            for header, cell in zip(self.headers, cells, strict=True)
            if _is_doubted_phone(cell.strip(), phone)
        ][:1]


def _drop_lost_letters_of_report(issues: tuple[Issue, ...], cells: Sequence[str]) -> tuple[Issue, ...]:
    """Return the issues without a lost letter in our own columns: `_problems` quotes it after it was fixed, too."""
    is_lost = any(LOST_CHARACTER in cell for cell in cells)
    return tuple(issue for issue in issues if is_lost or issue.code != IssueCode.UNDECODABLE)


def _has_shortened_code(codes: str) -> bool:
    """Return whether a code such as `customer_phone.shortened` is there; a lead may take its phone from any column."""
    shortened = {IssueCode.SHORTENED}
    return IssueCode.SHORTENED in codes and any(is_about(code, shortened) for code in codes.split(";"))


def _is_doubted_phone(cell: str, phone: str) -> bool:
    return is_possibly_shortened(cell) and len(cell) >= _MIN_SHORTENED_DIGITS and is_same_number(phone, cell)
