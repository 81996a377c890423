"""What a preset or a mapping file adds to the reading of a sheet: rules of a column, and rows that are not leads.

The rules of a column are prefixes, separators, replaced values and the clear token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from importer.fields import FIELDS_BY_NAME, Kind
from importer.issues import Issue, IssueCode
from importer.loader.cells.text import CellError
from importer.models.mapping import ColumnChoice, Mapping, RowRule

CellReader = Callable[[str], Any]
"""From the text of a cell to its value, a CellError, CLEAR, or None for an empty cell."""


class Clear:
    """The value of a cell that holds the clear token: the field is cleared in the CRM."""


CLEAR: Final = Clear()


def add_column_rules(read: CellReader, column: ColumnChoice, mapping: Mapping) -> CellReader:
    """Return a reader that also applies the rules of the column and the mapping; `read` itself if there are none."""
    replacements = {
        to_match_key(typed): meant for typed, meant in mapping.get_replacements(column.field).items()
    }
    if has_cell_rules(column):
        read = _RuleReader(read, column).read
    if replacements:
        read = _ReplacingReader(read, replacements).read
    tokens = frozenset(filter(None, (mapping.clear, column.rules.clear)))
    return _ClearingReader(read, tokens, column.field).read if tokens else read


def to_match_key(text: str) -> str:
    """Return the text as it is compared: without case and extra spaces."""
    return " ".join(text.casefold().split())


def has_cell_rules(column: ColumnChoice) -> bool:
    """Return whether `apply_cell_rules` may change a cell of the column."""
    return bool(column.rules.prefixes or column.rules.separators or column.rules.empty_values)


def apply_cell_rules(text: str, column: ColumnChoice) -> str:
    """Return the cell without its column's prefix, with usual separators, and without values that mean "empty"."""
    rules = column.rules
    text = text.strip()
    empty_keys = {to_match_key(value) for value in rules.empty_values}
    if to_match_key(text) in empty_keys:
        return ""
    for prefix in rules.prefixes:
        if text.lower().startswith(prefix.lower()):
            text = text[len(prefix) :].strip()
            break
    usual_separator = ", " if _is_single_text(column) else "\n"
    for separator in rules.separators:
        parts = [part.strip() for part in text.split(separator)]
        text = usual_separator.join(part for part in parts if to_match_key(part) not in empty_keys)
    return text


def _is_single_text(column: ColumnChoice) -> bool:
    return column.field in FIELDS_BY_NAME and FIELDS_BY_NAME[column.field].kind is Kind.TEXT


class _RuleReader:
    """Applies the rules of a column before its cells are read."""

    def __init__(self, read: CellReader, column: ColumnChoice) -> None:
        self._read = read
        self._column = column

    def read(self, text: str) -> Any:
        text = apply_cell_rules(text, self._column)
        return self._read(text) if text else None


class _ReplacingReader:
    """Replaces whole cells, and the parts of a list, by what the mapping says that they mean."""

    def __init__(self, read: CellReader, replacements: dict[str, str]) -> None:
        self._read = read
        self._replacements = replacements

    def read(self, text: str) -> Any:
        meant = self._replacements.get(to_match_key(text))
        value = self._read(text if meant is None else meant)
        if isinstance(value, list):
            replaced = [self._replacements.get(to_match_key(part), part) for part in value]
            return [part for part in replaced if part] or None
        return value


class _ClearingReader:
    """Reads a cell that holds a clear token as CLEAR."""

    def __init__(self, read: CellReader, tokens: frozenset[str], field_name: str) -> None:
        self._read = read
        self._tokens = tokens
        self._is_nullable = FIELDS_BY_NAME[field_name].nullable

    def read(self, text: str) -> Any:
        if text.strip() not in self._tokens:
            return self._read(text)
        return CLEAR if self._is_nullable else CellError(IssueCode.CANNOT_CLEAR)


class RowRules:
    """The row rules of one mapping."""

    def __init__(self, rules: Sequence[RowRule], columns: Sequence[ColumnChoice]) -> None:
        self._rules = rules
        self._headers = {column.index: column.header for column in columns}

    def find_match(self, cells: Sequence[str]) -> Issue | None:
        """Return the issue of the first rule that a row matches, or None if the row is a lead."""
        for rule in self._rules:
            for index in (rule.index,) if rule.index >= 0 else range(len(cells)):
                if _is_match(cells[index], rule):
                    hint = f": {rule.reason}" if rule.reason else ""
                    return Issue("row", rule.code, self._headers.get(index, ""), cells[index].strip(), hint)
        return None


def _is_match(cell: str, rule: RowRule) -> bool:
    text = cell.strip().lower()
    return bool(text) and (text in rule.equals or text.startswith(rule.begins or ("\0",)))
