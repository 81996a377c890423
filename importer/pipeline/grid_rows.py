"""The rows of a judged run as a person edits them: each cell with what is wrong with it, and what the file has there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import msgspec

from importer.issues import Issue, Severity, Translate, describe_issue
from importer.journal.edit_log import EditableRow
from importer.journal.row_index import CellProblem, RowIndex, RowPart
from importer.journal.run_journal import Journal
from importer.journal.staging import decode_issues
from importer.models.issue_cells import NO_COLUMN, IssueCells
from importer.pipeline.judge_edits import find_part


class GridIssue(msgspec.Struct, frozen=True):
    """One thing that is wrong with a row.

    `same_rows` is the number of rows with the same text in the same column and the same problem with it, with this row.
    """

    issue: Issue
    same_rows: int

    @property
    def code(self) -> str:
        """Its machine code."""
        return self.issue.machine_code

    @property
    def severity(self) -> Severity:
        """What it does to the row."""
        return self.issue.severity

    def describe(self, translate: Translate = str) -> str:
        """Return the sentence about it, without its place."""
        sentence = describe_issue(self.issue, translate)
        return sentence[:1].upper() + sentence[1:]


class GridCell(msgspec.Struct, frozen=True):
    """One cell. `file_text` is what the file has, None if nobody changed the cell."""

    text: str
    issues: tuple[GridIssue, ...] = ()
    file_text: str | None = None

    @property
    def is_faulty(self) -> bool:
        """Whether the cell keeps its row out."""
        return any(issue.severity is Severity.ERROR for issue in self.issues)


class GridRow(msgspec.Struct, frozen=True):
    """One row of a page. `issues` are those that are about no single cell."""

    number: int
    version: int
    part: RowPart
    is_left_out: bool
    cells: tuple[GridCell, ...]
    issues: tuple[GridIssue, ...]


class GridReader:
    """Reads rows for a page that shows and edits them."""

    def __init__(self, journal: Journal, index: RowIndex) -> None:
        self._log = journal.edits
        self._index = index
        self._issue_cells = IssueCells(journal.metadata.mapping.columns)

    def read_rows(self, numbers: Sequence[int]) -> list[GridRow]:
        """Return the rows with these numbers, in this order."""
        rows = self._log.read_rows(numbers)
        count_same = cache(self._index.count_same)  # most problems of a page are in many of its rows
        return [self._build_row(rows[number], count_same) for number in numbers if number in rows]

    def _build_row(self, row: EditableRow, count_same: Callable[[CellProblem], int]) -> GridRow:
        found = decode_issues(row.issues)
        columns = self._issue_cells.find_columns(found, row.cells) if found else []
        by_column: dict[int, list[GridIssue]] = {}
        for issue, column in zip(found, columns, strict=True):
            by_column.setdefault(column, []).append(self._build_issue(row, issue, column, count_same))
        cells = tuple(
            GridCell(text, tuple(by_column.get(at, ())), in_file if in_file != text else None)
            for at, (text, in_file) in enumerate(zip(row.cells, row.file_cells, strict=True))
        )
        return GridRow(
            number=row.number,
            version=row.version,
            part=find_part(row.verdict, found),
            is_left_out=row.is_left_out,
            cells=cells,
            issues=tuple(by_column.get(NO_COLUMN, ())),
        )

    def _build_issue(
        self, row: EditableRow, issue: Issue, column: int, count_same: Callable[[CellProblem], int]
    ) -> GridIssue:
        same = 1
        if column != NO_COLUMN:
            same = count_same(CellProblem(issue.machine_code, column, row.cells[column]))
        return GridIssue(issue, same)
