"""What people answer about a sheet: ask about values and cells, and remember how it was read for the next sheet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import msgspec

from importer.errors import DiskWriteError
from importer.issues import IssueCode, is_blocking, is_optional_cell_error, select_reader_issues
from importer.journal.run_journal import Journal
from importer.loader.mapping.map_file import get_map_path, has_real_headers, remember_map, save_map
from importer.loader.mapping.sheet_mappings import change_each_sheet, split_sheets
from importer.messages import run_messages
from importer.models.delivery import ReportRow
from importer.models.mapping import (
    OWNER_FIELD,
    Mapping,
    MatchSource,
    get_unique_titles,
    group_titles_by_field,
)
from importer.models.row import BLOCK_ROWS, SourceRow, split_into_blocks
from importer.pipeline.context import RunContext, RunObserver
from importer.pipeline.judge_rows import make_processor_config
from importer.pipeline.questions import BadCells, UnknownValue
from importer.reader.protocol import SheetPreview
from importer.reader.row_processor import RowProcessor
from importer.settings import Settings, is_explicit

_UNKNOWN_CODES = frozenset({IssueCode.UNKNOWN, IssueCode.LEFT_OUT_UNKNOWN})

_DOUBT_CODES = frozenset({IssueCode.SHORTENED, IssueCode.DRAGGED})
_MAX_EXAMPLES = 3  # sentences about cells that cannot be read, before the question about them

MAPS_FOLDER = "maps"
"""Folder of the reports folder that holds saved answers, one map for each set of headers."""


def resolve_unknown_values(journal: Journal, context: RunContext) -> None:
    """Ask about each unknown value, if somebody can be asked, and judge its rows again with the answers."""
    if context.prompter is None:
        return
    unknown = _count_unknown_values(journal, group_titles_by_field(get_unique_titles(context.titles)))
    answers = context.prompter.choose_titles(unknown) if unknown else {}
    if answers:
        journal.run.set_mapping(_add_answers(journal.metadata.mapping, answers))
        judge_again(journal, context, _has_unknown_value)


def resolve_bad_cells(journal: Journal, context: RunContext) -> None:
    """Ask whether rows may go in without their cells that cannot be read, and judge them again if so.

    Nobody is asked who has said with --bad-cells what to do.
    """
    settings, prompter = context.settings, context.prompter
    if prompter is None or settings.bad_cells == "drop" or is_explicit(settings, "bad_cells"):
        return
    rows = (row for row in journal.reports.read_rows() if _is_rejected_for_optional_cells(row))
    first = list(islice(rows, _MAX_EXAMPLES))
    if not first:
        return
    examples = tuple(row.sentences[0] for row in first)
    if prompter.confirm_drop_bad_cells(BadCells(len(first) + sum(1 for _ in rows), examples)):
        journal.run.change_metadata(options={**journal.metadata.options, "bad_cells": "drop"})
        dropping = context.replace(settings=settings.replace(bad_cells="drop"))
        judge_again(journal, dropping, _is_rejected_for_optional_cells)


def _is_rejected_for_optional_cells(row: ReportRow) -> bool:
    blocking = [issue.machine_code for issue in row.issues if is_blocking(issue.machine_code)]
    return bool(blocking) and all(map(is_optional_cell_error, blocking))


def _count_unknown_values(journal: Journal, titles: dict[str, tuple[str, ...]]) -> list[UnknownValue]:
    """Return the distinct unknown values by field, the most frequent of each field first."""
    counted = Counter(
        (issue.field, issue.column, issue.value)
        for row in journal.reports.read_rows()
        for issue in row.issues
        if issue.code in _UNKNOWN_CODES
    )
    return [
        UnknownValue(field, column, value, rows, titles.get(field, ()))
        for (field, column, value), rows in sorted(counted.most_common(), key=lambda item: item[0][0])
    ]


def _add_answers(mapping: Mapping, answers: dict[str, dict[str, str]]) -> Mapping:
    def add(one: Mapping) -> Mapping:
        values = {field: {**one.values.get(field, {}), **pairs} for field, pairs in answers.items()}
        return msgspec.structs.replace(one, values={**one.values, **values})

    return change_each_sheet(mapping, add)


def _has_unknown_value(row: ReportRow) -> bool:
    return any(issue.code in _UNKNOWN_CODES for issue in row.issues)


def judge_again(journal: Journal, context: RunContext, is_selected: Callable[[ReportRow], bool]) -> None:
    """Judge some rows of the journal again, before rows of one phone are merged.

    They are read and written a block at a time: it may be every row of a long sheet.
    """
    processor = RowProcessor(make_processor_config(journal.metadata, context, None))
    numbers = [row.number for row in journal.reports.read_rows() if is_selected(row)]
    for start in range(0, len(numbers), BLOCK_ROWS):
        rows = journal.reports.read_selected(numbers[start : start + BLOCK_ROWS])
        for batch in processor.process(split_into_blocks(map(to_source_row, rows))):
            journal.staging.stage(batch)


def to_source_row(row: ReportRow) -> SourceRow:
    """Return a row as it was typed, with the issues that its cells alone do not show again.

    A row may have been rejected because another person has the same shortened number, or because its number was dragged.
    Alone and without that issue, it would overwrite the other person's lead.
    """
    doubts = (issue for issue in row.issues if issue.code in _DOUBT_CODES)
    return SourceRow(row.number, row.cells, (*select_reader_issues(row.issues), *doubts))


def find_remembered_map(preview: SheetPreview, settings: Settings) -> Path | None:
    """Return the map with the answers for an earlier sheet with these headers; None if --map names another map."""
    path = get_map_path(Path(settings.reports) / MAPS_FOLDER, preview.headers)
    return path if settings.map is None and has_real_headers(preview.headers) and path.is_file() else None


def remember_mapping(mapping: Mapping, settings: Settings, observer: RunObserver) -> None:
    """Remember how a sheet that is sent now was read, for the next sheet with these headers. Raises DiskWriteError.

    A mapping without any decision of a person is only remembered if it replaces an earlier one. With --map nothing is
    remembered: that file is the user's. Of several sheets, each is remembered by its own headers.
    """
    if settings.map is not None:
        return
    folder = Path(settings.reports) / MAPS_FOLDER
    try:
        saved = [_remember_sheet(folder, one) for one in split_sheets(mapping)]
        for path in dict.fromkeys(saved):
            if path is not None:
                observer.on_answers_saved(path)
    except OSError as error:
        text = run_messages.ANSWERS_NOT_SAVED.format(folder=folder, reason=error.strerror)
        raise DiskWriteError(*text) from error


def _remember_sheet(folder: Path, mapping: Mapping) -> Path | None:
    """Save the mapping of one sheet, and return its file if it has changed."""
    headers = [column.header for column in mapping.columns]
    if not has_real_headers(headers):
        return None
    path = get_map_path(folder, headers)
    before = path.read_bytes() if path.is_file() else None
    if before is None and not _has_decision(mapping):
        return None
    remember_map(folder, mapping)
    return path if path.read_bytes() != before else None


def _has_decision(mapping: Mapping) -> bool:
    """Return whether a person named a column, with --column or in an answer, or said what a value means."""
    return bool(mapping.values) or any(column.source is MatchSource.OPTION for column in mapping.columns)


def forget_mapping(path: Path) -> None:
    """Delete a remembered map. Raises DiskWriteError."""
    try:
        path.unlink()
    except OSError as error:
        text = run_messages.ANSWERS_NOT_FORGOTTEN.format(path=path, reason=error.strerror)
        raise DiskWriteError(*text) from error


def save_final_mapping(journal: Journal, context: RunContext) -> None:
    """Write the mapping, with all answers, to the file that --save names."""
    if context.settings.save:
        save_mapping(Path(context.settings.save), _write_out_owners(journal.metadata.mapping))


def _write_out_owners(mapping: Mapping) -> Mapping:
    """Return the mapping with the phones of owners among its values: a map has no other place for them."""
    owners = mapping.get_replacements(OWNER_FIELD)
    values = {**mapping.values, OWNER_FIELD: owners} if owners else mapping.values
    return msgspec.structs.replace(mapping, values=values)


def save_mapping(path: Path, mapping: Mapping) -> None:
    """Write a mapping to a map file. Raises DiskWriteError."""
    try:
        save_map(path, mapping)
    except OSError as error:
        text = run_messages.MAP_NOT_SAVED.format(path=path, reason=error.strerror)
        raise DiskWriteError(*text) from error
