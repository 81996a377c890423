"""The column mapping file (TOML): what may stand in it, and what is said of one that is not right."""

from __future__ import annotations

from collections.abc import Mapping as Table
from pathlib import Path
from typing import Any

import msgspec

from importer.errors import MappingError
from importer.loader.mapping.suggestions import known_field, nearest
from importer.models.mapping import ColumnRules
from importer.toml_file import parse_toml, read_short_text

_SHOWN = "docs/mapping.md shows what a map looks like."


class ColumnEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of a map: its field ("" leaves it out), and how its cells are read.

    In the file it is the field's name alone, or a table: `{field = "customer_phone", prefix = "p:"}`.
    `prefix` is taken off in front of a cell, `joiner` parts several values in it, cells that are one of
    `empty` count as empty; `fill` stands in for an empty cell, `constant` for every cell; a cell with the
    text of `clear` empties the field.
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
        """The same as the drafter reads it."""
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
    """A whole mapping file. `shape` remembers the headers it was made for."""

    columns: dict[str, str | ColumnEntry] = {}
    defaults: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    clear: Clearing | None = None
    shape: str = ""

    def entries(self) -> dict[str, ColumnEntry]:
        """The columns, each as an entry."""
        return {
            header: entry if isinstance(entry, ColumnEntry) else ColumnEntry(entry)
            for header, entry in self.columns.items()
        }


def read_map(path: Path) -> ColumnMap:
    """A mapping file. Raises MappingError with the line or the key that is wrong, and what to write."""
    try:
        raw = parse_toml(read_short_text(path))
    except OSError as error:
        raise MappingError(f"Cannot read the map {path}: {error.strerror}.", "Check its name.") from None
    except ValueError as error:  # TOML's own, a number too long to be one, a path that can be none
        said = str(error).replace("Cannot overwrite a value", "the same name stands there twice")
        raise MappingError(f"The map {path} cannot be read as TOML: {said}.", _SHOWN) from None
    return _checked(raw, f"The map {path}")


def _checked(raw: dict[str, Any], where: str) -> ColumnMap:
    """The map, each entry looked at by itself, so that a fault can name its key."""
    tables = ColumnMap.__struct_fields__
    for name, table in raw.items():
        if name not in tables:
            raise MappingError(f"{where} has no use for [{name}].", nearest(name, tables, "Its tables are"))
        if name != "shape" and not isinstance(table, dict):
            raise MappingError(f"{where}: {name} is a table, written as [{name}].", _SHOWN)
    values = raw.get("values", {})
    for field, pairs in values.items():
        known_field(field, f"{where}, [values.{field}]: ")
        if not isinstance(pairs, dict):
            raise MappingError(
                f'{where}, [values]: "{field}" is a table, written as [values.{field}].', _SHOWN
            )
    return ColumnMap(
        columns=_entries(raw.get("columns", {}), where),
        defaults={
            known_field(name, f"{where}, [defaults]: ").name: _text(value, f'{where}, [defaults] "{name}"')
            for name, value in raw.get("defaults", {}).items()
        },
        values={
            field: {
                said: _text(meant, f'{where}, [values.{field}] "{said}"') for said, meant in pairs.items()
            }
            for field, pairs in values.items()
        },
        clear=_converted(raw["clear"], Clearing, f"{where}, [clear]") if "clear" in raw else None,
        shape=_text(raw.get("shape", ""), f"{where}, shape"),
    )


def _entries(columns: Table[str, Any], where: str) -> dict[str, str | ColumnEntry]:
    found: dict[str, str | ColumnEntry] = {}
    for header, given in columns.items():
        place = f'{where}, [columns] "{header}"'
        entry = _converted(given, ColumnEntry, place) if isinstance(given, dict) else _text(given, place)
        if field := entry.field if isinstance(entry, ColumnEntry) else entry:
            known_field(field, f"{place}: ")
        found[header] = entry
    return found


def _text(value: Any, place: str) -> str:
    """A text; a number may be written without quotes."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise MappingError(f"{place}: a text in quotes belongs here, not {value!r}.", _SHOWN)
    return value


def _converted(given: Any, kind: type[Any], place: str) -> Any:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise MappingError(f"{place}: {_plain(str(error))}.", _SHOWN) from None


def _plain(message: str) -> str:
    """The words of msgspec without its paths: `Expected `str`, got `int` - at `$.prefix``."""
    said, _, at = message.partition(" - at `$.")
    said = said.replace("Object missing required field", "it lacks").replace(
        "Object contains unknown field", "there is no key"
    )
    return f"{at.rstrip('`')}: {said}" if at else said
