"""The marks of an .xlsx sheet's rows, from one pass over its XML beside the quick reader.

Nearly every program writes cells as `<c r="B7" s="2" t="e">`: those are found with regular expressions on bytes, for
a fraction of the reading's cost. What is written otherwise (prefixes, other quotes, no references) goes through an XML
parser, slower and as right.
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
from xml.etree import ElementTree as ET  # parts with a DOCTYPE were refused before (archive.py)

import msgspec

from importer.errors import UnreadableFileError
from importer.loader.formats.merged_cells import Area
from importer.loader.formats.number_formats import telling_styles
from importer.loader.formats.row_metadata import NO_VALUE, RowMarks, column_number, formula_text
from importer.loader.formats.zip_safety import part_linked

_CHUNK = 4 << 20
_FIRST_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*>")
_FIRST_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
_CELL = re.compile(rb'<c r="([A-Z]{1,3}\d+)"')
_ROW = re.compile(rb'<row\b[^>]*?\br="(\d+)"')
_HIDDEN = re.compile(rb'<row\b(?=[^>]*\bhidden="(?:1|true)")[^>]*?\br="(\d+)"')
_ERROR = re.compile(
    rb'<c r="([A-Z]{1,3})(\d+)"[^>]*?\bt="e"[^>]*>\s*(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)?\s*(?:<v>([^<]*)</v>)?'
)
_NO_VALUE = re.compile(
    rb'<c r="([A-Z]{1,3})(\d+)"([^>]*)>\s*<f\b[^>]*?(?:/>|>([^<]*)</f>)\s*(<v\s*/>|<v></v>)?\s*</c>'
)
_STRICT = b"http://purl.oclc.org/ooxml/"
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\b[^>]*\bref=["']([A-Z]+)(\d+):[A-Z]+(\d+)["']""")
_DIMENSION = re.compile(rb'<(?:\w+:)?dimension\b[^>]*\bref="[A-Z]+\d+:([A-Z]+)(\d+)"')


class SheetPart(msgspec.Struct, frozen=True):
    """Where a sheet lies in the archive, its size unpacked, and the rows and columns that it claims to have."""

    name: str
    size_bytes: int
    rows: int
    columns: int


def find_part(path: Path, sheet: str) -> SheetPart:
    """The part of the archive that holds the sheet."""
    with zipfile.ZipFile(path) as archive:
        name = _part_name(archive, sheet)
        with archive.open(name) as file:
            claimed = _DIMENSION.search(file.read(4096))
        columns = column_number(claimed[1].decode()) + 1 if claimed else 0
        return SheetPart(name, archive.getinfo(name).file_size, int(claimed[2]) if claimed else 0, columns)


def is_strict(path: Path) -> bool:
    """Whether the workbook is strict OOXML, which openpyxl reads as having no sheets."""
    with zipfile.ZipFile(path) as archive:
        return _STRICT in archive.read("xl/workbook.xml")


def xlsx_marks(path: Path, part: str) -> Iterator[tuple[int, RowMarks]]:
    """Number and marks of each row that has any, from top to bottom."""
    with zipfile.ZipFile(path) as archive:
        styles = _styles(archive)
        chunks = _rows_in_chunks(archive, part)
        first = next(chunks, b"")
        if _is_usual(first):
            yield from _quick(first, chunks, styles)
        else:
            with archive.open(part) as file:
                events = ET.iterparse(file, events=("start", "end"))  # noqa: S314 - a child process that may die, and expat bounds entities
                yield from _parsed(events, styles)


def xlsx_areas(path: Path, part: str) -> list[Area]:
    """Cells merged over several rows, from top to bottom. They stand behind all rows."""
    found: list[Area] = []
    rest = b""
    with zipfile.ZipFile(path) as archive, archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            whole, _, rest = (rest + chunk).rpartition(b">")
            if b"mergeCell" in whole:
                found += [
                    Area(int(first), int(last), _column(letters))
                    for letters, first, last in _MERGED.findall(whole)
                ]
    return sorted(area for area in found if area.last > area.first)


def _part_name(archive: zipfile.ZipFile, sheet: str) -> str:
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - a child process that may die, and expat bounds entities
    relation = next(
        (
            value
            for node in book.iter()
            if node.tag.endswith("}sheet") and node.get("name") == sheet
            for key, value in node.attrib.items()
            if key.endswith("}id")
        ),
        "",
    )
    return part_linked(archive, "xl/_rels/workbook.xml.rels", relation)


def _is_usual(chunk: bytes) -> bool:
    cell, row = _FIRST_CELL.search(chunk), _FIRST_ROW.search(chunk)
    if cell is None or row is None:
        return True
    return cell[0].startswith(b'<c r="') and row[0].startswith(b"<row") and b' r="' in row[0]


def _rows_in_chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The part in pieces that end where a row ends."""
    rest = b""
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            whole, end, rest = (rest + chunk).rpartition(b"</row>")
            if end:
                yield whole + end
    yield rest


def _quick(first: bytes, chunks: Iterator[bytes], styles: dict[int, str]) -> Iterator[tuple[int, RowMarks]]:
    styled = _styled(styles)
    last = 0
    for chunk in chain((first,), chunks):
        for number in map(int, _ROW.findall(chunk)):
            last = _next_row(number, last)
        _check_cells(_CELL.findall(chunk))
        rows = _marks_in(chunk, styled, styles)
        if filled := _last_filled_row(chunk):
            _row(rows, filled).filled = True
        yield from sorted(rows.items())


def _next_row(number: int, last: int) -> int:
    """Rows go from top to bottom; of two that claim one number, the quick reader would drop the first."""
    if number <= last:
        raise UnreadableFileError(
            f"The workbook has row {number} behind row {last}: it is damaged.",
            "Open it in Excel or LibreOffice, save it again, and import that.",
        )
    return number


def _check_cells(references: list[bytes]) -> None:
    """Each cell once; of two that claim one place, the quick reader would drop the first."""
    if len(set(references)) < len(references):
        twice = next(cell for cell, count in Counter(references).items() if count > 1)
        raise _two_cells(f"called {twice.decode()}")


def _two_cells(place: str) -> UnreadableFileError:
    return UnreadableFileError(
        f"The workbook has two cells {place}, of which one would be lost: it is damaged.",
        "Open it in Excel or LibreOffice, save it again, look at that row, and import that.",
    )


def _marks_in(chunk: bytes, styled: re.Pattern[bytes] | None, styles: dict[int, str]) -> dict[int, RowMarks]:
    """The marked rows of a piece of XML. Looking for a few bytes first makes plain sheets cheap."""
    rows: dict[int, RowMarks] = {}
    if b'hidden="' in chunk:
        for found in _HIDDEN.finditer(chunk):
            _row(rows, found[1]).hidden = True
    if b't="e"' in chunk:
        for found in _ERROR.finditer(chunk):
            _row(rows, found[2]).texts[_column(found[1])] = _text(found[3]) or NO_VALUE
    if b"<f" in chunk:
        for found in _NO_VALUE.finditer(chunk):
            if found[5] is None or b't="str"' not in found[3]:  # a formula may well say ""
                _row(rows, found[2]).texts[_column(found[1])] = formula_text(_text(found[4]))
    if styled is not None:
        for found in styled.finditer(chunk):
            _row(rows, found[2]).formats[_column(found[1])] = styles[int(found[3])]
    return rows


def _last_filled_row(chunk: bytes) -> bytes | None:
    """The number of the last row with a value in it."""
    end = max(chunk.rfind(b"</v>"), chunk.rfind(b"</t>"))
    while end > 0 and chunk[end - 1] == ord(">"):  # an empty text
        end = max(chunk.rfind(b"</v>", 0, end), chunk.rfind(b"</t>", 0, end))
    found = _ROW.match(chunk, chunk.rfind(b"<row", 0, end)) if end > 0 else None
    return found[1] if found else None


def _row(rows: dict[int, RowMarks], number: bytes) -> RowMarks:
    key = int(number)
    if key not in rows:
        rows[key] = RowMarks()
    return rows[key]


@lru_cache(maxsize=1024)
def _column(letters: bytes) -> int:
    return column_number(letters.decode())


def _text(xml: bytes | None) -> str:
    return unescape((xml or b"").decode("utf-8", "replace"))


def _parsed(
    events: Iterator[tuple[str, ET.Element]], styles: dict[int, str]
) -> Iterator[tuple[int, RowMarks]]:
    """The same by an XML parser: rows and cells without a reference follow the one before."""
    number, column, marks = 0, -1, RowMarks()
    seen: set[int] = set()
    for event, node in events:
        match node.tag.rpartition("}")[2], event:
            case "row", "start":
                number, column, seen = _next_row(int(node.get("r", number + 1)), number), -1, set()
                marks = RowMarks(hidden=node.get("hidden") in ("1", "true"))
            case "c", "end":
                letters = node.get("r", "").rstrip("0123456789")
                column = column_number(letters) if letters else column + 1
                if column in seen:
                    raise _two_cells(f"for one column in row {number}")
                seen.add(column)
                _mark_cell(marks, column, node, styles)
            case "row", "end":
                node.clear()
                if marks.tells_any:
                    yield number, marks


def _mark_cell(marks: RowMarks, column: int, cell: ET.Element, styles: dict[int, str]) -> None:
    parts = {node.tag.rpartition("}")[2]: node.text for node in cell}
    value, kind = parts.get("v"), cell.get("t")
    if kind == "e":
        marks.texts[column] = value or NO_VALUE
    elif "f" in parts and not value and not ("v" in parts and kind == "str"):
        marks.texts[column] = formula_text(parts["f"] or "")
    code = styles.get(int(cell.get("s", "0")))
    if code and parts:
        marks.formats[column] = code


def _styles(archive: zipfile.ZipFile) -> dict[int, str]:
    """Cell styles whose format changes what is shown: style number -> format code."""
    try:
        root = ET.fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - a child process that may die, and expat bounds entities
    except (KeyError, ET.ParseError):
        return {}
    own = {
        int(node.get("numFmtId", "0")): node.get("formatCode", "")
        for node in root.iter()
        if node.tag.endswith("}numFmt")
    }
    formats = next((node for node in root if node.tag.endswith("}cellXfs")), ())
    return telling_styles([int(xf.get("numFmtId", "0")) for xf in formats], own)


def _styled(styles: dict[int, str]) -> re.Pattern[bytes] | None:
    """Cells of such a style that hold something."""
    if not styles:
        return None
    numbers = b"|".join(b"%d" % style for style in styles)
    return re.compile(rb'<c r="([A-Z]{1,3})(\d+)"(?: t="\w+")?[^>]*? s="(' + numbers + rb')"[^>/]*>')
