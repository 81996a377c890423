"""Describes, in the words of docs/cells.md, what the real functions read from a cell."""

from __future__ import annotations

import json
import re
from typing import Any

from importer.issues import ISSUE_CATALOGUE
from importer.loader.cells.cell_error import CellError
from importer.loader.cells.coordinates import read_latitude
from importer.loader.cells.emails import read_emails
from importer.loader.cells.full_names import read_full_name
from importer.loader.cells.money import read_money
from importer.loader.cells.phones import ParsedPhones, PhoneReader
from importer.loader.cells.text import normalize_text, read_list

_read_phones = PhoneReader("IN").read
_READERS = {
    "phone": lambda text: _read_phones(text, ""),
    "dial": lambda text: _read_phones(text.partition(" + ")[2], text.partition(" + ")[0]),
    "money": read_money,
    "email": read_emails,
    "name": read_full_name,
    "list": read_list,
    "latitude": read_latitude,
    "text": normalize_text,
}


def describe_reading(kind: str, cell: str) -> str:
    """Return what the page must say about a cell of this kind."""
    text = re.sub(r"\\u([0-9a-f]{4})|\\([nr])", _unescape, cell)
    return _describe_value(_READERS[kind](text))


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else {"n": "\n", "r": "\r"}[match[2]]


def _describe_value(value: Any) -> str:
    match value:
        case CellError():
            return f"*refused*: {ISSUE_CATALOGUE[value.code].title}"
        case ParsedPhones():
            warnings = [f"{ISSUE_CATALOGUE[code].title}: `{part}`" for code, part in value.warnings]
            return "; ".join([_describe_value(value.numbers), *warnings])
        case list():
            return ", ".join(f"`{one}`" for one in value)
        case (first, last):
            return f"first name `{first}`" + (f", last name `{last}`" if last else "")
        case str():
            return f"`{json.dumps(value, ensure_ascii=False)[1:-1]}`"
        case _:
            return "*nothing*" if value is None else f"`{value}`"
