"""Which cell of a row an issue is about: two columns may share a header, or feed one field."""

from __future__ import annotations

from collections.abc import Sequence

from importer.issues import Issue
from importer.models.delivery import ReportRow
from importer.models.mapping import ColumnChoice

NOWHERE = -1
"""The place of an issue that is about no single cell: a stray quote, the CRM's refusal, a default."""


class IssueCells:
    """The places of issues in the sheet of one mapping."""

    def __init__(self, columns: Sequence[ColumnChoice]) -> None:
        self._columns: dict[str, list[ColumnChoice]] = {}
        for column in columns:
            self._columns.setdefault(column.field, []).append(column)

    def of(self, outcome: ReportRow) -> list[int]:
        """Where each of the row's issues belongs: the index of its column, or NOWHERE."""
        places: list[int] = []
        for issue in outcome.issues:
            found = self._candidates(issue, outcome.cells) or [NOWHERE]
            # Two columns of one header may hold the same bad value: each gets its own.
            taken = {at for at, other in zip(places, outcome.issues, strict=False) if other == issue}
            places.append(next((at for at in found if at not in taken), found[0]))
        return places

    def _candidates(self, issue: Issue, cells: Sequence[str]) -> list[int]:
        """Columns of the issue's field: best those with its header that hold its value, else either."""
        alike = self._columns.get(issue.field, [])
        named = [column.index for column in alike if issue.column and column.header == issue.column]
        holding = [column.index for column in alike if issue.value and issue.value in cells[column.index]]
        return [at for at in named if at in holding] or holding or named
