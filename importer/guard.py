"""Text of strangers is text: no formula in a spreadsheet, no command to a terminal."""

from __future__ import annotations

import re

_HARMLESS = re.compile(r"[+-]?\d+(?:\.\d+)?").fullmatch
_BEGINS_FORMULA = frozenset("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")  # the last four are full-width
_BLANKS = " \u00a0\u200b\ufeff\u3000"
_JOINERS = "\u200c\u200d"  # Hindi and emoji are written with them


def guarded(text: str) -> str:
    """The text with an apostrophe in front where Excel would otherwise take it for a formula (CSV only).

    Plain numbers and phones stay as they are: `+919800000001` is no formula. `unguarded` is the exact inverse.
    """
    return f"'{text}" if text and _needs_guard(text) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text[1:] if text.startswith("'") and _needs_guard(text[1:]) else text


def printable(text: str) -> str:
    """The text with a mark in place of all that a terminal would obey, or that turns the writing round."""
    if text.isprintable():
        return text
    return "".join(_shown(char) for char in text)


def _needs_guard(text: str) -> bool:
    if text.startswith("'"):
        return True  # so that an apostrophe of the sheet's own comes back too
    first = text.lstrip(_BLANKS)[:1]
    return first in _BEGINS_FORMULA and bool(first) and not _HARMLESS(text)


def _shown(char: str) -> str:
    if char.isprintable() or char in _JOINERS:
        return char
    return " " if char.isspace() else "\ufffd"
