"""Write workbooks part by part, so that they can have the quirks of any program."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def format_styles_xml(codes: Sequence[str]) -> str:
    """Return a style for each number format code, numbered from 1; style 0 has none."""
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
    """Write a workbook of one sheet; `sheet` is the content of its `sheetData`, or the whole part."""
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
        "xl/styles.xml": format_styles_xml(codes),
    }
    return write_parts(path, {**parts, **(more or {})})


def write_parts(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def text_cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _encode_number(value: int) -> bytes:
    encoded = b""
    while True:
        low, value = value & 0x7F, value >> 7
        encoded += bytes([low | (0x80 if value else 0)])
        if not value:
            return encoded


def encode_record(kind: int, body: bytes = b"") -> bytes:
    """Return one record of a binary workbook (MS-XLSB 2.1.4)."""
    head = bytes([kind]) if kind < 0x80 else bytes([(kind & 0x7F) | 0x80, kind >> 7])
    return head + _encode_number(len(body)) + body


def encode_text(text: str) -> bytes:
    units = text.encode("utf-16-le")
    return struct.pack("<I", len(units) // 2) + units


def _encode_xlsb_cell(place: bytes, value: object, texts: list[str] | None) -> bytes:
    """Return the record of a cell; a text goes into the shared `texts` where they are given."""
    if isinstance(value, str) and texts is not None:
        texts.append(value)
        return encode_record(7, place + struct.pack("<I", len(texts) - 1))
    if isinstance(value, str):
        return encode_record(6, place + encode_text(value))
    if isinstance(value, bytes):
        return encode_record(3, place + value)
    if isinstance(value, bool):
        return encode_record(4, place + bytes([value]))
    if isinstance(value, int) and -(2**29) <= value < 2**29:
        return encode_record(2, place + struct.pack("<i", value << 2 | 2))
    return encode_record(5, place + struct.pack("<d", value))


def write_xlsb(
    path: Path,
    rows: Mapping[int, Sequence[object]],
    *,
    codes: Sequence[str] = (),
    hidden: Sequence[int] = (),
    merged: Sequence[tuple[int, int, int]] = (),
    shared: bool = False,
) -> Path:
    """Write a binary workbook of one sheet.

    A cell is a text, a number, a boolean, None, an error (bytes of one), or (number, style). `merged` are (first
    row, last row, column), rows from 1 and columns from 0. Texts are in the cells, or in the shared table.
    """
    width = max((len(cells) for cells in rows.values()), default=1)
    texts: list[str] = []
    sheet = (
        encode_record(129)
        + encode_record(148, struct.pack("<IIII", 0, max(rows, default=1) - 1, 0, width - 1))
        + encode_record(145)
    )
    for number, cells in rows.items():
        flags = 0x10 if number in hidden else 0
        sheet += encode_record(0, struct.pack("<IIHBBBI", number - 1, 0, 300, 0, flags, 0, 0))
        for column, cell in enumerate(cells):
            value, style = cell if isinstance(cell, tuple) else (cell, 0)
            place = struct.pack("<II", column, style)
            if value is not None and value != "":
                sheet += _encode_xlsb_cell(place, value, texts if shared else None)
    sheet += encode_record(146)
    if merged:
        sheet += encode_record(177, struct.pack("<I", len(merged)))
        for first, last, column in merged:
            sheet += encode_record(176, struct.pack("<IIII", first - 1, last - 1, column, column))
        sheet += encode_record(178)
    sheet += encode_record(130)
    styles = encode_record(278) + encode_record(615, struct.pack("<I", len(codes)))
    styles += b"".join(
        encode_record(44, struct.pack("<H", 200 + i) + encode_text(code)) for i, code in enumerate(codes)
    ) + encode_record(616)
    styles += encode_record(617, struct.pack("<I", len(codes) + 1))
    styles += b"".join(
        encode_record(47, struct.pack("<HHHHHBBHH", 0, number, 0, 0, 0, 0, 0, 0, 0))
        for number in [0, *range(200, 200 + len(codes))]
    )
    styles += encode_record(618) + encode_record(279)
    book = (
        encode_record(131)
        + encode_record(143)
        + encode_record(156, struct.pack("<II", 0, 1) + encode_text("rId1") + encode_text("Leads"))
        + encode_record(144)
        + encode_record(132)
    )
    return write_parts(
        path,
        {
            "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.bin"/></Relationships>',
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{_LINKS}"><Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.bin"/>'
            f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.bin"/>'
            f'<Relationship Id="rId3" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.bin"/></Relationships>',
            "xl/worksheets/sheet1.bin": sheet,
            "xl/styles.bin": styles,
            "xl/sharedStrings.bin": encode_record(159, struct.pack("<II", len(texts), len(texts)))
            + b"".join(encode_record(19, b"\0" + encode_text(text)) for text in texts)
            + encode_record(160),
        },
    )


_ODS = "urn:oasis:names:tc:opendocument:xmlns"
_BREAKS = {"\t": "<text:tab/>", "\n": "</text:p><text:p>"}


def write_ods(path: Path, rows: Sequence[tuple[int, Sequence[str]]], *, name: str = "Leads") -> Path:
    """Write an OpenDocument sheet: each row as its repeat count and its cells from `ods_cell`."""
    inside = "".join(
        f'<table:table-row table:number-rows-repeated="{times}">{"".join(cells) or "<table:table-cell/>"}</table:table-row>'
        for times, cells in rows
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{_ODS}:office:1.0" '
        f'xmlns:table="{_ODS}:table:1.0" xmlns:text="{_ODS}:text:1.0" office:version="1.3"><office:body>'
        f'<office:spreadsheet><table:table table:name="{escape(name)}">{inside}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return write_parts(path, {"mimetype": kind, "content.xml": content})


def ods_cell(
    kind: str, shown: str, value: str = "", *, formula: str = "", spans: int = 1, covered: bool = False
) -> str:
    """Return one cell as LibreOffice writes it: `kind` is its value type, "" for an empty cell."""
    tag = "table:covered-table-cell" if covered else "table:table-cell"
    given = {
        "table:formula": formula,
        "table:number-rows-spanned": str(spans) if spans > 1 else "",
        "office:value-type": kind,
        f"office:{_VALUE_ATTRIBUTES.get(kind, 'value')}": value,
    }
    attributes = "".join(f" {key}={quoteattr(text)}" for key, text in given.items() if text)
    return (
        f"<{tag}{attributes}><text:p>{_format_ods_text(shown)}</text:p></{tag}>"
        if kind
        else f"<{tag}{attributes}/>"
    )


_VALUE_ATTRIBUTES = {"date": "date-value", "boolean": "boolean-value", "string": "string-value"}


def _format_ods_text(text: str) -> str:
    """Return text with elements for spaces, which XML would lose, and tabs; each line is a paragraph."""
    spaced = re.sub(" +", lambda found: f'<text:s text:c="{len(found[0])}"/>', escape(text))
    return re.sub("[\t\n]", lambda found: _BREAKS[found[0]], spaced)
