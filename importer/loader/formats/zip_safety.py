"""The look at a workbook's archive before anything in it is unpacked."""

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
from importer.loader.formats import limits
from importer.loader.formats.locked import locked

_ROOT = re.compile(rb"<[a-z_]")
_LONGEST_PREAMBLE = 256 * 1024

BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ET.ParseError, EOFError, OSError, ValueError,
    LookupError, NotImplementedError, RuntimeError, OverflowError, TypeError,
)  # fmt: skip
"""What reading a damaged workbook raises, by the libraries that read it."""


def check_archive(path: Path) -> None:
    """Raise UnreadableFileError for an archive that no spreadsheet program writes: bombs, twins, entity tricks."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _check_sizes(parts)
            for part in parts:
                if part.flag_bits & 1:
                    raise locked()
                if part.filename.lower().endswith((".xml", ".rels")):
                    _check_no_doctype(archive, part)
    except BROKEN as error:
        raise UnreadableFileError(
            "The workbook is cut off or damaged.", "Download or save it again."
        ) from error


def part_linked(archive: zipfile.ZipFile, links: str, relation: str) -> str:
    """The part that a relation of the workbook leads to; `links` is the part that lists these (ECMA-376 part 2, 9.3)."""
    root = ET.fromstring(archive.read(links))  # noqa: S314 - a child process that may die, and expat bounds entities
    target = next((link.get("Target", "") for link in root if link.get("Id") == relation), "")
    part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
    found = next((name for name in archive.namelist() if name.lower() == part.lower()), None)
    if found is None:
        raise UnreadableFileError(
            "The workbook cannot be read: it is cut off or damaged.", "Download or save it again."
        )
    return found


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    twins = [name for name, count in Counter(part.filename.lower() for part in parts).items() if count > 1]
    if twins:
        raise UnreadableFileError(
            f"The workbook holds two parts named {twins[0]}: it is damaged, or made to harm.",
            limits.COPY_THE_ROWS,
        )
    if len(parts) > limits.MAX_PARTS:
        raise UnreadableFileError(
            f"The workbook has {len(parts):,} parts: too many for a sheet of leads.", limits.COPY_THE_ROWS
        )
    if sum(part.file_size for part in parts) > limits.MAX_UNPACKED_BYTES:
        raise UnreadableFileError(
            "The workbook unpacks to more than 4 GB: too much for a sheet of leads.", limits.COPY_THE_ROWS
        )
    for part in parts:
        ratio = part.file_size / max(1, part.compress_size)
        if part.file_size > limits.RATIO_COUNTS_FROM and ratio > limits.MAX_RATIO:
            raise UnreadableFileError(
                f"A part of the workbook is packed {ratio:,.0f} times: it is made to harm.",
                limits.COPY_THE_ROWS,
            )


def _check_no_doctype(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Spreadsheet programs write no DOCTYPE; what it can do (entities that multiply) no reader needs.

    It stands before the first element, maybe behind long comments.
    """
    text = b""
    with archive.open(part) as file:
        while not _ROOT.search(text) and len(text) < _LONGEST_PREAMBLE and (more := file.read(8192)):
            text += more.replace(b"\0", b"").lower()  # also where the part is UTF-16
    if b"<!doctype" in text or b"<!entity" in text or len(text) >= _LONGEST_PREAMBLE:
        raise UnreadableFileError(
            "The workbook defines entities of its own: it is made to harm.", limits.COPY_THE_ROWS
        )
