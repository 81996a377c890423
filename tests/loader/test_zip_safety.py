"""Tests for the check of a workbook's archive: what no spreadsheet program writes is read_refusal with a sentence."""

from __future__ import annotations

import struct
import zipfile
from itertools import chain

import pytest

from importer.errors import UnreadableFileError
from importer.loader.formats import zip_safety
from importer.loader.formats.file_kind import detect_file_kind
from importer.loader.formats.zip_safety import check_archive
from tests.loader.write_workbooks import text_cell, write_parts, write_xlsx
from tests.support import open_sheet

SHEET = f'<row r="1">{text_cell("A1", "Phone")}</row><row r="2"><c r="A2"><v>9845012345</v></c></row>'


def read_refusal(path) -> str:
    """Return the sentence that an archive is read_refusal with."""
    with pytest.raises(UnreadableFileError) as error:
        check_archive(path)
    assert error.value.advice
    return error.value.message


def test_normal_workbook_passes(tmp_path):
    check_archive(write_xlsx(tmp_path / "sheet", SHEET))


def test_zip_bomb_is_refused(tmp_path):
    """Zeros are packed a thousand times, a sheet at most sixty times."""
    path = write_xlsx(tmp_path / "sheet", SHEET, more={"xl/media/x.bin": b"\0" * (25 << 20)})
    assert "packed" in read_refusal(path)


def test_archive_above_the_size_limit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zip_safety, "MAX_UNPACKED_BYTES", 100)
    assert "unpacks to more than" in read_refusal(write_xlsx(tmp_path / "sheet", SHEET))


def test_archive_with_too_many_parts_is_refused(tmp_path):
    assert "5,010 parts" in read_refusal(
        write_parts(tmp_path / "sheet", {f"xl/{i}.bin": "x" for i in range(5010)})
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", ["xl/workbook.xml", "XL/Workbook.XML"])
def test_two_parts_with_one_name_are_refused(tmp_path, twin):
    """Readers differ in which of the two parts they take."""
    with zipfile.ZipFile(write_xlsx(tmp_path / "sheet", SHEET), "a") as archive:
        archive.writestr(twin, "x")
    assert "two parts named" in read_refusal(tmp_path / "sheet")


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
    ids=[
        "entities",
        "lower case",
        "external entity",
        "after a long comment",
        "endless comment",
        "UTF-16 without declaration",
        "UTF-16 big-endian",
    ],
)
@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "XL/OTHER.XML", "_rels/.rels"])
def test_xml_entities_are_refused_in_every_part(tmp_path, part, name):
    """Entities can multiply, also in UTF-16 parts and after long comments."""
    path = write_parts(tmp_path / "sheet", {"xl/workbook.xml": "<workbook/>", name: part})
    assert "entities of its own" in read_refusal(path)


def test_doctype_in_a_cell_is_text(tmp_path):
    check_archive(write_xlsx(tmp_path / "sheet", f'<row r="1">{text_cell("A1", "<!DOCTYPE html>")}</row>'))


@pytest.mark.parametrize("size", [0, 10, 1 << 20, (1 << 32) - 1])
def test_archive_with_a_wrong_size_is_read_whole_or_refused(tmp_path, size):
    """A part is never cut at the size that is claimed, and never read beyond its end."""
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


def test_encrypted_archive_is_refused_as_password_protected(tmp_path):
    path = write_xlsx(tmp_path / "sheet", SHEET)
    content = bytearray(path.read_bytes())
    central = content.rindex(b"xl/worksheets/sheet1.xml") - 46
    content[central + 8] |= 1
    path.write_bytes(content)
    assert "password" in read_refusal(path)


def test_workbook_encrypted_by_libreoffice_is_refused_as_password_protected(tmp_path):
    path = write_parts(
        tmp_path / "sheet",
        {
            "content.xml": b"\x93\x11\x00 scrambled",
            "META-INF/manifest.xml": "<manifest><encryption-data/></manifest>",
        },
    )
    with pytest.raises(UnreadableFileError, match="password"):
        open_sheet(path, detect_file_kind(path), None)


def test_part_paths_outside_the_archive_write_no_file(tmp_path):
    """Nothing is ever unpacked to the disk."""
    write_xlsx(tmp_path / "sheet", SHEET, more={"../../outside.xml": "<x/>", "/etc/outside.xml": "<x/>"})
    assert (
        sum(map(len, open_sheet(tmp_path / "sheet", detect_file_kind(tmp_path / "sheet"), None).blocks)) == 2
    )
    assert [path.name for path in tmp_path.parent.rglob("outside.xml")] == []
