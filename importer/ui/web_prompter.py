"""Turns the questions of a run into pages: the run's thread waits until a browser has sent the answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from importer.errors import RunInterruptedError
from importer.messages import ui_messages
from importer.pipeline.questions import (
    Answer,
    BadCells,
    ColumnQuestion,
    OwnerQuestion,
    RestQuestion,
    SendDecision,
    SheetQuestion,
    SourceQuestion,
    TaskQuestion,
    UnknownValue,
)
from importer.report.summary import Summary


class QuestionKind(StrEnum):
    """What a page asks. Each kind has a form of its own."""

    SAVED_MAP = "saved_map"
    SHEETS = "sheets"
    PHONE_COLUMN = "phone_column"
    NAME_COLUMN = "name_column"
    COLUMNS = "columns"
    SOURCE = "source"
    REST = "rest"
    TASKS = "tasks"
    TITLES = "titles"
    OWNERS = "owners"
    BAD_CELLS = "bad_cells"


class PendingQuestion(NamedTuple):
    """A question that waits for its answer. A form names its `number`, so that it cannot answer the next one."""

    number: int
    kind: QuestionKind
    items: tuple[Any, ...]


class WebPrompter:
    """Asks the person in the browser. `cancel` ends the run's thread at its question."""

    def __init__(self) -> None:
        self.question: PendingQuestion | None = None
        self._answered = threading.Condition()
        self._answer: Any = None
        self._number = 0
        self._is_cancelled = False

    def answer(self, number: int, value: Any) -> bool:
        """Give the answer to the question with this number. Return False if it is not asked any more."""
        with self._answered:
            if self.question is None or self.question.number != number:
                return False
            self._answer, self.question = value, None
            self._answered.notify_all()
        return True

    def cancel(self) -> None:
        """End the run's thread at this question, or at its next one."""
        with self._answered:
            self._is_cancelled = True
            self._answered.notify_all()

    def _ask(self, kind: QuestionKind, items: Sequence[Any]) -> Any:
        with self._answered:
            self._number += 1
            self.question = PendingQuestion(self._number, kind, tuple(items))
            self._answered.wait_for(lambda: self.question is None or self._is_cancelled)
            self.question = None
            if self._is_cancelled:
                raise RunInterruptedError(*ui_messages.CHECK_STOPPED)
            return self._answer

    def confirm_saved_map(self, path: Path) -> bool:
        """Ask whether to use the answers for an earlier sheet."""
        return bool(self._ask(QuestionKind.SAVED_MAP, (path,)))

    def choose_sheets(self, sheets: Sequence[SheetQuestion]) -> Sequence[str]:
        """Ask which of the sheets to read."""
        names: Sequence[str] = self._ask(QuestionKind.SHEETS, sheets)
        return names

    def choose_phone_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Ask which column has the leads' phones."""
        return str(self._ask(QuestionKind.PHONE_COLUMN, questions))

    def choose_name_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Ask which column has the leads' names."""
        return str(self._ask(QuestionKind.NAME_COLUMN, questions))

    def choose_columns(self, questions: Sequence[ColumnQuestion]) -> dict[str, str]:
        """Ask for the field of each column."""
        fields: dict[str, str] = self._ask(QuestionKind.COLUMNS, questions)
        return fields

    def choose_source(self, question: SourceQuestion) -> str:
        """Ask where the leads come from."""
        return str(self._ask(QuestionKind.SOURCE, (question,)))

    def confirm_rest(self, question: RestQuestion) -> bool:
        """Ask whether to keep the columns that go to no field."""
        return bool(self._ask(QuestionKind.REST, (question,)))

    def confirm_tasks(self, question: TaskQuestion) -> bool:
        """Ask whether to create tasks from a column of dates."""
        return bool(self._ask(QuestionKind.TASKS, (question,)))

    def choose_titles(self, unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
        """Ask what each value means that does not exist in the account."""
        titles: dict[str, dict[str, str]] = self._ask(QuestionKind.TITLES, unknown)
        return titles

    def choose_owners(self, questions: Sequence[OwnerQuestion]) -> dict[str, str]:
        """Ask for the phone of each owner who is named in the sheet."""
        phones: dict[str, str] = self._ask(QuestionKind.OWNERS, questions)
        return phones

    def confirm_drop_bad_cells(self, bad_cells: BadCells) -> bool:
        """Ask whether rows may go in without their cells that cannot be read."""
        return bool(self._ask(QuestionKind.BAD_CELLS, (bad_cells,)))

    def confirm_send(self, summary: Summary, answers: Sequence[Answer]) -> SendDecision | Answer:
        """Send: the form with the plan's numbers was sent before the run's thread began."""
        del summary, answers
        return SendDecision.SEND
