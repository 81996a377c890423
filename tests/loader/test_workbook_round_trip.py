"""Tests that any table written to any workbook format is read back as the sheet shows it.

Text files have the same property, in every dialect and encoding, in test_delimited_text.py.
"""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from pathlib import Path

import pytest
import xlwt
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from xlwt import BIFFRecords

from importer.loader.formats import workbook_reader
from importer.loader.formats.file_kind import FileKind, detect_file_kind
from tests.loader.write_workbooks import ods_cell, write_ods, write_xlsb
from tests.support import open_sheet

ERRORS = {"#NULL!": 0, "#DIV/0!": 7, "#VALUE!": 15, "#REF!": 23, "#NAME?": 29, "#NUM!": 36, "#N/A": 42}


class ErrorCell(str):
    """An error cell, by its name."""

    __slots__ = ()


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]) | st.sampled_from(" \n\té न😊&<>\"'"),
    max_size=10,
).filter(
    lambda text: not text.startswith("=") and (not text or text.strip())  # of blanks alone, a cell is blank
)
CELL = (
    st.none()
    | TEXT
    | st.integers(-(10**14), 10**14)
    | st.integers(-99, 99)
    | st.decimals(-(10**6), 10**6, places=2).map(float)
    | st.booleans()
    | st.dates(dt.date(1950, 1, 1), dt.date(2100, 1, 1))
    | st.sampled_from([*map(ErrorCell, ERRORS)])
)
TABLE = st.dictionaries(st.integers(1, 40), st.lists(CELL, min_size=1, max_size=5), max_size=8)
"""Row number -> cells: rows before the first and between two are missing, cells anywhere are blank."""

Table = dict[int, list[object]]


def format_cell(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).upper()
        case dt.date():
            return f"{cell:%Y-%m-%d}"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case _:
            return str(cell)


def write_with_openpyxl(path: Path, table: Table) -> None:
    book = Workbook()
    for number, cells in table.items():
        for column, cell in enumerate(cells, 1):
            place = book.active.cell(number, column, cell)
            place.data_type = "e" if isinstance(cell, ErrorCell) else place.data_type
    book.save(path)


def write_with_xlwt(path: Path, table: Table) -> None:
    """Count UTF-16 code units, as the format does: the library counts letters and breaks at an emoji."""

    def encode_in_code_units(text: str, _encoding: str = "") -> bytes:
        units = text.encode("utf-16-le")
        return (len(units) // 2).to_bytes(2, "little") + b"\1" + units

    book = xlwt.Workbook()
    sheet = book.add_sheet("Leads")
    dated = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BIFFRecords, "upack2", encode_in_code_units)
        for number, cells in table.items():
            for column, cell in enumerate(cells):
                if isinstance(cell, ErrorCell):
                    sheet.row(number - 1).set_cell_error(column, ERRORS[cell])
                elif isinstance(cell, dt.date):
                    sheet.write(number - 1, column, cell, dated)
                else:
                    sheet.write(number - 1, column, cell)
        book.save(str(path))


def write_like_excel(path: Path, table: Table, *, shared: bool) -> None:
    def convert_cell(cell: object) -> object:
        if isinstance(cell, ErrorCell):
            return bytes([ERRORS[cell]])
        return (float((cell - dt.date(1899, 12, 30)).days), 1) if isinstance(cell, dt.date) else cell

    rows = {number: [*map(convert_cell, table[number])] for number in sorted(table)}
    write_xlsb(path, rows, codes=["yyyy-mm-dd"], shared=shared)


def write_like_libreoffice(path: Path, table: Table) -> None:
    """Write equal rows once with their count, as LibreOffice does; missing rows too."""

    def convert_cell(cell: object) -> str:
        shown = format_cell(cell)
        match cell:
            case ErrorCell():
                return ods_cell("string", shown, formula="of:=NA()")
            case bool():
                return ods_cell("boolean", shown, shown.lower())
            case dt.date():
                return ods_cell("date", shown, shown)
            case int() | float():
                return ods_cell("float", shown, repr(cell))
            case _:
                return ods_cell("string" if cell else "", shown)

    every = [
        tuple(map(convert_cell, table.get(number, ()))) for number in range(1, max(table, default=0) + 1)
    ]
    rows = [(len(list(same)), cells) for cells, same in groupby(every)]
    write_ods(path, [*rows, (1_048_576 - len(every), ())])


WRITERS = {
    "xlsx": (write_with_openpyxl, FileKind.XLSX),
    "xlsx, streamed": (write_with_openpyxl, FileKind.XLSX),
    "xls": (write_with_xlwt, FileKind.XLS),
    "xlsb": (lambda path, table: write_like_excel(path, table, shared=False), FileKind.XLSB),
    "xlsb, shared texts": (lambda path, table: write_like_excel(path, table, shared=True), FileKind.XLSB),
    "ods": (write_like_libreoffice, FileKind.ODS),
}


def drop_blanks(rows: dict[int, list[str]]) -> dict[int, list[str]]:
    """Drop blank rows and the empty cells at the end: readers differ in those."""
    return {
        number: cells[: max(i for i, cell in enumerate(cells) if cell) + 1]
        for number, cells in rows.items()
        if any(cells)
    }


@pytest.mark.parametrize("written", WRITERS)
@settings(deadline=None, max_examples=120)
@given(table=TABLE)
@example(table={3: [None, "Name", "Phone"], 5: [None, "Āśā 😊\nRao", 9845012345], 40: [ErrorCell("#N/A")]})
@example(table={1: ["a", "b"], 2: ["a", "b"], 3: ["a", "b"], 9: [None, dt.date(1950, 1, 1), True]})
def test_any_table_in_a_workbook_is_read_back_unchanged(tmp_path_factory, written, table):
    """Texts of any script, numbers, dates, booleans, errors and blanks come back, with gaps between rows and before the first."""
    write, kind = WRITERS[written]
    path = tmp_path_factory.mktemp("books") / "sheet"
    write(path, table)
    assert detect_file_kind(path) is kind
    with pytest.MonkeyPatch.context() as patch:
        if written == "xlsx, streamed":
            patch.setattr(workbook_reader, "_MAX_SHEET_BYTES_IN_MEMORY", 0)
        blocks = open_sheet(path, kind, None).blocks
        found = {row.number: [*row.cells] for block in blocks for row in block}
    wanted = {number: [format_cell(cell) for cell in cells] for number, cells in table.items()}
    assert drop_blanks(found) == drop_blanks(wanted)
