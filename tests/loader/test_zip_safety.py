"""The look at an archive before it is unpacked: what no spreadsheet program writes is refused with words."""

from __future__ import annotations

import struct
import zipfile
from itertools import chain

import pytest

from importer.errors import UnreadableFileError
from importer.loader.formats import zip_safety
from importer.loader.formats.file_kind import detect_file_kind
from importer.loader.formats.workbook_reader import open_sheet
from importer.loader.formats.zip_safety import check_archive
from tests.loader.write_workbooks import text_cell, write_parts, write_xlsx

SHEET = f'<row r="1">{text_cell("A1", "Phone")}</row><row r="2"><c r="A2"><v>9845012345</v></c></row>'


def refused(path) -> str:
    with pytest.raises(UnreadableFileError) as error:
        check_archive(path)
    assert error.value.advice
    return error.value.message


def test_a_sound_workbook_passes(tmp_path):
    check_archive(write_xlsx(tmp_path / "sheet", SHEET))


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    """Zeros are packed a thousand times, a sheet at most sixty."""
    path = write_xlsx(tmp_path / "sheet", SHEET, more={"xl/media/x.bin": b"\0" * (25 << 20)})
    assert "packed" in refused(path)


def test_an_archive_of_more_than_the_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_safety.limits, "MAX_UNPACKED_BYTES", 100)
    assert "unpacks to more than" in refused(write_xlsx(tmp_path / "sheet", SHEET))


def test_too_many_parts_are_refused(tmp_path):
    assert "5,010 parts" in refused(
        write_parts(tmp_path / "sheet", {f"xl/{i}.bin": "x" for i in range(5010)})
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["xl/workbook.xml", "XL/Workbook.XML"])
def test_two_parts_of_one_name_are_refused(tmp_path, twin):
    """Readers differ in which of the two they take."""
    with zipfile.ZipFile(write_xlsx(tmp_path / "sheet", SHEET), "a") as archive:
        archive.writestr(twin, "x")
    assert "two parts named" in refused(tmp_path / "sheet")


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "part",
    [
        f"<?xml version='1.0'?>{BOMB}<worksheet/>",
        BOMB.lower() + "<worksheet/>",
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet/>',
        f"<?xml version='1.0'?><!-- {'x' * 50_000} -->{BOMB}<worksheet/>",
        f"<?xml version='1.0'?><!-- {'x' * 500_000} --><worksheet/>",
        f"\ufeff{BOMB}<worksheet/>".encode("utf-16-le"),
        f"<?xml version='1.0' encoding='utf-16'?>{BOMB}<worksheet/>".encode("utf-16-be"),
    ],
)
@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "XL/OTHER.XML", "_rels/.rels"])
def test_entities_are_refused_wherever_they_hide(tmp_path, part, name):
    path = write_parts(tmp_path / "sheet", {"xl/workbook.xml": "<workbook/>", name: part})
    assert "entities of its own" in refused(path)


def test_a_doctype_in_a_cell_is_text(tmp_path):
    check_archive(write_xlsx(tmp_path / "sheet", f'<row r="1">{text_cell("A1", "<!DOCTYPE html>")}</row>'))


@pytest.mark.parametrize("size", [0, 10, 1 << 20, (1 << 32) - 1])
def test_an_archive_that_lies_about_a_size_is_read_whole_or_refused(tmp_path, size):
    """Never cut at the size that is claimed, and never read beyond what is there."""
    path = write_xlsx(tmp_path / "sheet", SHEET)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        local = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    central = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    content[local + 22 : local + 26] = content[central + 24 : central + 28] = struct.pack("<I", size)
    path.write_bytes(content)
    try:
        rows = list(chain.from_iterable(open_sheet(path, detect_file_kind(path), None).blocks))
    except UnreadableFileError:
        return
    assert [(row.number, row.cells) for row in rows] == [(1, ("Phone",)), (2, ("9845012345",))]


def test_a_password_is_named(tmp_path):
    path = write_xlsx(tmp_path / "sheet", SHEET)
    content = bytearray(path.read_bytes())
    central = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    content[central + 8] |= 1
    path.write_bytes(content)
    assert "password" in refused(path)


def test_a_password_of_libreoffice_is_named(tmp_path):
    path = write_parts(
        tmp_path / "sheet",
        {
            "content.xml": b"\x93\x11\x00 scrambled",
            "META-INF/manifest.xml": "<manifest><encryption-data/></manifest>",
        },
    )
    with pytest.raises(UnreadableFileError, match="password"):
        open_sheet(path, detect_file_kind(path), None)


def test_paths_that_lead_out_of_the_archive_lead_nowhere(tmp_path):
    """Nothing is ever unpacked to the disk."""
    write_xlsx(tmp_path / "sheet", SHEET, more={"../../outside.xml": "<x/>", "/etc/outside.xml": "<x/>"})
    assert (
        sum(map(len, open_sheet(tmp_path / "sheet", detect_file_kind(tmp_path / "sheet"), None).blocks)) == 2
    )
    assert [path.name for path in tmp_path.parent.rglob("outside.xml")] == []
