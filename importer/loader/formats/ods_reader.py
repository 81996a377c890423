"""OpenDocument sheets, row by row: unlike other formats, they keep beside each value how the sheet shows it."""

from __future__ import annotations

import re
import zipfile
from collections import deque
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET  # parts with a DOCTYPE were refused before (archive.py)

from importer.errors import UnreadableFileError
from importer.loader.formats.locked import locked
from importer.loader.formats.merged_cells import Area
from importer.loader.formats.number_formats import show_number
from importer.loader.formats.row_metadata import NO_VALUE, RowMarks, formula_text

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CELL_TAGS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384  # what LibreOffice can show
_CHUNK = 1 << 20
_NAMES = re.compile(rb"<table:table\s[^>]*>")
_NAME = re.compile(rb'\btable:name="([^"]*)"')
_STYLE = re.compile(rb'\btable:style-name="([^"]*)"')
_HIDDEN_STYLE = re.compile(
    rb'<style:style\s[^>]*style:name="([^"]*)"[^>]*>\s*<style:table-properties\s[^>]*table:display="false"'
)
_DIGITS_ONLY = re.compile(
    r"[\d\s()+-]+"
)  # what a format may add to a phone: zeros and a code in front, spaces


def ods_sheets(path: Path) -> dict[str, bool]:
    """Names of the sheets, each with whether it is visible. Raises UnreadableFileError where a password locks them."""
    sheets: dict[str, bool] = {}
    hidden: set[bytes] = set()
    with zipfile.ZipFile(path) as archive:
        if b"encryption-data" in _manifest(archive):
            raise locked()
        with archive.open("content.xml") as file:
            rest = b""
            while chunk := file.read(_CHUNK):
                whole, end, rest = (rest + chunk).rpartition(b">")
                hidden.update(_HIDDEN_STYLE.findall(whole + end))
                for tag in _NAMES.findall(whole + end):
                    name, style = _NAME.search(tag), _STYLE.search(tag)
                    if name is not None:
                        shown = unescape(name[1].decode("utf-8", "replace"))
                        sheets[shown] = style is None or style[1] not in hidden
    return sheets


def ods_rows(path: Path, sheet: str, merged: deque[Area]) -> Iterator[tuple[int, list[str], RowMarks | None]]:
    """Number, cells and marks of each row that holds something, as the sheet shows them.

    `merged` gets the areas of cells merged over several rows, each just before its first row.
    """
    number = 1
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as file:
        for row in _row_elements(file, sheet):
            repeated = _repeated(row, f"{_TABLE}number-rows-repeated")
            cells = _cells(row)
            merged.extend(_areas(row, number))
            if cells and number + repeated > _MOST_ROWS + 1:
                raise UnreadableFileError(
                    f"The workbook claims more than {_MOST_ROWS:,} rows: it is made to harm.",
                    "Copy the rows into a new sheet, save that, and import it.",
                )
            hidden = row.get(f"{_TABLE}visibility", "visible") != "visible"
            for at in range(number, number + repeated if cells else number):
                yield at, list(cells), RowMarks(hidden=True) if hidden else None
            number += repeated


def _manifest(archive: zipfile.ZipFile) -> bytes:
    try:
        return archive.read("META-INF/manifest.xml")
    except KeyError:
        return b""


def _row_elements(file: object, sheet: str) -> Iterator[ET.Element]:
    """The rows of one sheet; each is let go of when the next is asked for."""
    parents: list[ET.Element] = []
    inside = False
    for event, node in ET.iterparse(file, events=("start", "end")):  # type: ignore[call-overload]  # noqa: S314 - a child process that may die, and expat bounds entities
        if event == "start":
            parents.append(node)
            if node.tag == f"{_TABLE}table" and not inside:
                inside = node.get(f"{_TABLE}name") == sheet
            continue
        parents.pop()
        if node.tag == f"{_TABLE}table" and inside and node.get(f"{_TABLE}name") == sheet:
            return
        if node.tag == f"{_TABLE}table-row":
            if inside:
                yield node
            del parents[-1][:]


def _cells(row: ET.Element) -> list[str]:
    """The cells up to the last that holds something; LibreOffice fills every row up to its last column."""
    cells: list[str] = []
    empty = 0
    for node in row:
        if node.tag not in _CELL_TAGS:
            continue
        repeated = _repeated(node, f"{_TABLE}number-columns-repeated")
        text = _shown(node)
        if not text:
            empty += repeated
            continue
        if len(cells) + empty + repeated > _MOST_COLUMNS:
            raise UnreadableFileError(
                f"The workbook claims more than {_MOST_COLUMNS:,} columns: it is made to harm.",
                "Copy the rows into a new sheet, save that, and import it.",
            )
        cells += [""] * empty + [text] * repeated
        empty = 0
    return cells


def _areas(row: ET.Element, number: int) -> Iterator[Area]:
    column = 0
    for node in row:
        if node.tag in _CELL_TAGS:
            rows = _repeated(node, f"{_TABLE}number-rows-spanned")
            if rows > 1:
                yield Area(number, number + rows - 1, column)
            column += _repeated(node, f"{_TABLE}number-columns-repeated")


def _repeated(node: ET.Element, name: str) -> int:
    return max(1, int(node.get(name, "1")))


def _shown(cell: ET.Element) -> str:
    """What the sheet shows in a cell: dates in their own format, numbers with every digit that they hold."""
    kind = cell.get(f"{_OFFICE}value-type")
    text = "\n".join(_paragraph(node) for node in cell if node.tag == f"{_TEXT}p")
    match kind:
        case "float" | "currency" | "percentage":
            value = show_number(float(cell.get(f"{_OFFICE}value", "nan")), None)
            digits = "".join(filter(str.isdecimal, text))
            return text if _DIGITS_ONLY.fullmatch(text) and digits.endswith(value) else value
        case "string":
            text = cell.get(f"{_OFFICE}string-value") or text
            return NO_VALUE if text.startswith("Err:") and cell.get(f"{_TABLE}formula") else text
        case None if not text and (formula := cell.get(f"{_TABLE}formula")):
            return formula_text(formula.partition("=")[2])
        case _:
            return text or cell.get(f"{_OFFICE}{kind}-value", "")


def _paragraph(node: ET.Element) -> str:
    """The text of a paragraph; several spaces, tabs and line breaks are elements of their own."""
    if not len(node):
        return node.text or ""
    pieces = [node.text or ""]
    for part in node:
        match part.tag.removeprefix(_TEXT):
            case "s":
                pieces.append(" " * min(int(part.get(f"{_TEXT}c", "1")), 1000))
            case "tab":
                pieces.append("\t")
            case "line-break":
                pieces.append("\n")
            case _:
                pieces.append(_paragraph(part))
        pieces.append(part.tail or "")
    return "".join(pieces)
