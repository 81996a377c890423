"""Text as people mean it: what spreadsheets and copying add is taken off, and nothing else is changed."""

from __future__ import annotations

import re
import unicodedata

from importer.issues import IssueCode
from importer.loader.cells.cell_error import CellError

NULL_WORDS = frozenset(
    {"-", "--", "---", "—", "–", ".", "n/a", "na", "n.a.", "n.a", "nil", "null", "none", "nan", "(blank)", "(empty)",
     "(none)", "(unknown)", "(no name)", "no name"}
)  # fmt: skip
"""Cells that say "nothing here", in lower case."""

_NAMES_OF_PEOPLE = frozenset({"Na", "Nan", "Nil", "Null"})
"""Null words that are names too, as people write their names; NA, nil and NULL say nothing in a name as well."""

ERROR_VALUES = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA", "#SPILL!", "#CALC!",
     "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!"}
)  # fmt: skip

_INVISIBLE = (
    "\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # phones copied from a chat stand between two of these
)
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_TABLE = {**dict.fromkeys(map(ord, _INVISIBLE)), **dict.fromkeys(map(ord, _SPACES), " ")}
_JOINERS = "\u200c\u200d"  # they shape Indian scripts and emoji; beside ASCII they join nothing
_IDLE_JOINERS = re.compile(rf"(?:^|(?<=[\x00-\x7f]))[{_JOINERS}]+")
_FULL_WIDTH = 0xFEE0  # how far full-width marks stand behind the plain ones
_QUOTED = re.compile(r"^'((?:[^']|(?<=\w)'(?=\w))*)'$")
"""A whole cell between apostrophes, as some programs export all of theirs."""
_WHOLE_FLOAT = re.compile(r"(\d+)\.0+")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_WRAPPED = re.compile(r'^="(.*)"$', re.DOTALL)
_FORMULA = re.compile(
    r"^=\s*(?:[A-Z][A-Z0-9.]*\(|[+\-(]*\$?[A-Z]{1,3}\$?\d|'?[^=]*'?!\$?[A-Z]|\()|^=\(shared formula\)$"
)
_LETTERS_LOST = re.compile(r"(?=(?:[^?]*\?){4})(?:[^\w]|[\d_])+").fullmatch
"""`???? ???`: what Excel's plain CSV makes of Hindi. Fewer may be somebody's "not known"."""
_GUARDED = re.compile(r"^'[+\-=@\d(]")
_PLAIN = re.compile(r"(?!\d+\.0+$)[A-Za-z0-9][A-Za-z0-9 ,./:&()_-]*(?<! )").fullmatch
_LONGEST_NULL_WORD = max(map(len, NULL_WORDS))


def is_plain(text: str) -> bool:
    """Whether every reader of texts gives the cell back as it is, and JSON writes it so: a quick look, and a sure one."""
    if _PLAIN(text) is None:
        return False
    return len(text) > _LONGEST_NULL_WORD or text.isdigit() or text.lower() not in NULL_WORDS


def clean(text: str) -> str | CellError | None:
    """A text cell without NBSP, zero-width characters, Excel's apostrophe or `="..."`; None for a null word.

    Letters are put into NFC. Line breaks stay, as LF.
    """
    value = _bare(text)
    if not value or value.lower() in NULL_WORDS:
        return None
    return value if value[0] not in "'=#?" else _unwrapped(value)


def clean_name(text: str) -> str | CellError | None:
    """The same for a person's or a firm's name, where `Nil` may be one."""
    value = _bare(text)
    if not value or (value.lower() in NULL_WORDS and value not in _NAMES_OF_PEOPLE):
        return None
    return value if value[0] not in "'=#?" else _unwrapped(value)


def clean_note(text: str) -> str | CellError | None:
    """The same for notes and messages, where exports write `<br>` for a new line."""
    value = clean(text)
    if type(value) is not str or "<" not in value:
        return value
    return _BREAK.sub("\n", value).strip()


def clean_number(text: str) -> str | CellError | None:
    """The same for house numbers and PIN codes: `411001.0` is what a program makes of 411001 beside empty cells."""
    value = clean(text)
    whole = _WHOLE_FLOAT.fullmatch(value) if type(value) is str else None
    return whole[1] if whole else value


def bare(text: str) -> str | CellError | None:
    """For cells that are no text (phones, amounts): the same, and every apostrophe and `=` in front is Excel's."""
    value = _bare(text)
    if not value or value.lower() in NULL_WORDS:
        return None
    if value in ERROR_VALUES:
        return CellError(IssueCode.ERROR_VALUE)
    wrapped = _WRAPPED.match(value)
    if wrapped:
        return wrapped[1].strip() or None
    if value[0] == "=" and not value[1:].strip().replace("+", "").isdigit():
        return CellError(IssueCode.FORMULA_WITHOUT_VALUE)
    return value.lstrip("'=").strip() or None


def ascii_digits(text: str) -> str:
    """The text with every decimal digit of any script as 0 to 9, and full-width marks as plain ones.

    A raised or ringed digit stays what it is: it is a footnote, no digit of the number.
    """
    if text.isascii():
        return text
    return "".join(_plain(char) for char in text)


def has_digit(text: str) -> bool:
    """Whether it holds a digit of any script."""
    return any(map(str.isdigit, text))


def _plain(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return chr(ord(char) - _FULL_WIDTH) if "\uff01" <= char <= "\uff5e" else char


def _bare(text: str) -> str:
    if text.isascii():
        value = text.strip()
        value = value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
    else:
        value = unicodedata.normalize("NFC", _IDLE_JOINERS.sub("", text.translate(_TABLE)))
        value = value.replace("\r\n", "\n").replace("\r", "\n").strip().strip(_JOINERS).strip()
    quoted = _QUOTED.match(value) if value[:1] == "'" else None
    return quoted[1].strip() if quoted else value


def _unwrapped(value: str) -> str | CellError | None:
    """What begins with a mark of Excel's: its error, its formula, its ways to say "this is text", the ? of a lost letter."""
    if value in ERROR_VALUES:
        return CellError(IssueCode.ERROR_VALUE)
    if _LETTERS_LOST(value):
        return CellError(IssueCode.LETTERS_LOST)
    if wrapped := _WRAPPED.match(value):
        return wrapped[1].strip() or None
    if _FORMULA.match(value):
        return CellError(IssueCode.FORMULA_WITHOUT_VALUE)
    return value[1:] if _GUARDED.match(value) else value


TEXT_READERS = frozenset({clean, clean_name, clean_note, clean_number})
"""The readers of texts; nothing is added by them to what `is_plain`."""
