"""The fast path of rows without issues: their bodies are put together from remembered fragments of JSON.

The fragments come from the same drafter and judge as in the slow path. A row with any issue, even a warning, takes the slow
path, because only that one makes sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Self

import msgspec

from importer.fields import FIELDS_BY_NAME
from importer.loader.cells.phones import get_fast_phone_parser
from importer.loader.rows.rules import RowRules, apply_cell_rules, has_cell_rules
from importer.models.mapping import AccountTitles, ColumnChoice, Mapping
from importer.reader.fragments import (
    NEEDS_SLOW_PATH,
    PLACEHOLDER,
    Cells,
    select_fragments,
    split_fragment,
)
from importer.settings import UnknownPolicy

_PHONE = "customer_phone"
_GROUP_OF_FIELD = {
    "add_phones": _PHONE,
    "dial_code": _PHONE,
    "add_labels": "labels",
    "remove_labels": "labels",
}
"""Fields that affect each other form a group. The parts of the address are one too."""
_NAME_GROUP = dict.fromkeys(("full_name", "first_name", "last_name"), "name")
"""One more group, in a sheet with full names."""
_NAME_AND_INFO_GROUP = {**_NAME_GROUP, "additional_info": "name"}
"""The same if the sheet has first or last names too: a full name that differs goes to the additional info."""


class FastPath:
    """Builds the bodies of rows without issues, a block at a time."""

    def __init__(
        self, mapping: Mapping, titles: AccountTitles, *, region: str, unknown: UnknownPolicy
    ) -> None:
        groups = split_into_groups(mapping)
        self._phones = _PhoneColumns(groups.pop(_PHONE), region)
        self._fragments = [select_fragments(group, titles, region, unknown) for group in groups.values()]
        self._row_rules = RowRules(mapping.row_rules, mapping.columns) if mapping.row_rules else None

    @classmethod
    def create(
        cls, mapping: Mapping, titles: AccountTitles, *, region: str, unknown: UnknownPolicy
    ) -> Self | None:
        """Return the fast path of a run, or None if every row of this mapping needs the slow path."""
        phones = split_into_groups(mapping).get(_PHONE)
        if phones is None or not phones.find_columns(_PHONE) or _needs_other_values(phones):
            return None
        return cls(mapping, titles, region=region, unknown=unknown)

    def build_bodies(self, rows: Sequence[Cells]) -> tuple[list[str], list[str | None]]:
        """Return the phone and the body of each row; the body is None if the row needs the slow path."""
        columns = list(zip(*rows, strict=True))
        phones, openings = self._phones.read(columns)
        fragments = [group.get_column(columns) for group in self._fragments]
        # Fragments are JSON without braces, so joining them is the one step that msgspec cannot do.
        joined = map("".join, zip(openings, *fragments, repeat("}"), strict=False))
        bodies = [None if NEEDS_SLOW_PATH in body else body for body in joined]
        if self._row_rules is not None:
            find_match = self._row_rules.find_match
            bodies = [None if find_match(row) else body for row, body in zip(rows, bodies, strict=True)]
        return phones, bodies


def split_into_groups(mapping: Mapping) -> dict[str, Mapping]:
    """Split the mapping into groups of columns that do not affect each other, in the order of the sheet."""
    columns = [column for column in mapping.columns if column.field in FIELDS_BY_NAME]
    fields = [column.field for column in columns] + list(mapping.defaults)
    has_other_names = "first_name" in fields or "last_name" in fields
    names = (_NAME_AND_INFO_GROUP if has_other_names else _NAME_GROUP) if "full_name" in fields else {}
    groups = _GROUP_OF_FIELD | names

    def find_group(field: str) -> str:
        return groups.get(field, field.partition(".")[0])

    return {
        name: msgspec.structs.replace(
            mapping,
            columns=tuple(column for column in columns if find_group(column.field) == name),
            defaults={field: text for field, text in mapping.defaults.items() if find_group(field) == name},
            row_rules=(),
        )
        for name in dict.fromkeys(map(find_group, fields))
    }


def _needs_other_values(phones: Mapping) -> bool:
    """Return whether phones depend on more than their own cells: a constant, a default or a dial code."""
    has_constant = any(column.rules.constant is not None for column in phones.columns)
    return has_constant or bool(phones.defaults) or bool(phones.find_columns("dial_code"))


class _PhoneColumns:
    """Reads the phones of leads, and writes how their bodies begin."""

    def __init__(self, phones: Mapping, region: str) -> None:
        own, *further = phones.find_columns(_PHONE)
        self._own_index = own.index
        self._parse_own = _build_phone_parser(own, region)
        others = further + phones.find_columns("add_phones")
        self._other_indexes = [column.index for column in others]
        self._other_parsers = [_build_phone_parser(column, region) for column in others]
        before, self._after = split_fragment({_PHONE: PLACEHOLDER})
        self._before = f"{{{before[1:]}"  # a body begins with this field: a brace in place of the comma
        self._others_before, self._others_between, self._others_after = split_fragment(
            {"add_phones": [PLACEHOLDER, PLACEHOLDER]}
        )

    def read(self, columns: Sequence[Cells]) -> tuple[list[str], list[str]]:
        """Return the own phone and the opening of each row; NEEDS_SLOW_PATH for a phone that is not simple."""
        before, after = self._before, self._after
        phones = list(map(self._parse_own, columns[self._own_index]))
        openings = [f"{before}{phone}{after}" if phone else NEEDS_SLOW_PATH for phone in phones]
        others = [columns[index] for index in self._other_indexes]
        for at, texts in enumerate(zip(*others, strict=True)):
            if any(texts):
                openings[at] = self._add_others(openings[at], phones[at], texts)
        return phones, openings

    def _add_others(self, opening: str, own: str, texts: Iterable[str]) -> str:
        numbers = [parse(text) for parse, text in zip(self._other_parsers, texts, strict=True) if text]
        if opening is NEEDS_SLOW_PATH or not all(numbers):
            return NEEDS_SLOW_PATH
        others = [number for number in dict.fromkeys(numbers) if number != own]
        if not others:
            return opening
        return f"{opening}{self._others_before}{self._others_between.join(others)}{self._others_after}"


def _build_phone_parser(column: ColumnChoice, region: str) -> Callable[[str], str]:
    parse = get_fast_phone_parser(region)
    if has_cell_rules(column):
        return lambda text: parse(apply_cell_rules(text, column))
    return parse
