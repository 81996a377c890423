"""Presets: what the exports of known programs look like, one small TOML file each (docs/presets.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import msgspec

from importer.errors import MappingError, UsageError
from importer.fields import FIELDS_BY_NAME, find_field
from importer.issues import NOT_LEAD_CODES, IssueCode
from importer.loader.mapping.map_file import ColumnEntry
from importer.loader.vocabulary import normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import RowRule
from importer.toml_file import parse_toml, read_short_text

_ANY_COLUMN = "*"


class PresetEntry(ColumnEntry, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of an export.

    `otherwise` is its field if few cells are titles of the account's list, or if some cells are not amounts.
    """

    otherwise: str = ""


class RowEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that are not leads. `column` is a header, or "*" for any cell. `reason` is added to the sentence."""

    column: str
    code: IssueCode
    equals: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    reason: str = ""


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One export, and how it is recognised.

    At least `needs` headers of the sheet are in `signature`, none is in `never`, and the first header is one of
    `first_column`, if that is given. Case, spaces and punctuation of headers do not count, but `first_column` and
    headers with a `*`, which is any text, are compared as written, except for the case.

    `columns` says where a column goes, `others` is the field of all columns that nothing else claims, `defaults` and
    `values` are those of a map, `rows` are the rows that are not leads.
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

    def count_matches(self, headers: Sequence[str]) -> int:
        """Return how many of the headers show that it is this export. 0 means that it is not."""
        if any(_matches_any(header, self.never) for header in headers):
            return 0
        if self.first_column and not (headers and headers[0] in self.first_column):
            return 0
        found = sum(_matches_any(header, self.signature) for header in headers)
        return found + bool(self.first_column) if found >= self.needs else 0

    def find_entry(self, header: str) -> PresetEntry | None:
        """Return what the preset says about a column, or None. A full header goes before one with a `*`."""
        for named, entry in sorted(self.list_entries(), key=lambda pair: "*" in pair[0]):
            if _matches_any(header, (named,)):
                return entry
        return None

    def list_entries(self) -> Iterator[tuple[str, PresetEntry]]:
        """Yield every column that the preset names, in its order."""
        for named, entry in self.columns.items():
            yield named, entry if isinstance(entry, PresetEntry) else PresetEntry(entry)

    def build_row_rules(self, headers: Sequence[str]) -> tuple[RowRule, ...]:
        """Return the rules about rows for a sheet with these headers."""
        normalized = [normalize_header(header) for header in headers]
        rules = []
        for entry in self.rows:
            column = normalize_header(entry.column)
            if entry.column == _ANY_COLUMN or column in normalized:
                rule = RowRule(
                    index=-1 if entry.column == _ANY_COLUMN else normalized.index(column),
                    code=entry.code,
                    equals=tuple(map(str.lower, entry.equals)),
                    begins=tuple(map(str.lower, entry.begins)),
                    reason=entry.reason,
                )
                rules.append(rule)
        return tuple(rules)


@cache
def load_presets() -> tuple[Preset, ...]:
    """Return all presets that come with the tool, by name."""
    folder = resources.files("importer.loader.mapping").joinpath("presets")
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name
    )
    return tuple(read_preset(file.read_text("utf-8"), file.name) for file in files)


def find_preset(headers: Sequence[str], named: str | None) -> Preset | None:
    """Return the preset `named` by its name or its file, else the one that fits the headers best, else None.

    Raises UsageError for an unknown name, and MappingError for a file that is not right.
    """
    if named is None:
        best = max(load_presets(), key=lambda preset: preset.count_matches(headers), default=None)
        return best if best is not None and best.count_matches(headers) else None
    if named.endswith(".toml"):
        return _read_preset_file(named)
    for preset in load_presets():
        if preset.name == named:
            return preset
    names = ", ".join(preset.name for preset in load_presets())
    raise UsageError(*texts.PRESET_UNKNOWN.format(name=repr(named), names=names))


def read_preset(text: str, name: str) -> Preset:
    """Return the preset in the text of its file. Raises MappingError with what is wrong in it."""
    try:
        preset = msgspec.convert(parse_toml(text), Preset)
    except (ValueError, msgspec.ValidationError) as error:
        raise MappingError(*texts.PRESET_NOT_RIGHT.format(name=name, problem=error)) from None
    if problem := next(_find_problems(preset), None):
        raise MappingError(*texts.PRESET_NOT_RIGHT.format(name=name, problem=problem))
    return preset


def _read_preset_file(name: str) -> Preset:
    try:
        text = read_short_text(Path(name))
    except OSError as error:
        problem = error.strerror
        raise MappingError(*texts.PRESET_NOT_READABLE.format(name=name, problem=problem)) from None
    except ValueError as error:
        raise MappingError(*texts.PRESET_NOT_RIGHT.format(name=name, problem=error)) from None
    return read_preset(text, name)


def _find_problems(preset: Preset) -> Iterator[str]:
    """Yield what the types do not show: no way to recognise the export, rules that match no row."""
    needs, signature = preset.needs, preset.signature
    if not needs and not preset.first_column:
        yield texts.PRESET_NEEDS_NOTHING
    if needs and len(signature) < needs and not any("*" in header for header in signature):
        yield texts.PRESET_NEEDS_TOO_MANY.format(needs=needs, count=len(signature))
    yield from _find_column_problems(preset)
    for row in preset.rows:
        if row.code not in NOT_LEAD_CODES:
            yield texts.PRESET_WRONG_CODE.format(code=row.code, codes=", ".join(sorted(NOT_LEAD_CODES)))
        if not row.equals and not row.begins:
            yield texts.PRESET_RULE_WITHOUT_TEXT.format(column=row.column)


def _find_column_problems(preset: Preset) -> Iterator[str]:
    """Yield fields that do not exist, and columns that are left out without a reason."""
    for named, entry in preset.list_entries():
        if not entry.field and not entry.reason:
            yield texts.PRESET_WITHOUT_REASON.format(header=named)
        for field in filter(None, (entry.field, entry.otherwise)):
            if find_field(field) is None:
                yield texts.PRESET_UNKNOWN_TARGET.format(header=named, field=field)
    for field in filter(None, (preset.others, *preset.defaults, *preset.values)):
        if field not in FIELDS_BY_NAME:
            yield texts.PRESET_UNKNOWN_FIELD.format(field=field)


def _matches_any(header: str, named: Sequence[str]) -> bool:
    """Whether a header is one of those that a preset names."""
    return any(
        bool(_compile_pattern(name).fullmatch(_fold_case(header)))
        if "*" in name
        else normalize_header(name) == normalize_header(header)
        for name in named
    )


@cache
def _compile_pattern(named: str) -> re.Pattern[str]:
    """Return the pattern of a header with `*` in it: `Person - Phone*` is any header that begins so."""
    return re.compile(".*".join(map(re.escape, _fold_case(named).split("*"))), re.DOTALL)


def _fold_case(header: str) -> str:
    return " ".join(header.casefold().split())
