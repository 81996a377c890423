"""The column mapping file (TOML): read, saved, and found again for a sheet of the same shape."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from importer.errors import BadMapping
from importer.loader.headers import plain_header
from importer.models import ColumnRules, Mapping


class ColumnEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One column of a map: its field ("" leaves it out), and how its cells are read.

    In the file it is the field's name alone, or a table: `{field = "customer_phone", prefix = "p:"}`.
    """

    field: str
    prefix: str = ""
    joiner: str = ""
    constant: str | None = None
    empty: tuple[str, ...] = ()
    reason: str = ""

    @property
    def rules(self) -> ColumnRules:
        """The same as the drafter reads it."""
        return ColumnRules(
            prefixes=(self.prefix,) if self.prefix else (),
            joiners=(self.joiner,) if self.joiner else (),
            constant=self.constant,
            drop_values=self.empty,
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
    """A mapping file. Raises BadMapping with what is wrong in it."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8-sig")), ColumnMap, strict=False)
    except OSError as error:
        raise BadMapping(f"Cannot read the map {path}: {error.strerror}.", "Check its name.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadMapping(
            f"The map {path} is not right: {error}.", "docs/mapping.md shows what a map looks like."
        ) from None


def save_map(path: Path, mapping: Mapping) -> None:
    """Write a mapping as a file that `--map` reads and people can change."""
    import tomli_w  # noqa: PLC0415 - only saving needs it

    content = _content(mapping)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(tomli_w.dumps(content), "utf-8")
    temporary.replace(path)


def map_of(mapping: Mapping) -> ColumnMap:
    """A mapping as the map that says the same."""
    return msgspec.convert(_content(mapping), ColumnMap)


def keep_map(folder: Path, mapping: Mapping) -> Path:
    """Keep a mapping for the next sheet with the same headers; answers with where."""
    path = folder / f"{shape_of([column.header for column in mapping.columns])}.toml"
    save_map(path, mapping)
    return path


def find_saved_map(folder: Path, headers: Sequence[str]) -> ColumnMap | None:
    """The map that was kept for these headers, in whatever order they stand, or None."""
    path = folder / f"{shape_of(headers)}.toml"
    return read_map(path) if path.is_file() else None


def shape_of(headers: Sequence[str]) -> str:
    """What is the same for two sheets with the same headers: 16 hex digits."""
    plain = "\n".join(sorted(plain_header(header) for header in headers))
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _content(mapping: Mapping) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    seen: dict[str, int] = {}
    for column in mapping.columns:
        seen[column.header] = seen.get(column.header, 0) + 1
        name = column.header if seen[column.header] == 1 else f"{column.header}#{seen[column.header]}"
        if column.header:
            columns[name] = _entry(column.field, column.rules)
    content: dict[str, Any] = {
        "columns": columns,
        "shape": shape_of([column.header for column in mapping.columns]),
    }
    if mapping.defaults:
        content["defaults"] = mapping.defaults
    if mapping.values:
        content["values"] = mapping.values
    if mapping.clear:
        content["clear"] = {"token": mapping.clear}
    return dict(sorted(content.items(), key=lambda item: item[0] != "shape"))


def _entry(field: str, rules: ColumnRules) -> Any:
    entry = ColumnEntry(
        field,
        prefix=next(iter(rules.prefixes), ""),
        joiner=next(iter(rules.joiners), ""),
        constant=rules.constant,
        empty=rules.drop_values,
    )
    plain = msgspec.to_builtins(entry)
    return plain if len(plain) > 1 else field
