"""Rows that are no leads: test rows, deleted rows, catalogue views, as a preset describes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from importer.issues import Issue
from importer.models.mapping import ColumnChoice, RowRule

RowJudge = Callable[[Sequence[str]], Issue | None]


def compile_row_rules(rules: Sequence[RowRule], columns: Sequence[ColumnChoice]) -> RowJudge | None:
    """A judge of rows, or None where there are no rules."""
    if not rules:
        return None
    headers = {column.index: column.header for column in columns}

    def judge(cells: Sequence[str]) -> Issue | None:
        for rule in rules:
            for index in (rule.index,) if rule.index >= 0 else range(len(cells)):
                if _matches(cells[index], rule):
                    hint = f": {rule.reason}" if rule.reason else ""
                    return Issue("row", rule.code, headers.get(index, ""), cells[index].strip(), hint)
        return None

    return judge


def _matches(cell: str, rule: RowRule) -> bool:
    text = cell.strip().lower()
    return bool(text) and (text in rule.equals or text.startswith(rule.begins or ("\0",)))
