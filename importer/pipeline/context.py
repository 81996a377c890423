"""What travels together through a run, and how it talks to its caller: an observer receives events, a prompter answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec

from importer.credentials import Credentials
from importer.journal.run_metadata import RunMetadata
from importer.models.mapping import AccountTitles, ColumnChoice, Mapping, Notice
from importer.planner.policies import Policies, build_policies
from importer.report.summary import Summary
from importer.sender.send_loop import Progress
from importer.settings import Settings
from importer.state.state_folder import AccountState, find_state_folder

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


class SheetQuestion(msgspec.Struct, frozen=True):
    """One sheet that looks like leads, and its headers."""

    name: str
    headers: tuple[str, ...]


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
    SavedMapQuestion
    | FieldQuestion
    | ColumnQuestion
    | RestQuestion
    | SourceQuestion
    | UnknownValue
    | OwnerQuestion
    | BadCells
)
"""Everything that a person can be asked about a sheet."""


class Answer(msgspec.Struct, frozen=True):
    """The answer to one question: a field, a column, a title, a phone, a source, or a yes.

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


class NameConflict(msgspec.Struct, frozen=True):
    """A row that was merged with a row of the same phone and another name: `other` is `row 3 "Ravi Rao"`.

    `row` is the row in a sentence: `14`, or `14 of Pune`.
    """

    number: int
    row: str
    name: str
    other: str


class RunObserver:
    """Receives the events of a run. Each method does nothing unless it is overridden."""

    def on_interrupted_run_found(self, folder: Path) -> None:
        """An earlier run has sent a part of this file; it can be resumed instead of sending everything again.

        Its folder may be in another reports folder.
        """

    def on_wait(self, seconds: float) -> None:
        """The CRM asks to wait this long before it sends the account's lists."""

    def on_mapping_decided(self, metadata: RunMetadata) -> None:
        """The file was opened and its columns were matched to fields."""

    def on_rows_judged(self, rows: int) -> None:
        """This many rows have been judged so far."""

    def on_notices(self, notices: Sequence[Notice]) -> None:
        """The rest of the sheet gave new notices, such as totals at its end."""

    def on_rows_merged(self, other_names: Sequence[NameConflict]) -> None:
        """Rows were merged; these are the first whose names differ, so they may be different people."""

    def on_progress(self, progress: Progress) -> None:
        """The sending has progressed."""

    def on_look_ups_begin(self, phones: int) -> None:
        """The leads of this many phones are about to be looked up."""

    def on_look_up_progress(self, progress: Progress) -> None:
        """The look-ups of a plan have progressed."""

    def on_answers_saved(self, path: Path) -> None:
        """The answers were saved in `path` for the next sheet with these columns."""


class NullObserver(RunObserver):
    """Ignores all events: for scripts, `--yes` and the library."""


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


class RunContext(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one run.

    `prompter` is None if nobody can be asked: in scripts, with `--yes`, and in the library. `parent` is the id of the
    run whose rows this run retries, or "". `state_dir` is what outlives a reports folder (importer.state.state_folder).
    The steps of a run add the rest: `origin` is the run that wrote the sheet, if it is a report of ours, `titles` are
    the account's dropdown lists, and `account` is its state.
    """

    settings: Settings
    credentials: Credentials
    observer: RunObserver = msgspec.field(default_factory=NullObserver)
    prompter: Prompter | None = None
    parent: str = ""
    state_dir: Path = msgspec.field(default_factory=lambda: find_state_folder(os.environ))
    origin: RunMetadata | None = None
    titles: AccountTitles = {}
    account: AccountState | None = None

    def choose_policies(self, mapping: Mapping | None = None) -> Policies:
        """Return what happens to fields that have a value in the CRM. The options go before the map.

        Raises UsageError for a policy that makes no sense.
        """
        in_map = {} if mapping is None else mapping.policy
        return build_policies(self.settings.existing, {**in_map, **self.settings.policy})

    def require_account(self) -> AccountState:
        """Return the account, which a run that sends has opened."""
        assert self.account is not None, "the account is opened before anything is sent"
        return self.account

    def replace(self, **values: Any) -> RunContext:
        """Return the same context with other values for some fields."""
        return msgspec.structs.replace(self, **values)
