"""Rows of a worksheet as sheet XML, and how they are put into a workbook that XlsxWriter made around a sample row.

XlsxWriter takes ten microseconds a cell, 190 a row: with three rows in a hundred faulty that was a fifth of a whole
check. All else of the workbook is its work: styles, widths, lists, comments. Source: ECMA-376 part 1, 18.3.1.
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

_PACKED = 3  # of 9: half the time of the usual 6, for a file that is a fifth longer
_SHEET = "xl/worksheets/sheet1.xml"
_SAMPLE = re.compile(rb'<row r="2".*?</row>', re.DOTALL)
_STYLE = re.compile(rb' s="(\d+)"')
_DIMENSION = re.compile(rb'(<dimension ref="A1:[A-Z]+)\d+')
_MAY_NEED_ESCAPE = re.compile("[&<>\x00-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_").search
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_LIKE_CONTROL = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class SheetRowWriter:
    """Rows from the second on, written to a file of their own until the workbook around them is known."""

    def __init__(self, path: Path, styles: list[int], columns: int) -> None:
        self._path = path
        self._letters = [xl_col_to_name(column) for column in range(columns)]
        self._text = [f' s="{style}" t="inlineStr"><is><t xml:space="preserve">' for style in styles]
        self._number = [f' s="{style}"><v>' for style in styles]
        self.last = 1

    def __enter__(self) -> Self:
        self._file: TextIO = self._path.open("w", encoding="utf-8", newline="")
        return self

    def add(self, height: int, values: Sequence[str | int | None], styles: Sequence[int]) -> None:
        """One row, `height` in points: texts, numbers, and None where there is no cell.

        `styles` are as many, each the place of a style in the sample row.
        """
        self.last = row = self.last + 1
        if _MAY_NEED_ESCAPE("".join([value for value in values if type(value) is str])):
            values = [_escaped(value) if isinstance(value, str) else value for value in values]
        text, number = self._text, self._number
        cells = [
            f'<c r="{letters}{row}"{text[style]}{value}</t></is></c>'
            if type(value) is str
            else f'<c r="{letters}{row}"{number[style]}{value}</v></c>'
            for letters, value, style in zip(self._letters, values, styles, strict=True)
            if value is not None
        ]
        self._file.write(f'<row r="{row}" ht="{height}" customHeight="1">{"".join(cells)}</row>')

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def put_into(self, book: BinaryIO, path: Path) -> None:
        """Write the workbook to `path`, with these rows in place of its sample row. Raises OSError."""
        with (
            zipfile.ZipFile(book) as made,
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_PACKED) as whole,
        ):
            for part in made.infolist():
                content = made.read(part)
                if part.filename != _SHEET:
                    whole.writestr(part, content)
                    continue
                before, after = _SAMPLE.split(_DIMENSION.sub(rb"\g<1>%d" % self.last, content, count=1), 1)
                part.file_size = len(content) + self._path.stat().st_size  # beyond 4 GB an archive is another
                with whole.open(part, "w") as sheet, self._path.open("rb") as rows:
                    sheet.write(before)
                    shutil.copyfileobj(rows, sheet)
                    sheet.write(after)


def styles_of_sample(book: BinaryIO) -> list[int]:
    """The numbers of the styles that the cells of the sample row have, in their order."""
    with zipfile.ZipFile(book) as made:
        sample = _SAMPLE.search(made.read(_SHEET))
    assert sample is not None, "the workbook was made with a sample row"
    return [int(style) for style in _STYLE.findall(sample[0])]


def _escaped(text: str) -> str:
    """The text as XML has it; what XML cannot hold, and what would read like that, as Excel writes it (ST_Xstring)."""
    text = _LIKE_CONTROL.sub("_x005F_", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
