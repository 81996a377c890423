"""Tests for workbooks of every format: cells as the sheet shows them, the sheet's own row numbers, nothing skipped silently."""

from __future__ import annotations

import threading
import tracemalloc
import zipfile
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.chart import BarChart

from importer.errors import UnreadableFileError, UsageError
from importer.issues import find_unreadable_rows
from importer.loader.formats import workbook_reader
from importer.loader.formats.file_kind import FileKind, detect_file_kind
from importer.loader.formats.sheet_metadata import RowMetadata
from importer.models.row import BLOCK_ROWS
from tests.loader.write_workbooks import (
    MAIN,
    STRICT,
    ods_cell,
    text_cell,
    write_ods,
    write_parts,
    write_xlsb,
    write_xlsx,
)
from tests.support import open_sheet

pytestmark = pytest.mark.filterwarnings("ignore:Workbook contains no default style")

FILES = Path(__file__).parent / "files"


def read_rows(path: Path, sheet: str | None = None) -> dict[int, list[str]]:
    """Return row number -> cells, without blank rows."""
    blocks = open_sheet(path, detect_file_kind(path), sheet).blocks
    return {row.number: [*row.cells] for block in blocks for row in block if any(row.cells)}


def read_notices(path: Path) -> list[str]:
    opened = open_sheet(path, detect_file_kind(path), None)
    list(opened.blocks)
    return [notice.text for notice in opened.notices]


@pytest.fixture(params=["whole", "streamed"])
def reader(request, monkeypatch):
    """Use each reader of .xlsx files: a sheet must not be read differently because it is large."""
    if request.param == "streamed":
        monkeypatch.setattr(workbook_reader, "_MAX_SHEET_BYTES_IN_MEMORY", 0)
    return request.param


SHEET = (
    f'<row r="3">{text_cell("C3", "Phone")}{text_cell("D3", "Seen")}</row>'
    '<row r="4" hidden="1"><c r="C4"><v>9845012345</v></c><c r="D4" s="1"><v>45000</v></c></row>'
    '<row r="7"><c r="C7" s="2"><v>9845012346</v></c><c r="D7" s="3"><v>45000.5</v></c></row>'
    '<row r="8"><c r="C8" t="e"><v>#N/A</v></c><c r="D8" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
    '<row r="9"><c r="C9"><f>A1&amp;&quot;x&quot;</f></c><c r="D9" t="str"><f>IF(A1="","",A1)</f><v></v></c></row>'
    '<row r="10"><c r="C10"><f>SUM(A1:A2)</f><v>5</v></c><c r="D10" t="b"><v>1</v></c></row>'
    '<row r="11"><c r="C11"><f t="shared" si="0"/></c></row>'
)
CODES = ["dd/mm/yyyy", '"+91" 00000 00000', "d mmm yy, h:mm AM/PM"]
SHOWN = {
    3: ["", "", "Phone", "Seen"],
    4: ["", "", "9845012345", "15/03/2023"],
    7: ["", "", "+91 98450 12346", "15 Mar 23, 12:00 PM"],
    8: ["", "", "#N/A", "#DIV/0!"],
    9: ["", "", '=(A1&"x")', ""],
    10: ["", "", "5", "TRUE"],
    11: ["", "", "=(shared formula)"],
}


def _trim_rows(rows: dict[int, list[str]]) -> dict[int, list[str]]:
    """Drop the empty cells at the end, since readers differ in how many there are."""
    return {
        number: [*map(str, cells)][: max(i for i, c in enumerate(cells) if c) + 1]
        for number, cells in rows.items()
    }


SHOWN_TRIMMED = _trim_rows(SHOWN)


@pytest.mark.parametrize("block", [1, 2, 3, BLOCK_ROWS])
def test_sheet_is_read_as_it_is_shown(tmp_path, monkeypatch, reader, block):
    """Rows have the sheet's own numbers, columns start at A, cells have their formats, and cells without a value are issues."""
    monkeypatch.setattr(workbook_reader, "BLOCK_ROWS", block)
    path = write_xlsx(tmp_path / "sheet", SHEET, codes=CODES)
    assert _trim_rows(read_rows(path)) == SHOWN_TRIMMED
    assert (
        "1 row is hidden or filtered out in the sheet (row 4); it is read like the others."
        in read_notices(path)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace('"', "'").replace("=''", "=&quot;&quot;").replace("('',", "("),
        lambda xml: xml.replace("<", "<x:").replace("<x:/", "</x:"),
        lambda xml: xml.replace("><", ">\n  <").replace("<v>\n  </v>", "<v></v>"),
        lambda xml: xml.replace(' s="', ' cm="1" s="'),
        lambda xml: xml.replace("<c r=", '<c vm="1" r='),
    ],
    ids=["single quotes", "prefixes", "pretty", "more attributes", "reference not first"],
)
def test_sheet_is_read_the_same_however_its_xml_is_written(tmp_path, change):
    inner = change(SHEET)
    prefix = "x:" if "<x:" in inner else ""
    declared = f'xmlns:x="{MAIN}"' if prefix else f'xmlns="{MAIN}"'
    sheet = (
        f"<{prefix}worksheet {declared}><{prefix}sheetData>{inner}</{prefix}sheetData></{prefix}worksheet>"
    )
    found = _trim_rows(read_rows(write_xlsx(tmp_path / "sheet", sheet, codes=CODES)))
    assert {number: cells for number, cells in found.items() if number != 9} == {
        number: cells for number, cells in SHOWN_TRIMMED.items() if number != 9
    }
    assert found[9][2].startswith("=(A1")
    assert len(found[9]) == 3


def test_rows_and_cells_without_a_reference_follow_one_another(tmp_path):
    """Small libraries leave the references out."""
    cells = text_cell("A1", "Phone").replace(' r="A1"', "")
    path = write_xlsx(
        tmp_path / "sheet",
        f'<row>{cells}<c><v>1</v></c></row><row hidden="true"><c t="e"><v>#REF!</v></c><c s="1"><v>45000</v></c></row>',
        codes=["yyyy"],
    )
    assert read_rows(path) == {1: ["Phone", "1"], 2: ["#REF!", "2023"]}
    assert any("row 2" in notice for notice in read_notices(path))


def test_strict_workbooks_are_read(tmp_path, reader):
    """The library openpyxl takes Excel's "Strict Open XML Spreadsheet" for empty; its dates are text."""
    sheet = f'<row r="1">{text_cell("A1", "Phone")}</row><row r="2"><c r="A2"><v>9845012345</v></c><c r="B2" t="d"><v>2024-03-04</v></c></row>'
    path = write_xlsx(tmp_path / "sheet", sheet, namespace=STRICT)
    assert read_rows(path) == {1: ["Phone", ""], 2: ["9845012345", "04-03-2024"]}


def test_escape_of_half_a_character_is_text(tmp_path, reader):
    """Both readers decode `_x000D_`; no file and no request can contain half a character."""
    write_xlsx(tmp_path / "sheet", f'<row r="1">{text_cell("A1", "a_x000D_b _xD83D_ _x005F_x000D_")}</row>')
    assert read_rows(tmp_path / "sheet") == {1: ["a\rb _xD83D_ _x000D_"]}


@pytest.mark.parametrize(
    "cell", ["<c r='A9'><v></v></c>", '<c r="A9"><v></v></c>', '<c r="A9" t="s"><v></v></c>']
)
def test_empty_value_at_the_end_is_not_a_value(tmp_path, cell):
    """Some programs write them; a reader that skips the row has not stopped too early."""
    write_xlsx(tmp_path / "sheet", f'<row r="1">{text_cell("A1", "yes")}</row><row r="9">{cell}</row>')
    assert read_rows(tmp_path / "sheet") == {1: ["yes"]}


def test_workbook_without_styles_is_read(tmp_path, reader):
    """Small libraries leave the styles out."""
    write_xlsx(tmp_path / "all", f'<row r="1">{text_cell("A1", "yes")}</row>')
    with zipfile.ZipFile(tmp_path / "all") as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != "xl/styles.xml"}
    write_parts(tmp_path / "sheet", parts)
    assert read_rows(tmp_path / "sheet") == {1: ["yes"]}


ODS_TEXT = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'


def test_table_in_a_cell_does_not_end_an_opendocument_sheet(tmp_path):
    """Old LibreOffice files have such tables, with names of their own."""
    within = (
        f'<table:table table:name="T"><table:table-row>{ODS_TEXT.format("x")}</table:table-row></table:table>'
    )
    rows = [[ODS_TEXT.format("a"), f"<table:table-cell>{within}</table:table-cell>"], [ODS_TEXT.format("b")]]
    found = read_rows(write_ods(tmp_path / "sheet", [(1, row) for row in rows]))
    assert [cells for cells in found.values() if cells != ["x"]] == [["a"], ["b"]]


def test_absurd_repeat_counts_of_an_opendocument_sheet_lose_no_rows_and_no_memory(tmp_path):
    """A row repeated zero times is one row, and no text has 50 million spaces."""
    spaces = ODS_TEXT.format('a<text:s text:c="50000000"/>b')
    found = read_rows(write_ods(tmp_path / "sheet", [(0, [ODS_TEXT.format("c")]), (1, [spaces])]))
    assert found == {1: ["c"], 2: [f"a{' ' * 1000}b"]}


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (ods_cell("float", "+91 98450 12345", "919845012345"), "+91 98450 12345"),
        (ods_cell("float", "₹ 1,20,000", "120000"), "120000"),
        (ods_cell("float", "Flat 12", "12"), "12"),
        (ods_cell("string", "Err:502", formula="of:=A1"), "#VALUE!"),
        (ods_cell("string", "Err: she hung up"), "Err: she hung up"),
    ],
    ids=["phone", "amount", "unit", "error", "text"],
)
def test_opendocument_number_has_only_the_zeros_and_the_code_of_its_format(tmp_path, cell, shown):
    """An error is what a formula gives, not what somebody typed."""
    assert read_rows(write_ods(tmp_path / "sheet", [(1, [cell])])) == {1: [shown]}


def test_opendocument_sheet_name_may_have_characters_that_xml_escapes(tmp_path):
    path = write_ods(tmp_path / "sheet", [(1, [ods_cell("string", "yes")])], name="R&D <new>")
    assert read_rows(path) == read_rows(path, "R&D <new>") == {1: ["yes"]}


@pytest.mark.slow
def test_opendocument_sheet_is_read_in_flat_memory(tmp_path):
    """A row is freed when the next one is asked for."""
    rows = [(1, [ods_cell("string", f"{number}" * 20) for number in range(10)])] * 4_000
    path = write_ods(tmp_path / "sheet", rows)
    tracemalloc.start()
    for _ in open_sheet(path, FileKind.ODS, None).blocks:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20


def test_workbook_with_macros_is_read(tmp_path):
    path = write_xlsx(tmp_path / "sheet", SHEET, codes=CODES, more={"xl/vbaProject.bin": b"\0" * 100})
    assert _trim_rows(read_rows(path)) == SHOWN_TRIMMED


def test_error_in_the_metadata_is_raised_while_calamine_still_loads_the_sheet():
    """Loading a large sheet takes seconds, and a refused sheet need not be waited for."""
    may_end, ended = threading.Event(), threading.Event()

    class Slow:
        def get_sheet_by_name(self, name: str) -> object:
            may_end.wait(10)
            ended.set()
            raise AssertionError(name)

    def read_metadata() -> Iterator[tuple[int, RowMetadata]]:
        yield 2, RowMetadata()
        raise UnreadableFileError("The workbook has two cells called D5.", "Save it again.")

    with pytest.raises(UnreadableFileError, match="two cells"):
        workbook_reader._load_sheet(Slow(), "Leads", deque(), read_metadata())
    assert not ended.is_set()
    may_end.set()


@pytest.mark.parametrize("ahead", [0, 1, 10])
def test_metadata_is_the_same_however_much_was_read_ahead(tmp_path, monkeypatch, ahead):
    """What is not read ahead is read in step with the rows."""
    monkeypatch.setattr(workbook_reader, "_MAX_METADATA_AHEAD", ahead)
    monkeypatch.setattr(workbook_reader, "BLOCK_ROWS", 2)
    sheet = "".join(
        f'<row r="{at}"><c r="A{at}" s="{1 + at % 2}"><v>{45000 + at}</v></c></row>' for at in range(1, 8)
    )
    found = read_rows(write_xlsx(tmp_path / "sheet", sheet, codes=["dd/mm/yyyy", "yyyy-mm-dd"]))
    assert [cells[0] for cells in found.values()] == [
        "2023-03-16", "17/03/2023", "2023-03-18", "19/03/2023", "2023-03-20", "21/03/2023", "2023-03-22",
    ]  # fmt: skip


def test_search_for_issues_in_long_rows_needs_no_memory():
    """Joined, the rows would need as much memory again, and four times as much with one emoji among them."""
    rows = [["x" * 100_000] for _ in range(50)] + [["\U0001f600"], ["\0"]]
    tracemalloc.start()
    try:
        faults = find_unreadable_rows(rows)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert [(at, found[0].code) for at, found in faults.items()] == [(51, "nul")]


def test_lost_letter_rejects_only_its_own_row_of_a_block(tmp_path):
    """A letter lost when the sheet was made is a mark in it, and rejects the row."""
    rows = [text_cell(f"A{at}", "As\ufffda" if at == 3 else "Asha") for at in range(1, 6)]
    sheet = "".join(f'<row r="{at}">{cell}</row>' for at, cell in enumerate(rows, 1))
    blocks = list(open_sheet(write_xlsx(tmp_path / "sheet", sheet), FileKind.XLSX, None).blocks)
    assert {row.number: [fault.code for fault in row.issues] for row in chain(*blocks) if row.issues} == {
        3: ["undecodable"]
    }


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        (
            '<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>2</v></c></row>',
            "row 1 comes after row 2",
        ),
        (
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="1"><c r="A1"><v>2</v></c></row>',
            "row 1 comes after row 1",
        ),
        (
            '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c><c r="A1"><v>3</v></c></row>',
            "two cells called A1",
        ),
        ("<row r='1'><c r='A1'><v>1</v></c><c><v>2</v></c><c r='B1'><v>3</v></c></row>", "column in row 1"),
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><v>2', "cut off or damaged"),
        ('<row r="1"><c r="A1" t="s"><v>7</v></c></row>', "cut off or damaged"),
    ],
    ids=[
        "rows out of order",
        "one row twice",
        "one cell twice",
        "cell without reference",
        "cut off",
        "missing shared text",
    ],
)
def test_damaged_sheet_is_refused(tmp_path, sheet, expected):
    """The library calamine would silently drop one of two rows with one number, and one of two cells at one place."""
    with pytest.raises(UnreadableFileError, match=expected):
        read_rows(write_xlsx(tmp_path / "sheet", sheet))


@pytest.mark.slow
def test_stray_cell_at_the_far_corner_needs_no_memory(tmp_path, monkeypatch):
    """A sheet that claims 17 billion cells is streamed row by row."""
    monkeypatch.setattr(workbook_reader, "_load_sheet", lambda *_: pytest.fail("calamine stores every cell"))
    sheet = (
        f'<worksheet xmlns="{MAIN}"><dimension ref="A1:XFD1048576"/><sheetData>'
        f'<row r="1">{text_cell("A1", "Phone")}</row><row r="2"><c r="A2"><v>9845012345</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )
    found = read_rows(write_xlsx(tmp_path / "sheet", sheet))
    assert (found[1], found[2]) == (["Phone"], ["9845012345"])
    assert len(found[1048576]) == 16384


def test_binary_workbooks_are_read_as_they_are_shown(tmp_path):
    path = write_xlsb(
        tmp_path / "sheet",
        {
            2: ["", "Phone", "Seen", "Pin"],
            4: ["", 9845012345.0, (45000.0, 1), (1234.0, 2)],
            5: ["", b"\x2a", (45000.25, 1), 0.5],
            6: ["", b"\x0f", "x", (1234.0, 0)],
        },
        codes=["dd-mmm-yyyy", "000000"],
        hidden=[5],
    )
    assert read_rows(path) == {
        2: ["", "Phone", "Seen", "Pin"],
        4: ["", "9845012345", "15-Mar-2023", "001234"],
        5: ["", "#N/A", "15-Mar-2023", "0.5"],
        6: ["", "#VALUE!", "x", "1234"],
    }
    assert (
        "1 row is hidden or filtered out in the sheet (row 5); it is read like the others."
        in read_notices(path)
    )


@pytest.mark.parametrize("name", ["quirks.xls", "quirks.ods", "quirks.xlsx"])
def test_libreoffice_files_are_read_as_they_are_shown(name):
    """tests/loader/files/make.py made them: the same sheet in three formats."""
    found = _trim_rows(read_rows(FILES / name))
    assert found == {
        3: ["", "Phone", "Seen", "Note"],
        4: ["", "9845012345", "2024/03/04", "#N/A"],
        5: ["", "0012345", "15-Mar-23", " two  spaces"],
        6: ["", "+91 98450 12346", "3:04:00", "one\ntwo"],
        7: ["", "9845012347", "30:00:00", "2"],
        9: ["", "1.00000E+16", "0.3", "नमस्ते"],
        10: ["", "9845012348", "-1", "#DIV/0!"],
    }
    notices = read_notices(FILES / name)
    assert (
        "2 rows are hidden or filtered out in the sheet (rows 5, 7); they are read like the others."
        in notices
    )
    assert 'Other sheets were not read: "Old", "Secret". Name one with --sheet.' in notices


@pytest.mark.parametrize("name", ["quirks.xls", "quirks.ods", "quirks.xlsx"])
@pytest.mark.parametrize(("chosen", "first"), [("Old", "Old phone"), ("3", "Secret phone"), ("1", "Phone")])
def test_sheet_is_chosen_by_name_or_number(name, chosen, first):
    assert first in next(iter(read_rows(FILES / name, chosen).values()))


@pytest.mark.parametrize("name", ["quirks.xls", "quirks.ods", "quirks.xlsx"])
def test_unknown_sheet_is_refused_with_the_names_of_the_sheets(name):
    with pytest.raises(UsageError, match='"Leads", "Old", "Secret"'):
        read_rows(FILES / name, "leads2")


def test_first_visible_sheet_is_read(tmp_path):
    book = Workbook()
    book.active.title = "Hidden"
    book.active["A1"] = "no"
    book.create_sheet("Shown")["A1"] = "yes"
    book.active.sheet_state = "hidden"
    book.active = 1
    book.save(tmp_path / "sheet")
    assert read_rows(tmp_path / "sheet") == {1: ["yes"]}


def test_chart_sheet_is_skipped(tmp_path):
    """People put a dashboard in front of the list; it has no cells."""
    book = Workbook()
    book.active.title = "Leads"
    book.active["A1"] = "yes"
    book.create_chartsheet("Chart", 0).add_chart(BarChart())
    book.active = 0
    book.save(tmp_path / "sheet")
    assert read_rows(tmp_path / "sheet") == {1: ["yes"]}
    assert read_notices(tmp_path / "sheet") == ['Sheet "Leads" of the workbook.']
