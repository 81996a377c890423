"""Describe in words what the code makes of a cell, for docs/cells.md. `python -m tests.docs_cells` writes the page's tables anew."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from importer.issues import ISSUE_CATALOGUE
from importer.loader.cells.emails import read_emails
from importer.loader.cells.numeric_cells import AmountRange, read_latitude, read_money
from importer.loader.cells.person_names import NameAboveLines, read_full_name
from importer.loader.cells.phones import ParsedPhones, PhoneReader
from importer.loader.cells.text import CellError, normalize_text, read_list

PAGE = Path(__file__).parents[1] / "docs" / "cells.md"
KINDS = {
    "Phones": "phone",
    "Dial codes in a column of their own": "dial",
    "Amounts": "money",
    "E-mail addresses": "email",
    "Full names": "name",
    "Lists (labels, products)": "list",
    "Latitude": "latitude",
    "Any other text": "text",
}
"""The headings of the page, and the kind of the cells below each."""
LINE = re.compile(r"\| `((?:[^`|]|\\\|)*)` \| (.*) \|")

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


def describe_cell(kind: str, cell: str) -> str:
    """Return what the page says about a cell of this kind."""
    text = re.sub(r"\\u([0-9a-f]{4})|\\([nr])", _unescape, cell)
    return _describe(_READERS[kind](text))


def _unescape(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else {"n": "\n", "r": "\r"}[found[2]]


def _describe(value: Any) -> str:  # noqa: PLR0911 - a case for each type
    match value:
        case CellError():
            return f"*rejected*: {ISSUE_CATALOGUE[value.code].title}"
        case ParsedPhones():
            doubts = [f"{ISSUE_CATALOGUE[code].title}: `{part}`" for code, part in value.warnings]
            return "; ".join([_describe(value.numbers), *doubts])
        case AmountRange(low, high):
            ends = (f"from `{low}`" if low is not None else "", f"to `{high}`" if high is not None else "")
            return f"*a range* {' '.join(filter(None, ends))}"
        case NameAboveLines(name, lines):
            return f"{_describe(name)}, additional info {_describe(lines)}"
        case list():
            return ", ".join(f"`{one}`" for one in value)
        case (first, last):
            return f"first name `{first}`" + (f", last name `{last}`" if last else "")
        case str():
            return f"`{json.dumps(value, ensure_ascii=False)[1:-1]}`"
        case _:
            return "*nothing*" if value is None else f"`{value}`"


def write_page() -> None:
    """Write what the code makes of each cell into the tables of the page."""
    kind, lines = "", []
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind = KINDS[line.removeprefix("## ")]
        found = LINE.fullmatch(line)
        cell = found[1].replace("\\|", "|") if found else ""
        lines.append(f"| `{found[1]}` | {describe_cell(kind, cell)} |" if found else line)
    PAGE.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    write_page()
