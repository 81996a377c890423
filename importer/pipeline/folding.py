"""Rows that share a phone, settled over the whole file before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from importer.journal import Journal
from importer.models import Rejudged
from importer.pipeline.watch import OtherName, Watch
from importer.settings import Duplicates
from importer.validator import fold

_GROUPS_AT_ONCE = 500
_SHOWN_NAMES = 3


def fold_shared_phones(journal: Journal, duplicates: Duplicates, watch: Watch) -> None:
    """Fold every group of accepted rows with one phone as the policy says.

    Whoever watches is told the first of the rows that were merged with one of another name.
    """
    column = next(iter(journal.header.mapping.columns_of("customer_phone")), None)
    header = column.header if column else ""
    groups = journal.shared_phones()
    first: list[OtherName] = []
    while some := list(islice(groups, _GROUPS_AT_ONCE)):
        folded = [row for group in some for row in fold(group, duplicates, header=header)]
        journal.rejudge(folded)
        first = sorted([*first, *_other_names(folded)], key=lambda row: row.number)[:_SHOWN_NAMES]
    watch.merged(first)


def _other_names(rows: Sequence[Rejudged]) -> Iterator[OtherName]:
    """Those of the rows that were merged with one of another name."""
    for row in rows:
        for issue in row.issues:
            if issue.code == "other_name":
                yield OtherName(row.number, issue.value, issue.hint)
