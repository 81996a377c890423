"""The words of docs/cells.md for what the real functions make of a cell."""

from __future__ import annotations

import json
import re
from typing import Any

from importer.issues import ISSUE_CATALOGUE
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.emails import read_emails
from importer.loader.cells.money import read_money
from importer.loader.cells.names import read_full_name, read_latitude, read_list
from importer.loader.cells.phones import PhonesRead, compile_phone_reader
from importer.loader.cells.text import clean

_read_phones = compile_phone_reader("IN")
_READERS = {
    "phone": lambda text: _read_phones(text, ""),
    "dial": lambda text: _read_phones(text.partition(" + ")[2], text.partition(" + ")[0]),
    "money": read_money,
    "email": read_emails,
    "name": read_full_name,
    "list": read_list,
    "latitude": read_latitude,
    "text": clean,
}


def outcome(kind: str, cell: str) -> str:
    """What the page says of a cell of this kind."""
    text = re.sub(r"\\u([0-9a-f]{4})|\\([nr])", _unescaped, cell)
    return _words(_READERS[kind](text))


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else {"n": "\n", "r": "\r"}[found[2]]


def _words(value: Any) -> str:
    match value:
        case CellError():
            return f"*refused*: {ISSUE_CATALOGUE[value.code].title}"
        case PhonesRead():
            doubts = [f"{ISSUE_CATALOGUE[code].title}: `{part}`" for code, part in value.left_out]
            return "; ".join([_words(value.numbers), *doubts])
        case list():
            return ", ".join(f"`{one}`" for one in value)
        case (first, last):
            return f"first name `{first}`" + (f", last name `{last}`" if last else "")
        case str():
            return f"`{json.dumps(value, ensure_ascii=False)[1:-1]}`"
        case _:
            return "*nothing*" if value is None else f"`{value}`"
