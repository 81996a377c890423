"""Rows as sheet XML: a spreadsheet program reads them like the cells of XlsxWriter."""

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.issues import Issue
from importer.models.status import REPORT_COLUMNS
from importer.report.failed_workbook import fits_in_workbook
from importer.report.sheet_row_writer import SheetRowWriter, read_sample_styles
from tests.naughty import TEXTS
from tests.report.builders import build_metadata, build_rejected, write_run_reports

FULL = Path("/dev/full")
CELLS = st.one_of(
    st.sampled_from(TEXTS), st.text(st.sampled_from("_x005Fa&<>\"' \t\n\r\x00\x0b\x1f]"), max_size=12)
)


def build_book(*texts, sample=False):
    """Return a workbook of XlsxWriter: texts in its second row, or a sample row of two styles."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet()
    bold, red = book.add_format({"bold": True}), book.add_format({"font_color": "#FF0000"})
    sheet.write_string(0, 0, "Header", bold)
    for column, look in enumerate((red, bold) if sample else ()):
        sheet.write_blank(1, column, None, look)
    for column, text in enumerate(texts):
        sheet.write_string(1, column, text)
    book.close()
    return file


def read_rows(path):
    return [[cell.value for cell in row] for row in openpyxl.load_workbook(path).active.iter_rows(min_row=2)]


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(CELLS.filter(lambda text: fits_in_workbook([text])), min_size=1, max_size=4))
def test_cells_read_like_those_of_xlsxwriter(tmp_path_factory, texts):
    """A spreadsheet program reads the same texts from our XML as from XlsxWriter's."""
    folder = tmp_path_factory.mktemp("rows")
    with SheetRowWriter(folder / "rows", [1, 2], len(texts)) as rows:
        rows.add(15, texts, [0] * len(texts))
    rows.write_workbook(build_book(sample=True), folder / "ours.xlsx")
    (folder / "theirs.xlsx").write_bytes(build_book(*texts).getbuffer())
    read = [[value or "" for value in row][: len(texts)] for row in read_rows(folder / "ours.xlsx")]
    wanted = [[value or "" for value in row][: len(texts)] for row in read_rows(folder / "theirs.xlsx")]
    assert read == wanted


@pytest.mark.parametrize("text", ["\ufffe", "\uffff"])
def test_problem_may_quote_what_xml_cannot_hold(tmp_path, text):
    """A row with such a cell is not in the workbook, but the problem of another row may quote it."""
    title = Issue("lead_stage_name", "unknown", "Stage", "Warm", f' Did you mean "Warm{text}lead"?')
    columns = [("Phone", "customer_phone"), ("Stage", "lead_stage_name")]
    write_run_reports(tmp_path, build_metadata(columns), [build_rejected(2, ["12", "Warm"], title)])
    [[*cells]] = read_rows(tmp_path / "failed_rows.xlsx")
    assert f"Warm_x{ord(text):04X}_lead" in cells[2 + REPORT_COLUMNS.index("_problems")]


def test_rows_replace_sample_row(tmp_path):
    """Styles, heights and numbers are right, and every other part is as XlsxWriter wrote it."""
    book = build_book(sample=True)
    red, bold = read_sample_styles(book)
    assert red != bold
    with SheetRowWriter(tmp_path / "rows", [red, bold], 2) as rows:
        rows.add(15, ["a", 7], [0, 1])
        rows.add(45, [None, "b"], [1, 0])
    rows.write_workbook(book, tmp_path / "book.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx").active
    assert read_rows(tmp_path / "book.xlsx") == [["a", 7], [None, "b"]]
    assert (sheet["A2"].font.color.rgb, sheet["B2"].font.bold, sheet["B3"].font.color.rgb) == (
        "FFFF0000",
        True,
        "FFFF0000",
    )
    assert sheet.row_dimensions[3].height == 45
    with zipfile.ZipFile(tmp_path / "book.xlsx") as ours, zipfile.ZipFile(book) as theirs:
        assert ours.namelist() == theirs.namelist()
        assert b'ref="A1:B3"' in ours.read("xl/worksheets/sheet1.xml")
        ET.fromstring(ours.read("xl/worksheets/sheet1.xml"))
        for name in set(theirs.namelist()) - {"xl/worksheets/sheet1.xml"}:
            assert ours.read(name) == theirs.read(name)


def test_sample_row_is_removed_without_rows(tmp_path):
    """An empty workbook must not contain the sample row."""
    with SheetRowWriter(tmp_path / "rows", [1, 2], 2) as rows:
        pass
    rows.write_workbook(build_book(sample=True), tmp_path / "book.xlsx")
    assert read_rows(tmp_path / "book.xlsx") == []


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_full_disk_is_an_oserror(tmp_path):
    """The report writer turns it into a DiskWriteError."""
    rows = SheetRowWriter(tmp_path / "rows", [1, 2], 2)
    rows._path = FULL
    with pytest.raises(OSError, match="No space"), rows:
        rows.add(15, ["x" * 100_000, None], [0, 0])
