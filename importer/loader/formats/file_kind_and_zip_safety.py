"""Look at a file before it is opened: what kind it is by its content, and whether its zip archive is safe to unpack.

People rename files, and exports lie about their type.
"""

from __future__ import annotations

import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections import Counter
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET  # parts with a DOCTYPE are refused here

from importer.errors import UnreadableFileError
from importer.loader.formats.encoding_and_dialect import detect_utf16_without_bom, find_bom_codec
from importer.messages import file_messages


class FileKind(StrEnum):
    """The formats that we read."""

    CSV = "csv"
    XLSX = "xlsx"  # also xlsm
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"


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

MAX_PARTS = 5_000
MAX_UNPACKED_BYTES = 4 * 1024**3
MAX_COMPRESSION_RATIO = 400  # sheet XML packs 10 to 60 times, a zip bomb a thousand times
MIN_BYTES_FOR_RATIO = 20 * 1024**2  # the ratio of smaller parts does not matter
_ROOT_ELEMENT = re.compile(rb"<[a-z_]")  # <worksheet, but not <?xml or <!--
_MAX_PREAMBLE_BYTES = 256 * 1024

DAMAGED_FILE_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ET.ParseError, EOFError, OSError, ValueError,
    LookupError, NotImplementedError, RuntimeError, OverflowError, TypeError,
)  # fmt: skip
"""What the libraries raise that read a damaged workbook."""


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
    return FileKind.CSV


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
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
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
    raise UnreadableFileError(*file_messages.ZIP_WITHOUT_SHEET)


def _detect_ole_kind(path: Path) -> FileKind:
    """Return XLS for an old workbook. Raises UnreadableFileError for an encrypted one or another document.

    MS-OFFCRYPTO: an encrypted workbook has a stream EncryptedPackage and no stream Workbook. Workbook is looked for
    first, since a cell of an old workbook may contain either word.
    """
    content = path.read_bytes()
    if "Workbook".encode("utf-16-le") in content or "Book".encode("utf-16-le") in content:
        return FileKind.XLS
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise UnreadableFileError(*file_messages.PASSWORD_PROTECTED)
    raise UnreadableFileError(*file_messages.OFFICE_DOCUMENT)


def check_archive(path: Path) -> None:
    """Raise UnreadableFileError for an archive that no spreadsheet program writes: bombs, twin parts, entity tricks."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check_sizes(parts)
            for part in parts:
                if part.flag_bits & 1:
                    raise UnreadableFileError(*file_messages.PASSWORD_PROTECTED)
                if part.filename.lower().endswith((".xml", ".rels")):
                    _check_no_doctype(archive, part)
    except DAMAGED_FILE_ERRORS as error:
        raise UnreadableFileError(*file_messages.DAMAGED_ARCHIVE) from error


def resolve_part(archive: zipfile.ZipFile, relations: str, relation: str) -> str:
    """Return the part that a relation of the workbook leads to (ECMA-376 part 2, 9.3).

    `relations` is the part that lists them. Raises UnreadableFileError where the archive has no such part.
    """
    root = ET.fromstring(archive.read(relations))  # noqa: S314 - a child process that may die, and expat bounds entities
    target = next((link.get("Target", "") for link in root if link.get("Id") == relation), "")
    part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
    found = next((name for name in archive.namelist() if name.lower() == part.lower()), None)
    if found is None:
        raise UnreadableFileError(*file_messages.MISSING_PART)
    return found


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    """Raise UnreadableFileError for twin parts, too many parts, and parts that unpack to too much."""
    counts = Counter(part.filename.lower() for part in parts)
    twins = [name for name, count in counts.items() if count > 1]
    if twins:
        raise UnreadableFileError(*file_messages.DUPLICATE_PART.format(name=twins[0]))
    if len(parts) > MAX_PARTS:
        raise UnreadableFileError(*file_messages.TOO_MANY_PARTS.format(count=len(parts)))
    if sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise UnreadableFileError(*file_messages.TOO_LARGE_UNPACKED)
    for part in parts:
        ratio = part.file_size / max(1, part.compress_size)
        if part.file_size > MIN_BYTES_FOR_RATIO and ratio > MAX_COMPRESSION_RATIO:
            raise UnreadableFileError(*file_messages.COMPRESSED_TOO_MUCH.format(ratio=ratio))


def _check_no_doctype(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Raise UnreadableFileError for a DOCTYPE, which no spreadsheet program writes: its entities can multiply.

    It comes before the first element, maybe after long comments.
    """
    text = b""
    with archive.open(part) as file:
        while (
            not _ROOT_ELEMENT.search(text) and len(text) < _MAX_PREAMBLE_BYTES and (more := file.read(8192))
        ):
            text += more.replace(b"\0", b"").lower()  # also where the part is UTF-16
    if b"<!doctype" in text or b"<!entity" in text or len(text) >= _MAX_PREAMBLE_BYTES:
        raise UnreadableFileError(*file_messages.DEFINES_ENTITIES)
