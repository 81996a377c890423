"""The ids of the cases of a table: each says its values, where pytest would only count them (`rows0`, `rows1`)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from pathlib import PurePath
from typing import Any

MAX_CHARACTERS = 60


def name_case(value: object) -> str | None:
    """Return the id of a value that pytest would number or print whole, or None where its own id reads well.

    Raise TypeError for a value whose text has its address in memory: two workers would not find the same tests.
    """
    if _reads_well(value):
        return None
    name = repr(value) if isinstance(value, str) and not value.strip() else _describe(value)
    if " at 0x" in name:
        raise TypeError(f"a case needs an id: pytest.param(..., id=...) or ids=[...] for {name}")
    return _shorten(name)


def _reads_well(value: object) -> bool:
    if isinstance(value, str):
        return bool(value.strip()) and len(value) <= MAX_CHARACTERS
    return isinstance(value, int | float | enum.Enum | None) or _is_named(value)


def _is_named(value: object) -> bool:
    return getattr(value, "__name__", "<lambda>") != "<lambda>"


def _describe(value: Any) -> str:
    match value:
        case str() | PurePath() | date() | time() | timedelta():
            return str(value)
        case enum.Enum():
            return str(value.name)
        case Mapping():
            return _join(f"{_describe(key)}={_describe(item)}" for key, item in value.items())
        case list() | tuple() | set() | frozenset():
            items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
            return _join(map(_describe, items))
        case bytes():
            return value.decode("latin-1")
        case _:
            return str(value.__name__ if _is_named(value) else repr(value))


def _join(names: Iterable[str]) -> str:
    return ",".join(names) or "empty"


def _shorten(name: str) -> str:
    """Return a name as one short line, in ASCII as pytest's own ids are."""
    line = " ".join(name.split()).encode("unicode_escape").decode("ascii")
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 3] + "..."
