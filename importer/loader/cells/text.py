"""Text as people mean it: what spreadsheets and copying add is taken off, and nothing else is changed."""

from __future__ import annotations

import re
import unicodedata

from importer.loader.cells.fault import Fault

NULL_WORDS = frozenset(
    {
        "-",
        "--",
        "---",
        "—",
        "–",
        "n/a",
        "na",
        "n.a.",
        "n.a",
        "nil",
        "null",
        "none",
        "nan",
        "(blank)",
        "(empty)",
        ".",
    }
)
"""Cells that say "nothing here", in lower case."""

NULL_NAMES = frozenset(
    {
        "-",
        "--",
        "---",
        "—",
        "–",
        "n/a",
        "N/A",
        "NULL",
        "null",
        "None",
        "none",
        "nan",
        "NaN",
        "(blank)",
        "(empty)",
        ".",
    }
)
"""The same for names, as spelled: people are called Na, Nil and Null, and write it with one capital."""

ERROR_VALUES = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA", "#SPILL!", "#CALC!",
     "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!"}
)  # fmt: skip

_INVISIBLE = {ord(char): None for char in "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f"}
_SPACES = {ord(char): " " for char in "\u00a0\u2007\u202f\u2009\u2002\u2003\u3000"}
_JOINERS = "\u200c\u200d"  # they shape Indian scripts and emoji: out only beside nothing that they join
_TABLE = {**{code: drop for code, drop in _INVISIBLE.items() if chr(code) not in _JOINERS}, **_SPACES}
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_WRAPPED = re.compile(r'^="(.*)"$', re.DOTALL)
_FORMULA = re.compile(
    r"^=\s*(?:[A-Z][A-Z0-9.]*\(|[+\-(]*\$?[A-Z]{1,3}\$?\d|'?[^=]*'?!\$?[A-Z]|\()|^=\(shared formula\)$"
)
_GUARDED = re.compile(r"^'[+\-=@\d(]")


def clean(text: str) -> str | Fault | None:
    """A text cell without NBSP, zero-width characters, Excel's apostrophe or `="..."`; None for a null word.

    Letters are put into NFC. Line breaks stay, as LF.
    """
    value = _bare(text)
    if not value or value.lower() in NULL_WORDS:
        return None
    return value if value[0] not in "'=#" else _unwrapped(value)


def clean_name(text: str) -> str | Fault | None:
    """The same for a person's or a firm's name, where fewer words mean nothing."""
    value = _bare(text)
    if not value or value in NULL_NAMES:
        return None
    return value if value[0] not in "'=#" else _unwrapped(value)


def clean_note(text: str) -> str | Fault | None:
    """The same for notes and messages, where exports write `<br>` for a new line."""
    value = clean(text)
    if type(value) is not str or "<" not in value:
        return value
    return _BREAK.sub("\n", value).strip()


def bare(text: str) -> str | Fault | None:
    """For cells that are no text (phones, amounts): the same, and every apostrophe and `=` in front is Excel's."""
    value = _bare(text)
    if not value or value.lower() in NULL_WORDS:
        return None
    if value in ERROR_VALUES:
        return Fault("error_value")
    wrapped = _WRAPPED.match(value)
    if wrapped:
        return wrapped[1].strip() or None
    if value[0] == "=" and not value[1:].strip().replace("+", "").isdigit():
        return Fault("formula_without_value")
    return value.lstrip("'=").strip() or None


def ascii_digits(text: str) -> str:
    """The text with every decimal digit of any script as 0 to 9, and full-width marks as plain ones."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)


def _bare(text: str) -> str:
    if text.isascii():
        value = text.strip()
        return value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
    value = unicodedata.normalize("NFC", text.translate(_TABLE)).replace("\r\n", "\n").replace("\r", "\n")
    return value.strip().strip(_JOINERS).strip()


def _unwrapped(value: str) -> str | Fault | None:
    """What begins with a mark of Excel's: its error, its formula, its ways to say "this is text"."""
    if value in ERROR_VALUES:
        return Fault("error_value")
    if wrapped := _WRAPPED.match(value):
        return wrapped[1].strip() or None
    if _FORMULA.match(value):
        return Fault("formula_without_value")
    return value[1:] if _GUARDED.match(value) else value
