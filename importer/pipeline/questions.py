"""What a person can be asked about a sheet and a run, and who asks it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec

from importer.models.mapping import ColumnChoice
from importer.report.summary import Summary

AnswerKey: TypeAlias = tuple[str, ...]
"""What a question is about. Two questions with one key are the same question, whatever their samples and counts."""


class SavedMapQuestion(msgspec.Struct, frozen=True):
    """Whether to match the columns by the answers saved in `path` for an earlier sheet."""

    path: Path

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("saved map",)


class ColumnQuestion(msgspec.Struct, frozen=True):
    """One column to ask about. `name` identifies it in an answer; `taken` are fields that other columns already fill."""

    name: str
    column: ColumnChoice
    taken: frozenset[str]

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("column", self.name)


class FieldQuestion(msgspec.Struct, frozen=True):
    """Which of the columns holds a field that every sheet should have: the leads' phones, or their names."""

    field: str
    columns: tuple[ColumnQuestion, ...]

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("field", self.field, *[column.name for column in self.columns])


class SourceQuestion(msgspec.Struct, frozen=True):
    """Where all leads of the sheet come from, since no column says so. `suggestion` is the file's name."""

    suggestion: str

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("source",)


class RestQuestion(msgspec.Struct, frozen=True):
    """Whether to keep these columns, which go to no field, as additional info."""

    names: tuple[str, ...]

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("rest", *self.names)


class TaskQuestion(msgspec.Struct, frozen=True):
    """Whether to create follow-up tasks from a column that looks like their due dates."""

    name: str
    samples: tuple[str, ...]

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("task", self.name)


class SheetQuestion(msgspec.Struct, frozen=True):
    """One sheet that looks like leads, and its headers."""

    name: str
    headers: tuple[str, ...]


class SheetsQuestion(msgspec.Struct, frozen=True):
    """Which of several sheets that look like leads to read."""

    sheets: tuple[SheetQuestion, ...]

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("sheets",)

    def list_chosen(self, value: str | None) -> list[str]:
        """Return the names of the sheets from the value of an answer: their positions in the question, from 1."""
        return [self.sheets[int(position) - 1].name for position in (value or "").split()]


class UnknownValue(msgspec.Struct, frozen=True):
    """One distinct value that does not exist in the account, the number of its rows, and the titles it could mean."""

    field: str
    column: str
    value: str
    rows: int
    titles: tuple[str, ...]

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("value", self.field, self.value)


class OwnerQuestion(msgspec.Struct, frozen=True):
    """Which phone the owner of leads has in the CRM, who is named in `rows` rows of a column.

    `region` is the country of a phone without a country code. `remembered` is the phone of an earlier answer, or "".
    """

    name: str
    column: str
    rows: int
    region: str
    remembered: str = ""

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("owner", self.name)


class BadCells(msgspec.Struct, frozen=True):
    """Rows that are rejected only because of cells that they could go in without, and sentences about some of them."""

    rows: int
    examples: tuple[str, ...]

    @property
    def key(self) -> AnswerKey:
        """What the question is about."""
        return ("bad cells",)


Question: TypeAlias = (
    SheetsQuestion
    | SavedMapQuestion
    | FieldQuestion
    | ColumnQuestion
    | RestQuestion
    | TaskQuestion
    | SourceQuestion
    | UnknownValue
    | OwnerQuestion
    | BadCells
)
"""Everything that a person can be asked about a sheet."""


class Answer(msgspec.Struct, frozen=True):
    """The answer to one question: a field, a column, a title, a phone, a source, positions of sheets, or a yes.

    "" leaves the column, the value or the owner out. None keeps a value as it is, so its rows are rejected.
    """

    question: Question
    value: str | None

    @property
    def key(self) -> AnswerKey:
        """What its question is about."""
        return self.question.key


YES, NO = "yes", "no"
"""The values of an answer that agrees or does not."""


class SendDecision(Enum):
    """What a person says to the checked rows. The third possibility is an Answer that is to be changed."""

    SEND = auto()
    STOP = auto()


class Prompter(Protocol):
    """Asks a person what only a person can know."""

    def confirm_saved_map(self, path: Path) -> bool:
        """Return whether to match the columns by the answers saved in `path` for an earlier sheet.

        Without a prompter they are used, and a notice of the run says so.
        """

    def choose_sheets(self, sheets: Sequence[SheetQuestion]) -> Sequence[str]:
        """Return the names of the sheets to read, at least one. Without a prompter it is the first."""

    def choose_phone_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Return the name of the column that holds the leads' phones, or "" for none."""

    def choose_name_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """Return the name of the column that holds the leads' names, or "" for none."""

    def choose_columns(self, questions: Sequence[ColumnQuestion]) -> dict[str, str]:
        """Return fields for columns that the mapping is unsure about: name -> field, "" to leave the column out."""

    def choose_source(self, question: SourceQuestion) -> str:
        """Return where the leads come from, or "" to leave that open."""

    def confirm_rest(self, question: RestQuestion) -> bool:
        """Return whether to keep columns that go to no field as additional info."""

    def confirm_tasks(self, question: TaskQuestion) -> bool:
        """Return whether to create follow-up tasks from a column of dates."""

    def choose_titles(self, unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
        """Return titles for unknown values: field -> value in the sheet -> title of the account, "" to leave it out.

        The values of one field come one after another. A value that is to stay as it is has no title.
        """

    def choose_owners(self, questions: Sequence[OwnerQuestion]) -> dict[str, str]:
        """Return the phones of owners in the CRM, in E.164: name -> phone, "" to leave the owner out."""

    def confirm_drop_bad_cells(self, bad_cells: BadCells) -> bool:
        """Return whether to send rows without those of their cells that cannot be read. The phone is never one."""

    def confirm_send(self, summary: Summary, answers: Sequence[Answer]) -> SendDecision | Answer:
        """Return whether the checked rows may be sent now, or the answer that the person wants to change.

        `answers` are those of this check, in the order of the questions. After a change the sheet is checked again.
        """
