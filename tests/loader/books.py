"""Workbooks written part by part, so that each quirk of the world's programs can be put into one."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def styles_xml(codes: Sequence[str]) -> str:
    """A style for each number format code, numbered from 1; style 0 has none."""
    formats = "".join(
        f'<numFmt numFmtId="{200 + i}" formatCode="{escape(c, {chr(34): "&quot;"})}"/>'
        for i, c in enumerate(codes)
    )
    used = "".join(f'<xf numFmtId="{200 + i}"/>' for i in range(len(codes)))
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts>{formats}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        f'<cellXfs><xf numFmtId="0"/>{used}</cellXfs></styleSheet>'
    )


def write_xlsx(
    path: Path,
    sheet: str,
    *,
    codes: Sequence[str] = (),
    namespace: str = MAIN,
    more: Mapping[str, str | bytes] | None = None,
) -> Path:
    """A workbook of one sheet; `sheet` is what stands in its `sheetData`, or the whole part."""
    if not sheet.startswith(("<worksheet", "<x:worksheet", "<?xml")):
        sheet = f'<worksheet xmlns="{namespace}"><sheetData>{sheet}</sheetData></worksheet>'
    office = _OFFICE if namespace == MAIN else "http://purl.oclc.org/ooxml/officeDocument/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{namespace}" xmlns:r="{office}"><sheets><sheet name="Leads" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/>'
        f'<Relationship Id="rId2" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
        "xl/styles.xml": styles_xml(codes),
    }
    return write_parts(path, {**parts, **(more or {})})


def write_parts(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def text_cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _number(value: int) -> bytes:
    encoded = b""
    while True:
        low, value = value & 0x7F, value >> 7
        encoded += bytes([low | (0x80 if value else 0)])
        if not value:
            return encoded


def record(kind: int, body: bytes = b"") -> bytes:
    """One record of a binary workbook (MS-XLSB 2.1.4)."""
    head = bytes([kind]) if kind < 0x80 else bytes([(kind & 0x7F) | 0x80, kind >> 7])
    return head + _number(len(body)) + body


def wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def write_xlsb(
    path: Path, rows: Mapping[int, Sequence[object]], *, codes: Sequence[str] = (), hidden: Sequence[int] = ()
) -> Path:
    """A binary workbook of one sheet; a cell is a text, a number, an error (bytes of one), or (number, style)."""
    width = max((len(cells) for cells in rows.values()), default=1)
    sheet = (
        record(129)
        + record(148, struct.pack("<IIII", 0, max(rows, default=1) - 1, 0, width - 1))
        + record(145)
    )
    for number, cells in rows.items():
        flags = 0x10 if number in hidden else 0
        sheet += record(0, struct.pack("<IIHBBBI", number - 1, 0, 300, 0, flags, 0, 0))
        for column, cell in enumerate(cells):
            value, style = cell if isinstance(cell, tuple) else (cell, 0)
            place = struct.pack("<II", column, style)
            if isinstance(value, str):
                sheet += record(6, place + wide(value)) if value else b""
            elif isinstance(value, bytes):
                sheet += record(3, place + value)
            else:
                sheet += record(5, place + struct.pack("<d", value))
    sheet += record(146) + record(130)
    styles = record(278) + record(615, struct.pack("<I", len(codes)))
    styles += b"".join(
        record(44, struct.pack("<H", 200 + i) + wide(code)) for i, code in enumerate(codes)
    ) + record(616)
    styles += record(617, struct.pack("<I", len(codes) + 1))
    styles += b"".join(
        record(47, struct.pack("<HHHHHBBHH", 0, number, 0, 0, 0, 0, 0, 0, 0))
        for number in [0, *range(200, 200 + len(codes))]
    )
    styles += record(618) + record(279)
    book = (
        record(131)
        + record(143)
        + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Leads"))
        + record(144)
        + record(132)
    )
    return write_parts(
        path,
        {
            "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.bin"/>'
            f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.bin"/></Relationships>',
            "xl/worksheets/sheet1.bin": sheet,
            "xl/styles.bin": styles,
        },
    )
