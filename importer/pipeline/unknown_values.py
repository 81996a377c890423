"""Values that the account does not have: each is asked about once where a person is there, and its rows judged again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from importer.issues import IssueCode, select_reader_issues
from importer.journal.run_journal import Journal
from importer.models.row import SourceRow, split_into_blocks
from importer.models.status import RowStatus
from importer.pipeline.context import RunContext
from importer.pipeline.decide_mapping import group_titles_by_field, remember_answers
from importer.pipeline.observer import UnknownValue
from importer.reader.row_processor import ProcessorConfig, RowProcessor
from importer.settings import Settings

_UNKNOWN = frozenset({IssueCode.UNKNOWN, IssueCode.LEFT_OUT_UNKNOWN})


def resolve_unknown_values(
    journal: Journal, config: ProcessorConfig, settings: Settings, context: RunContext
) -> None:
    """Ask once about each value that the account does not have, and judge its rows again with the answers."""
    if context.prompter is None:
        return
    unknown = _unknown_titles(journal, group_titles_by_field(config.titles))
    answers = context.prompter.choose_titles(unknown) if unknown else {}
    if not answers:
        return
    mapping = journal.metadata.mapping
    values = {field: {**mapping.values.get(field, {}), **pairs} for field, pairs in answers.items()}
    mapping = msgspec.structs.replace(mapping, values={**mapping.values, **values})
    journal.set_mapping(mapping)
    remember_answers(mapping, settings, context.observer)
    again = msgspec.structs.replace(config, mapping=mapping, limit=None)
    for batch in list(RowProcessor(again).process(split_into_blocks(_rows_with_unknown(journal)))):
        journal.stage(batch)


def _unknown_titles(journal: Journal, titles: dict[str, tuple[str, ...]]) -> list[UnknownValue]:
    """The distinct unknown values, the commonest first."""
    counted = Counter(
        (issue.field, issue.column, issue.value)
        for outcome in journal.read_report_rows()
        for issue in outcome.issues
        if issue.code in _UNKNOWN
    )
    return [
        UnknownValue(field, column, value, rows, titles.get(field, ()))
        for (field, column, value), rows in counted.most_common()
    ]


def _rows_with_unknown(journal: Journal) -> Iterator[SourceRow]:
    for outcome in journal.read_report_rows():
        if outcome.status is not RowStatus.DUPLICATE and any(
            issue.code in _UNKNOWN for issue in outcome.issues
        ):
            yield SourceRow(outcome.number, outcome.cells, select_reader_issues(outcome.issues))
