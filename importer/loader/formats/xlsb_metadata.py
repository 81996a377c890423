"""Read the row metadata of an .xlsb sheet from its records (MS-XLSB 2.1.4, 2.4)."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from importer.errors import UnreadableFileError
from importer.loader.formats.number_formats import find_display_formats
from importer.loader.formats.sheet_metadata import MergedArea, RowMetadata, get_error_name
from importer.loader.formats.zip_safety import open_archive, resolve_part
from importer.messages import file_messages

# Record types.
_ROW, _CELL_ERROR, _FORMULA_ERROR, _TEXT = 0, 3, 11, 6
_CELLS = range(1, 12)
_ROWS_START, _ROWS_END = 145, b"\x92\1\0"
_SHEET, _SHEET_END = 156, 130
_FORMAT, _XF, _CELL_XFS_START, _CELL_XFS_END = 44, 47, 617, 618
_MERGED = 176
_CHECKED = frozenset((_ROW, *_CELLS, _ROWS_START))
# Lengths of cell records: blank, small number, error, boolean, number, shared text.
_LENGTHS = {1: 8, 2: 12, 3: 9, 4: 9, 5: 16, 7: 12}
_HIDDEN_FLAG = 0x10  # fDyZero in the third byte of BrtRowHdr's flags
_MAX_RECORD_BYTES = 1 << 24


def read_xlsb_row_metadata(path: Path, sheet: str) -> Iterator[tuple[int, RowMetadata]]:
    """Yield number and metadata of each row that has any, from top to bottom.

    Raises ValueError for a record whose length is wrong: it would hide the rows after it.
    """
    with open_archive(path) as archive:
        styles = _read_styles(archive)
        with archive.open(_find_sheet_part(archive, sheet)) as file:
            number, metadata, kind = 0, RowMetadata(), 0
            for kind, body in _read_records(file):
                if kind in _CHECKED and not _has_right_length(kind, body):
                    raise ValueError(kind)
                if kind == _ROW:
                    if metadata.has_any:
                        yield number, metadata
                    number = int.from_bytes(body[:4], "little") + 1
                    metadata = RowMetadata(is_hidden=bool(body[11] & _HIDDEN_FLAG))
                elif kind in _CELLS:
                    _add_cell(metadata, kind, body, styles)
            if kind != _SHEET_END:
                raise ValueError(kind)  # a wrong length made us, and every other reader, miss rows
            if metadata.has_any:
                yield number, metadata


def read_xlsb_merged_areas(path: Path, sheet: str) -> list[MergedArea]:
    """Return the cells merged over several rows, from top to bottom. The file has them after all rows."""
    with open_archive(path) as archive:
        _, _, tail = archive.read(_find_sheet_part(archive, sheet)).rpartition(_ROWS_END)
    ranges = [
        struct.unpack_from("<III", body) for kind, body in _read_records(io.BytesIO(tail)) if kind == _MERGED
    ]
    return sorted(MergedArea(first + 1, last + 1, column) for first, last, column in ranges if last > first)


def _has_right_length(kind: int, body: bytes) -> bool:
    """Return whether a record is as long as its type says: one of a wrong length hides those after it."""
    if kind == _ROWS_START:
        return not body
    if kind == _ROW:  # 17 bytes; the last four count the column spans of 8 bytes that follow
        return len(body) == 17 + 8 * int.from_bytes(body[13:17], "little")
    if kind == _TEXT:
        return len(body) == 12 + 2 * int.from_bytes(body[8:12], "little")
    return len(body) == _LENGTHS.get(kind, len(body)) and len(body) >= 8


def _add_cell(metadata: RowMetadata, kind: int, body: bytes, styles: dict[int, str]) -> None:
    """Note the error and the number format of one cell record."""
    column = int.from_bytes(body[:4], "little")
    if kind in (_CELL_ERROR, _FORMULA_ERROR) and len(body) > 8:
        metadata.texts[column] = get_error_name(body[8])
    code = styles.get(int.from_bytes(body[4:7], "little"))
    if code:
        metadata.number_formats[column] = code


def _read_records(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each record. Type and length are numbers of seven bits a byte, the low ones first."""
    while first := file.read(1):
        kind = first[0]
        if kind & 0x80:
            kind = (kind & 0x7F) | (int.from_bytes(file.read(1), "little") << 7)
        length = shift = 0
        while byte := file.read(1):
            length |= (byte[0] & 0x7F) << shift
            shift += 7
            if not byte[0] & 0x80 or shift == 28:
                break
        if length > _MAX_RECORD_BYTES:
            raise UnreadableFileError(*file_messages.DAMAGED_RECORDS)
        yield kind, file.read(length)


def _find_sheet_part(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the part with the sheet."""
    with archive.open("xl/workbook.bin") as file:
        for kind, body in _read_records(file):
            if kind == _SHEET:
                relation, rest = _parse_text(body[8:])
                if _parse_text(rest)[0] == sheet:
                    return resolve_part(archive, "xl/_rels/workbook.bin.rels", relation)
    raise KeyError(sheet)


def _parse_text(body: bytes) -> tuple[str, bytes]:
    """Return a UTF-16 text that comes after its length in four bytes, and the bytes that follow it."""
    end = 4 + 2 * int.from_bytes(body[:4], "little")
    return body[4:end].decode("utf-16-le", "replace"), body[end:]


def _read_styles(archive: zipfile.ZipFile) -> dict[int, str]:
    """Return the cell styles that change what is shown: style number -> format code."""
    custom_codes: dict[int, str] = {}
    format_numbers: list[int] = []
    is_inside = False
    try:
        file = archive.open("xl/styles.bin")
    except KeyError:
        return {}
    with file:
        for kind, body in _read_records(file):
            if kind == _FORMAT:
                custom_codes[int.from_bytes(body[:2], "little")] = _parse_text(body[2:])[0]
            elif kind in (_CELL_XFS_START, _CELL_XFS_END):
                is_inside = kind == _CELL_XFS_START
            elif kind == _XF and is_inside:
                format_numbers.append(int.from_bytes(body[2:4], "little"))
    return find_display_formats(format_numbers, custom_codes)
