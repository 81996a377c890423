"""Write the rows of a worksheet as XML, and put them into a workbook that XlsxWriter made around a sample row.

XlsxWriter takes 10 microseconds a cell, 190 a row. With 3% of the rows faulty this was a fifth of a whole check. The rest
of the workbook is its work: styles, widths, lists, comments. Source: ECMA-376 part 1, 18.3.1.
"""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, TextIO

from xlsxwriter.utility import xl_col_to_name

_COMPRESS_LEVEL = 3  # of 9: half the time of the usual 6, for a file that is 20% larger
_SHEET_PART = "xl/worksheets/sheet1.xml"
_SAMPLE_ROW = re.compile(rb'<row r="2".*?</row>', re.DOTALL)
_STYLE = re.compile(rb' s="(\d+)"')  # the 5 of `<c r="A2" s="5"/>`
_LAST_ROW = re.compile(rb'(<dimension ref="A1:[A-Z]+)\d+')  # the 2 of `<dimension ref="A1:F2"/>`
_may_need_escape = re.compile("[&<>\x00-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_").search
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")  # XML cannot hold these
_LIKE_ESCAPE = re.compile(
    r"_(?=x[0-9A-Fa-f]{4}_)"
)  # `_x000A_` in a cell, which Excel would read as a line break


class SheetRowWriter:
    """Writes rows, from the second of the sheet on, to a file of their own until the workbook around them is complete."""

    def __init__(self, path: Path, styles: list[int], columns: int) -> None:
        self._path = path
        self._letters = [xl_col_to_name(column) for column in range(columns)]
        self._text_starts = [f' s="{style}" t="inlineStr"><is><t xml:space="preserve">' for style in styles]
        self._number_starts = [f' s="{style}"><v>' for style in styles]
        self.last = 1

    def __enter__(self) -> Self:
        self._file: TextIO = self._path.open("w", encoding="utf-8", newline="")
        return self

    def add(self, height: int, values: Sequence[str | int | None], styles: Sequence[int]) -> None:
        """Write one row of texts, numbers, and None where there is no cell. `height` is in points.

        `styles` has for each value the position of its style in the sample row.
        """
        self.last = row = self.last + 1
        if _may_need_escape("".join([value for value in values if type(value) is str])):
            values = [_escape_xml(value) if isinstance(value, str) else value for value in values]
        text_starts, number_starts = self._text_starts, self._number_starts
        cells = [
            f'<c r="{letters}{row}"{text_starts[style]}{value}</t></is></c>'
            if type(value) is str
            else f'<c r="{letters}{row}"{number_starts[style]}{value}</v></c>'
            for letters, value, style in zip(self._letters, values, styles, strict=True)
            if value is not None
        ]
        self._file.write(f'<row r="{row}" ht="{height}" customHeight="1">{"".join(cells)}</row>')

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write_workbook(self, book: BinaryIO, path: Path) -> None:
        """Write the workbook to `path`, with these rows in place of its sample row. Raises OSError."""
        with (
            zipfile.ZipFile(book) as source,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESS_LEVEL) as target,
        ):
            for part in source.infolist():
                content = source.read(part)
                if part.filename != _SHEET_PART:
                    target.writestr(part, content)
                    continue
                content = _LAST_ROW.sub(rb"\g<1>%d" % self.last, content, count=1)
                before, after = _SAMPLE_ROW.split(content, 1)
                # The final size: an archive of more than 4 GB has another format, chosen when the part is opened.
                part.file_size = len(content) + self._path.stat().st_size
                with target.open(part, "w") as sheet, self._path.open("rb") as rows:
                    sheet.write(before)
                    shutil.copyfileobj(rows, sheet)
                    sheet.write(after)


def read_sample_styles(book: BinaryIO) -> list[int]:
    """Return the style numbers of the cells of the sample row, in order."""
    with zipfile.ZipFile(book) as archive:
        sample = _SAMPLE_ROW.search(archive.read(_SHEET_PART))
    assert sample is not None, "the workbook was made with a sample row"
    return [int(style) for style in _STYLE.findall(sample[0])]


def _escape_xml(text: str) -> str:
    """Return the text as XML. Characters that XML cannot hold are written as Excel does, `_x0001_` (ST_Xstring)."""
    text = _LIKE_ESCAPE.sub("_x005F_", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
