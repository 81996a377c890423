"""Read the row metadata of an old .xls sheet from its records (MS-XLS 2.3, 2.4, inside MS-CFB)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from importer.errors import UnreadableFileError
from importer.loader.formats.number_formats import find_display_formats
from importer.loader.formats.sheet_metadata import RowMetadata, get_error_name
from importer.messages import file_messages, format_count

_END_OF_CHAIN = 0xFFFFFFF0  # this and higher numbers are not sectors
# Record types.
_BOF, _EOF, _SHEET, _FORMAT, _XF, _FILEPASS = 0x809, 0x0A, 0x85, 0x41E, 0xE0, 0x2F
_DIMENSIONS = 0x200
_MAX_EMPTY_CELLS = 4_000_000  # calamine needs 66 bytes for each
_ROW, _ERROR, _FORMULA, _MULTIPLE_NUMBERS = 0x208, 0x205, 0x06, 0xBD
_NUMBER, _SMALL_NUMBER, _LABEL, _SHARED_TEXT = 0x203, 0x27E, 0x204, 0xFD
_CELLS = (_ERROR, _FORMULA, _NUMBER, _SMALL_NUMBER, _LABEL, _SHARED_TEXT)
_HIDDEN_FLAG = 0x20  # fDyZero of a Row record


def read_xls_row_metadata(path: Path, sheet: str) -> Iterator[tuple[int, RowMetadata]]:
    """Yield number and metadata of each row that has any, from top to bottom.

    Nothing is read from workbooks older than Excel 97.
    """
    stream = _read_workbook_stream(path.read_bytes())
    if stream[:2] != _BOF.to_bytes(2, "little") or stream[4:6] != b"\0\6":
        return
    start, styles = _find_sheet(stream, sheet)
    rows: dict[int, RowMetadata] = {}
    for kind, body in _read_records(stream, start):
        if kind == _ROW and len(body) >= 16:
            if body[12] & _HIDDEN_FLAG:
                _get_row(rows, body).is_hidden = True
        elif kind in _CELLS and len(body) >= 6:
            _add_cell(rows, kind, body, styles)
        elif kind == _MULTIPLE_NUMBERS:
            first = int.from_bytes(body[2:4], "little")
            for at in range((len(body) - 6) // 6):
                style = int.from_bytes(body[4 + 6 * at : 6 + 6 * at], "little")
                _add_format(rows, body, first + at, styles.get(style))
    yield from sorted((number + 1, metadata) for number, metadata in rows.items())


def check_xls_size(path: Path) -> None:
    """Raise UnreadableFileError for sheets that claim many cells and have few: calamine stores the empty ones too.

    A single cell in the far corner needs 1.1 GB, in a file of 42 kB.
    """
    if is_password_protected(path):
        return  # its numbers cannot be read
    stream = _read_workbook_stream(path.read_bytes())
    claimed = sum(_read_claimed_cells(stream, start) for start in _list_sheet_starts(stream))
    if claimed > max(_MAX_EMPTY_CELLS, len(stream)):
        raise UnreadableFileError(*file_messages.MOSTLY_EMPTY.format(cells=format_count(claimed)))


def _list_sheet_starts(stream: bytes) -> list[int]:
    return [int.from_bytes(body[:4], "little") for kind, body in _read_records(stream, 0) if kind == _SHEET]


def _read_claimed_cells(stream: bytes, start: int) -> int:
    """Return how many cells a sheet has up to its last one, by its record Dimensions (MS-XLS 2.4.90)."""
    for kind, body in _read_records(stream, start):
        if kind == _DIMENSIONS and len(body) >= 12:
            rows, columns = struct.unpack_from("<I2xH", body, 4)
            return int(rows * columns)
        if kind == _ROW or kind in _CELLS:
            break  # it comes before the rows
    return 0


def is_password_protected(path: Path) -> bool:
    """Return whether the workbook is encrypted: a record FilePass comes after its first one (MS-XLS 2.4.117)."""
    return any(kind == _FILEPASS for kind, _ in _read_records(_read_workbook_stream(path.read_bytes()), 0))


def _add_cell(rows: dict[int, RowMetadata], kind: int, body: bytes, styles: dict[int, str]) -> None:
    """Note the error and the number format of one cell record."""
    column, style = struct.unpack_from("<HH", body, 2)
    if kind == _ERROR and len(body) >= 8 and body[7]:
        _get_row(rows, body).texts[column] = get_error_name(body[6])
    elif kind == _FORMULA and body[6:7] == b"\2" and body[12:14] == b"\xff\xff":
        _get_row(rows, body).texts[column] = get_error_name(body[8])
    _add_format(rows, body, column, styles.get(style))


def _add_format(rows: dict[int, RowMetadata], body: bytes, column: int, code: str | None) -> None:
    if code:
        _get_row(rows, body).number_formats[column] = code


def _get_row(rows: dict[int, RowMetadata], body: bytes) -> RowMetadata:
    """Return the metadata of the row that a record names in its first two bytes."""
    return rows.setdefault(int.from_bytes(body[:2], "little"), RowMetadata())


def _find_sheet(stream: bytes, sheet: str) -> tuple[int, dict[int, str]]:
    """Return where the records of a sheet begin, and the styles that change what cells show."""
    custom_codes: dict[int, str] = {}
    format_numbers: list[int] = []
    start = len(stream)
    for kind, body in _read_records(stream, 0):
        if kind == _FORMAT:
            custom_codes[int.from_bytes(body[:2], "little")] = _parse_text(body[2:], 2)
        elif kind == _XF:
            format_numbers.append(int.from_bytes(body[2:4], "little"))
        elif kind == _SHEET and _parse_text(body[6:], 1) == sheet:
            start = int.from_bytes(body[:4], "little")
    return start, find_display_formats(format_numbers, custom_codes)


def _parse_text(body: bytes, size: int) -> str:
    """Return a text that comes after its length in `size` bytes and a byte that is 1 for UTF-16."""
    length = int.from_bytes(body[:size], "little")
    is_utf16, text = body[size : size + 1] == b"\1", body[size + 1 :]
    return text[: 2 * length].decode("utf-16-le", "replace") if is_utf16 else text[:length].decode("latin-1")


def _read_records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each record of one substream, up to its end."""
    while start + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, start)
        if kind == _EOF:
            return
        yield kind, stream[start + 4 : start + 4 + length]
        start += 4 + length


def _read_workbook_stream(content: bytes) -> bytes:
    """Return the stream Workbook of a compound file, which stores its streams in chains of sectors."""
    size = 1 << struct.unpack_from("<H", content, 30)[0]
    first_directory, small_below, first_small = (
        struct.unpack_from("<I", content, place)[0] for place in (48, 56, 60)
    )
    table = _read_sector_table(content, size)
    directory = b"".join(_read_chain(content, size, table, first_directory))
    entries = [_parse_entry(directory[at : at + 128]) for at in range(0, len(directory), 128)]
    workbooks = [entry[1:] for entry in entries if entry[0].lower() in ("workbook", "book")]
    first, length = workbooks[0]
    if length >= small_below:
        return b"".join(_read_chain(content, size, table, first))[:length]
    small = b"".join(_read_chain(content, size, table, entries[0][1]))
    small_table = _unpack_numbers(b"".join(_read_chain(content, size, table, first_small)))
    return b"".join(_read_chain(b"\0" * 64 + small, 64, small_table, first))[:length]


def _parse_entry(entry: bytes) -> tuple[str, int, int]:
    """Return name, first sector and length of a stream."""
    length = struct.unpack_from("<H", entry, 64)[0]
    first, size = struct.unpack_from("<II", entry, 116)
    return entry[: max(0, length - 2)].decode("utf-16-le", "replace"), first, size


def _read_sector_table(content: bytes, size: int) -> list[int]:
    """Return for each sector which one comes next."""
    places = [place for place in _unpack_numbers(content[76:512]) if place < _END_OF_CHAIN]
    following = struct.unpack_from("<I", content, 68)[0]
    seen = 0
    while following < _END_OF_CHAIN and seen <= len(content) // size:
        more = _unpack_numbers(_get_sector(content, size, following))
        places += [place for place in more[:-1] if place < _END_OF_CHAIN]
        following = more[-1]
        seen += 1
    return _unpack_numbers(b"".join(_get_sector(content, size, place) for place in places))


def _read_chain(content: bytes, size: int, table: list[int], first: int) -> Iterator[bytes]:
    """Yield the sectors of a chain. Raises ValueError for one that runs in a circle."""
    for _ in range(len(content) // size + 1):
        if first >= _END_OF_CHAIN:
            return
        yield _get_sector(content, size, first)
        first = table[first]
    raise ValueError(first)


def _get_sector(content: bytes, size: int, number: int) -> bytes:
    return content[(number + 1) * size : (number + 2) * size]


def _unpack_numbers(content: bytes) -> list[int]:
    """Return the bytes as 32-bit numbers."""
    return list(struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4]))
