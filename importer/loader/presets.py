"""Presets: what the exports of known programs look like, one small TOML file each."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from importer.errors import BadMapping, UsageError
from importer.loader.headers import plain_header
from importer.loader.mapfile import ColumnEntry
from importer.models import RowRule


class RowEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that are no leads: `column` is a header, or "*" for any cell."""

    column: str
    code: Literal["deleted", "test_row", "not_a_lead"]
    equals: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One export. It is recognised where at least `needs` of the headers in `signature` are there.

    `columns` names fields by header; a `*` in a header stands for anything, as in `Phone * - Value`.
    """

    name: str
    title: str
    signature: tuple[str, ...]
    needs: int
    columns: dict[str, str | ColumnEntry]
    rows: tuple[RowEntry, ...] = ()

    def matches(self, headers: Sequence[str]) -> int:
        """How many headers of the signature are there; 0 where they are too few."""
        plain = {plain_header(header) for header in headers}
        found = sum(1 for header in self.signature if plain_header(header) in plain)
        return found if found >= self.needs else 0

    def entry_for(self, header: str) -> ColumnEntry | None:
        """What the preset says of a column, or None. A header named in full goes before a pattern."""
        plain = plain_header(header)
        for patterns in (False, True):
            for named, entry in self.columns.items():
                if ("*" in named) == patterns and fnmatchcase(plain, _pattern(named)):
                    return entry if isinstance(entry, ColumnEntry) else ColumnEntry(entry)
        return None

    def row_rules(self, headers: Sequence[str]) -> tuple[RowRule, ...]:
        """The rules about rows, for a sheet with these headers."""
        plain = [plain_header(header) for header in headers]
        rules = []
        for entry in self.rows:
            index = -1 if entry.column == "*" else _index(plain, plain_header(entry.column))
            if index is not None:
                rules.append(RowRule(index=index, code=entry.code, equals=entry.equals, begins=entry.begins))
        return tuple(rules)


@cache
def presets() -> tuple[Preset, ...]:
    """All presets that come with the tool, by name."""
    folder = resources.files("importer.loader").joinpath("presets")
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name
    )
    return tuple(_read(file.read_text("utf-8"), file.name) for file in files)


def find_preset(headers: Sequence[str], named: str | None) -> Preset | None:
    """The preset that was named (by name, or as a file), else the one that the headers fit best."""
    if named is None:
        best = max(presets(), key=lambda preset: preset.matches(headers), default=None)
        return best if best is not None and best.matches(headers) else None
    if named.endswith(".toml"):
        try:
            return _read(Path(named).read_text("utf-8-sig"), named)
        except OSError as error:
            raise BadMapping(
                f"Cannot read the preset {named}: {error.strerror}.", "Check its name."
            ) from None
    for preset in presets():
        if preset.name == named:
            return preset
    known = ", ".join(preset.name for preset in presets())
    raise UsageError(f"There is no preset {named!r}.", f"There are: {known}.")


def _read(text: str, name: str) -> Preset:
    try:
        return msgspec.convert(tomllib.loads(text), Preset)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadMapping(
            f"The preset {name} is not right: {error}.", "docs/presets.md shows what one looks like."
        ) from None


def _pattern(header: str) -> str:
    return (
        "*".join(plain_header(part) for part in header.split("*")) if "*" in header else plain_header(header)
    )


def _index(plain: list[str], header: str) -> int | None:
    return plain.index(header) if header in plain else None
