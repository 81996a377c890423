"""Columns that look like dates of follow-ups: no task is created from them unless a person asks for tasks.

A sheet with such a column is imported every day by people who never heard of tasks. Three thousand calls in the
calendars of a team cannot be taken back, because tasks can be completed, but not deleted.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from importer.fields import TASK_FIELDS
from importer.loader.mapping.rest_columns import REST_FIELD
from importer.messages import task_messages
from importer.models.mapping import ColumnChoice, Mapping, MatchSource, Notice, NoticeKind
from importer.pipeline.task_options import are_tasks_named
from importer.settings import Settings

_NAMED = frozenset({MatchSource.OPTION, MatchSource.MAP})
_CONFIDENCE = 0.9  # nobody is asked about the column as such


def leave_out_task_columns(mapping: Mapping, settings: Settings) -> Mapping:
    """Return the mapping with columns of tasks as additional info, unless a person asked for tasks."""
    named = [column for column in mapping.columns if column.source in _NAMED]
    if are_tasks_named(msgspec.structs.replace(mapping, columns=tuple(named)), settings):
        return mapping
    return msgspec.structs.replace(
        mapping, columns=tuple(_leave_out(column, settings) for column in mapping.columns)
    )


def find_due_column(mapping: Mapping) -> ColumnChoice | None:
    """Return the column whose dates could be those of tasks, if there is one."""
    columns = (column for column in mapping.columns if column.source is MatchSource.TASK)
    return next((column for column in columns if column.fill_rate), None)


def note_task_columns(mapping: Mapping) -> Iterator[Notice]:
    """Yield a notice about a column of due dates from which no task is created."""
    if (column := find_due_column(mapping)) is not None:
        yield Notice(NoticeKind.READ, task_messages.TASKS_NEED_OPTION.format(column=column.header))


def _leave_out(column: ColumnChoice, settings: Settings) -> ColumnChoice:
    if column.field not in TASK_FIELDS or column.source in _NAMED:
        return column
    is_due = column.field == "task_due"
    return msgspec.structs.replace(
        column,
        field=REST_FIELD if settings.rest == "info" and column.fill_rate else "",
        source=MatchSource.TASK if is_due else MatchSource.REST,
        confidence=_CONFIDENCE,
        reason=task_messages.COLUMN_WITHOUT_TASKS,
    )
