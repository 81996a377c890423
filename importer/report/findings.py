"""What the page shows beside the counts, collected while the rows pass: a bounded amount, however long the sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from importer.issues import Issue, IssueCode, Severity
from importer.models.delivery import ReportRow
from importer.models.status import RowStatus

MOST_ROWS = 1_000
MOST_VALUES = 5_000  # distinct bad values counted


class _Place(msgspec.Struct, gc=False):
    """The part of a request's body that the page counts; the rest of it is passed over."""

    lead_stage_name: str | None = None
    lead_group_name: str | None = None


_place_of = msgspec.json.Decoder(_Place).decode


class Findings:
    """Rows that did not go in, bad values, problems by column, rows by stage and group."""

    def __init__(self) -> None:
        self.rows: list[ReportRow] = []
        self.not_in = 0
        self.values: Counter[Issue] = Counter()
        self.by_column: Counter[str] = Counter()
        self.stages: Counter[str] = Counter()
        self.groups: Counter[str] = Counter()

    def add(self, outcome: ReportRow) -> None:
        """Look at one row."""
        if outcome.status is RowStatus.ACCEPTED:
            assert outcome.body is not None
            self.add_accepted([outcome.body])
        elif outcome.status is not RowStatus.DUPLICATE and (
            outcome.issues or outcome.status is not RowStatus.PENDING
        ):
            self.not_in += 1
            if len(self.rows) < MOST_ROWS:
                self.rows.append(outcome)
        for issue in outcome.issues:
            self._add_issue(issue)

    def add_accepted(self, bodies: Iterable[str]) -> None:
        """Where in the account accepted rows went."""
        places = list(map(_place_of, bodies))
        self.stages.update(filter(None, [place.lead_stage_name for place in places]))
        self.groups.update(filter(None, [place.lead_group_name for place in places]))

    def _add_issue(self, issue: Issue) -> None:
        if issue.column and issue.severity is not Severity.WARNING:
            self.by_column[issue.column] += 1
        if issue.code in _ABOUT_VALUES and (issue in self.values or len(self.values) < MOST_VALUES):
            self.values[issue] += 1


_ABOUT_VALUES = frozenset(
    {
        IssueCode.UNKNOWN,
        IssueCode.DISABLED,
        IssueCode.AMBIGUOUS,
        IssueCode.LEFT_OUT_UNKNOWN,
        IssueCode.LEFT_OUT_DISABLED,
        IssueCode.LEFT_OUT_AMBIGUOUS,
    }
)
