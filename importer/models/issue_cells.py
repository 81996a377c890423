"""Which cell of its row an issue is about: for the colours of failed_rows.xlsx and of the rows that a person edits."""

from __future__ import annotations

from collections.abc import Sequence

from importer.issues import Issue
from importer.models.mapping import ColumnChoice

NO_COLUMN = -1
"""The column of an issue that is not about a single cell: a stray quote, a refusal by the CRM, a default."""


class IssueCells:
    """Finds the cells that issues are about. Two columns may share a header, or go to one field."""

    def __init__(self, columns: Sequence[ColumnChoice]) -> None:
        self._columns: dict[str, list[ColumnChoice]] = {}
        for column in columns:
            self._columns.setdefault(column.field, []).append(column)

    def find_columns(self, issues: Sequence[Issue], cells: Sequence[str]) -> list[int]:
        """Return for each issue of a row the index of its column, or NO_COLUMN."""
        found: list[int] = []
        for issue in issues:
            candidates = self._find_candidates(issue, cells) or [NO_COLUMN]
            # Two columns with one header may hold the same bad value: then each gets its own issue.
            taken = {column for column, other in zip(found, issues, strict=False) if other == issue}
            found.append(next((column for column in candidates if column not in taken), candidates[0]))
        return found

    def _find_candidates(self, issue: Issue, cells: Sequence[str]) -> list[int]:
        """Return the columns of the issue's field: best those with its header that hold its value, else either."""
        same_field = self._columns.get(issue.field, [])
        same_header = [
            column.index for column in same_field if issue.column and column.header == issue.column
        ]
        same_value = [
            column.index for column in same_field if issue.value and issue.value in cells[column.index]
        ]
        return [column for column in same_header if column in same_value] or same_value or same_header
