"""Maps on disk: saved for people to change, and kept to be found again for a sheet of the same shape."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from importer.loader.header import column_name
from importer.loader.headers import plain_header
from importer.loader.mapfile import ColumnEntry, ColumnMap
from importer.loader.named import name_of
from importer.models import ColumnRules, Mapping
from importer.moving import moved

_ABOVE = """\
# How importer reads a sheet with these headers: header = field, "" leaves a column out.
# Change it as you like. docs/mapping.md tells what else may stand here.
"""


def save_map(path: Path, mapping: Mapping) -> None:
    """Write a mapping as a file that `--map` reads and people can change. Raises OSError."""
    import tomli_w  # noqa: PLC0415 - only saving needs it

    content = _content(mapping)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(_ABOVE + tomli_w.dumps(content), "utf-8")
    moved(temporary, path)


def map_of(mapping: Mapping) -> ColumnMap:
    """A mapping as the map that says the same."""
    return msgspec.convert(_content(mapping), ColumnMap)


def keep_map(folder: Path, mapping: Mapping) -> Path:
    """Keep the columns and values of a mapping for the next sheet with the same headers; answers with where.

    Defaults are not kept: `--set` was said of one sheet.
    """
    path = path_of(folder, [column.header for column in mapping.columns])
    save_map(path, msgspec.structs.replace(mapping, defaults={}))
    return path


def is_known_again(headers: Sequence[str]) -> bool:
    """Whether another sheet with these headers is one of the same kind: Column A and Column B say nothing of it."""
    return any(header and header != column_name(index) for index, header in enumerate(headers))


def path_of(folder: Path, headers: Sequence[str]) -> Path:
    """Where the map for these headers is kept, in whatever order they stand."""
    return folder / f"{shape_of(headers)}.toml"


def shape_of(headers: Sequence[str]) -> str:
    """What is the same for two sheets with the same headers: 16 hex digits."""
    plain = "\n".join(sorted(plain_header(header) for header in headers))
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _content(mapping: Mapping) -> dict[str, Any]:
    headers = [column.header for column in mapping.columns]
    content: dict[str, Any] = {
        "shape": shape_of(headers),
        "columns": {
            name_of(headers, column.index): _entry(column.field, column.rules)
            for column in mapping.columns
            if column.header or column.field
        },
    }
    if mapping.defaults:
        content["defaults"] = mapping.defaults
    if mapping.values:
        content["values"] = mapping.values
    if mapping.clear:
        content["clear"] = {"token": mapping.clear}
    return content


def _entry(field: str, rules: ColumnRules) -> Any:
    entry = ColumnEntry(
        field,
        prefix=next(iter(rules.prefixes), ""),
        joiner=next(iter(rules.joiners), ""),
        constant=rules.constant,
        clear=rules.clear,
        empty=rules.drop_values,
    )
    plain = msgspec.to_builtins(entry)
    return plain if len(plain) > 1 else field
