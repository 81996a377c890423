"""Normalizes text cells. It removes what spreadsheets and copying add, and changes nothing else."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from importer.fields import TITLE_SEPARATORS
from importer.issues import IssueCode
from importer.loader.vocabulary import load_vocabulary

NULL_WORDS = load_vocabulary().cells.empty
"""Cells that mean "nothing here", in lower case."""

_NULL_WORDS_THAT_ARE_NAMES = load_vocabulary().cells.empty_except_in_names

ERROR_VALUES = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA", "#SPILL!", "#CALC!",
     "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!"}
)  # fmt: skip
"""What Excel shows in a cell whose formula failed."""

_INVISIBLE = (
    "\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # a phone copied from a chat has two of these around it
)
_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_TRANSLATION = {**dict.fromkeys(map(ord, _INVISIBLE)), **dict.fromkeys(map(ord, _SPACES), " ")}
_JOINERS = "\u200c\u200d"  # zero-width joiners: Indian scripts and emoji need them, ASCII letters do not
_USELESS_JOINERS = re.compile(rf"(?:^|(?<=[\x00-\x7f]))[{_JOINERS}]+")  # "Warm\u200d lead"
_FULL_WIDTH_OFFSET = 0xFEE0  # from an ASCII character to its full-width form: "9" to "９"
_QUOTED_CELL = re.compile(r"^'((?:[^']|(?<=\w)'(?=\w))*)'$")  # 'Asha Rao', as some programs export every cell
_WHOLE_FLOAT = re.compile(r"(\d+)\.0+")  # 411001.0
_HTML_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)  # <br>, <BR/>
_EXCEL_TEXT = re.compile(r'^="(.*)"$', re.DOTALL)  # ="007", a formula that keeps a number as text
_FORMULA = re.compile(  # =SUM(A1), =+A1+1, ='My sheet'!B2, =(1)
    r"^=\s*(?:[A-Z][A-Z0-9.]*\(|[+\-(]*\$?[A-Z]{1,3}\$?\d|'?[^=]*'?!\$?[A-Z]|\()|^=\(shared formula\)$"
)
_has_lost_letters = re.compile(r"(?=(?:[^?]*\?){4})(?:[^\w]|[\d_])+").fullmatch
"""`???? ???`: what Excel's plain CSV makes of Hindi. Fewer than four may be somebody's "not known"."""

_EXCEL_APOSTROPHE = re.compile(r"^'[+\-=@\d(]")  # '+91 and '007, but not 'tis
_is_simple_ascii = re.compile(r"(?!\d+\.0+$)[A-Za-z0-9][A-Za-z0-9 ,./:&()_-]*(?<! )").fullmatch
"""`12 MG Road, Pune`, but not ` 411001`, `say "hi"` or `411001.0`."""

_NO_NAMES = load_vocabulary().cells.no_name
_READ_AS_EMPTY = NULL_WORDS | _NO_NAMES  # by one of the readers of texts
_MAX_EMPTY_CHARS = max(map(len, _READ_AS_EMPTY))
_EXCEL_MARKS = "'=#?"  # the first characters of an apostrophe, a formula, an error value and lost letters


class CellError(NamedTuple):
    """What is wrong with a cell.

    `hint` replaces {hint} in the issue's sentence. `value` is the wrong part of the cell, or "" for the whole cell.
    """

    code: IssueCode
    hint: str = ""
    value: str = ""


def is_normalized(text: str) -> bool:
    """Return whether every text reader returns this text unchanged and JSON needs no escape in it.

    It is quick, and sure only when it says yes: some normalized texts get a no.
    """
    if _is_simple_ascii(text) is None:
        return False
    return len(text) > _MAX_EMPTY_CHARS or text.isdigit() or text.lower() not in _READ_AS_EMPTY


def normalize_text(text: str) -> str | CellError | None:
    """Return a text without odd spaces, zero-width characters, Excel's apostrophe or `="..."`; None for a null word.

    Letters are in Unicode's NFC form. Line breaks stay, as LF.
    """
    value = _trim(text)
    if not value or value.lower() in NULL_WORDS:
        return None
    return value if value[0] not in _EXCEL_MARKS else _read_excel_mark(value)


def normalize_name(text: str) -> str | CellError | None:
    """Return the name of a person or a firm, normalized like a text. `Nil` may be a name, `Unknown` is none."""
    value = _trim(text)
    if not value or (value.lower() in _READ_AS_EMPTY and value not in _NULL_WORDS_THAT_ARE_NAMES):
        return None
    return value if value[0] not in _EXCEL_MARKS else _read_excel_mark(value)


def normalize_note(text: str) -> str | CellError | None:
    """Return a note or message, normalized like a text, with a line break for each `<br>` of an export."""
    value = normalize_text(text)
    if type(value) is not str or "<" not in value:
        return value
    return _HTML_BREAK.sub("\n", value).strip()


def normalize_number_text(text: str) -> str | CellError | None:
    """Return a house number or PIN code as text. `411001.0`, which pandas makes of 411001, becomes `411001`."""
    value = normalize_text(text)
    whole = _WHOLE_FLOAT.fullmatch(value) if type(value) is str else None
    return whole[1] if whole else value


TEXT_READERS = frozenset({normalize_text, normalize_name, normalize_note, normalize_number_text})
"""The readers of texts. None of them changes a text for which `is_normalized` is true."""


def read_list(text: str) -> list[str] | CellError | None:
    """Return the parts of a list cell in order. The validator joins a title that contains a comma again."""
    cell = normalize_text(text)
    if cell is None or isinstance(cell, CellError):
        return cell
    parts = [part for part in TITLE_SEPARATORS.split(cell) if part and part.lower() not in NULL_WORDS]
    return parts or None


def strip_cell(text: str) -> str | CellError | None:
    """Return the content of a cell that is not a text, such as a phone or an amount; None for a null word.

    It differs from `normalize_text` in one thing: every apostrophe and `=` in front is Excel's and is removed.
    """
    value = _trim(text)
    if not value or value.lower() in NULL_WORDS:
        return None
    if value in ERROR_VALUES:
        return CellError(IssueCode.ERROR_VALUE)
    excel_text = _EXCEL_TEXT.match(value)
    if excel_text:
        return excel_text[1].strip() or None
    if value[0] == "=" and not value[1:].strip().replace("+", "").isdigit():
        return CellError(IssueCode.FORMULA_WITHOUT_VALUE)
    return value.lstrip("'=").strip() or None


def to_ascii_digits(text: str) -> str:
    """Return the text with 0 to 9 for the decimal digits of every script, and ASCII for full-width characters.

    A superscript or circled digit stays, because it is a footnote and not a digit of the number.
    """
    if text.isascii():
        return text
    return "".join(_to_ascii(char) for char in text)


def has_digit(text: str) -> bool:
    """Return whether the text has a digit of any script."""
    return any(map(str.isdigit, text))


def _to_ascii(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    return chr(ord(char) - _FULL_WIDTH_OFFSET) if "\uff01" <= char <= "\uff5e" else char


def _trim(text: str) -> str:
    """Remove invisible characters, spaces at the ends, and apostrophes around the whole cell."""
    if text.isascii():
        value = text.strip()
        value = value.replace("\r\n", "\n").replace("\r", "\n") if "\r" in value else value
    else:
        value = unicodedata.normalize("NFC", _USELESS_JOINERS.sub("", text.translate(_TRANSLATION)))
        value = value.replace("\r\n", "\n").replace("\r", "\n").strip().strip(_JOINERS).strip()
    quoted = _QUOTED_CELL.match(value) if value[:1] == "'" else None
    return quoted[1].strip() if quoted else value


def _read_excel_mark(value: str) -> str | CellError | None:
    """Read a text that begins with one of _EXCEL_MARKS: an error, lost letters, a formula, or a number kept as text."""
    if value in ERROR_VALUES:
        return CellError(IssueCode.ERROR_VALUE)
    if _has_lost_letters(value):
        return CellError(IssueCode.LETTERS_LOST)
    if excel_text := _EXCEL_TEXT.match(value):
        return excel_text[1].strip() or None
    if _FORMULA.match(value):
        return CellError(IssueCode.FORMULA_WITHOUT_VALUE)
    return value[1:] if _EXCEL_APOSTROPHE.match(value) else value
