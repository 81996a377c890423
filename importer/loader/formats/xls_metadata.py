"""The marks of an old .xls sheet's rows, read from its records (MS-XLS 2.3, 2.4, inside MS-CFB)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from importer.loader.formats.number_formats import telling_styles
from importer.loader.formats.row_metadata import RowMarks, error_text

_END_OF_CHAIN = 0xFFFFFFF0  # this and above are no sectors
_BOF, _EOF, _SHEET, _FORMAT, _XF = 0x809, 0x0A, 0x85, 0x41E, 0xE0
_FILEPASS = 0x2F
_ROW, _ERROR, _FORMULA, _MANY_NUMBERS = 0x208, 0x205, 0x06, 0xBD
_CELLS = (_ERROR, _FORMULA, 0x203, 0x27E, 0x204, 0xFD)  # errors, formulas, numbers, small numbers, texts
_HIDDEN = 0x20  # fDyZero of a Row record


def xls_marks(path: Path, sheet: str) -> Iterator[tuple[int, RowMarks]]:
    """Number and marks of each row that has any, from top to bottom. Workbooks before Excel 97 have none here."""
    stream = _workbook_stream(path.read_bytes())
    if stream[:2] != _BOF.to_bytes(2, "little") or stream[4:6] != b"\0\6":
        return
    start, styles = _start_of(stream, sheet)
    rows: dict[int, RowMarks] = {}
    for kind, body in _records(stream, start):
        if kind == _ROW and len(body) >= 16:
            if body[12] & _HIDDEN:
                _row(rows, body).hidden = True
        elif kind in _CELLS and len(body) >= 6:
            _mark_cell(rows, kind, body, styles)
        elif kind == _MANY_NUMBERS:
            first = int.from_bytes(body[2:4], "little")
            for at in range((len(body) - 6) // 6):
                _mark_format(
                    rows, body, first + at, int.from_bytes(body[4 + 6 * at : 6 + 6 * at], "little"), styles
                )
    yield from sorted((number + 1, marks) for number, marks in rows.items())


def is_locked(path: Path) -> bool:
    """Whether a password protects the workbook: behind its beginning stands a record FilePass (MS-XLS 2.4.117)."""
    return any(kind == _FILEPASS for kind, _ in _records(_workbook_stream(path.read_bytes()), 0))


def _mark_cell(rows: dict[int, RowMarks], kind: int, body: bytes, styles: dict[int, str]) -> None:
    column, style = struct.unpack_from("<HH", body, 2)
    if kind == _ERROR and len(body) >= 8 and body[7]:
        _row(rows, body).texts[column] = error_text(body[6])
    elif kind == _FORMULA and body[6:7] == b"\2" and body[12:14] == b"\xff\xff":
        _row(rows, body).texts[column] = error_text(body[8])
    _mark_format(rows, body, column, style, styles)


def _mark_format(
    rows: dict[int, RowMarks], body: bytes, column: int, style: int, styles: dict[int, str]
) -> None:
    code = styles.get(style)
    if code:
        _row(rows, body).formats[column] = code


def _row(rows: dict[int, RowMarks], body: bytes) -> RowMarks:
    return rows.setdefault(int.from_bytes(body[:2], "little"), RowMarks())


def _start_of(stream: bytes, sheet: str) -> tuple[int, dict[int, str]]:
    """Where the records of a sheet begin, and the cell styles whose format changes what is shown."""
    own: dict[int, str] = {}
    used: list[int] = []
    start = len(stream)
    for kind, body in _records(stream, 0):
        if kind == _FORMAT:
            own[int.from_bytes(body[:2], "little")] = _text(body[2:], 2)
        elif kind == _XF:
            used.append(int.from_bytes(body[2:4], "little"))
        elif kind == _SHEET and _text(body[6:], 1) == sheet:
            start = int.from_bytes(body[:4], "little")
    return start, telling_styles(used, own)


def _text(body: bytes, size: int) -> str:
    """A text behind its length in `size` bytes and a byte that says whether its characters have one or two."""
    length, wide, text = (
        int.from_bytes(body[:size], "little"),
        body[size : size + 1] == b"\1",
        body[size + 1 :],
    )
    return text[: 2 * length].decode("utf-16-le", "replace") if wide else text[:length].decode("latin-1")


def _records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Kind and body of each record of one substream, up to its end."""
    while start + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, start)
        if kind == _EOF:
            return
        yield kind, stream[start + 4 : start + 4 + length]
        start += 4 + length


def _workbook_stream(content: bytes) -> bytes:
    """The stream Workbook of a compound file, which keeps its streams in chains of sectors."""
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    first_directory, small_below, first_small = (
        struct.unpack_from("<I", content, place)[0] for place in (48, 56, 60)
    )
    table = _sector_table(content, size)
    directory = b"".join(_chain(content, size, table, first_directory))
    entries = [_entry(directory[at : at + 128]) for at in range(0, len(directory), 128)]
    found = [entry[1:] for entry in entries if entry[0] in ("Workbook", "Book")]
    first, length = found[0]
    if length >= small_below:
        return b"".join(_chain(content, size, table, first))[:length]
    small = b"".join(_chain(content, size, table, entries[0][1]))
    small_table = _numbers(b"".join(_chain(content, size, table, first_small)))
    return b"".join(_chain(b"\0" * 64 + small, 64, small_table, first))[:length]


def _entry(entry: bytes) -> tuple[str, int, int]:
    """Name, first sector and length of a stream."""
    length = struct.unpack_from("<H", entry, 64)[0]
    first, size = struct.unpack_from("<II", entry, 116)
    return entry[: max(0, length - 2)].decode("utf-16-le", "replace"), first, size


def _sector_table(content: bytes, size: int) -> list[int]:
    """For each sector, which one follows it."""
    places = [place for place in _numbers(content[76:512]) if place < _END_OF_CHAIN]
    following = struct.unpack_from("<I", content, 68)[0]
    seen = 0
    while following < _END_OF_CHAIN and seen <= len(content) // size:
        more = _numbers(_sector(content, size, following))
        places += [place for place in more[:-1] if place < _END_OF_CHAIN]
        following = more[-1]
        seen += 1
    return _numbers(b"".join(_sector(content, size, place) for place in places))


def _chain(content: bytes, size: int, table: list[int], first: int) -> Iterator[bytes]:
    """The sectors of a chain; one that runs in a circle is cut."""
    for _ in range(len(content) // size + 1):
        if first >= _END_OF_CHAIN:
            return
        yield _sector(content, size, first)
        first = table[first]
    raise ValueError(first)


def _sector(content: bytes, size: int, number: int) -> bytes:
    return content[(number + 1) * size : (number + 2) * size]


def _numbers(content: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4]))
