"""Maps on disk: saved for people to change, and kept to be found again for a sheet of the same shape."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from importer.atomic_file import replace_file
from importer.loader.mapping.map_file import ColumnEntry, ColumnMap
from importer.loader.mapping.overrides import make_column_key
from importer.loader.table.header_row import format_column_name
from importer.loader.vocabulary import normalize_header
from importer.models.mapping import ColumnRules, Mapping

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
    replace_file(temporary, path)


def to_column_map(mapping: Mapping) -> ColumnMap:
    """A mapping as the map that says the same."""
    return msgspec.convert(_content(mapping), ColumnMap)


def remember_map(folder: Path, mapping: Mapping) -> Path:
    """Keep the columns and values of a mapping for the next sheet with the same headers; answers with where.

    Defaults are not kept: `--default` was said of one sheet.
    """
    path = get_map_path(folder, [column.header for column in mapping.columns])
    save_map(path, msgspec.structs.replace(mapping, defaults={}))
    return path


def has_real_headers(headers: Sequence[str]) -> bool:
    """Whether another sheet with these headers is one of the same kind: Column A and Column B say nothing of it."""
    return any(header and header != format_column_name(index) for index, header in enumerate(headers))


def get_map_path(folder: Path, headers: Sequence[str]) -> Path:
    """Where the map for these headers is kept, in whatever order they stand."""
    return folder / f"{fingerprint_headers(headers)}.toml"


def fingerprint_headers(headers: Sequence[str]) -> str:
    """What is the same for two sheets with the same headers: 16 hex digits."""
    plain = "\n".join(sorted(normalize_header(header) for header in headers))
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _content(mapping: Mapping) -> dict[str, Any]:
    headers = [column.header for column in mapping.columns]
    content: dict[str, Any] = {
        "shape": fingerprint_headers(headers),
        "columns": {
            make_column_key(headers, column.index): _entry(column.field, column.rules)
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
        joiner=next(iter(rules.separators), ""),
        constant=rules.constant,
        clear=rules.clear,
        empty=rules.empty_values,
    )
    plain = msgspec.to_builtins(entry)
    return plain if len(plain) > 1 else field
