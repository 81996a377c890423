"""Reads full names: splits one cell into a first and a last name."""

from __future__ import annotations

import re

from importer.loader.cells.cell_error import CellError
from importer.loader.cells.text import normalize_name

NAME_SUFFIXES = (
    "jr", "sr", "ii", "iii", r"m\.?d", "mbbs", "mba", r"ph\.?d", "ca", "cs", "adv", "advocate", "ceo", "pvt", "private",
    "ltd", "llp", "inc",
)  # fmt: skip
"""Words after a comma that do not make the word in front a surname: `Kumar, M.D.`, `Acme, Ltd`. Each is a pattern."""

_begins_with_suffix = re.compile(rf"(?i)(?:{'|'.join(NAME_SUFFIXES)})\b").match


def read_full_name(text: str) -> tuple[str, str] | CellError | None:
    """Return the first and last name. The last word is the last name; `Rao, Asha` is read as Asha Rao.

    `Acme Traders, Pune` and `Asha Rao, MBA` stay in their order: a surname in front of a comma is a single word, and no
    degree follows it.
    """
    name = normalize_name(text)
    if name is None or isinstance(name, CellError):
        return name
    if "," in name:
        last, _, first = (part.strip() for part in name.partition(","))
        if first and len(last.split()) == 1 and not _begins_with_suffix(first) and "," not in first:
            return " ".join(first.split()), last
    *first_words, last_word = name.split()
    return (" ".join(first_words), last_word) if first_words else (last_word, "")
