"""Read the row metadata of an .xlsx sheet in one pass over its XML, beside calamine.

Nearly every program writes cells as `<c r="B7" s="2" t="e">`. Regular expressions on bytes find those at a fraction of
the cost of reading. Other XML (prefixes, single quotes, no references) goes through an XML parser: slower, same result.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from html import unescape
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree as ET  # parts with a DOCTYPE were refused before (zip_safety.py)

import msgspec

from importer.errors import UnreadableFileError
from importer.loader.formats.number_formats import find_display_formats
from importer.loader.formats.sheet_metadata import (
    UNKNOWN_ERROR,
    MergedArea,
    RowMetadata,
    format_formula,
    parse_column_letters,
)
from importer.loader.formats.zip_safety import open_archive, resolve_part
from importer.messages import file_messages

_CHUNK_BYTES = 4 << 20
_FIRST_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*>")  # <c r="A1"> or <x:c r='A1'>
_FIRST_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
_CELL = re.compile(rb'<c r="([A-Z]{1,3}\d+)"')
_ROW = re.compile(rb'<row\b[^>]*?\br="(\d+)"')
_HIDDEN_ROW = re.compile(rb'<row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*?\br="(\d+)"')
# <c r="D8" t="e"><f>1/0</f><v>#DIV/0!</v>: an error, with or without its formula.
_ERROR_CELL = re.compile(
    rb'<c r="([A-Z]{1,3})(\d+)"[^>]*?\bt="e"[^>]*>\s*(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)?\s*(?:<v>([^<]*)</v>)?'
)
# <c r="C9"><f>A1*2</f></c>: a formula without a value, or with an empty one.
_FORMULA_WITHOUT_VALUE = re.compile(
    rb'<c r="([A-Z]{1,3})(\d+)"([^>]*)>\s*<f\b[^>]*?(?:/>|>([^<]*)</f>)\s*(<v\s*/>|<v></v>)?\s*</c>'
)
_STRICT_NAMESPACE = b"http://purl.oclc.org/ooxml/"
_MERGED_CELL = re.compile(rb"""<(?:\w+:)?mergeCell\b[^>]*\bref=["']([A-Z]+)(\d+):[A-Z]+(\d+)["']""")
_DIMENSION = re.compile(rb'<(?:\w+:)?dimension\b[^>]*\bref="[A-Z]+\d+:([A-Z]+)(\d+)"')  # ref="A1:F2000"


class SheetPart(msgspec.Struct, frozen=True):
    """The part of the archive with a sheet: its size unpacked, and how many rows and columns it claims."""

    name: str
    size_bytes: int
    rows: int
    columns: int


def find_sheet_part(path: Path, sheet: str) -> SheetPart:
    """Return the part of the archive with the sheet."""
    with open_archive(path) as archive:
        name = _find_part_name(archive, sheet)
        with archive.open(name) as file:
            claimed = _DIMENSION.search(file.read(4096))
        rows = int(claimed[2]) if claimed else 0
        columns = parse_column_letters(claimed[1].decode()) + 1 if claimed else 0
        return SheetPart(name, archive.getinfo(name).file_size, rows, columns)


def can_openpyxl_read(path: Path) -> bool:
    """Return whether openpyxl finds the sheets: neither in strict OOXML, nor where parts have unusual names."""
    with open_archive(path) as archive:
        part = archive.getinfo("xl/workbook.xml")
        return part.filename == part.orig_filename and _STRICT_NAMESPACE not in archive.read(part)


def read_xlsx_row_metadata(path: Path, part: str) -> Iterator[tuple[int, RowMetadata]]:
    """Yield number and metadata of each row that has any, from top to bottom.

    Raises UnreadableFileError for rows out of order and for two cells at one place.
    """
    with open_archive(path) as archive:
        styles = _read_styles(archive)
        chunks = _read_chunks_of_rows(archive, part)
        first = next(chunks, b"")
        if _is_usual_xml(first):
            yield from _scan_chunks(chain((first,), chunks), styles)
        else:
            with archive.open(part) as file:
                events = ET.iterparse(file, events=("start", "end"))  # noqa: S314 - a child process that may die, and expat bounds entities
                yield from _parse_xml(events, styles)


def read_xlsx_merged_areas(path: Path, part: str) -> list[MergedArea]:
    """Return the cells merged over several rows, from top to bottom. The file has them after all rows."""
    areas: list[MergedArea] = []
    rest = b""
    with open_archive(path) as archive, archive.open(part) as file:
        while chunk := file.read(_CHUNK_BYTES):
            whole, _, rest = (rest + chunk).rpartition(b">")
            if b"mergeCell" in whole:
                areas += [
                    MergedArea(int(first), int(last), _parse_column(letters))
                    for letters, first, last in _MERGED_CELL.findall(whole)
                ]
    return sorted(area for area in areas if area.last > area.first)


def _find_part_name(archive: zipfile.ZipFile, sheet: str) -> str:
    workbook = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - a child process that may die, and expat bounds entities
    relation = next(
        (
            value
            for node in workbook.iter()
            if node.tag.endswith("}sheet") and node.get("name") == sheet
            for key, value in node.attrib.items()
            if key.endswith("}id")
        ),
        "",
    )
    return resolve_part(archive, "xl/_rels/workbook.xml.rels", relation)


def _is_usual_xml(chunk: bytes) -> bool:
    """Return whether rows and cells are written as the regular expressions expect them."""
    cell, row = _FIRST_CELL.search(chunk), _FIRST_ROW.search(chunk)
    if cell is None or row is None:
        return True
    return cell[0].startswith(b'<c r="') and row[0].startswith(b"<row") and b' r="' in row[0]


def _read_chunks_of_rows(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield the part in chunks that end where a row ends."""
    rest = b""
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK_BYTES):
            whole, end, rest = (rest + chunk).rpartition(b"</row>")
            if end:
                yield whole + end
    yield rest


def _scan_chunks(chunks: Iterator[bytes], styles: dict[int, str]) -> Iterator[tuple[int, RowMetadata]]:
    """Find the metadata with regular expressions, chunk by chunk."""
    styled_cell = _compile_styled_cell(styles)
    last = 0
    for chunk in chunks:
        for number in map(int, _ROW.findall(chunk)):
            last = _check_row_order(number, last)
        _check_cells_are_unique(_CELL.findall(chunk))
        rows = _scan_chunk(chunk, styled_cell, styles)
        if last_with_value := _find_last_row_with_value(chunk):
            _get_row(rows, last_with_value).has_value = True
        yield from sorted(rows.items())


def _check_row_order(number: int, last: int) -> int:
    """Return the number of the row. Rows go from top to bottom: of two with one number, calamine drops the first."""
    if number <= last:
        raise UnreadableFileError(*file_messages.ROWS_OUT_OF_ORDER.format(number=number, last=last))
    return number


def _check_cells_are_unique(references: list[bytes]) -> None:
    """Raise UnreadableFileError for two cells at one place: calamine would drop the first."""
    if len(set(references)) < len(references):
        twice = next(cell for cell, count in Counter(references).items() if count > 1)
        place = f"called {twice.decode()}"
        raise UnreadableFileError(*file_messages.TWO_CELLS_AT_ONE_PLACE.format(place=place))


def _scan_chunk(
    chunk: bytes, styled_cell: re.Pattern[bytes] | None, styles: dict[int, str]
) -> dict[int, RowMetadata]:
    """Return the rows of a chunk that have metadata. Looking for a few bytes first makes most sheets cheap."""
    rows: dict[int, RowMetadata] = {}
    if b'hidden="' in chunk:
        for found in _HIDDEN_ROW.finditer(chunk):
            _get_row(rows, found[1]).is_hidden = True
    if b't="e"' in chunk:
        for found in _ERROR_CELL.finditer(chunk):
            _get_row(rows, found[2]).texts[_parse_column(found[1])] = _decode_xml(found[3]) or UNKNOWN_ERROR
    if b"<f" in chunk:
        for found in _FORMULA_WITHOUT_VALUE.finditer(chunk):
            if found[5] is None or b't="str"' not in found[3]:  # the result of a formula may be ""
                text = format_formula(_decode_xml(found[4]))
                _get_row(rows, found[2]).texts[_parse_column(found[1])] = text
    if styled_cell is not None:
        for found in styled_cell.finditer(chunk):
            _get_row(rows, found[2]).number_formats[_parse_column(found[1])] = styles[int(found[3])]
    return rows


def _find_last_row_with_value(chunk: bytes) -> bytes | None:
    """Return the number of the last row that has a value, or None."""
    end = max(chunk.rfind(b"</v>"), chunk.rfind(b"</t>"))
    while end > 0 and chunk[end - 1] == ord(">"):  # an empty text
        end = max(chunk.rfind(b"</v>", 0, end), chunk.rfind(b"</t>", 0, end))
    found = _ROW.match(chunk, chunk.rfind(b"<row", 0, end)) if end > 0 else None
    return found[1] if found else None


def _get_row(rows: dict[int, RowMetadata], number: bytes) -> RowMetadata:
    key = int(number)
    if key not in rows:
        rows[key] = RowMetadata()
    return rows[key]


@lru_cache(maxsize=1024)
def _parse_column(letters: bytes) -> int:
    return parse_column_letters(letters.decode())


def _decode_xml(xml: bytes | None) -> str:
    return unescape((xml or b"").decode("utf-8", "replace"))


def _parse_xml(
    events: Iterator[tuple[str, ET.Element]], styles: dict[int, str]
) -> Iterator[tuple[int, RowMetadata]]:
    """Find the metadata with an XML parser; rows and cells without a reference follow the one before."""
    number, column, metadata = 0, -1, RowMetadata()
    seen: set[int] = set()
    for event, node in events:
        match node.tag.rpartition("}")[2], event:
            case "row", "start":
                number, column, seen = _check_row_order(int(node.get("r", number + 1)), number), -1, set()
                metadata = RowMetadata(is_hidden=node.get("hidden") in ("1", "true"))
            case "c", "end":
                letters = node.get("r", "").rstrip("0123456789")
                column = parse_column_letters(letters) if letters else column + 1
                if column in seen:
                    place = f"for one column in row {number}"
                    raise UnreadableFileError(*file_messages.TWO_CELLS_AT_ONE_PLACE.format(place=place))
                seen.add(column)
                _add_cell(metadata, column, node, styles)
            case "row", "end":
                node.clear()
                if metadata.has_any:
                    yield number, metadata
            case _:
                pass  # other tags say nothing about rows or cells


def _add_cell(metadata: RowMetadata, column: int, cell: ET.Element, styles: dict[int, str]) -> None:
    """Note the error, the formula without a value and the number format of one cell element."""
    parts = {node.tag.rpartition("}")[2]: node.text for node in cell}
    value, kind = parts.get("v"), cell.get("t")
    if kind == "e":
        metadata.texts[column] = value or UNKNOWN_ERROR
    elif "f" in parts and not value and not ("v" in parts and kind == "str"):
        metadata.texts[column] = format_formula(parts["f"] or "")
    code = styles.get(int(cell.get("s", "0")))
    if code and parts:
        metadata.number_formats[column] = code


def _read_styles(archive: zipfile.ZipFile) -> dict[int, str]:
    """Return the cell styles that change what is shown: style number -> format code."""
    try:
        root = ET.fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - a child process that may die, and expat bounds entities
    except (KeyError, ET.ParseError):
        return {}
    custom_codes = {
        int(node.get("numFmtId", "0")): node.get("formatCode", "")
        for node in root.iter()
        if node.tag.endswith("}numFmt")
    }
    formats = next((node for node in root if node.tag.endswith("}cellXfs")), ())
    return find_display_formats([int(xf.get("numFmtId", "0")) for xf in formats], custom_codes)


def _compile_styled_cell(styles: dict[int, str]) -> re.Pattern[bytes] | None:
    """Return a pattern for cells of such a style that are not empty: `<c r="C7" t="n" s="2">`."""
    if not styles:
        return None
    numbers = b"|".join(b"%d" % style for style in styles)
    return re.compile(rb'<c r="([A-Z]{1,3})(\d+)"(?: t="\w+")?[^>]*? s="(' + numbers + rb')"[^>/]*>')
