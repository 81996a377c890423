"""What the quick reader does not tell of a sheet: hidden rows, error cells, formulas without a value, formats.

One pass over the sheet's XML with regular expressions on bytes, so that it costs a fraction of the reading.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET  # parts with a DOCTYPE were refused before (archive.py)

import msgspec

from importer.loader.numberformats import BUILT_IN, is_date_format, leading_zeros

_CHUNK = 4 << 20
_HIDDEN = re.compile(rb'<row\b[^>]*\bhidden="(?:1|true)"')
_ERROR = re.compile(rb'<c\b([^>]*\bt="e"[^>]*)>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)?<v>([^<]*)</v>')
_NO_VALUE = re.compile(rb"<c\b([^>]*)><f\b[^>]*?(?:/>|>([^<]*)</f>)(?:<v\s*/>|<v></v>)?</c>")
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d+)"')
_STRICT = b"http://purl.oclc.org/ooxml/"
_MOST_MARKS = 200_000  # marked cells kept: a sheet of nothing but faults must not fill the memory


class SheetMarks(msgspec.Struct):
    """`cells`: row -> column (from 0) -> text; `formats`: column -> its cells' number format."""

    hidden_rows: int = 0
    cells: dict[int, dict[int, str]] = {}
    formats: dict[int, str] = {}


def read_marks(path: Path, part: str) -> SheetMarks:
    """Look a sheet through once."""
    marks = SheetMarks(0, {}, {})
    with zipfile.ZipFile(path) as archive:
        styles = _styles(archive)
        styled = _styled(styles)
        kept = 0
        for chunk in _rows_in_chunks(archive, part):
            marks.hidden_rows += len(_HIDDEN.findall(chunk))
            for pattern, mark in ((_ERROR, b""), (_NO_VALUE, b"=")):
                for found in pattern.finditer(chunk):
                    if kept < _MOST_MARKS:
                        _mark(marks, found[1], mark + (found[2] or b"(shared formula)"))
                        kept += 1
            if styled is not None:
                _note_formats(marks, styled.finditer(chunk), styles)
    return marks


def sheet_part(path: Path, name: str) -> str | None:
    """The part of the archive that holds the sheet, or None where the workbook is built unusually."""
    with zipfile.ZipFile(path) as archive:
        try:
            book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - see the import
            links = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
        except (KeyError, ET.ParseError):
            return None
        targets = {link.get("Id"): link.get("Target", "") for link in links}
        for sheet in book.iter():
            if sheet.tag.endswith("}sheet") and sheet.get("name") == name:
                relation = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), None)
                target = targets.get(relation, "")
                part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
                return part if part in archive.namelist() else None
    return None


def unpacked_size(path: Path, part: str) -> int:
    """Bytes of a part once unpacked, as the archive's directory says."""
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo(part).file_size


def is_strict(path: Path) -> bool:
    """Whether the workbook is strict OOXML, which openpyxl reads as having no sheets."""
    with zipfile.ZipFile(path) as archive:
        return _STRICT in archive.read("xl/workbook.xml")


def _rows_in_chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The part in pieces that end where a row ends."""
    rest = b""
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            whole, end, rest = (rest + chunk).rpartition(b"</row>")
            yield whole + end
    yield rest


def _styles(archive: zipfile.ZipFile) -> dict[int, str]:
    """Cell styles whose format changes what is shown: style number -> format code."""
    try:
        root = ET.fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - see the import
    except (KeyError, ET.ParseError):
        return {}
    own = {
        int(node.get("numFmtId", "0")): node.get("formatCode", "")
        for node in root.iter()
        if node.tag.endswith("}numFmt")
    }
    formats = next((node for node in root if node.tag.endswith("}cellXfs")), ())
    codes = {
        style: {**BUILT_IN, **own}.get(int(xf.get("numFmtId", "0")), "") for style, xf in enumerate(formats)
    }
    return {
        style: code for style, code in codes.items() if code and (is_date_format(code) or leading_zeros(code))
    }


def _styled(styles: dict[int, str]) -> re.Pattern[bytes] | None:
    if not styles:
        return None
    numbers = b"|".join(b"%d" % style for style in styles)
    return re.compile(rb'<c\b r="([A-Z]{1,3})\d+" s="(' + numbers + rb')"')


def _note_formats(marks: SheetMarks, found: Iterator[re.Match[bytes]], styles: dict[int, str]) -> None:
    for match in found:
        column = _column(match[1])
        if column not in marks.formats:
            marks.formats[column] = styles[int(match[2])]


def _mark(marks: SheetMarks, attributes: bytes, text: bytes) -> None:
    reference = _REFERENCE.search(attributes)
    if reference:
        row = marks.cells.setdefault(int(reference[2]), {})
        row[_column(reference[1])] = text.decode("utf-8", "replace")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
