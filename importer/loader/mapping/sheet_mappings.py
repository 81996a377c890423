"""The mappings of several sheets as one: the columns of each at their places in the union, and what all have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Pairs
from typing import TypeVar

import msgspec

from importer.errors import UsageError
from importer.loader.mapping.map_file import ColumnMap
from importer.loader.mapping.overrides import find_column
from importer.messages import mapping_messages
from importer.models.mapping import ColumnChoice, Mapping, build_sheet_column

Entry = TypeVar("Entry")

_SHEET_NAME = re.compile(r"(\{\{sheet\}\})|\{sheet\}")  # doubled braces mean braces


def fill_sheet_name(defaults: Pairs[str, str], sheet: str) -> dict[str, str]:
    """Return defaults with the name of the sheet for `{sheet}`. `{{sheet}}` is the text `{sheet}` itself.

    Raises UsageError where there is no sheet with a name, as in a text file.
    """
    return {field: _fill(field, text, sheet) for field, text in defaults.items()}


def _fill(field: str, text: str, sheet: str) -> str:
    def replace(found: re.Match[str]) -> str:
        if found[1]:
            return "{sheet}"
        if not sheet:
            raise UsageError(*mapping_messages.NO_SHEET_NAME.format(field=field, text=text))
        return sheet

    return _SHEET_NAME.sub(replace, text)


def keep_existing(named: Pairs[str, Entry], headers: Sequence[str] | None) -> dict[str, Entry]:
    """Return the columns that a person named and that this sheet has. None for headers: all must be there."""
    return {
        name: entry
        for name, entry in named.items()
        if headers is None or find_column(headers, name) is not None
    }


def fit_map(column_map: ColumnMap, headers: Sequence[str] | None, sheet: str) -> ColumnMap:
    """Return the map for one sheet: its name for `{sheet}`, and its columns (see `keep_existing`)."""
    return msgspec.structs.replace(
        column_map,
        columns=keep_existing(column_map.columns, headers),
        defaults=fill_sheet_name(column_map.defaults, sheet),
    )


def move_columns(mapping: Mapping, indexes: Pairs[int, int]) -> Mapping:
    """Return the mapping with its columns at other places. Those without a new place are left out."""
    columns = [
        msgspec.structs.replace(column, index=indexes[column.index])
        for column in mapping.columns
        if column.index in indexes
    ]
    rules = [rule for rule in mapping.row_rules if rule.index in indexes or rule.index < 0]
    return msgspec.structs.replace(
        mapping,
        columns=tuple(columns),
        row_rules=tuple(
            msgspec.structs.replace(rule, index=indexes.get(rule.index, rule.index)) for rule in rules
        ),
    )


def merge_mappings(headers: Sequence[str], by_sheet: dict[str, Mapping]) -> Mapping:
    """Return the mapping of a run over several sheets, whose columns are those of `headers`."""
    mappings = list(by_sheet.values())
    first = mappings[0]
    return Mapping(
        columns=tuple(_merge_choices(index, header, mappings) for index, header in enumerate(headers)),
        defaults={
            field: text
            for field, text in first.defaults.items()
            if all(mapping.defaults.get(field) == text for mapping in mappings)
        },
        values={field: pairs for mapping in mappings for field, pairs in mapping.values.items()},
        clear=first.clear,
        policy=first.policy,
        preset=first.preset if all(mapping.preset == first.preset for mapping in mappings) else "",
        by_sheet=by_sheet,
    )


def split_sheets(mapping: Mapping) -> list[Mapping]:
    """Return the mapping of each sheet as if it were the only one; just the mapping if it is."""
    return [
        move_columns(one, {column.index: at for at, column in enumerate(one.columns)})
        for one in mapping.by_sheet.values()
    ] or [mapping]


def change_each_sheet(mapping: Mapping, change: Callable[[Mapping], Mapping]) -> Mapping:
    """Return the mapping with a change made to it and to the mapping of each of its sheets."""
    by_sheet = {name: change(one) for name, one in mapping.by_sheet.items()}
    return msgspec.structs.replace(change(mapping), by_sheet=by_sheet)


def _merge_choices(index: int, header: str, mappings: Sequence[Mapping]) -> ColumnChoice:
    """Return the choice of the first sheet in which the column has a field, else of the first that has the column."""
    choices = [column for mapping in mappings for column in mapping.columns if column.index == index]
    if not choices:
        return build_sheet_column(index)
    chosen = next((choice for choice in choices if choice.field), choices[0])
    return msgspec.structs.replace(chosen, header=header)
