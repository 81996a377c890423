"""Decides what a cell that cannot be read, or an amount that is a range, does to its row."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from importer.issues import Issue, IssueCode, describe_issue
from importer.loader.cells.due_dates import MovedDue
from importer.loader.cells.numeric_cells import AmountRange
from importer.loader.cells.person_names import NameAboveLines
from importer.loader.cells.phones import is_name_not_phone
from importer.loader.cells.text import CellError
from importer.messages.issue_messages import LOWER_END, UPPER_END
from importer.models.mapping import OWNER_FIELD
from importer.settings import BadCellsPolicy, RangesPolicy

_NOT_AVAILABLE = "#N/A"  # what VLOOKUP shows if it found nothing: the person knows no value


class ReadCell(NamedTuple):
    """What becomes of a cell that is not simply a value: an issue, and perhaps a value or a line of additional info."""

    issue: Issue
    value: Any = None
    info: str = ""


class CellPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The options --bad-cells and --ranges."""

    bad_cells: BadCellsPolicy = "reject"
    ranges: RangesPolicy = "info"

    def apply(
        self, field: str, header: str, text: str, found: CellError | AmountRange | NameAboveLines | MovedDue
    ) -> ReadCell:
        """Return what becomes of a cell with this text. `found` is what its reader made of it."""
        if isinstance(found, MovedDue):
            return ReadCell(Issue(field, IssueCode.DUE_MOVED, header, text, found.words), value=found.due_at)
        if isinstance(found, NameAboveLines):
            issue = Issue(field, IssueCode.LINES_KEPT_AS_INFO, header, found.lines)
            return ReadCell(issue, value=found.name, info=found.lines)
        if isinstance(found, AmountRange):
            return self.apply_to_range(field, header, text, found)
        if field == OWNER_FIELD and is_name_not_phone(text, found):
            return ReadCell(Issue(field, IssueCode.UNKNOWN_OWNER, header, text), info=text)
        return ReadCell(
            self.apply_to_error(Issue(field, found.code, header, found.value or text, found.hint))
        )

    def apply_to_error(self, issue: Issue) -> Issue:
        """Return the issue of a cell that cannot be read: an error, or a warning if only the cell is left out."""
        if issue.field == "customer_phone":
            return issue
        if issue.code == IssueCode.ERROR_VALUE and issue.value.strip() == _NOT_AVAILABLE:
            return msgspec.structs.replace(issue, code=IssueCode.COUNTED_AS_EMPTY)
        return leave_out_cell(issue) if self.bad_cells == "drop" else issue

    def apply_to_range(self, field: str, header: str, text: str, amounts: AmountRange) -> ReadCell:
        """Return what becomes of an amount that is a range. An end that is open cannot be taken."""
        end, name = (amounts.low, LOWER_END) if self.ranges == "low" else (amounts.high, UPPER_END)
        if self.ranges == "reject":
            error = Issue(field, IssueCode.NOT_A_NUMBER, header, text)
            return ReadCell(self.apply_to_error(error))
        if self.ranges == "info" or end is None:
            return ReadCell(Issue(field, IssueCode.RANGE_KEPT_AS_INFO, header, text), info=text)
        return ReadCell(Issue(field, IssueCode.RANGE_END_USED, header, text, name), value=end)


READ_BY_POLICY = frozenset({CellError, AmountRange, NameAboveLines, MovedDue})
"""The types of values that `CellPolicy.apply` must decide about. They take the slow path."""

DEFAULT_CELL_POLICY = CellPolicy()
"""The policy of a run without options."""


def leave_out_cell(issue: Issue) -> Issue:
    """Return the warning in place of an error, with the sentence of the error as its reason."""
    return msgspec.structs.replace(issue, code=IssueCode.LEFT_OUT_BAD_CELL, hint=describe_issue(issue))
