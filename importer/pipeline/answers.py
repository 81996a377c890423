"""What people answer about a sheet: ask about unknown values, and save all answers for the next sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from importer.errors import DiskWriteError
from importer.issues import IssueCode, select_reader_issues
from importer.journal.run_journal import Journal
from importer.loader.mapping.map_file import get_map_path, has_real_headers, remember_map, save_map
from importer.messages import run_messages
from importer.models.delivery import ReportRow
from importer.models.mapping import Mapping, group_titles_by_field
from importer.models.row import SourceRow, split_into_blocks
from importer.models.status import RowStatus
from importer.pipeline.context import RunContext, RunObserver, UnknownValue
from importer.pipeline.judge_rows import make_processor_config
from importer.reader.protocol import SheetPreview
from importer.reader.row_processor import RowProcessor
from importer.settings import Settings

_UNKNOWN_CODES = frozenset({IssueCode.UNKNOWN, IssueCode.LEFT_OUT_UNKNOWN})

MAPS_FOLDER = "maps"
"""Folder of the reports folder that holds saved answers, one map for each set of headers."""


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


def find_remembered_map(preview: SheetPreview, settings: Settings) -> Path | None:
    """Return the map with the answers for an earlier sheet with these headers; None if --map names another map."""
    path = get_map_path(Path(settings.reports) / MAPS_FOLDER, preview.headers)
    return path if settings.map is None and has_real_headers(preview.headers) and path.is_file() else None


def remember_answers(mapping: Mapping, settings: Settings, observer: RunObserver) -> None:
    """Save answers for the next sheet with these headers. With --map nothing is saved: that file is the user's.

    Raises DiskWriteError.
    """
    if settings.map is not None or not has_real_headers([column.header for column in mapping.columns]):
        return
    folder = Path(settings.reports) / MAPS_FOLDER
    try:
        observer.on_answers_saved(remember_map(folder, mapping))
    except OSError as error:
        text = run_messages.ANSWERS_NOT_SAVED.format(folder=folder, reason=error.strerror)
        raise DiskWriteError(*text) from error


def save_final_mapping(journal: Journal, context: RunContext) -> None:
    """Write the mapping, with all answers, to the file that --save names."""
    if context.settings.save:
        save_mapping(Path(context.settings.save), journal.metadata.mapping)


def save_mapping(path: Path, mapping: Mapping) -> None:
    """Write a mapping to a map file. Raises DiskWriteError."""
    try:
        save_map(path, mapping)
    except OSError as error:
        text = run_messages.MAP_NOT_SAVED.format(path=path, reason=error.strerror)
        raise DiskWriteError(*text) from error
