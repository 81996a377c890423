"""Read OpenDocument sheets row by row: unlike other formats, they store beside each value how the sheet shows it."""

from __future__ import annotations

import re
import zipfile
from collections import deque
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET  # parts with a DOCTYPE were refused before (zip_safety.py)

from importer.errors import UnreadableFileError
from importer.loader.formats.number_formats import format_number
from importer.loader.formats.sheet_metadata import UNKNOWN_ERROR, MergedArea, RowMetadata, format_formula
from importer.messages import file_messages

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_CELL_TAGS = (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")
_MAX_ROWS, _MAX_COLUMNS = 1_048_576, 16_384  # what LibreOffice can show
_MAX_SPACES = 1000  # more in one element (text:c="50000000") would only fill the memory
_CHUNK_BYTES = 1 << 20
_TABLE_TAG = re.compile(rb"<table:table\s[^>]*>")  # <table:table table:name="Leads" table:style-name="ta1">
_TABLE_NAME = re.compile(rb'\btable:name="([^"]*)"')
_TABLE_STYLE = re.compile(rb'\btable:style-name="([^"]*)"')
# <style:style style:name="ta2" ...><style:table-properties table:display="false"/>: the style of hidden sheets.
_HIDDEN_STYLE = re.compile(
    rb'<style:style\s[^>]*style:name="([^"]*)"[^>]*>\s*<style:table-properties\s[^>]*table:display="false"'
)
_DIGITS_AND_SIGNS = re.compile(
    r"[\d\s()+-]+"
)  # what a format adds to a phone: zeros, a code in front, spaces


def list_ods_sheets(path: Path) -> dict[str, bool]:
    """Return the names of the sheets, each with whether it is visible. Raises UnreadableFileError if encrypted."""
    sheets: dict[str, bool] = {}
    hidden: set[bytes] = set()
    with zipfile.ZipFile(path) as archive:
        if b"encryption-data" in _read_manifest(archive):
            raise UnreadableFileError(*file_messages.PASSWORD_PROTECTED)
        with archive.open("content.xml") as file:
            rest = b""
            while chunk := file.read(_CHUNK_BYTES):
                whole, end, rest = (rest + chunk).rpartition(b">")
                hidden.update(_HIDDEN_STYLE.findall(whole + end))
                for tag in _TABLE_TAG.findall(whole + end):
                    name, style = _TABLE_NAME.search(tag), _TABLE_STYLE.search(tag)
                    if name is not None:
                        sheet = unescape(name[1].decode("utf-8", "replace"))
                        sheets[sheet] = style is None or style[1] not in hidden
    return sheets


def read_ods_rows(
    path: Path, sheet: str, merged: deque[MergedArea]
) -> Iterator[tuple[int, list[str], RowMetadata | None]]:
    """Yield number, cells and metadata of each row that has a value, as the sheet shows them.

    The merged areas go to `merged`, each just before its first row.
    """
    number = 1
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as file:
        for row in _iterate_row_elements(file, sheet):
            repeats = _get_repeats(row, f"{_TABLE}number-rows-repeated")
            cells = _read_cells(row)
            merged.extend(_find_merged_areas(row, number))
            if cells and number + repeats > _MAX_ROWS + 1:
                raise UnreadableFileError(*file_messages.TOO_MANY_ROWS_CLAIMED.format(maximum=_MAX_ROWS))
            is_hidden = row.get(f"{_TABLE}visibility", "visible") != "visible"
            for at in range(number, number + repeats if cells else number):
                yield at, list(cells), RowMetadata(is_hidden=True) if is_hidden else None
            number += repeats


def _read_manifest(archive: zipfile.ZipFile) -> bytes:
    try:
        return archive.read("META-INF/manifest.xml")
    except KeyError:
        return b""


def _iterate_row_elements(file: object, sheet: str) -> Iterator[ET.Element]:
    """Yield the row elements of one sheet; each is freed when the next one is asked for."""
    parents: list[ET.Element] = []
    is_inside = False
    for event, node in ET.iterparse(file, events=("start", "end")):  # type: ignore[call-overload]  # noqa: S314 - a child process that may die, and expat bounds entities
        if event == "start":
            parents.append(node)
            if node.tag == f"{_TABLE}table" and not is_inside:
                is_inside = node.get(f"{_TABLE}name") == sheet
            continue
        parents.pop()
        if node.tag == f"{_TABLE}table" and is_inside and node.get(f"{_TABLE}name") == sheet:
            return
        if node.tag == f"{_TABLE}table-row":
            if is_inside:
                yield node
            del parents[-1][:]


def _read_cells(row: ET.Element) -> list[str]:
    """Return the cells up to the last one with text; LibreOffice fills every row up to its last column."""
    cells: list[str] = []
    empty = 0
    for node in row:
        if node.tag not in _CELL_TAGS:
            continue
        repeats = _get_repeats(node, f"{_TABLE}number-columns-repeated")
        text = _format_cell(node)
        if not text:
            empty += repeats
            continue
        if len(cells) + empty + repeats > _MAX_COLUMNS:
            raise UnreadableFileError(*file_messages.TOO_MANY_COLUMNS_CLAIMED.format(maximum=_MAX_COLUMNS))
        cells += [""] * empty + [text] * repeats
        empty = 0
    return cells


def _find_merged_areas(row: ET.Element, number: int) -> Iterator[MergedArea]:
    """Yield the areas over several rows that begin in this row."""
    column = 0
    for node in row:
        if node.tag in _CELL_TAGS:
            rows = _get_repeats(node, f"{_TABLE}number-rows-spanned")
            if rows > 1:
                yield MergedArea(number, number + rows - 1, column)
            column += _get_repeats(node, f"{_TABLE}number-columns-repeated")


def _get_repeats(node: ET.Element, name: str) -> int:
    """Return a repeat count of an element: at least 1, whatever the file claims."""
    return max(1, int(node.get(name, "1")))


def _format_cell(cell: ET.Element) -> str:
    """Return a cell as the sheet shows it: dates in their own format, numbers with every digit that they have."""
    kind = cell.get(f"{_OFFICE}value-type")
    text = "\n".join(_read_paragraph(node) for node in cell if node.tag == f"{_TEXT}p")
    match kind:
        case "float" | "currency" | "percentage":
            value = format_number(float(cell.get(f"{_OFFICE}value", "nan")), None)
            digits = "".join(filter(str.isdecimal, text))
            return text if _DIGITS_AND_SIGNS.fullmatch(text) and digits.endswith(value) else value
        case "string":
            text = cell.get(f"{_OFFICE}string-value") or text
            return UNKNOWN_ERROR if text.startswith("Err:") and cell.get(f"{_TABLE}formula") else text
        case None if not text and (formula := cell.get(f"{_TABLE}formula")):
            return format_formula(formula.partition("=")[2])
        case _:
            return text or cell.get(f"{_OFFICE}{kind}-value", "")


def _read_paragraph(node: ET.Element) -> str:
    """Return the text of a paragraph; repeated spaces, tabs and line breaks are elements of their own."""
    if not len(node):
        return node.text or ""
    parts = [node.text or ""]
    for child in node:
        match child.tag.removeprefix(_TEXT):
            case "s":
                parts.append(" " * min(int(child.get(f"{_TEXT}c", "1")), _MAX_SPACES))
            case "tab":
                parts.append("\t")
            case "line-break":
                parts.append("\n")
            case _:
                parts.append(_read_paragraph(child))
        parts.append(child.tail or "")
    return "".join(parts)
