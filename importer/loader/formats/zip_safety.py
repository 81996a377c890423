"""Open the zip archive of a workbook, and check it before anything in it is unpacked."""

from __future__ import annotations

import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET  # parts with a DOCTYPE are refused here

from importer.errors import UnreadableFileError
from importer.messages import file_messages

MAX_PARTS = 5_000
MAX_UNPACKED_BYTES = 4 * 1024**3
MAX_COMPRESSION_RATIO = 400  # sheet XML packs 10 to 60 times, a zip bomb a thousand times
MIN_BYTES_FOR_RATIO = 20 * 1024**2  # the ratio of smaller parts does not matter
_ROOT_ELEMENT = re.compile(rb"<[a-z_]")  # <worksheet, but not <?xml or <!--
_ROOT_WORKBOOKS = frozenset({"workbook.xml", "workbook.bin"})
_ROOT_PARTS = ("[Content_Types].xml", "_rels/.rels", "docProps/", "customXml/")  # outside the folder `xl`
_MAX_PREAMBLE_BYTES = 256 * 1024

DAMAGED_FILE_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ET.ParseError, EOFError, OSError, ValueError,
    LookupError, NotImplementedError, RuntimeError, OverflowError, TypeError,
)  # fmt: skip
"""What the libraries raise that read a damaged workbook."""


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open the archive of a workbook. Its parts get their usual names, such as `xl/workbook.xml`.

    Some programs write backslashes, and some have the parts of the folder `xl` in the root.
    """
    archive = zipfile.ZipFile(path)
    names = {part.filename: part.filename.replace("\\", "/").lstrip("/") for part in archive.filelist}
    is_flat = not any(name.startswith("xl/") for name in names.values()) and not _ROOT_WORKBOOKS.isdisjoint(
        names.values()
    )
    for part in archive.filelist:
        name = names[part.filename]
        part.filename = f"xl/{name}" if is_flat and not name.startswith(_ROOT_PARTS) else name
    archive.NameToInfo = {part.filename: part for part in archive.filelist}
    return archive


def check_archive(path: Path) -> None:
    """Raise UnreadableFileError for an archive that no spreadsheet program writes: bombs, twin parts, entity tricks."""
    try:
        with open_archive(path) as archive:
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
    target = target.replace("\\", "/").lower()
    part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
    found = next((name for name in archive.namelist() if name.lower() in (part, f"xl/{part}")), None)
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
