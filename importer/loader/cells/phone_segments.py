"""Splits a phone cell into what could be numbers, apart from labels, remarks, links, separators and extensions."""

from __future__ import annotations

import re
from typing import NamedTuple

from importer.loader.cells.text import NULL_WORDS, has_digit
from importer.loader.vocabulary import load_vocabulary

_PHONE_LABELS = load_vocabulary().cells.phone_labels
"""Words that say what kind of number follows. Any other word beside a number is a remark, and the report names it."""

_CONJUNCTIONS = load_vocabulary().cells.conjunctions
"""Words between two numbers."""

_ZEROS = frozenset({"0", "00", "000", "0.0"})  # sheets have a zero for "no phone"
_NUMBER_MARKS = r"\s+()\[\]\-\u2010-\u2015\u2212.:;,#*/"
_EDGE_MARKS = " \t.:;-*#\"'`\u2018\u2019\u201c\u201d[]\u2010\u2011\u2012\u2013\u2014"

_LINK = re.compile(  # https://wa.me/919845012345, https://api.whatsapp.com/send?phone=919845012345&text=x
    r"(?i)(?:https?://)?(?:wa\.me/|(?:(?:api|web)\.whatsapp\.com/send/?|whatsapp://send/?)\?(?:[^\s&]*&)*?phone=)"
    r"(?:\+|%2b)?(\d{6,15})\S*"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{2,3})+,\d{3}")  # 9,845,012,345: Excel's format for amounts
_STD_CODE_SLASH = re.compile(
    r"(?<![\d/])(\(?0\d{2,4}\)?)\s*/\s*(?=\d{6,8}(?!\d))"
)  # 080/22233344 is one number
_WHATSAPP_SLASH = re.compile(r"(?i)\bw/a\b")  # w/a 9845012345
# Both begin at the first of the marks in front, because there may be 20,000 of them.
_COMMA_EXTENSION = re.compile(  # 080 22233344, ext. 21
    r"(?i)(?<![\s,;])[\s,;]+(?=(?:ext(?:ension|n)?|x)\b[\s.:-]*\d)"
)
_EXTENSION = re.compile(  # ext 21, x21, #21
    r"(?i)(?<![\s(])[\s(]*(?:(?<![^\W\d_])(?:ext(?:ension|n)?|x)[\s.:-]*|#\s*)(?P<number>\d{1,6})\)?\s*$"
)
_SEPARATORS = re.compile(  # 9845012345 / 9886012345, "9845012345 or 9886012345"
    rf"(?i)[/,;&|\\\n]|:::|\s\+\s|(?<![^\W\d_])(?:{'|'.join(sorted(_CONJUNCTIONS))})(?![^\W\d_])"
)
_REMARKS = re.compile(
    rf"""(?ix) \([^()\d]*\)                                   # (M), (Mr. A. Rao)
    | (?<!\d) \d{{1,2}} (?:[.:]\d\d)? \s? [ap]\.?m\b \.?       # 6 pm
    | (?<![^{_NUMBER_MARKS}]) [^\d{_NUMBER_MARKS}]++ (?!\d)   # a word that touches no digit
    | (?<![^{_NUMBER_MARKS}]) (?:{"|".join(sorted(_PHONE_LABELS, key=len, reverse=True))}) (?=\d)
    | (?<![\d(]) [1-9]\) \s* (?=[+\d(])                       # 1) 2) of a list"""
)
_WORDS = re.compile(r"[^\d\s()\[\].:;#*\-]+")
_CUT = "\0"  # replaces a remark


class PhoneSegment(NamedTuple):
    """The text between two separators of a phone cell.

    `text` is as typed. `candidates` are the parts that could be numbers. `has_remarks` says that it has words other than
    labels. `extension` is what follows `ext` or `#`.
    """

    text: str
    candidates: list[str]
    has_remarks: bool = False
    extension: str = ""


def split_phone_cell(cell: str) -> list[PhoneSegment]:
    """Return the segments of a cell in order, without those that mean "nothing". The cell's digits are already ASCII."""
    if _THOUSANDS.fullmatch(cell):
        return [PhoneSegment(cell, [cell.replace(",", "")])]
    cell = _LINK.sub(r" +\1 ", cell)
    cell = _COMMA_EXTENSION.sub(" ", _STD_CODE_SLASH.sub(r"\1 ", _WHATSAPP_SLASH.sub("wa", cell)))
    parts = [part.strip() for part in _SEPARATORS.split(cell)]
    return [_build_segment(part) for part in parts if not _is_nothing(part)]


def _is_nothing(part: str) -> bool:
    """Return whether a part is a null word, a zero, or only marks."""
    return part.lower() in NULL_WORDS or part in _ZEROS or not part.strip(_EDGE_MARKS + "()")


def _build_segment(part: str) -> PhoneSegment:
    extension = _EXTENSION.search(part)
    number = part[: extension.start()] if extension and has_digit(part[: extension.start()]) else part
    has_remarks = False

    def cut_remark(match: re.Match[str]) -> str:
        nonlocal has_remarks
        words = _WORDS.findall(match[0].lower())
        if len(match[0]) == 1 and words and words[0] not in _PHONE_LABELS:
            return match[0]  # a single letter may be a mistyped digit: it stays, so that this is not a number
        has_remarks = has_remarks or any(word not in _PHONE_LABELS for word in words)
        return _CUT

    candidates = [text.strip(_EDGE_MARKS) for text in _REMARKS.sub(cut_remark, number).split(_CUT)]
    candidates = [candidate for candidate in candidates if has_digit(candidate)]
    was_cut = extension is not None and number != part
    return PhoneSegment(
        part, candidates, has_remarks, extension[0].strip(" (),;") if extension and was_cut else ""
    )
