"""Saves maps: as files for people to change, and remembered for the next sheet with the same headers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from importer.atomic_file import replace_file
from importer.loader.mapping.map_file import ColumnEntry, ColumnMap
from importer.loader.mapping.overrides import make_column_key
from importer.loader.vocabulary import normalize_header
from importer.messages import mapping_messages as texts
from importer.models.mapping import ColumnRules, Mapping, format_column_name


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
