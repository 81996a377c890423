"""Files that importer wrote itself, fed back in: their `_` columns are set aside, their guards taken off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from importer.csv_injection import unescape_formula
from importer.issues import LOST_CHARACTER, Issue, IssueCode
from importer.loader.cells.phones import is_possibly_shortened
from importer.loader.formats.file_kind import FileKind
from importer.loader.table.table_reader import Table
from importer.models.row import SourceRows
from importer.models.status import REPORT_COLUMNS, ROWS_SHEET
from importer.validator.deduplicate import is_same_number


def theirs(headers: Sequence[str]) -> list[int]:
    """The columns that are not ours, by index."""
    return [index for index, header in enumerate(headers) if header not in REPORT_COLUMNS]


def as_typed(table: Table) -> tuple[tuple[str, ...], Iterator[SourceRows]]:
    """The headers and rows of the sheet that our report was made from, cells as they were first typed.

    The cells of our workbook need no guard. A CSV file of ours that was saved as a workbook still has its own.
    """
    is_workbook = table.kind is not FileKind.CSV and table.sheet == ROWS_SHEET
    return their_rows(table.headers, table.blocks, str if is_workbook else unescape_formula)


def their_rows(
    ours: Sequence[str], blocks: Iterable[SourceRows], clean: Callable[[str], str] = str
) -> tuple[tuple[str, ...], Iterator[SourceRows]]:
    """The same of rows under the headers of a report.

    Who was kept out for a number that Excel may have shortened to somebody else's stays out until that number is mended:
    alone in the report, his row would take the place of the other's lead.
    """
    kept = theirs(ours)
    headers = tuple(clean(ours[index]) for index in kept)
    columns = {name: at for at, name in enumerate(ours) if name in REPORT_COLUMNS}
    codes, phone = columns.get("_codes"), columns.get("_phone")

    def typed(block: SourceRows) -> SourceRows:
        cells = [tuple([clean(row[index]) for index in kept]) for row in block.cells]
        faults = {at: _of_their_cells(found, cells[at]) for at, found in block.issues.items()}
        if codes is not None and phone is not None:
            for at in [at for at, row in enumerate(block.cells) if _is_shortened(row[codes])]:
                told = _still_shortened(cells[at], headers, clean(block.cells[at][phone]))
                faults[at] = (*faults.get(at, ()), *told)
        return SourceRows(block.numbers, cells, faults)

    return headers, map(typed, blocks)


def _of_their_cells(faults: tuple[Issue, ...], cells: Sequence[str]) -> tuple[Issue, ...]:
    """The faults without that of a letter lost in our columns alone: `_problems` quotes it also where it was mended."""
    lost = any(LOST_CHARACTER in cell for cell in cells)
    return tuple(issue for issue in faults if lost or issue.code != IssueCode.UNDECODABLE)


_LEAST_DIGITS = 10  # fewer are an amount of as many zeros


def _is_shortened(codes: str) -> bool:
    """Whether one of the codes says so, of whichever column: a lead may take its phone from the others."""
    return "shortened" in codes and any(code.endswith(".shortened") for code in codes.split(";"))


def _still_shortened(cells: Sequence[str], headers: Sequence[str], phone: str) -> list[Issue]:
    doubted = [
        (header, cell) for header, cell in zip(headers, cells, strict=True) if _is_that(phone, cell.strip())
    ]
    return [
        Issue("customer_phone", IssueCode.SHORTENED, header, cell, "another lead")
        for header, cell in doubted[:1]
    ]


def _is_that(phone: str, cell: str) -> bool:
    """Whether the cell is the number that was doubted."""
    return is_possibly_shortened(cell) and len(cell) >= _LEAST_DIGITS and is_same_number(phone, cell)
