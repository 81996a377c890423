"""Detect what kind of file it is by its content: people rename files, and exports lie about their type."""

from __future__ import annotations

import zipfile
from enum import StrEnum
from pathlib import Path

from importer.errors import UnreadableFileError
from importer.loader.formats.dialect import detect_utf16_without_bom, find_bom_codec
from importer.loader.formats.not_a_sheet import check_is_no_link_or_chat, is_chat_archive
from importer.loader.formats.zip_safety import open_archive
from importer.messages import file_messages


class FileKind(StrEnum):
    """The formats that we read."""

    CSV = "csv"
    XLSX = "xlsx"  # also xlsm
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"
    VCF = "vcf"


_ZIP = (b"PK\3\4", b"PK\5\6")  # a CSV file may begin with the header "PK", but not with the bytes after it
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_OTHER_KINDS = {
    b"%PDF": file_messages.A_PDF,
    b"\x89PNG": file_messages.A_PICTURE,
    b"\xff\xd8\xff": file_messages.A_PICTURE,
    b"GIF8": file_messages.A_PICTURE,
    b"\x1f\x8b": file_messages.A_GZIP_ARCHIVE,
    b"Rar!": file_messages.A_RAR_ARCHIVE,
    b"7z\xbc\xaf": file_messages.A_7Z_ARCHIVE,
    b"SQLite format 3": file_messages.A_DATABASE,
    b"\x7fELF": file_messages.A_PROGRAM,
    b"MZ\x90\0": file_messages.A_PROGRAM,
    b"{\\rtf": file_messages.A_TEXT_DOCUMENT,
}
_WEB_PAGE_STARTS = (b"<html", b"<!doctype html", b"<table", b"<?xml", b"<style", b"<head", b"<meta")
_CONTROL_CHARACTERS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))  # those that text files do not have
_MIN_TEXT_SHARE = 0.95  # a stray NUL rejects its row; a file full of control characters is not text


def detect_file_kind(path: Path) -> FileKind:
    """Return the format of a file. Raises UnreadableFileError, which names another kind of file where it can."""
    with path.open("rb") as file:
        head = file.read(4096)
        while _is_blank(head) and (more := file.read(1 << 20)):
            head = more.lstrip(b"\0 \t\r\n")[:4096]
    if _is_blank(head):
        raise UnreadableFileError(*file_messages.EMPTY_FILE)
    if head.startswith(_ZIP):
        return _detect_zip_kind(path)
    if head.startswith(_OLE):
        return _detect_ole_kind(path)
    _check_is_text(head)
    text = _decode(head)
    check_is_no_link_or_chat(text)
    return FileKind.VCF if text.lstrip("\ufeff \t\r\n")[:11].lower() == "begin:vcard" else FileKind.CSV


def _decode(head: bytes) -> str:
    """Return the first bytes of a text, as far as they can be read."""
    return head.decode(find_bom_codec(head) or detect_utf16_without_bom(head) or "utf-8", "replace")


def _is_blank(head: bytes) -> bool:
    return not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe")


def _check_is_text(head: bytes) -> None:
    """Raise UnreadableFileError for the first bytes of a PDF, a picture, a web page or other binary content."""
    for magic, kind in _OTHER_KINDS.items():
        if head.startswith(magic):
            raise UnreadableFileError(*file_messages.OTHER_KIND.format(kind=kind))
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE_STARTS):
        raise UnreadableFileError(*file_messages.WEB_PAGE)
    text_bytes = len(head.translate(None, _CONTROL_CHARACTERS))
    if text_bytes < len(head) * _MIN_TEXT_SHARE and not _has_text_encoding(head):
        raise UnreadableFileError(*file_messages.NEITHER_TEXT_NOR_WORKBOOK)


def _has_text_encoding(head: bytes) -> bool:
    """Return whether the bytes begin with a byte order mark, as our own reports do, or are UTF-16 without one."""
    return bool(find_bom_codec(head) or detect_utf16_without_bom(head))


def _detect_zip_kind(path: Path) -> FileKind:
    """Return the workbook format of a zip archive by the names of its parts."""
    try:
        with open_archive(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFileError(*file_messages.DAMAGED_ZIP) from error
    if "xl/workbook.bin" in names:
        return FileKind.XLSB
    if any(name.startswith("xl/") for name in names):
        return FileKind.XLSX
    if "content.xml" in names:
        return FileKind.ODS
    # An OpenDocument file encrypted by LibreOffice 24.8 or later has this one part instead of all others.
    if "encrypted-package" in names:
        raise UnreadableFileError(*file_messages.PASSWORD_PROTECTED)
    if is_chat_archive(names):
        raise UnreadableFileError(*file_messages.WHATSAPP_CHAT)
    raise UnreadableFileError(*file_messages.ZIP_WITHOUT_SHEET)


def _detect_ole_kind(path: Path) -> FileKind:
    """Return XLS for an old workbook. Raises UnreadableFileError for an encrypted one or another document.

    MS-OFFCRYPTO: an encrypted workbook has a stream EncryptedPackage and no stream Workbook. Workbook is looked for
    first, since a cell of an old workbook may contain either word. Names of streams have no case: Crystal Reports
    writes WORKBOOK.
    """
    content = path.read_bytes().lower()
    if "book".encode("utf-16-le") in content:  # Workbook, or Book before Excel 97
        return FileKind.XLS
    if "encryptedpackage".encode("utf-16-le") in content:
        raise UnreadableFileError(*file_messages.PASSWORD_PROTECTED)
    raise UnreadableFileError(*file_messages.OFFICE_DOCUMENT)
