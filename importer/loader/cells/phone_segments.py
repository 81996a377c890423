"""Cuts a phone cell into what could be numbers: labels, remarks, links, separators and extensions taken apart."""

from __future__ import annotations

import re
from typing import NamedTuple

from importer.loader.cells.text import NULL_WORDS, has_digit

_MARKS = r"\s+()\[\]\-\u2010-\u2015\u2212.:;,#*/"
_LABELS = frozenset(
    {"whatsapp", "whats", "app", "mobile", "mob", "phone", "telephone", "ph", "tel", "cell", "contact", "call", "no",
     "nos", "num", "number", "wa", "m", "p", "t", "o", "h", "r", "w", "office", "off", "res", "residence", "home",
     "work", "landline", "primary", "secondary", "alternate", "alt", "personal", "callto", "sms", "मो", "मोबाइल", "मोबाईल", "फोन", "फ़ोन", "नं", "नंबर", "व्हाट्सएप"}
)  # fmt: skip
"""Words that say what kind of number follows; any other word beside a number is a remark, and is named."""

_LINK = re.compile(
    r"(?i)(?:https?://)?(?:wa\.me/|(?:(?:api|web)\.whatsapp\.com/send/?|whatsapp://send/?)\?(?:[^\s&]*&)*?phone=)"
    r"(?:\+|%2b)?(\d{6,15})\S*"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{2,3})+,\d{3}")
_STD_CODE_SLASH = re.compile(r"(?<![\d/])(\(?0\d{2,4}\)?)\s*/\s*(?=\d{6,8}(?!\d))")
_WHATSAPP_SLASH = re.compile(r"(?i)\bw/a\b")
_COMMA_EXTENSION = re.compile(r"(?i)[\s,;]+(?=(?:ext(?:ension|n)?|x)\b[\s.:-]*\d)")
_EXTENSION = re.compile(
    r"(?i)[\s(]*(?:(?<![^\W\d_])(?:ext(?:ension|n)?|x)[\s.:-]*|#\s*)(?P<number>\d{1,6})\)?\s*$"
)
_SEPARATORS = re.compile(r"(?i)[/,;&|\\\n]|:::|\s\+\s|(?<![^\W\d_])(?:or|and|या|व|और|आणि|किंवा)(?![^\W\d_])")
_ASIDES = re.compile(
    rf"""(?ix) \([^()\d]*\)                                   # (M), (Mr. A. Rao)
    | (?<!\d) \d{{1,2}} (?:[.:]\d\d)? \s? [ap]\.?m\b \.?       # 6 pm
    | (?<![^{_MARKS}]) [^\d{_MARKS}]++ (?!\d)                 # a word that touches no digit
    | (?<![^{_MARKS}]) (?:{"|".join(sorted(_LABELS, key=len, reverse=True))}) (?=\d)
    | (?<![\d(]) [1-9]\) \s* (?=[+\d(])                       # 1) 2) of a list"""
)
_CUT = "\0"
_ZEROS = frozenset({"0", "00", "000", "0.0"})
_EDGES = " \t.:;-*#\"'`\u2018\u2019\u201c\u201d[]\u2010\u2011\u2012\u2013\u2014"


class Stretch(NamedTuple):
    """What stands between two separators of a cell.

    `text` is as typed; `pieces` are what could be numbers; `remarks` says that words beside a number mean
    more than what kind it is; `extension` is what follows `ext` or `#`.
    """

    text: str
    pieces: list[str]
    remarks: bool = False
    extension: str = ""


def stretches_of(cell: str) -> list[Stretch]:
    """The stretches of a cell in order, those that say "nothing" left out. Digits are ASCII by now."""
    if _THOUSANDS.fullmatch(cell):
        return [Stretch(cell, [cell.replace(",", "")])]
    cell = _LINK.sub(r" +\1 ", cell)
    cell = _COMMA_EXTENSION.sub(" ", _STD_CODE_SLASH.sub(r"\1 ", _WHATSAPP_SLASH.sub("wa", cell)))
    parts = [part.strip() for part in _SEPARATORS.split(cell)]
    return [_stretch(part) for part in parts if not _says_nothing(part)]


def _says_nothing(part: str) -> bool:
    """Null words, lone marks, and a zero, which sheets have for "none"."""
    return part.lower() in NULL_WORDS or part in _ZEROS or not part.strip(_EDGES + "()")


def _stretch(part: str) -> Stretch:
    extension = _EXTENSION.search(part)
    number = part[: extension.start()] if extension and has_digit(part[: extension.start()]) else part
    remarks = False

    def cut(found: re.Match[str]) -> str:
        nonlocal remarks
        words = re.findall(r"[^\d\s()\[\].:;#*\-]+", found[0].lower())
        if len(found[0]) == 1 and words and words[0] not in _LABELS:
            return found[0]  # a lone letter could be a digit mistyped: the piece stays what it is, no number
        remarks = remarks or any(word not in _LABELS for word in words)
        return _CUT

    pieces = [piece.strip(_EDGES) for piece in _ASIDES.sub(cut, number).split(_CUT)]
    pieces = [piece for piece in pieces if has_digit(piece)]
    return Stretch(part, pieces, remarks, extension[0].strip(" (),;") if extension and number != part else "")
