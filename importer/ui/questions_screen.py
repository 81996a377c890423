"""Screen 3: what only a person can say about the sheet: values that the account lacks, owners, cells, columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from importer.errors import UsageError
from importer.fields import FIELDS, get_field_label
from importer.loader.cells.phones import SinglePhoneReader
from importer.messages import ui_messages
from importer.models.mapping import OWNER_FIELD
from importer.pipeline.questions import AnswerKey, OwnerQuestion, UnknownValue
from importer.ui.row_data import parse_number
from importer.ui.run_steps import start_check
from importer.ui.templates import show_text
from importer.ui.texts import Texts
from importer.ui.visit import Form, Visit, show, write
from importer.ui.web_prompter import PendingQuestion, QuestionKind
from importer.validator.title_lookup import suggest_titles

_MAX_SUGGESTIONS = 3
KEEP, DROP, TITLE_PREFIX = "keep", "drop", "title:"
"""What a form says about a value: the rows stay rejected, the value is left out, or it means this title."""
_STEPS = {QuestionKind.TITLES: "values", QuestionKind.OWNERS: "values", QuestionKind.BAD_CELLS: "values"}


def show_questions(visit: Visit) -> Response:
    """Show the question that the run waits with; without one, what was answered so far."""
    place = visit.workspace.find_place(visit.run_id)
    question = place.running.prompter.question if place.running else None
    if question is not None:
        return _render_question(visit, question)
    if place.running is None and place.preparation is not None and place.preparation.answers:
        return visit.render(
            "answers.html", step="values", answers=_list_answers(place.preparation.answers, visit.t)
        )
    return visit.go_to_run()


def _render_question(visit: Visit, question: PendingQuestion, error: UsageError | None = None) -> Response:
    """Show a question; with an `error`, as it was answered, and what is wrong with that."""
    return visit.render(
        "questions.html",
        status=HTTPStatus.OK if error is None else HTTPStatus.BAD_REQUEST,
        step=_STEPS.get(question.kind, "columns"),
        question=question,
        kind=question.kind.value,
        fields=FIELDS,
        get_label=lambda field: visit.t.translate(get_field_label(field)),
        suggest=_suggest,
        given=visit.form,
        **({} if error is None else {"failure": error}),
    )


def _suggest(value: UnknownValue) -> list[str]:
    return suggest_titles(value.value, value.titles, limit=_MAX_SUGGESTIONS)


def _list_answers(
    answers: Sequence[tuple[AnswerKey, str | None]], t: Texts
) -> list[tuple[str, str, str | None]]:
    """Return the answers about values and owners: what about, the value, and what it means."""
    found = []
    for key, value in answers:
        if key[0] == "value":
            found.append((t.translate(get_field_label(key[1])), key[2], value))
        elif key[0] == "owner":
            found.append((t.translate(get_field_label(OWNER_FIELD)), key[1], value))
    return found


def answer_question(visit: Visit) -> Response:
    """Give the answer to the run, which goes on."""
    place = visit.workspace.find_place(visit.run_id)
    question = place.running.prompter.question if place.running else None
    form = visit.form
    if place.running is not None and question is not None and form.get("question") == str(question.number):
        try:
            answer = _READERS[question.kind](form, question)
        except UsageError as error:
            return _render_question(visit, question, error)
        place.running.prompter.answer(question.number, answer)
    return visit.redirect(f"/runs/{visit.run_id}")


def ask_again(visit: Visit) -> Response:
    """Forget what was answered about values, owners and cells, and check the sheet again."""
    preparation = visit.workspace.preparations.get(visit.run_id)
    kept = tuple(
        (key, value) for key, value in preparation.answers if key[0] not in ("value", "owner", "bad cells")
    )
    preparation = preparation.change(answers=kept)
    visit.workspace.preparations.save(preparation)
    start_check(visit.workspace, preparation)
    return visit.redirect(f"/runs/{visit.run_id}")


# --- from the fields of a form to an answer. Items are numbered in the form, so that no text of a sheet is a field's name.


def _read_choice(form: Form, question: PendingQuestion) -> bool:
    del question
    return form.get("answer") == "yes"


def _read_names(form: Form, question: PendingQuestion) -> list[str]:
    """Return the chosen sheets, all of them if none is chosen."""
    names, chosen = [sheet.name for sheet in question.items], form.get_all("sheet")
    return [name for name in names if show_text(name) in chosen] or names


def read_column_name(form: Form, question: PendingQuestion) -> str:
    """Return the name of the chosen column, "" if none is chosen."""
    number = parse_number(form.get("column"))
    return "" if number is None or number >= len(question.items) else question.items[number].name


def _read_fields(form: Form, question: PendingQuestion) -> dict[str, str]:
    return {item.name: form.get(f"item:{index}") for index, item in enumerate(question.items)}


def _read_source(form: Form, question: PendingQuestion) -> str:
    del question
    return form.get("source").strip()


def read_titles(form: Form, question: PendingQuestion) -> dict[str, dict[str, str]]:
    """Return what each value means, by field: a title, "" to leave it out. A title comes back as the page shows it."""
    found: dict[str, dict[str, str]] = {}
    for index, item in enumerate(question.items):
        answer = form.get(f"item:{index}", KEEP)
        titles = {f"{TITLE_PREFIX}{show_text(title)}": title for title in item.titles}
        if answer == DROP or answer in titles:
            found.setdefault(item.field, {})[item.value] = titles.get(answer, "")
    return found


def _read_owners(form: Form, question: PendingQuestion) -> dict[str, str]:
    """Return the phones in E.164. Raises UsageError for one that is none."""
    return {
        item.name: _read_phone(form.get(f"item:{index}"), item) for index, item in enumerate(question.items)
    }


def _read_phone(text: str, question: OwnerQuestion) -> str:
    if not text.strip():
        return ""
    phone = SinglePhoneReader(question.region).read(text)
    if not isinstance(phone, str):
        raise UsageError(*ui_messages.OWNER_NOT_A_PHONE.format(value=text, name=question.name))
    return phone


_READERS: dict[QuestionKind, Callable[[Form, PendingQuestion], Any]] = {
    QuestionKind.SAVED_MAP: _read_choice,
    QuestionKind.SHEETS: _read_names,
    QuestionKind.PHONE_COLUMN: read_column_name,
    QuestionKind.NAME_COLUMN: read_column_name,
    QuestionKind.COLUMNS: _read_fields,
    QuestionKind.SOURCE: _read_source,
    QuestionKind.REST: _read_choice,
    QuestionKind.TASKS: _read_choice,
    QuestionKind.TITLES: read_titles,
    QuestionKind.OWNERS: _read_owners,
    QuestionKind.BAD_CELLS: _read_choice,
}

ROUTES = [
    show("/runs/{run_id}/questions", show_questions),
    write("/runs/{run_id}/questions", answer_question),
    write("/runs/{run_id}/answers/ask-again", ask_again),
]
