"""Collect what the page shows beside the counts: a bounded amount, however long the sheet is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from importer.issues import Issue, IssueCode, Severity
from importer.models.delivery import ReportRow
from importer.models.status import RowStatus

MAX_LISTED_ROWS = 1_000
MAX_VALUES = 5_000  # distinct unknown values that are counted


class _StageAndGroup(msgspec.Struct, gc=False):
    """The part of a request's body that the page counts; the rest of it is skipped."""

    lead_stage_name: str | None = None
    lead_group_name: str | None = None


_parse_stage_and_group = msgspec.json.Decoder(_StageAndGroup).decode

_VALUE_CODES = frozenset(
    {
        IssueCode.UNKNOWN,
        IssueCode.DISABLED,
        IssueCode.AMBIGUOUS,
        IssueCode.LEFT_OUT_UNKNOWN,
        IssueCode.LEFT_OUT_DISABLED,
        IssueCode.LEFT_OUT_AMBIGUOUS,
    }
)
"""Codes about a dropdown value that does not exist in the account, or not as one of its active values."""


class Findings:
    """The rows that did not go in, unknown values, problems by column, and leads by stage and group."""

    def __init__(self) -> None:
        self.listed_rows: list[ReportRow] = []
        self.failed_count = 0
        self.unknown_values: Counter[Issue] = Counter()
        self.problems_by_column: Counter[str] = Counter()
        self.leads_by_stage: Counter[str] = Counter()
        self.leads_by_group: Counter[str] = Counter()

    def add(self, row: ReportRow) -> None:
        """Add one row. Rows that were not tried and have no issue are not listed: there may be thousands."""
        if row.status is RowStatus.ACCEPTED:
            assert row.body is not None
            self.add_accepted([row.body])
        elif row.status is not RowStatus.DUPLICATE and (row.issues or row.status is not RowStatus.PENDING):
            self.failed_count += 1
            if len(self.listed_rows) < MAX_LISTED_ROWS:
                self.listed_rows.append(row)
        for issue in row.issues:
            self._add_issue(issue)

    def add_accepted(self, bodies: Iterable[str]) -> None:
        """Count the stages and groups of accepted rows, from the JSON bodies of their requests."""
        leads = list(map(_parse_stage_and_group, bodies))
        self.leads_by_stage.update(filter(None, [lead.lead_stage_name for lead in leads]))
        self.leads_by_group.update(filter(None, [lead.lead_group_name for lead in leads]))

    def _add_issue(self, issue: Issue) -> None:
        if issue.column and issue.severity is not Severity.WARNING:
            self.problems_by_column[issue.column] += 1
        if issue.code in _VALUE_CODES and (
            issue in self.unknown_values or len(self.unknown_values) < MAX_VALUES
        ):
            self.unknown_values[issue] += 1
