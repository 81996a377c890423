"""The options of the library's functions as types, so that editors complete them and type checkers read them.

They are the fields of `importer.settings.Settings` that make sense in a call; a test compares both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Literal, TypedDict

from importer.settings import (
    BadCellsPolicy,
    DriftPolicy,
    DuplicatesPolicy,
    EditedPolicy,
    ExistingMode,
    OpenTasksPolicy,
    RangesPolicy,
    RestPolicy,
    TaskFor,
    TaskTypeName,
    UnknownPolicy,
)


class SendingOptions(TypedDict, total=False):
    """The options of `resume_run` and `retry_run`, which already know their rows. None is the default."""

    rate: Literal["auto"] | float | None
    concurrency: int | None
    timeout: float | None
    max_wait: float | None
    reports: str | PurePath | None


class VerifyOptions(SendingOptions, total=False):
    """The options of `verify_run`. None is the default."""

    sample: str | None
    wait: float | None


class ApplyOptions(VerifyOptions, total=False):
    """The options of `apply_plan`. None is the default."""

    verify: bool | None
    max_age: float | None
    on_drift: DriftPolicy | None


class UndoOptions(VerifyOptions, total=False):
    """The options of `undo_run`. None is the default."""

    verify: bool | None
    max_age: float | None
    edited: EditedPolicy | None
    only: str | Sequence[str] | None
    rows: str | None
    mark_created: str | None


class ImportOptions(VerifyOptions, total=False):
    """The options of `run_import`, and of `check_file`, which ignores those about known leads and about reading back. None is the default."""

    sheet: str | int | Sequence[str | int] | None
    header_row: int | None
    encoding: str | None
    delimiter: str | None
    preset: str | None
    map: str | PurePath | None
    save: str | PurePath | None
    column: Mapping[str, str] | None
    default: Mapping[str, str | float] | None
    region: str | None
    create: bool | None
    duplicates: DuplicatesPolicy | None
    unknown: UnknownPolicy | None
    bad_cells: BadCellsPolicy | None
    ranges: RangesPolicy | None
    existing: ExistingMode | None
    policy: Mapping[str, str] | None
    changed: bool | None
    snapshot: bool | None
    task: TaskTypeName | None
    due: str | None
    notify: str | None
    hours: str | None
    days: str | None
    timezone: str | None
    per_day: int | None
    open_tasks: OpenTasksPolicy | None
    task_for: TaskFor | None
    rest: RestPolicy | None
    limit: int | None
    allow_empty: bool | None
    verify: bool | None
    run_id: str | None


class PlanOptions(ImportOptions, total=False):
    """The options of `plan_import`. None is the default."""

    look_up: str | None
