"""Cells that spreadsheet programs would run as formulas, made harmless in CSV files, and turned back on import."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence

_BLANK = r" \u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff"
_BLANKS = f"[{_BLANK}]*"
_SIGNS = r"=+\-@|%\uff1d\uff0b\uff0d\uff20"  # the last four are full-width
_SIGN = f"[{_SIGNS}]"
_HARMLESS = r"(?:[+-]?\d[\d ,]*(?:\.\d*)?%?|[+-]+|[=@|%])"
_END, _CELL_GOES_ON = r"(?![^;\t\r\n])", r"(?=[;\t\r\n])"
_BEGINS_FORMULA = rf"{_BLANKS}(?!{_HARMLESS}{_END}){_SIGN}"
_BEGINS_WITHIN = rf"{_BLANKS}(?!{_HARMLESS}{_CELL_GOES_ON}){_SIGN}"

# Where a cell begins, or would begin if the file were parted at semicolons or tabs, as some Excels do. There a quote,
# which stands doubled in the record, is an empty text to which Excel adds what stands behind it; and what ends our cell
# ends none of theirs: of a sign, `","` and the next cell `&A1` they make one formula.
_PLACES = (
    rf"^<guard>(?='*(?:{_BEGINS_FORMULA}|{_BLANKS}[\t\r\n]))"
    rf"|(?<=[;\t\r\n])<guard>(?=['\"]*{_BEGINS_WITHIN})"
)
_TO_GUARD = re.compile(_PLACES.replace("<guard>", ""))
_GUARDED = re.compile(_PLACES.replace("<guard>", "'"))
_MAY_NEED = re.compile(rf"[;\t\r\n]['\"]*{_BLANKS}(?:(?!{_HARMLESS}{_CELL_GOES_ON}){_SIGN}|[\t\r\n])").search
# Quick, of a whole record: a break, or a sign where a cell could begin that is not of a number alone in its cell.
_SOME_MAY_NEED = re.compile(
    rf"""[\r\n\t{_SIGNS}](?:(?<=[\r\n\t])|(?<![^,;'"{_BLANK}].)(?!(?:(?<=,[+\-])|(?<=^[+\-]))\d[\d ]*(?:,|$)))"""
).search
_MOST_TOGETHER = 16 << 20  # characters: one emoji among them makes it four bytes for each

csv.field_size_limit(1 << 26)  # cells of any length come back: what is too long is refused by the loader


def escape_formula(text: str) -> str:
    """The text with an apostrophe in front where Excel would otherwise take it for a formula (CSV only).

    The same inside the cell, behind `;`, tab and line breaks: where Excel expects other separators than ours,
    a new cell begins there. Plain numbers and phones stay as they are (`+919800000001`, `-5`), and so does a
    lone `-`: they are no formulas. `unguarded` is the exact inverse.
    """
    return _TO_GUARD.sub("'", text) if _MAY_NEED(f";{text}") else text


def unescape_formula(text: str) -> str:
    """What `guarded` was given."""
    return _GUARDED.sub("", text) if "'" in text else text


def format_csv_line(cells: Sequence[str]) -> str:
    """The cells as they stand in a report: guarded, as one record of CSV without its line's end.

    The rows are many and most need no guard, so each is looked at as one text first.
    """
    line: str = _without_breaks(cells)
    if not _SOME_MAY_NEED(line):
        return line
    return format_csv_record(map(escape_formula, cells)).removesuffix("\r\n")


def format_csv_lines(rows: Sequence[Sequence[str]], written: Sequence[str] = ()) -> list[str]:
    """The line of each row. `written` are the same rows as sound records of CSV: most can be taken as they are."""
    lines: Sequence[str] = written or list(map(_without_breaks, rows))
    short = sum(map(len, lines)) <= _MOST_TOGETHER
    if short and not _SOME_MAY_NEED(",".join(lines)):  # together they are one long record
        return list(lines)
    return [
        format_csv_line(cells) if _SOME_MAY_NEED(line) else line
        for cells, line in zip(rows, lines, strict=True)
    ]


def format_csv_record(cells: Iterable[object]) -> str:
    """The cells as one record of CSV, with its line's end."""
    record: str = _with_breaks(cells)
    return record


def parse_csv_line(line: str) -> tuple[str, ...]:
    """What `line_of` was given."""
    return tuple(map(unescape_formula, next(csv.reader([line], strict=True), ())))


class _Handed:
    """Takes what csv.writer writes, and hands it back: `writerow` answers with what `write` did."""

    write = staticmethod(str)


# A writer quotes what its line's end is made of. One with none is quicker by a third, and does for cells without breaks.
_without_breaks = csv.writer(_Handed, lineterminator="").writerow
_with_breaks = csv.writer(_Handed, lineterminator="\r\n").writerow
