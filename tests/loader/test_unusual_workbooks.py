"""Tests for workbooks whose inner names are unusual: programs write them, and Excel opens them."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
import xlwt
from openpyxl import Workbook

from importer.errors import UnreadableFileError
from importer.loader.formats import workbook_reader
from importer.loader.formats.file_kind import detect_file_kind
from tests.support import open_sheet

ROWS = [["Name", "Phone"], ["Asha", "9845012345"], ["Ravi", "#N/A"]]


def read_rows(path: Path) -> list[list[str]]:
    sheet = open_sheet(path, detect_file_kind(path), None)
    return [list(row.cells) for row in chain.from_iterable(sheet.blocks)]


def write_xls(path: Path, *, far: tuple[int, int] | None = None) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("Leads")
    for row, cells in enumerate(ROWS):
        for column, text in enumerate(cells):
            sheet.write(row, column, text)
    if far:
        sheet.write(*far, "x")
    book.save(str(path))
    return path


def test_stream_of_an_old_workbook_may_be_in_capitals(tmp_path):
    """Crystal Reports writes WORKBOOK."""
    path = write_xls(tmp_path / "sheet")
    usual, unusual = ("Workbook".encode("utf-16-le"), "WORKBOOK".encode("utf-16-le"))
    path.write_bytes(path.read_bytes().replace(usual, unusual))
    assert read_rows(path) == ROWS


def test_old_workbook_with_one_cell_far_away_is_refused_before_it_takes_memory(tmp_path):
    """The reader stores the cells between: 1.1 GB for a file of 42 kB."""
    with pytest.raises(UnreadableFileError, match="1,67,77,216 cells, but most of them are empty"):
        read_rows(write_xls(tmp_path / "sheet", far=(65_535, 255)))


def test_old_workbook_with_an_empty_part_is_read(tmp_path):
    assert len(read_rows(write_xls(tmp_path / "sheet", far=(60_000, 5)))) == 60_001


def use_backslashes(name: str, content: bytes) -> tuple[str, bytes]:
    return name.replace("/", "\\"), content


def move_to_root(name: str, content: bytes) -> tuple[str, bytes]:
    return name.removeprefix("xl/"), content.replace(b"/xl/", b"/").replace(b'"xl/', b'"')


@pytest.fixture(params=["calamine", "too large for it"])
def reader(request, monkeypatch):
    """Read with calamine, and as if the sheet were too large for it."""
    if request.param != "calamine":
        monkeypatch.setattr(workbook_reader, "_MAX_SHEET_BYTES_IN_MEMORY", 0)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("change", [use_backslashes, move_to_root])
def test_parts_may_have_unusual_names(tmp_path, change: Callable[[str, bytes], tuple[str, bytes]]):
    """The rows are read, and so is the error cell, which only our own pass over the parts finds."""
    book = Workbook()
    for cells in ROWS:
        book.active.append(cells)
    book.active["B3"].data_type = "e"
    book.save(tmp_path / "usual")
    with zipfile.ZipFile(tmp_path / "usual") as source, zipfile.ZipFile(tmp_path / "sheet", "w") as target:
        for part in source.infolist():
            target.writestr(*change(part.filename, source.read(part)))
    assert read_rows(tmp_path / "sheet") == ROWS


def test_part_under_two_spellings_is_refused(tmp_path):
    """A reader could see one of them, and the check the other."""
    with zipfile.ZipFile(tmp_path / "sheet", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl\\workbook.xml", "<workbook/>")
    with pytest.raises(UnreadableFileError, match="two parts named"):
        read_rows(tmp_path / "sheet")
