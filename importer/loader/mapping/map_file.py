"""Reads the column mapping file (TOML) and says what is wrong in one. Saves maps, for people and for the next sheet.

A saved map is a file that people can change, or is remembered for the next sheet with the same headers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as Table
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from importer.atomic_file import replace_file
from importer.errors import MappingError, UsageError
from importer.fields import FIELDS_BY_NAME, Field, find_field
from importer.loader.vocabulary import normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnRules, Mapping, format_column_name
from importer.models.status import SHEET_COLUMN
from importer.planner.policies import build_policies
from importer.toml_file import parse_toml, read_short_text

MAX_LISTED = 40
_MIN_LIKENESS = 60  # of 100, by rapidfuzz's WRatio: "customer_fone" is like "customer_phone"


class ColumnEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of a map: its field ("" leaves it out), and how its cells are read.

    In the file it is the name of the field alone, or a table: `{field = "customer_phone", prefix = "p:"}`.
    `prefix` is removed from the front of a cell. `joiner` separates several values in it. Cells that are one of
    `empty` count as empty. `fill` replaces an empty cell, `constant` every cell. A cell with the text of `clear`
    clears the field.
    """

    field: str
    prefix: str = ""
    joiner: str = ""
    fill: str = ""
    constant: str | None = None
    clear: str | None = None
    empty: tuple[str, ...] = ()
    reason: str = ""

    @property
    def rules(self) -> ColumnRules:
        """The same for the reader of rows."""
        return ColumnRules(
            prefixes=(self.prefix,) if self.prefix else (),
            separators=(self.joiner,) if self.joiner else (),
            constant=self.constant,
            empty_values=self.empty,
            clear=self.clear,
        )


class Clearing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[clear]`."""

    token: str


class ColumnMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole mapping file. `shape` is the fingerprint of the headers for which it was written."""

    columns: dict[str, str | ColumnEntry] = {}
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    clear: Clearing | None = None
    policy: dict[str, str] = {}
    shape: str = ""

    def list_entries(self) -> dict[str, ColumnEntry]:
        """Return the columns, each as an entry."""
        return {
            header: entry if isinstance(entry, ColumnEntry) else ColumnEntry(entry)
            for header, entry in self.columns.items()
        }


def read_map(path: Path) -> ColumnMap:
    """Read a mapping file. Raises MappingError with the line or the key that is wrong, and what to write."""
    try:
        raw = parse_toml(read_short_text(path))
    except OSError as error:
        raise MappingError(*texts.MAP_NOT_READABLE.format(path=path, problem=error.strerror)) from None
    except ValueError as error:  # wrong TOML, a number that is too long, a path that is not possible
        problem = str(error).replace("Cannot overwrite a value", texts.MAP_NAME_REPEATED)
        raise MappingError(*texts.MAP_NOT_TOML.format(path=path, problem=problem)) from None
    return _parse_map(raw, texts.MAP_TITLE.format(path=path))


def _parse_map(raw: dict[str, Any], place: str) -> ColumnMap:
    """Return the map. Each entry is checked by itself, so that an error can name its key."""
    _check_tables(raw, place)
    return ColumnMap(
        columns=_parse_columns(raw.get("columns", {}), place),
        defaults={
            require_field(name, f"{place}, [defaults]: ").name: _parse_text(
                value, f'{place}, [defaults] "{name}"'
            )
            for name, value in raw.get("defaults", {}).items()
        },
        values=_parse_values(raw.get("values", {}), place),
        clear=_convert(raw["clear"], Clearing, f"{place}, [clear]") if "clear" in raw else None,
        policy=_parse_policy(raw.get("policy", {}), place),
        shape=_parse_text(raw.get("shape", ""), f"{place}, shape"),
    )


def _check_tables(raw: dict[str, Any], place: str) -> None:
    """Raise MappingError for a table that a map cannot have, and for a value where a table belongs."""
    tables = ColumnMap.__struct_fields__
    for name, table in raw.items():
        if name not in tables:
            message, _ = texts.MAP_UNKNOWN_TABLE.format(place=place, name=name)
            raise MappingError(message, suggest(name, tables, texts.LISTED_TABLES))
        if name != "shape" and not isinstance(table, dict):
            raise MappingError(*texts.MAP_NOT_A_TABLE.format(place=place, name=name))


def _parse_columns(columns: Table[str, Any], where: str) -> dict[str, str | ColumnEntry]:
    found: dict[str, str | ColumnEntry] = {}
    for header, given in columns.items():
        place = f'{where}, [columns] "{header}"'
        entry = _convert(given, ColumnEntry, place) if isinstance(given, dict) else _parse_text(given, place)
        if field := entry.field if isinstance(entry, ColumnEntry) else entry:
            require_field(field, f"{place}: ")
        found[header] = entry
    return found


def _parse_policy(policy: Table[str, Any], where: str) -> dict[str, str]:
    """Return what [policy] says. Raises MappingError for a field or a mode that makes no sense."""
    given = {name: _parse_text(mode, f'{where}, [policy] "{name}"') for name, mode in policy.items()}
    try:
        build_policies("overwrite", given)
    except UsageError as error:
        raise MappingError(f"{where}, [policy]: {error.message}", error.advice) from None
    return given


def _parse_values(values: Table[str, Any], where: str) -> dict[str, dict[str, str]]:
    for field, pairs in values.items():
        require_field(field, f"{where}, [values.{field}]: ")
        if not isinstance(pairs, dict):
            raise MappingError(*texts.MAP_VALUES_NOT_A_TABLE.format(place=where, field=field))
    return {
        field: {
            value: _parse_text(meant, f'{where}, [values.{field}] "{value}"')
            for value, meant in pairs.items()
        }
        for field, pairs in values.items()
    }


def _parse_text(value: Any, place: str) -> str:
    """Return the value as a text. A number may be written without quotes."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise MappingError(*texts.MAP_NOT_A_TEXT.format(place=place, value=repr(value)))
    return value


def _convert(given: Any, kind: type[Any], place: str) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        problem = _simplify_error(str(error))
        raise MappingError(*texts.MAP_WRONG_ENTRY.format(place=place, problem=problem)) from None


def _simplify_error(message: str) -> str:
    """Return an error of msgspec without its path: `Expected `str`, got `int` - at `$.prefix``."""
    problem, _, key = message.partition(" - at `$.")
    problem = problem.replace("Object missing required field", texts.MAP_KEY_MISSING).replace(
        "Object contains unknown field", texts.MAP_KEY_UNKNOWN
    )
    return f"{key.rstrip('`')}: {problem}" if key else problem


def require_field(name: str, place: str = "") -> Field:
    """Return the field that a person means. `place` is where they wrote it.

    Raises MappingError with a suggestion if there is no such field.
    """
    field = find_field(name)
    if field is None:
        message, _ = texts.UNKNOWN_FIELD.format(place=place, name=name)
        raise MappingError(message, suggest(name, list(FIELDS_BY_NAME), texts.LISTED_FIELDS))
    return field


def suggest(name: str, known: Sequence[str], introduction: str) -> str:
    """Return `Did you mean ...?`, or the list of all known names after the introduction."""
    from rapidfuzz import fuzz, process, utils  # noqa: PLC0415 - only a mistake needs it

    near = process.extractOne(
        name, known, scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=_MIN_LIKENESS
    )
    if near:
        return texts.SUGGESTION.format(name=near[0])
    more = ", ..." if len(known) > MAX_LISTED else ""
    return texts.LISTED.format(introduction=introduction, names=", ".join(known[:MAX_LISTED]), more=more)


def make_column_key(headers: Sequence[str], index: int) -> str:
    """Return the name by which a person names a column: its header, numbered if an earlier column has the same."""
    header = headers[index]
    earlier = headers[:index].count(header)
    if not header:
        return format_column_name(index)
    return f"{header}#{earlier + 1}" if earlier else header


def save_map(path: Path, mapping: Mapping) -> None:
    """Write a mapping as a file that `--map` reads and people can change. Raises OSError."""
    import tomli_w  # noqa: PLC0415 - only saving needs it

    content = _build_content(mapping)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(texts.SAVED_MAP_HEAD + tomli_w.dumps(content), "utf-8")
    replace_file(temporary, path)


def to_column_map(mapping: Mapping) -> ColumnMap:
    """Return the map that chooses this mapping again."""
    return msgspec.convert(_build_content(mapping), ColumnMap)


def remember_map(folder: Path, mapping: Mapping) -> Path:
    """Save the columns and values of a mapping for the next sheet with the same headers. Return the file.

    Defaults are not saved, because `--default` is meant for one sheet.
    """
    path = get_map_path(folder, [column.header for column in mapping.columns])
    save_map(path, msgspec.structs.replace(mapping, defaults={}))
    return path


def has_real_headers(headers: Sequence[str]) -> bool:
    """Whether the headers say what kind of sheet it is. Column A and Column B do not."""
    return any(header and header != format_column_name(index) for index, header in enumerate(headers))


def get_map_path(folder: Path, headers: Sequence[str]) -> Path:
    """Return the file in which the map for these headers is remembered. Their order does not matter."""
    return folder / f"{fingerprint_headers(headers)}.toml"


def fingerprint_headers(headers: Sequence[str]) -> str:
    """Return 16 hex digits that are the same for two sheets with the same headers."""
    lines = "\n".join(sorted(normalize_header(header) for header in headers))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _build_content(mapping: Mapping) -> dict[str, Any]:
    headers = [column.header for column in mapping.columns]
    content: dict[str, Any] = {
        "shape": fingerprint_headers(headers),
        "columns": {
            make_column_key(headers, column.index): _build_entry(column.field, column.rules)
            for column in mapping.columns
            if (column.header or column.field) and column.header != SHEET_COLUMN
        },
    }
    if mapping.defaults:
        content["defaults"] = mapping.defaults
    if mapping.values:
        content["values"] = mapping.values
    if mapping.clear:
        content["clear"] = {"token": mapping.clear}
    if mapping.policy:
        content["policy"] = mapping.policy
    return content


def _build_entry(field: str, rules: ColumnRules) -> Any:
    """Return the field's name alone if the column has no rules, else a table."""
    entry = ColumnEntry(
        field,
        prefix=next(iter(rules.prefixes), ""),
        joiner=next(iter(rules.separators), ""),
        constant=rules.constant,
        clear=rules.clear,
        empty=rules.empty_values,
    )
    table = msgspec.to_builtins(entry)
    return table if len(table) > 1 else field
