"""Values that the account does not have: each is asked about once where a person is there, and its rows judged again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from importer.issues import faults_of_reader
from importer.journal import Journal
from importer.models import SourceRow, Status, blocks_of
from importer.pipeline.mapping import keep, titles_by_field
from importer.pipeline.watch import UnknownTitle, Watch
from importer.settings import Settings
from importer.staging import Recipe, judge_rows

_UNKNOWN = frozenset({"unknown", "left_out_unknown"})


def settle_titles(journal: Journal, recipe: Recipe, settings: Settings, watch: Watch) -> None:
    """Ask once about each value that the account does not have, and judge its rows again with the answers."""
    unknown = _unknown_titles(journal, titles_by_field(recipe.titles)) if watch.asks else []
    answers = watch.choose_titles(unknown) if unknown else {}
    if not answers:
        return
    mapping = journal.header.mapping
    values = {field: {**mapping.values.get(field, {}), **pairs} for field, pairs in answers.items()}
    mapping = msgspec.structs.replace(mapping, values={**mapping.values, **values})
    journal.remap(mapping)
    keep(mapping, settings, watch)
    again = msgspec.structs.replace(recipe, mapping=mapping, limit=None)
    for batch in list(judge_rows(blocks_of(_rows_with_unknown(journal)), again)):
        journal.stage(batch)


def _unknown_titles(journal: Journal, titles: dict[str, tuple[str, ...]]) -> list[UnknownTitle]:
    """The distinct unknown values, the commonest first."""
    counted = Counter(
        (issue.field, issue.column, issue.value)
        for outcome in journal.outcomes()
        for issue in outcome.issues
        if issue.code in _UNKNOWN
    )
    return [
        UnknownTitle(field, column, value, rows, titles.get(field, ()))
        for (field, column, value), rows in counted.most_common()
    ]


def _rows_with_unknown(journal: Journal) -> Iterator[SourceRow]:
    for outcome in journal.outcomes():
        if outcome.status is not Status.DUPLICATE and any(issue.code in _UNKNOWN for issue in outcome.issues):
            yield SourceRow(outcome.number, outcome.cells, faults_of_reader(outcome.issues))
