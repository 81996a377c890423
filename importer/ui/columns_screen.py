"""Screen 2: which column goes to which field, the unsure ones first, and where the leads come from."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from starlette.responses import Response

from importer.errors import MappingError
from importer.fields import FIELDS
from importer.journal.run_journal import Journal
from importer.loader.mapping.column_chooser import needs_confirmation
from importer.loader.mapping.map_file import make_column_key
from importer.messages import ui_messages
from importer.models.mapping import ColumnChoice
from importer.models.status import SHEET_COLUMN
from importer.models.task import TaskType
from importer.pipeline.column_questions import make_readable_name
from importer.pipeline.questions import YES
from importer.ui.run_steps import start_check
from importer.ui.sheet_previews import MatchedSheet
from importer.ui.visit import Form, Visit, show, write

_PHONE_FIELDS = frozenset({"customer_phone", "add_phones"})
_FIELD_PREFIX = "field:"


class ShownColumn(NamedTuple):
    """A column of the sheet. `key` names it in the options of a run, also if two have the same header."""

    key: str
    choice: ColumnChoice
    is_unsure: bool

    @property
    def form_name(self) -> str:
        """The name of its field in the form. Encoded: browsers change line breaks in names, and pages hide characters."""
        return f"{_FIELD_PREFIX}{quote(self.key)}"


def show_columns(visit: Visit) -> Response:
    """Show every column with its samples, its field and the reason."""
    preparation = visit.workspace.preparations.get(visit.run_id)
    matched = _match(visit)
    columns = _list_columns(matched)
    mapping = matched.decision.mapping
    source = preparation.options.get("default", {}).get("source")
    return visit.render(
        "columns.html",
        step="columns",
        preparation=preparation,
        unsure=[column for column in columns if column.is_unsure],
        sure=[column for column in columns if not column.is_unsure and column.choice.field],
        left_out=[column for column in columns if not column.is_unsure and not column.choice.field],
        fields=FIELDS,
        asks_for_source=not mapping.find_columns("source")
        and (source is not None or "source" not in mapping.defaults),
        source=make_readable_name(preparation.file) if source is None else source,
        task_types=[one.value for one in TaskType],
        task=preparation.options.get("task", ""),
        due=preparation.options.get("due", ""),
        notices=[notice.text for notice in matched.decision.notices],
        edited=_count_edited_rows(visit),
    )


def _count_edited_rows(visit: Visit) -> int:
    """Return how many rows of an earlier check a person has changed: checking again reads the file without that."""
    if not visit.workspace.find_place(visit.run_id).can_edit:
        return 0
    with Journal.open_unverified(visit.folder) as journal:
        return journal.edits.count_rows()


def _match(visit: Visit) -> MatchedSheet:
    preparation = visit.workspace.preparations.get(visit.run_id)
    credentials = visit.workspace.accounts.find(is_practice=preparation.is_practice)
    titles = visit.workspace.accounts.get_titles(credentials)
    return visit.workspace.previews.match(preparation, visit.workspace.resolve(preparation), titles)


def _list_columns(matched: MatchedSheet) -> list[ShownColumn]:
    return [
        ShownColumn(make_column_key(matched.headers, column.index), column, needs_confirmation(column))
        for column in matched.decision.mapping.columns
        if column.header != SHEET_COLUMN
    ]


def check_columns(visit: Visit) -> Response:
    """Keep the columns as they were chosen, and check all rows."""
    preparation = visit.workspace.preparations.get(visit.run_id)
    options: dict[str, Any] = {
        **preparation.options,
        **_read_task(visit.form),
        "column": _read_columns(visit.form, _match(visit), preparation.options.get("column", {})),
        "rest": "info",  # shown as such, so nobody need be asked
    }
    answers = dict(preparation.answers)
    answers["saved map",] = YES
    if "source" in visit.form:
        answers["source",] = visit.form.get("source").strip()
        defaults = options.get("default", {}) | {"source": answers["source",]}
        options["default"] = {name: value for name, value in defaults.items() if value}
    changed = {name: value for name, value in options.items() if value is not None}
    preparation = preparation.change(options=changed, answers=tuple(answers.items()), is_settled=True)
    visit.workspace.preparations.save(preparation)
    start_check(visit.workspace, preparation)
    return visit.redirect(f"/runs/{preparation.run_id}")


def _read_columns(form: Form, matched: MatchedSheet, named: dict[str, str]) -> dict[str, str]:
    """Return the fields of the columns that a person has chosen, now or before. Raises MappingError without a phone."""
    chosen = {unquote(name): field for name, field in form.get_prefixed(_FIELD_PREFIX).items()}
    if not _PHONE_FIELDS & set(chosen.values()):
        raise MappingError(*ui_messages.NO_PHONE_CHOSEN)
    changed = {
        column.key: chosen[column.key]
        for column in _list_columns(matched)
        if column.key in chosen and (column.is_unsure or chosen[column.key] != column.choice.field)
    }
    return {**named, **changed}


def _read_task(form: Form) -> dict[str, str | None]:
    """Return the options of the follow-up tasks, None for no task."""
    task = form.get("task") or None
    return {"task": task, "due": form.get("due").strip() or None if task else None}


ROUTES = [
    show("/runs/{run_id}/columns", show_columns),
    write("/runs/{run_id}/columns", check_columns),
]
