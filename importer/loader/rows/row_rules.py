"""Finds rows that are not leads, as a preset describes them: test rows, deleted rows, catalogue views."""

from __future__ import annotations

from collections.abc import Sequence

from importer.issues import Issue
from importer.models.mapping import ColumnChoice, RowRule


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
