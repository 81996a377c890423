"""Tests for detecting the kind of a file by its content alone."""

from __future__ import annotations

import random
import zipfile

import pytest

from importer.errors import UnreadableFileError
from importer.loader.formats.file_kind import FileKind, detect_file_kind


def _zip(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return path.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        b"Name,Phone\n",
        b"\xef\xbb\xbfName,Phone\n",
        "\ufeffName\tPhone\n".encode("utf-16-le"),
        "Name\tPhone\n".encode("utf-16-be"),
        "\ufeffName\tPhone\n".encode("utf-32-be"),
        b"PK,Name,Phone\n1,Asha,2\n",
        b"MZ Name,Phone\n",
        b"\r\n" * 4000 + b"Name,Phone\n",
        b"\n" * 5_000_000 + b"Name,Phone\n",
        b"Name,Phone\nA\0sha,1\nRavi,2\nMeena,3\nJoseph,4\nDivya,5\n",
        "नाम,फोन\n".encode(),
        "Nombre;Teléfono\n".encode("cp1252"),
        b"9845012345",
    ],
    ids=[
        "ascii",
        "UTF-8 mark",
        "UTF-16 mark",
        "UTF-16 without mark",
        "UTF-32 mark",
        "header PK",
        "begins with MZ",
        "long blank start",
        "5 MB of blank lines",
        "one NUL",
        "Hindi",
        "Windows-1252",
        "one phone",
    ],
)
def test_text_is_detected_as_csv(tmp_path, content):
    (tmp_path / "sheet").write_bytes(content)
    assert detect_file_kind(tmp_path / "sheet") is FileKind.CSV


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        (["xl/workbook.xml"], FileKind.XLSX),
        (["xl/workbook.bin"], FileKind.XLSB),
        (["mimetype", "content.xml"], FileKind.ODS),
    ],
    ids=["xlsx", "xlsb", "ods"],
)
def test_workbook_format_is_detected_by_the_parts_of_the_archive(tmp_path, parts, kind):
    _zip(tmp_path / "sheet", *parts)
    assert detect_file_kind(tmp_path / "sheet") is kind


def test_file_with_a_byte_order_mark_is_text(tmp_path):
    """Our own reports have one: a header full of control characters must not stop them from being imported again."""
    odd = tmp_path / "odd.csv"
    odd.write_bytes(b"\xef\xbb\xbf" + b"\x1f\x19\x19,\x08\x1f,_row,_codes\r\n1,2,2,row.nul\r\n")
    assert detect_file_kind(odd) is FileKind.CSV


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\xff\xfe", "empty"),
        (b" \r\n\t\r\n", "empty"),
        (b"\n" * 3_000_000, "empty"),
        (b"\0" * 10_000, "empty"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\x1f\x8b\x08\0", "a gzip archive"),
        (b"SQLite format 3\0", "a database"),
        (b"MZ\x90\0\x03", "a program"),
        (b"<html><table>", "a web page"),
        (b"\r\n  <TABLE border=1>", "a web page"),
        (b'<?xml version="1.0"?><Workbook>', "a web page"),
        (b"PK\3\4 cut", "cut off or damaged"),
        (b"PK\5\6" + b"\0" * 18, "zip archive without a sheet"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, "not a sheet"),
        (
            bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
            "protected with a password",
        ),
        (random.Random(1).randbytes(5000), "neither text nor a workbook"),
        (random.Random(2).randbytes(50), "neither text nor a workbook"),
    ],
    ids=[
        "no bytes",
        "UTF-8 mark alone",
        "UTF-16 mark alone",
        "blanks",
        "3 MB of line ends",
        "NULs",
        "PDF",
        "PNG",
        "gzip",
        "SQLite",
        "Windows program",
        "html",
        "table tag",
        "xml",
        "cut zip",
        "empty zip",
        "other OLE",
        "encrypted OLE",
        "5000 random bytes",
        "50 random bytes",
    ],
)
def test_other_kinds_of_files_are_named(tmp_path, content, expected):
    """One sentence says what the file is, one says what to do."""
    (tmp_path / "sheet").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=expected) as refused:
        detect_file_kind(tmp_path / "sheet")
    assert refused.value.advice


def test_zip_archive_without_a_workbook_is_named(tmp_path):
    _zip(tmp_path / "sheet", "leads.csv")
    with pytest.raises(UnreadableFileError, match="without a sheet"):
        detect_file_kind(tmp_path / "sheet")
