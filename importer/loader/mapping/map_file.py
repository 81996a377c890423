"""Reads the column mapping file (TOML), and says what is wrong in one."""

from __future__ import annotations

from collections.abc import Mapping as Table
from pathlib import Path
from typing import Any

import msgspec

from importer.errors import MappingError
from importer.loader.mapping.suggestions import require_field, suggest
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnRules
from importer.toml_file import parse_toml, read_short_text


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
