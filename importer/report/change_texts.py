"""Say what a plan does to a row: the column `_changes`, and the lines of changes.csv."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from importer.csv_injection import escape_formula, format_csv_record
from importer.fields import get_field_label
from importer.messages import format_count
from importer.messages import planning_messages as texts
from importer.models.delivery import ReportRow
from importer.models.row_plan import Effect, FieldChange, FieldCount, RowPlan
from importer.planner.plan_row import format_value

CHANGES_COLUMNS = ("_row", "_phone", "_lead", "field", "old", "new", "what")
"""The columns of changes.csv, in order."""

_MAX_SAMPLES = 3
_MAX_SAMPLE = 80  # characters of a value

_TEXTS = {
    Effect.FILL: texts.CHANGE_FILL,
    Effect.SET: texts.CHANGE_SET,
    Effect.ADD: texts.CHANGE_ADD,
    Effect.REMOVE: texts.CHANGE_REMOVE,
    Effect.SEND: texts.CHANGE_SEND,
    Effect.KEPT: texts.CHANGE_KEPT,
    Effect.EDITED: texts.CHANGE_EDITED,
    Effect.FOREIGN: texts.CHANGE_FOREIGN,
    Effect.CONFLICT: texts.CHANGE_CONFLICT,
}


def format_changes(plan: RowPlan) -> str:
    """Return what a plan does to the fields of a lead, "" if it does nothing. Fields that stay the same are not named."""
    return texts.CHANGE_SEPARATOR.join(
        _format_change(change) for change in plan.changes if change.effect is not Effect.SAME
    )


def format_change_lines(number: int, phone: str, lead_id: str, plan: RowPlan) -> Iterator[str]:
    """Yield a line of changes.csv for each field that a plan touches or leaves."""
    lead = escape_formula(lead_id)
    for change in plan.changes:
        if change.effect is not Effect.SAME:
            old, new = _format_cell(change.old), _format_cell(change.new)
            yield format_csv_record([number, phone, lead, change.field, old, new, change.effect.value])


class ChangeSamples:
    """The first values of each field that a plan replaces, for the page."""

    def __init__(self) -> None:
        self.by_field: dict[str, list[str]] = {}

    def add(self, row: ReportRow) -> None:
        """Add the replaced values of one row, as long as there are few."""
        for change in row.plan.changes if row.plan else ():
            samples = self.by_field.setdefault(change.field, [])
            if change.effect is Effect.SET and len(samples) < _MAX_SAMPLES:
                old, new = format_value(change.old)[:_MAX_SAMPLE], format_value(change.new)[:_MAX_SAMPLE]
                samples.append(texts.EXAMPLE.format(phone=row.phone, old=old, new=new))


def list_field_counts(
    counts: Iterable[FieldCount], words: Mapping[str, str] = texts.EFFECT_WORDS
) -> dict[str, str]:
    """Return `120 replaced, 30 filled` for each field that a plan touches or leaves on known leads."""
    by_field: dict[str, list[str]] = {}
    for found in counts:
        if what := words.get(found.what):
            count = texts.EFFECT_COUNT.format(count=format_count(found.count), what=what)
            by_field.setdefault(found.field, []).append(count)
    return {field: ", ".join(effects) for field, effects in by_field.items()}


class ChangesCsv:
    """changes.csv: a line for each field that a plan touches or leaves."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._file: TextIO = self._path.open("w", encoding="utf-8", newline="")
        self._file.write(f"\ufeff{format_csv_record(list(CHANGES_COLUMNS))}")
        return self

    def add(self, row: ReportRow) -> None:
        """Write the lines of one row."""
        if row.plan is not None:
            lines = format_change_lines(row.sheet_row, row.phone, row.lead_id, row.plan)
            self._file.write("".join(lines))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _format_change(change: FieldChange) -> str:
    is_cleared = change.effect is Effect.SET and change.new is None
    text = texts.CHANGE_CLEAR if is_cleared else _TEXTS[change.effect]
    old = format_value(change.old)
    return text.format(label=get_field_label(change.field), old=old, new=_format_new(change))


def _format_new(change: FieldChange) -> str:
    """Return the new value. Of a text that was appended to, only what is new: the old lines can be long."""
    new = format_value(change.new)
    if change.effect is Effect.ADD and isinstance(change.old, str):
        return new.removeprefix(change.old).strip()
    if change.effect is Effect.ADD and change.field == "email":
        return format_value([one for one in change.new if one not in (change.old or ())])
    return new


def _format_cell(value: Any) -> str:
    """Return a value of the sheet or of the CRM as a cell. Most leads are new, so most old values are None."""
    return "" if value is None else escape_formula(format_value(value))
