"""What a file is, by its content: people rename files, and exports lie about their type."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

from importer.errors import UnreadableFile


class FileKind(StrEnum):
    """The formats that we read."""

    CSV = "csv"
    XLSX = "xlsx"  # also xlsm
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"


_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_SAVE_AS = "Open it in Excel or LibreOffice, save it as .xlsx or CSV, and import that."
_FOREIGN = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"SQLite format 3": "a database",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"{\\rtf": "a text document",
}


def kind_of(path: Path) -> FileKind:
    """The file's format. Raises UnreadableFile with what it is instead, where that can be told."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise UnreadableFile("The file is empty.", "Export or save it again, then import that.")
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if head.startswith(_OLE):
        return _kind_of_ole(path)
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise UnreadableFile(f"The file is {what}, not a sheet.", _SAVE_AS)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<html", b"<!doctype html", b"<table", b"<?xml", b"<style", b"<head", b"<meta")):
        raise UnreadableFile("The file is a web page that only calls itself a sheet.", _SAVE_AS)
    return FileKind.CSV


def _kind_of_zip(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFile(
            "The workbook is cut off or damaged.", f"Download or save it again. {_SAVE_AS}"
        ) from error
    if "xl/workbook.bin" in names:
        return FileKind.XLSB
    if any(name.startswith("xl/") for name in names):
        return FileKind.XLSX
    if "content.xml" in names:
        return FileKind.ODS
    raise UnreadableFile(
        "The file is a zip archive without a sheet in it.", "Unpack it and import the sheet inside."
    )


def _kind_of_ole(path: Path) -> FileKind:
    """An old .xls, or a newer workbook that a password locks (MS-OFFCRYPTO: a stream EncryptedPackage)."""
    content = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise UnreadableFile(
            "The workbook is locked with a password.",
            "Open it in Excel, remove the password, save it, and import that.",
        )
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        return FileKind.XLS
    raise UnreadableFile("The file is an Office document, but not a sheet.", _SAVE_AS)
