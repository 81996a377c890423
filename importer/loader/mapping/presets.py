"""Presets: what the exports of known programs look like, one small TOML file each (docs/presets.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import msgspec

from importer.errors import MappingError, UsageError
from importer.fields import FIELDS_BY_NAME, find_field
from importer.issues import IssueCode
from importer.loader.mapping.map_file import ColumnEntry
from importer.loader.vocabulary import normalize_header
from importer.models.mapping import RowRule
from importer.toml_file import parse_toml, read_short_text

_SHOWN = "docs/presets.md shows what a preset looks like."


class PresetEntry(ColumnEntry, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of an export.

    `otherwise` is its field where hardly a cell is a title of the account's list, or not every cell is an amount.
    """

    otherwise: str = ""


class RowEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that are no leads: `column` is a header, or "*" for any cell; `reason` is added to the sentence."""

    column: str
    code: Literal["deleted", "test_row", "not_a_lead"]
    equals: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    reason: str = ""


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One export, and how it is recognised.

    At least `needs` of the sheet's headers are in `signature`, none is in `never`, and the first is one of
    `first_column`, where that is given. Headers are compared loosely; `first_column`, and a header with a
    `*` in it, which stands for anything, as they are written, save the case.

    `columns` says what becomes of a column, `others` is the field of columns that nothing else claims,
    `defaults` and `values` are those of a map, `rows` are the rows that are no leads.
    """

    name: str
    title: str
    signature: tuple[str, ...] = ()
    needs: int = 0
    first_column: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    columns: dict[str, str | PresetEntry]
    others: str = ""
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    rows: tuple[RowEntry, ...] = ()

    def matches(self, headers: Sequence[str]) -> int:
        """How many of the headers tell this export; 0 for a sheet that is none."""
        if any(_fits(header, self.never) for header in headers):
            return 0
        if self.first_column and not (headers and headers[0] in self.first_column):
            return 0
        found = sum(_fits(header, self.signature) for header in headers)
        return found + bool(self.first_column) if found >= self.needs else 0

    def entry_for(self, header: str) -> PresetEntry | None:
        """What the preset says of a column, or None. A header named in full goes before one with a `*`."""
        for named, entry in sorted(self.entries(), key=lambda pair: "*" in pair[0]):
            if _fits(header, (named,)):
                return entry
        return None

    def entries(self) -> Iterator[tuple[str, PresetEntry]]:
        """Every column that the preset names, in its own order."""
        for named, entry in self.columns.items():
            yield named, entry if isinstance(entry, PresetEntry) else PresetEntry(entry)

    def row_rules(self, headers: Sequence[str]) -> tuple[RowRule, ...]:
        """The rules about rows, for a sheet with these headers."""
        plain = [normalize_header(header) for header in headers]
        rules = []
        for entry in self.rows:
            column = normalize_header(entry.column)
            if entry.column == "*" or column in plain:
                rule = RowRule(
                    index=-1 if entry.column == "*" else plain.index(column),
                    code=IssueCode(entry.code),
                    equals=tuple(map(str.lower, entry.equals)),
                    begins=tuple(map(str.lower, entry.begins)),
                    reason=entry.reason,
                )
                rules.append(rule)
        return tuple(rules)


@cache
def load_presets() -> tuple[Preset, ...]:
    """All presets that come with the tool, by name."""
    folder = resources.files("importer.loader.mapping").joinpath("presets")
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name
    )
    return tuple(read_preset(file.read_text("utf-8"), file.name) for file in files)


def find_preset(headers: Sequence[str], named: str | None) -> Preset | None:
    """The preset that was named (by name, or as a file), else the one that the headers fit best."""
    if named is None:
        best = max(load_presets(), key=lambda preset: preset.matches(headers), default=None)
        return best if best is not None and best.matches(headers) else None
    if named.endswith(".toml"):
        try:
            text = read_short_text(Path(named))
        except OSError as error:
            raise MappingError(
                f"Cannot read the preset {named}: {error.strerror}.", "Check its name."
            ) from None
        except ValueError as error:
            raise MappingError(f"The preset {named} is not right: {error}.", _SHOWN) from None
        return read_preset(text, named)
    for preset in load_presets():
        if preset.name == named:
            return preset
    known = ", ".join(preset.name for preset in load_presets())
    raise UsageError(f"There is no preset {named!r}.", f"There are: {known}.")


def read_preset(text: str, name: str) -> Preset:
    """A preset from the text of its file. Raises MappingError with what is wrong in it."""
    try:
        preset = msgspec.convert(parse_toml(text), Preset)
    except (ValueError, msgspec.ValidationError) as error:
        raise MappingError(f"The preset {name} is not right: {error}.", _SHOWN) from None
    if fault := next(_faults(preset), None):
        raise MappingError(f"The preset {name} is not right: {fault}.", _SHOWN)
    return preset


def _faults(preset: Preset) -> Iterator[str]:
    """What only looks right: no way to tell the export, rules that catch no row."""
    if not preset.needs and not preset.first_column:
        yield "needs says how many headers of the signature must be there, 1 or more"
    if preset.needs and len(preset.signature) < preset.needs and not any("*" in s for s in preset.signature):
        yield f"needs is {preset.needs}, and the signature has {len(preset.signature)} headers"
    yield from _faults_of_columns(preset)
    for row in preset.rows:
        if not row.equals and not row.begins:
            yield f'the rule about rows for "{row.column}" has neither equals nor begins'


def _faults_of_columns(preset: Preset) -> Iterator[str]:
    """Fields that there are not, columns left out without a reason."""
    for named, entry in preset.entries():
        if not entry.field and not entry.reason:
            yield f'"{named}" is left out without a reason'
        for field in filter(None, (entry.field, entry.otherwise)):
            if find_field(field) is None:
                yield f'"{named}" goes to "{field}", and there is no such field'
    for field in filter(None, (preset.others, *preset.defaults, *preset.values)):
        if field not in FIELDS_BY_NAME:
            yield f'there is no field "{field}"'


def _fits(header: str, named: Sequence[str]) -> bool:
    """Whether a header is one of those that are named."""
    return any(
        bool(_pattern(name).fullmatch(_as_written(header)))
        if "*" in name
        else normalize_header(name) == normalize_header(header)
        for name in named
    )


@cache
def _pattern(named: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, _as_written(named).split("*"))), re.DOTALL)


def _as_written(header: str) -> str:
    return " ".join(header.casefold().split())
