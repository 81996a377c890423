"""Text of strangers is text: no formula in a spreadsheet, no command to a terminal or a shell."""

from __future__ import annotations

import csv
import os
import re
import shlex
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
_IS_BARE = re.compile(r"[\w./\\:=+-]+").fullmatch
_READ_WITHIN = re.compile(r"[$`\"\u201c-\u201e]")
_APOSTROPHE = re.compile(r"['\u2018-\u201b]")
_JOINERS = "\u200c\u200d"  # Hindi and emoji are written with them

csv.field_size_limit(1 << 26)  # cells of any length come back: what is too long is refused by the loader


def guarded(text: str) -> str:
    """The text with an apostrophe in front where Excel would otherwise take it for a formula (CSV only).

    The same inside the cell, behind `;`, tab and line breaks: where Excel expects other separators than ours,
    a new cell begins there. Plain numbers and phones stay as they are (`+919800000001`, `-5`), and so does a
    lone `-`: they are no formulas. `unguarded` is the exact inverse.
    """
    return _TO_GUARD.sub("'", text) if _MAY_NEED(f";{text}") else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return _GUARDED.sub("", text) if "'" in text else text


def line_of(cells: Sequence[str]) -> str:
    """The cells as they stand in a report: guarded, as one record of CSV without its line's end.

    The rows are many and most need no guard, so each is looked at as one text first.
    """
    line: str = _without_breaks(cells)
    if not _SOME_MAY_NEED(line):
        return line
    return record_of(map(guarded, cells)).removesuffix("\r\n")


def lines_of(rows: Sequence[Sequence[str]], written: Sequence[str] = ()) -> list[str]:
    """The line of each row. `written` are the same rows as sound records of CSV: most can be taken as they are."""
    lines: Sequence[str] = written or list(map(_without_breaks, rows))
    short = sum(map(len, lines)) <= _MOST_TOGETHER
    if short and not _SOME_MAY_NEED(",".join(lines)):  # together they are one long record
        return list(lines)
    return [line_of(cells) if _SOME_MAY_NEED(line) else line for cells, line in zip(rows, lines, strict=True)]


def record_of(cells: Iterable[object]) -> str:
    """The cells as one record of CSV, with its line's end."""
    record: str = _with_breaks(cells)
    return record


def cells_of(line: str) -> tuple[str, ...]:
    """What `line_of` was given."""
    return tuple(map(unguarded, next(csv.reader([line], strict=True), ())))


def typed(*words: str, windows: bool = os.name == "nt") -> str:
    """A command as it is typed into this system's shell (PowerShell on Windows), quoted where it must be."""
    return " ".join(map(_for_powershell, words)) if windows else shlex.join(words)


def powershell_text(text: str) -> str:
    """The text as PowerShell takes it word for word. It knows four more apostrophes than ours."""
    doubled = _APOSTROPHE.sub(lambda found: found[0] * 2, text)
    return f"'{doubled}'"


def printable(text: str) -> str:
    """The text with a mark in place of all that a terminal would obey, or that turns the writing round."""
    if text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _for_powershell(word: str) -> str:
    """In double quotes where they do, which cmd takes too; within them PowerShell reads some marks."""
    if _IS_BARE(word):
        return word
    if _READ_WITHIN.search(word):
        return powershell_text(word)
    behind = word[len(word.rstrip("\\")) :]  # backslashes that would take the closing quote for a letter
    return f'"{word}{behind}"'


class _Handed:
    """Takes what csv.writer writes, and hands it back: `writerow` answers with what `write` did."""

    write = staticmethod(str)


# A writer quotes what its line's end is made of. One with none is quicker by a third, and does for cells without breaks.
_without_breaks = csv.writer(_Handed, lineterminator="").writerow
_with_breaks = csv.writer(_Handed, lineterminator="\r\n").writerow


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if char.isspace() else "\ufffd"
