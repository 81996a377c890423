"""Ask once about each value that does not exist in the account, and judge its rows again with the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from importer.issues import IssueCode, select_reader_issues
from importer.journal.run_journal import Journal
from importer.models.delivery import ReportRow
from importer.models.mapping import Mapping
from importer.models.row import SourceRow, split_into_blocks
from importer.models.status import RowStatus
from importer.pipeline.context import RunContext
from importer.pipeline.decide_mapping import group_titles_by_field
from importer.pipeline.judge_rows import make_processor_config
from importer.pipeline.observer import UnknownValue
from importer.pipeline.saved_answers import remember_answers
from importer.reader.row_processor import RowProcessor

_UNKNOWN_CODES = frozenset({IssueCode.UNKNOWN, IssueCode.LEFT_OUT_UNKNOWN})


def resolve_unknown_values(journal: Journal, context: RunContext) -> None:
    """Ask about each unknown value, if somebody can be asked, and judge its rows again with the answers."""
    if context.prompter is None:
        return
    unknown = _count_unknown_values(journal, group_titles_by_field(context.titles))
    answers = context.prompter.choose_titles(unknown) if unknown else {}
    if not answers:
        return
    mapping = _add_answers(journal.metadata.mapping, answers)
    journal.run.set_mapping(mapping)
    remember_answers(mapping, context.settings, context.observer)
    config = make_processor_config(mapping, context, None)
    # All rows are read before the first is written again: both use one connection.
    for batch in list(RowProcessor(config).process(split_into_blocks(_read_rows_with_unknown(journal)))):
        journal.staging.stage(batch)


def _count_unknown_values(journal: Journal, titles: dict[str, tuple[str, ...]]) -> list[UnknownValue]:
    """Return the distinct unknown values, the most frequent first."""
    counted = Counter(
        (issue.field, issue.column, issue.value)
        for row in journal.reports.read_rows()
        for issue in row.issues
        if issue.code in _UNKNOWN_CODES
    )
    return [
        UnknownValue(field, column, value, rows, titles.get(field, ()))
        for (field, column, value), rows in counted.most_common()
    ]


def _add_answers(mapping: Mapping, answers: dict[str, dict[str, str]]) -> Mapping:
    values = {field: {**mapping.values.get(field, {}), **pairs} for field, pairs in answers.items()}
    return msgspec.structs.replace(mapping, values={**mapping.values, **values})


def _read_rows_with_unknown(journal: Journal) -> Iterator[SourceRow]:
    for row in journal.reports.read_rows():
        if row.status is not RowStatus.DUPLICATE and _has_unknown_value(row):
            yield SourceRow(row.number, row.cells, select_reader_issues(row.issues))


def _has_unknown_value(row: ReportRow) -> bool:
    return any(issue.code in _UNKNOWN_CODES for issue in row.issues)
