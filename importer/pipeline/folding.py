"""Rows that share a phone, settled over the whole file before anything is sent."""

from __future__ import annotations

from itertools import islice

from importer.journal import Journal
from importer.settings import Duplicates
from importer.validator import fold

_GROUPS_AT_ONCE = 500


def fold_shared_phones(journal: Journal, duplicates: Duplicates) -> None:
    """Fold every group of accepted rows with one phone as the policy says."""
    column = next(iter(journal.header.mapping.columns_of("customer_phone")), None)
    header = column.header if column else ""
    groups = journal.shared_phones()
    while some := list(islice(groups, _GROUPS_AT_ONCE)):
        journal.rejudge([row for group in some for row in fold(group, duplicates, header=header)])
