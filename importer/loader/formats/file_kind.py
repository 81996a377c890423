"""What a file is, by its content: people rename files, and exports lie about their type."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

from importer.errors import UnreadableFileError
from importer.loader.formats.encoding import codec_marked, utf16_without_bom
from importer.loader.formats.locked import locked


class FileKind(StrEnum):
    """The formats that we read."""

    CSV = "csv"
    XLSX = "xlsx"  # also xlsm
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"


_ZIP = (b"PK\3\4", b"PK\5\6")  # a CSV file may well begin with the header "PK"
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
    b"MZ\x90\0": "a program",
    b"{\\rtf": "a text document",
}
_NO_TEXT = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))
_LEAST_TEXT = 0.95  # a stray NUL makes its row faulty; a file full of control characters is no text


def detect_file_kind(path: Path) -> FileKind:
    """The file's format. Raises UnreadableFileError with what it is instead, where that can be told."""
    with path.open("rb") as file:
        head = file.read(4096)
        while _is_blank(head) and (more := file.read(1 << 20)):
            head = more.lstrip(b"\0 \t\r\n")[:4096]
    if _is_blank(head):
        raise UnreadableFileError("The file is empty.", "Export or save it again, then import that.")
    if head.startswith(_ZIP):
        return _kind_of_zip(path)
    if head.startswith(_OLE):
        return _kind_of_ole(path)
    _refuse_foreign(head)
    return FileKind.CSV


def _is_blank(head: bytes) -> bool:
    return not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe")


def _refuse_foreign(head: bytes) -> None:
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise UnreadableFileError(f"The file is {what}, not a sheet.", _SAVE_AS)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<html", b"<!doctype html", b"<table", b"<?xml", b"<style", b"<head", b"<meta")):
        raise UnreadableFileError("The file is a web page that only calls itself a sheet.", _SAVE_AS)
    if len(head.translate(None, _NO_TEXT)) < len(head) * _LEAST_TEXT and not _says_text(head):
        raise UnreadableFileError("The file is neither text nor a workbook.", _SAVE_AS)


def _says_text(head: bytes) -> bool:
    """Whether the file says of itself that it is text, as our own reports do, or is UTF-16 all the same."""
    return bool(codec_marked(head) or utf16_without_bom(head))


def _kind_of_zip(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFileError(
            "The workbook is cut off or damaged.", f"Download or save it again. {_SAVE_AS}"
        ) from error
    if "xl/workbook.bin" in names:
        return FileKind.XLSB
    if any(name.startswith("xl/") for name in names):
        return FileKind.XLSX
    if "content.xml" in names:
        return FileKind.ODS
    # OpenDocument as LibreOffice 24.8 and later lock it: nothing else is left.
    if "encrypted-package" in names:
        raise locked()
    raise UnreadableFileError(
        "The file is a zip archive without a sheet in it.", "Unpack it and import the sheet inside."
    )


def _kind_of_ole(path: Path) -> FileKind:
    """An old .xls, or a newer workbook that a password locks (MS-OFFCRYPTO: a stream EncryptedPackage).

    In this order, since a cell of an old one may well say either word, and a locked one has no stream Workbook.
    """
    content = path.read_bytes()
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        return FileKind.XLS
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise locked()
    raise UnreadableFileError("The file is an Office document, but not a sheet.", _SAVE_AS)
