"""Keeps what a person answered during a run, so that the sheet can be checked again without asking everything again.

It is between the pipeline and the front end. Each question goes to the front end once. When the person changes one
answer before the sending, the whole check runs again: the other answers are given from the book, and only the changed
question, and questions that follow from it, are asked. A front end that can be killed keeps the values on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from pathlib import Path

import msgspec

from importer.fields import FIELDS_BY_NAME
from importer.pipeline.questions import (
    NO,
    YES,
    Answer,
    AnswerKey,
    BadCells,
    ColumnQuestion,
    FieldQuestion,
    OwnerQuestion,
    Prompter,
    Question,
    RestQuestion,
    SavedMapQuestion,
    SendDecision,
    SheetQuestion,
    SheetsQuestion,
    SourceQuestion,
    TaskQuestion,
    UnknownValue,
)
from importer.report.summary import Summary


class AnswerBook:
    """A prompter that asks another one, and remembers what it said.

    `values` are the answers of earlier checks by their keys. New ones are added, all of one question by one `update`.
    """

    def __init__(
        self, prompter: Prompter, values: MutableMapping[AnswerKey, str | None] | None = None
    ) -> None:
        self._prompter = prompter
        self._values: MutableMapping[AnswerKey, str | None] = {} if values is None else values
        self._used: dict[AnswerKey, Answer] = {}
        self._changed: set[AnswerKey] = set()

    def begin_check(self) -> None:
        """Start a new check of the sheet: an answer counts only if its question comes up again."""
        self._used.clear()

    def forget(self, answer: Answer) -> None:
        """Forget an answer, so that its question is asked again, also if an earlier run has answered it."""
        self._values.pop(answer.key, None)
        self._changed.add(answer.key)

    def confirm_saved_map(self, path: Path) -> bool:
        """Return whether to match the columns by the answers saved in `path`."""
        question = SavedMapQuestion(path)
        if not self._recall(question):
            self._learn([(question, YES if self._prompter.confirm_saved_map(path) else NO)])
        return self._get_value(question) == YES

    def choose_sheets(self, sheets: Sequence[SheetQuestion]) -> Sequence[str]:
        """Return which sheets to read."""
        question = SheetsQuestion(tuple(sheets))
        if not self._recall(question):
            chosen = self._prompter.choose_sheets(sheets)
            positions = [str(at) for at, sheet in enumerate(sheets, 1) if sheet.name in chosen]
            self._learn([(question, " ".join(positions))])
        return question.list_chosen(self._get_value(question))

    def choose_phone_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Return the column that holds the leads' phones."""
        question = FieldQuestion("customer_phone", tuple(questions))
        if not self._recall(question):
            self._learn([(question, self._prompter.choose_phone_column(questions))])
        return self._get_value(question) or ""

    def choose_name_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Return the column that holds the leads' names."""
        question = FieldQuestion("full_name", tuple(questions))
        if not self._recall(question):
            self._learn([(question, self._prompter.choose_name_column(questions))])
        return self._get_value(question) or ""

    def choose_columns(self, questions: Sequence[ColumnQuestion]) -> dict[str, str]:
        """Return fields for unsure columns. A field that an earlier answer took is not offered again."""
        unanswered = [question for question in questions if not self._recall(question)]
        answered = {self._get_value(question) for question in questions if question not in unanswered}
        taken = frozenset(name for name in answered if name and not FIELDS_BY_NAME[name].takes_many_columns)
        if unanswered:
            asked = [msgspec.structs.replace(one, taken=one.taken | taken) for one in unanswered]
            found = self._prompter.choose_columns(asked)
            self._learn((question, found.get(question.name, "")) for question in asked)
        self._list_in_order(questions)
        return {question.name: self._get_value(question) or "" for question in questions}

    def choose_source(self, question: SourceQuestion) -> str:
        """Return where the leads come from."""
        if not self._recall(question):
            self._learn([(question, self._prompter.choose_source(question))])
        return self._get_value(question) or ""

    def confirm_rest(self, question: RestQuestion) -> bool:
        """Return whether to keep columns that go to no field as additional info."""
        if not self._recall(question):
            self._learn([(question, YES if self._prompter.confirm_rest(question) else NO)])
        return self._get_value(question) == YES

    def confirm_tasks(self, question: TaskQuestion) -> bool:
        """Return whether to create follow-up tasks from a column of dates."""
        if not self._recall(question):
            self._learn([(question, YES if self._prompter.confirm_tasks(question) else NO)])
        return self._get_value(question) == YES

    def choose_titles(self, unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
        """Return titles for unknown values. A value that is to stay as it is has none."""
        if unanswered := [value for value in unknown if not self._recall(value)]:
            found = self._prompter.choose_titles(unanswered)
            self._learn((value, found.get(value.field, {}).get(value.value)) for value in unanswered)
        self._list_in_order(unknown)
        answers: dict[str, dict[str, str]] = {}
        for value in unknown:
            if (title := self._get_value(value)) is not None:
                answers.setdefault(value.field, {})[value.value] = title
        return answers

    def choose_owners(self, questions: Sequence[OwnerQuestion]) -> dict[str, str]:
        """Return the phones of owners. One that an earlier run has answered is listed, but not asked for."""
        for question in questions:
            if question.remembered and question.key not in self._changed:
                self._values.setdefault(question.key, question.remembered)
        if unanswered := [question for question in questions if not self._recall(question)]:
            found = self._prompter.choose_owners(unanswered)
            self._learn((question, found.get(question.name, "")) for question in unanswered)
        self._list_in_order(questions)
        return {question.name: self._get_value(question) or "" for question in questions}

    def confirm_drop_bad_cells(self, bad_cells: BadCells) -> bool:
        """Return whether to send rows without their cells that cannot be read."""
        if not self._recall(bad_cells):
            self._learn([(bad_cells, YES if self._prompter.confirm_drop_bad_cells(bad_cells) else NO)])
        return self._get_value(bad_cells) == YES

    def confirm_send(self, summary: Summary, answers: Sequence[Answer] = ()) -> SendDecision | Answer:
        """Return whether to send, or the answer that the person wants to change."""
        del answers  # the book has them
        return self._prompter.confirm_send(summary, tuple(self._used.values()))

    def _recall(self, question: Question) -> bool:
        """Return whether the question was answered before, and count its answer as one of this check."""
        is_known = question.key in self._values
        if is_known:
            self._used[question.key] = Answer(question, self._values[question.key])
        return is_known

    def _learn(self, answers: Iterable[tuple[Question, str | None]]) -> None:
        """Remember new answers."""
        given = {question.key: Answer(question, value) for question, value in answers}
        self._values.update({key: answer.value for key, answer in given.items()})
        self._used.update(given)

    def _list_in_order(self, questions: Sequence[Question]) -> None:
        """List the answers in the order of their questions, also after one of them was asked again."""
        for question in questions:
            self._used[question.key] = self._used.pop(question.key)

    def _get_value(self, question: Question) -> str | None:
        return self._values[question.key]
