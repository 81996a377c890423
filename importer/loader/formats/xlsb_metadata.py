"""The marks of an .xlsb sheet's rows, read from its records (MS-XLSB 2.1.4, 2.4)."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from importer.errors import UnreadableFileError
from importer.loader.formats.merged_cells import Area
from importer.loader.formats.number_formats import telling_styles
from importer.loader.formats.row_metadata import RowMarks, error_text
from importer.loader.formats.zip_safety import part_linked

_ROW, _CELL_ERROR, _FORMULA_ERROR = 0, 3, 11
_CELLS = range(1, 12)
_ROWS = 145  # what begins them
_SIZED = frozenset((_ROW, *_CELLS, _ROWS))
_TEXT = 6
_LENGTHS = {1: 8, 2: 12, 3: 9, 4: 9, 5: 16, 7: 12}  # blank, small number, error, boolean, number, shared text
_FORMAT, _XF, _CELL_XFS, _END_CELL_XFS = 44, 47, 617, 618
_SHEET, _END_OF_SHEET = 156, 130
_MERGED, _END_OF_ROWS = 176, b"\x92\1\0"
_HIDDEN = 0x10  # fDyZero in the third byte of BrtRowHdr's flags
_LONGEST_RECORD = 1 << 24


def xlsb_marks(path: Path, sheet: str) -> Iterator[tuple[int, RowMarks]]:
    """Number and marks of each row that has any, from top to bottom."""
    with zipfile.ZipFile(path) as archive:
        styles = _styles(archive)
        with archive.open(_part_of(archive, sheet)) as file:
            number, marks, kind = 0, RowMarks(), 0
            for kind, body in _records(file):
                if kind in _SIZED and not _fits(kind, body):
                    raise ValueError(kind)
                if kind == _ROW:
                    if marks.tells_any:
                        yield number, marks
                    number = int.from_bytes(body[:4], "little") + 1
                    marks = RowMarks(hidden=bool(body[11] & _HIDDEN))
                elif kind in _CELLS:
                    _mark_cell(marks, kind, body, styles)
            if kind != _END_OF_SHEET:
                raise ValueError(kind)  # a wrong length has led us, and every reader, past some rows
            if marks.tells_any:
                yield number, marks


def xlsb_areas(path: Path, sheet: str) -> list[Area]:
    """Cells merged over several rows, from top to bottom. They stand behind all rows."""
    with zipfile.ZipFile(path) as archive:
        _, _, behind = archive.read(_part_of(archive, sheet)).rpartition(_END_OF_ROWS)
    found = [
        struct.unpack_from("<III", body) for kind, body in _records(io.BytesIO(behind)) if kind == _MERGED
    ]
    return sorted(Area(first + 1, last + 1, column) for first, last, column in found if last > first)


def _fits(kind: int, body: bytes) -> bool:
    """Whether a record is as long as its kind says: one of a wrong length hides those behind it."""
    if kind == _ROWS:
        return not body
    if kind == _ROW:  # behind 17 bytes stand spans of columns, as many as the last four of these say
        return len(body) == 17 + 8 * int.from_bytes(body[13:17], "little")
    if kind == _TEXT:
        return len(body) == 12 + 2 * int.from_bytes(body[8:12], "little")
    return len(body) == _LENGTHS.get(kind, len(body)) and len(body) >= 8


def _mark_cell(marks: RowMarks, kind: int, body: bytes, styles: dict[int, str]) -> None:
    column = int.from_bytes(body[:4], "little")
    if kind in (_CELL_ERROR, _FORMULA_ERROR) and len(body) > 8:
        marks.texts[column] = error_text(body[8])
    code = styles.get(int.from_bytes(body[4:7], "little"))
    if code:
        marks.formats[column] = code


def _records(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each record; both kind and length are numbers of seven bits a byte, the low ones first."""
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
        if length > _LONGEST_RECORD:
            raise UnreadableFileError(
                "The workbook is damaged.", "Open it in Excel, save it as .xlsx, and import that."
            )
        yield kind, file.read(length)


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    with archive.open("xl/workbook.bin") as file:
        for kind, body in _records(file):
            if kind == _SHEET:
                relation, rest = _wide_text(body[8:])
                if _wide_text(rest)[0] == sheet:
                    return part_linked(archive, "xl/_rels/workbook.bin.rels", relation)
    raise KeyError(sheet)


def _wide_text(body: bytes) -> tuple[str, bytes]:
    end = 4 + 2 * int.from_bytes(body[:4], "little")
    return body[4:end].decode("utf-16-le", "replace"), body[end:]


def _styles(archive: zipfile.ZipFile) -> dict[int, str]:
    """Cell styles whose format changes what is shown: style number -> format code."""
    own: dict[int, str] = {}
    used: list[int] = []
    inside = False
    try:
        file = archive.open("xl/styles.bin")
    except KeyError:
        return {}
    with file:
        for kind, body in _records(file):
            if kind == _FORMAT:
                own[int.from_bytes(body[:2], "little")] = _wide_text(body[2:])[0]
            elif kind in (_CELL_XFS, _END_CELL_XFS):
                inside = kind == _CELL_XFS
            elif kind == _XF and inside:
                used.append(int.from_bytes(body[2:4], "little"))
    return telling_styles(used, own)
