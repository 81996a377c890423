"""Judge every row of the sheet into the journal, and compare the rows that share a phone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from importer.errors import EmptySheetError, UnreadableFileError
from importer.issues import IssueCode
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata
from importer.loader.rows.cell_policy import CellPolicy
from importer.messages import run_messages
from importer.models.mapping import Mapping
from importer.models.row import NewVerdict, name_row
from importer.pipeline.context import NameConflict, RunContext
from importer.pipeline.task_options import add_task_rules
from importer.reader.protocol import ReadEnd
from importer.reader.row_processor import ProcessorConfig
from importer.reader.source import Sheet
from importer.validator.deduplicate import deduplicate_group

_GROUPS_PER_COMMIT = 500
_MAX_CONFLICTS = 3  # shown to a person; results.csv has them all


def require_rows(sheet: Sheet, *, allow_empty: bool) -> None:
    """Raise EmptySheetError if the sheet has no rows below its header, unless `allow_empty` is set."""
    if sheet.is_empty and not allow_empty:
        raise EmptySheetError(*run_messages.NO_ROWS.format(file=sheet.file))


def make_processor_config(metadata: RunMetadata, context: RunContext, limit: int | None) -> ProcessorConfig:
    """Return what the reading process must know to judge rows. `limit` is the number of rows to read, None for all.

    Due dates are read as of the time at which the run began: rows that are judged again get the same.
    """
    settings = context.settings
    return ProcessorConfig(
        mapping=add_task_rules(metadata.mapping, settings, metadata.started),
        titles=context.titles,
        region=settings.region,
        unknown=settings.unknown,
        cells=CellPolicy(bad_cells=settings.bad_cells, ranges=settings.ranges),
        limit=limit,
    )


def stage_rows(journal: Journal, sheet: Sheet, context: RunContext) -> None:
    """Judge the rows and write them to the journal. Raises UnreadableFileError if a row is lost on the way."""
    config = make_processor_config(journal.metadata, context, context.settings.limit)
    staged = 0
    for batch in sheet.reader.judge(config):
        journal.staging.stage(batch)
        staged += len(batch)
        context.observer.on_rows_judged(staged)
    end = sheet.reader.end
    assert end is not None
    _check_no_row_lost(sheet, end, staged, journal.staging.count_rows())
    _add_late_notices(journal, sheet, end, context)


def _check_no_row_lost(sheet: Sheet, end: ReadEnd, staged: int, written: int) -> None:
    """Raise unless as many rows were read, received and written (guarantee "Conservation")."""
    if not end.rows == staged == written:
        text = run_messages.LOST_ROWS.format(file=sheet.file, read=end.rows, staged=written)
        raise UnreadableFileError(*text)


def _add_late_notices(journal: Journal, sheet: Sheet, end: ReadEnd, context: RunContext) -> None:
    """Keep the notices of the whole sheet, and tell the observer those that its first rows did not give."""
    early = sheet.preview.notices
    if late := [notice for notice in end.notices if notice not in early]:
        context.observer.on_notices(late)
    others = tuple(notice for notice in journal.metadata.notices if notice not in early)
    journal.run.set_notices(end.notices + others)


def deduplicate_rows(journal: Journal, context: RunContext) -> None:
    """Decide about every group of valid rows with one phone, as the duplicates policy says.

    The observer gets the first rows that were merged with a row of another name.
    """
    header = get_phone_header(journal.metadata.mapping)
    groups = journal.staging.read_phone_groups()
    conflicts: list[NameConflict] = []
    while batch := list(islice(groups, _GROUPS_PER_COMMIT)):
        verdicts = [
            verdict
            for group in batch
            for verdict in deduplicate_group(
                group, context.settings.duplicates, header=header, sheets=journal.metadata.sheets
            )
        ]
        journal.staging.update_verdicts(verdicts)
        conflicts += _find_name_conflicts(verdicts, journal.metadata.sheets)
        conflicts = sorted(conflicts, key=lambda conflict: conflict.number)[:_MAX_CONFLICTS]
    context.observer.on_rows_merged(conflicts)


def get_phone_header(mapping: Mapping) -> str:
    """Return the header of the column with the leads' own phones, for the sentences about rows that share one."""
    column = next(iter(mapping.find_columns("customer_phone")), None)
    return column.header if column else ""


def _find_name_conflicts(rows: Sequence[NewVerdict], sheets: Sequence[str]) -> Iterator[NameConflict]:
    for row in rows:
        for issue in row.issues:
            if issue.code == IssueCode.OTHER_NAME:
                yield NameConflict(row.number, name_row(row.number, sheets), issue.value, issue.hint)
