"""Escape cells that a spreadsheet program would run as formulas in our CSV files, and unescape them on import."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence

_BLANK = r" \u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
_BLANKS = f"[{_BLANK}]*"
_SIGNS = r"=+\-@|%\uff1d\uff0b\uff0d\uff20"  # the last four are full-width
_SIGN = f"[{_SIGNS}]"
# Numbers and lone signs are not formulas: `+919800000001`, `-1,200.50`, `5%`, `--`, `@`.
_HARMLESS = r"(?:[+-]?\d[\d ,]*(?:\.\d*)?%?|[+-]+|[=@|%])"
_END, _CELL_GOES_ON = r"(?![^;\t\r\n])", r"(?=[;\t\r\n])"
_FORMULA_AT_START = rf"{_BLANKS}(?!{_HARMLESS}{_END}){_SIGN}"  # `=1+1`, ` @SUM(A1)`, `+91-80`
_FORMULA_INSIDE = rf"{_BLANKS}(?!{_HARMLESS}{_CELL_GOES_ON}){_SIGN}"  # the `=1` of `a;=1`

# A formula can begin where a cell begins, and where one would begin if Excel split the file at semicolons or tabs, as it
# does in some countries: `a;=1` in one cell. There a quote, which is doubled in the record, reads as an empty text with
# the rest appended: `a;""=1`. And the end of our cell does not end Excel's: `-`, then `","`, then the next cell `&A1`
# are one formula.
_FORMULA = (
    rf"^<mark>(?='*(?:{_FORMULA_AT_START}|{_BLANKS}[\t\r\n]))"
    rf"|(?<=[;\t\r\n])<mark>(?=['\"]*{_FORMULA_INSIDE})"
)
_UNESCAPED_FORMULA = re.compile(_FORMULA.replace("<mark>", ""))
_ESCAPED_FORMULA = re.compile(_FORMULA.replace("<mark>", "'"))
# A quick look at one cell with `;` in front: `;=1+1`, `;a\n@x`.
_may_need_escape = re.compile(
    rf"[;\t\r\n]['\"]*{_BLANKS}(?:(?!{_HARMLESS}{_CELL_GOES_ON}){_SIGN}|[\t\r\n])"
).search
# A quick look at a whole record: a line break or tab, or a sign where a cell could begin, unless it is the sign of a
# number that fills its cell: `Asha,=1+1`, not `Asha,-5,x`.
_may_need_escapes = re.compile(
    rf"""[\r\n\t{_SIGNS}](?:(?<=[\r\n\t])|(?<![^,;'"{_BLANK}].)(?!(?:(?<=,[+\-])|(?<=^[+\-]))\d[\d ]*(?:,|$)))"""
).search
_MAX_JOINED_CHARS = 16 << 20  # with one emoji among them Python stores each character in four bytes: 64 MB

csv.field_size_limit(
    1 << 26
)  # cells of any length can be imported again; the loader refuses those that are too long


def escape_formula(text: str) -> str:
    """Return the text with an apostrophe before everything that Excel would run as a formula (for CSV only).

    This includes formulas inside the cell, after `;`, tab and line breaks, because an Excel that expects other separators
    begins a new cell there. Numbers, phones and a lone `-` are not formulas and stay as they are (`+919800000001`, `-5`).
    `unescape_formula` is the exact inverse.
    """
    return _UNESCAPED_FORMULA.sub("'", text) if _may_need_escape(f";{text}") else text


def unescape_formula(text: str) -> str:
    """Return the text that `escape_formula` was given."""
    return _ESCAPED_FORMULA.sub("", text) if "'" in text else text


def format_csv_line(cells: Sequence[str]) -> str:
    """Return a row as one escaped CSV record, without the line end.

    There are many rows and few need escaping, so the record is checked as one text first.
    """
    line: str = _format_without_breaks(cells)
    if not _may_need_escapes(line):
        return line
    return format_csv_record(map(escape_formula, cells)).removesuffix("\r\n")


def format_csv_lines(rows: Sequence[Sequence[str]], lines: Sequence[str] = ()) -> list[str]:
    """Return each row as `format_csv_line` does. `lines` are the same rows as valid records: most are used as they are."""
    records: Sequence[str] = lines or list(map(_format_without_breaks, rows))
    is_short = sum(map(len, records)) <= _MAX_JOINED_CHARS
    if is_short and not _may_need_escapes(",".join(records)):  # all together they are one long record
        return list(records)
    return [
        format_csv_line(cells) if _may_need_escapes(record) else record
        for cells, record in zip(rows, records, strict=True)
    ]


def format_csv_record(cells: Iterable[object]) -> str:
    """Return the cells as one CSV record, not escaped, with the line end."""
    record: str = _format_with_breaks(cells)
    return record


def parse_csv_line(line: str) -> tuple[str, ...]:
    """Return the cells that `format_csv_line` was given."""
    return tuple(map(unescape_formula, next(csv.reader([line], strict=True), ())))


class _ReturningFile:
    """A file for csv.writer that returns what is written: `writerow` then returns the record."""

    write = staticmethod(str)


# A writer quotes cells that contain its line end. Without a line end it is 30% faster; cells then have no breaks.
_format_without_breaks = csv.writer(_ReturningFile, lineterminator="").writerow
_format_with_breaks = csv.writer(_ReturningFile, lineterminator="\r\n").writerow
