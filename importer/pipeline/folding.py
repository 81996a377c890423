"""Rows that share a phone, settled over the whole file before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from importer.issues import IssueCode
from importer.journal.run_journal import Journal
from importer.models.row import NewVerdict
from importer.pipeline.observer import NameConflict, RunObserver
from importer.settings import DuplicatesPolicy
from importer.validator.deduplicate import deduplicate_group

_GROUPS_AT_ONCE = 500
_SHOWN_NAMES = 3


def deduplicate_rows(journal: Journal, duplicates: DuplicatesPolicy, observer: RunObserver) -> None:
    """Fold every group of accepted rows with one phone as the policy says.

    Whoever watches is told the first of the rows that were merged with one of another name.
    """
    column = next(iter(journal.metadata.mapping.find_columns("customer_phone")), None)
    header = column.header if column else ""
    groups = journal.staging.read_phone_groups()
    first: list[NameConflict] = []
    while some := list(islice(groups, _GROUPS_AT_ONCE)):
        folded = [row for group in some for row in deduplicate_group(group, duplicates, header=header)]
        journal.staging.update_verdicts(folded)
        first = sorted([*first, *_other_names(folded)], key=lambda row: row.number)[:_SHOWN_NAMES]
    observer.on_rows_merged(first)


def _other_names(rows: Sequence[NewVerdict]) -> Iterator[NameConflict]:
    """Those of the rows that were merged with one of another name."""
    for row in rows:
        for issue in row.issues:
            if issue.code == IssueCode.OTHER_NAME:
                yield NameConflict(row.number, issue.value, issue.hint)
