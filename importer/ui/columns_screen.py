"""Screen 2: which column goes to which field, the unsure ones first, and where the leads come from."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import msgspec
from starlette.responses import Response

from importer.errors import MappingError
from importer.fields import FIELDS
from importer.journal.run_journal import Journal
from importer.loader.mapping.column_chooser import needs_confirmation
from importer.loader.mapping.map_file import make_column_key
from importer.messages import ui_messages
from importer.models.mapping import ColumnChoice, NoticeKind
from importer.models.status import SHEET_COLUMN
from importer.models.task import TaskType
from importer.pipeline.column_questions import make_readable_name
from importer.pipeline.decide_sheets import SavedAnswers
from importer.pipeline.preparations import Preparation
from importer.pipeline.questions import NO, YES, AnswerKey
from importer.pipeline.task_columns import find_due_column
from importer.ui.run_steps import start_check
from importer.ui.sheet_previews import MatchedSheet
from importer.ui.visit import Form, Visit, show, write

_PHONE_FIELDS = frozenset({"customer_phone", "add_phones"})
_FIELD_PREFIX = "field:"
_SAVED_MAP: AnswerKey = ("saved map",)


class ShownColumn(NamedTuple):
    """A column of the sheet. `key` names it in the options of a run, also if two have the same header."""

    key: str
    choice: ColumnChoice
    is_unsure: bool

    @property
    def form_name(self) -> str:
        """The name of its field in the form. Encoded: browsers change line breaks in names, and pages hide characters."""
        return f"{_FIELD_PREFIX}{quote(self.key)}"

    def choose(self, field: str | None) -> ShownColumn:
        """Return the column with another field; as it is for None."""
        return (
            self if field is None else self._replace(choice=msgspec.structs.replace(self.choice, field=field))
        )


class Chosen(NamedTuple):
    """What a person has chosen on this page: fields by the keys of their columns, and the rest of the form."""

    fields: Mapping[str, str]
    source: str | None
    task: str
    due: str


def show_columns(visit: Visit) -> Response:
    """Show every column with its samples, its field and the reason."""
    options = visit.workspace.preparations.get(visit.run_id).options
    source = options.get("default", {}).get("source")
    return _render_columns(visit, Chosen({}, source, options.get("task", ""), options.get("due", "")))


def _render_columns(visit: Visit, chosen: Chosen, error: MappingError | None = None) -> Response:
    """Show the columns as they were chosen. `error` says what cannot be done with this choice."""
    preparation = visit.workspace.preparations.get(visit.run_id)
    matched = _match(visit)
    columns = [column.choose(chosen.fields.get(column.key)) for column in _list_columns(matched)]
    mapping, notices = matched.decision.mapping, matched.decision.notices
    return visit.render(
        "columns.html",
        status=HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
        step="columns",
        **({} if error is None else {"failure": error}),
        preparation=preparation,
        unsure=[column for column in columns if column.is_unsure],
        sure=[column for column in columns if not column.is_unsure and column.choice.field],
        left_out=[column for column in columns if not column.is_unsure and not column.choice.field],
        fields=FIELDS,
        asks_for_source=not mapping.find_columns("source")
        and (chosen.source is not None or "source" not in mapping.defaults),
        source=make_readable_name(preparation.file) if chosen.source is None else chosen.source,
        task_types=[one.value for one in TaskType],
        task=chosen.task,
        due=chosen.due,
        has_due_column=find_due_column(mapping) is not None,
        notices=[notice.text for notice in notices if notice.kind is not NoticeKind.REUSED],
        is_answered=any(notice.kind is NoticeKind.REUSED for notice in notices),
        is_set_aside=_choose_saved_answers(preparation) is SavedAnswers.SET_ASIDE,
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
    settings, saved = visit.workspace.resolve(preparation), _choose_saved_answers(preparation)
    return visit.workspace.previews.match(preparation, settings, titles, saved)


def _choose_saved_answers(preparation: Preparation) -> SavedAnswers:
    """Return whether earlier answers decide about the columns: they do until a person sets them aside."""
    is_aside = (_SAVED_MAP, NO) in preparation.answers
    return SavedAnswers.SET_ASIDE if is_aside else SavedAnswers.USED


def _list_columns(matched: MatchedSheet) -> list[ShownColumn]:
    return [
        ShownColumn(make_column_key(matched.headers, column.index), column, needs_confirmation(column))
        for column in matched.decision.mapping.columns
        if column.header != SHEET_COLUMN
    ]


def check_columns(visit: Visit) -> Response:
    """Keep the columns as they were chosen, and check all rows. Without a phone column, they are shown again as chosen."""
    preparation = visit.workspace.preparations.get(visit.run_id)
    chosen = _read_fields(visit.form)
    if not _PHONE_FIELDS & set(chosen.values()):
        source = visit.form.get("source") if "source" in visit.form else None
        form = Chosen(chosen, source, visit.form.get("task"), visit.form.get("due"))
        return _render_columns(visit, form, MappingError(*ui_messages.NO_PHONE_CHOSEN))
    options: dict[str, Any] = {
        **preparation.options,
        **_read_task(visit.form),
        "column": _list_changed_columns(chosen, _match(visit), preparation.options.get("column", {})),
        "rest": "info",  # shown as such, so nobody need be asked
    }
    answers = {_SAVED_MAP: YES, **dict(preparation.answers)}
    if "source" in visit.form:
        answers["source",] = visit.form.get("source").strip()
        defaults = options.get("default", {}) | {"source": answers["source",]}
        options["default"] = {name: value for name, value in defaults.items() if value}
    changed = {name: value for name, value in options.items() if value is not None}
    preparation = preparation.change(options=changed, answers=tuple(answers.items()), is_settled=True)
    visit.workspace.preparations.save(preparation)
    start_check(visit.workspace, preparation)
    return visit.redirect(f"/runs/{preparation.run_id}")


def _read_fields(form: Form) -> dict[str, str]:
    """Return the chosen fields by the keys of their columns."""
    return {unquote(name): field for name, field in form.get_prefixed(_FIELD_PREFIX).items()}


def _list_changed_columns(
    chosen: dict[str, str], matched: MatchedSheet, named: dict[str, str]
) -> dict[str, str]:
    """Return the fields of the columns that a person has decided on, now or before."""
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


def choose_saved_answers(visit: Visit) -> Response:
    """Set the answers for an earlier sheet aside, or use them again. What was chosen on top of them is forgotten."""
    preparation = visit.workspace.preparations.get(visit.run_id)
    answer = YES if visit.form.get("saved") == "use" else NO
    options = {name: value for name, value in preparation.options.items() if name != "column"}
    answers = dict(preparation.answers) | {_SAVED_MAP: answer}
    visit.workspace.preparations.save(preparation.change(options=options, answers=tuple(answers.items())))
    return visit.redirect(f"/runs/{preparation.run_id}/columns")


ROUTES = [
    show("/runs/{run_id}/columns", show_columns),
    write("/runs/{run_id}/columns", check_columns),
    write("/runs/{run_id}/saved-answers", choose_saved_answers),
]
