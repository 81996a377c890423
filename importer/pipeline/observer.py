"""Who looks on while a run goes its way, and answers its questions: the command line, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from importer.journal.run_metadata import RunMetadata
from importer.models.mapping import ColumnChoice, Notice
from importer.report.summary import Summary
from importer.sender.send_loop import Progress


class ColumnQuestion(msgspec.Struct, frozen=True):
    """One column to ask about. `name` is what an answer calls it; `taken` are fields that another column feeds."""

    name: str
    column: ColumnChoice
    taken: frozenset[str]


class UnknownValue(msgspec.Struct, frozen=True):
    """One distinct value that the account's list does not have, and how many rows hold it."""

    field: str
    column: str
    value: str
    rows: int
    titles: tuple[str, ...]


class NameConflict(msgspec.Struct, frozen=True):
    """A row that was merged with one of the same phone and another name: `other` is `row 3 "Ravi Rao"`."""

    number: int
    name: str
    other: str


class RunObserver:
    """Receives the events of a run. What is not overridden does nothing."""

    def on_interrupted_run_found(self, run_id: str) -> None:
        """An earlier run began to send this file, and could be finished instead of sending all of it again."""

    def on_wait(self, seconds: float) -> None:
        """The CRM asks to wait so long before it gives the account's lists."""

    def on_mapping_decided(self, header: RunMetadata) -> None:
        """The file was opened, and this is how it is read."""

    def on_rows_judged(self, rows: int) -> None:
        """So many rows have been judged so far."""

    def on_notices(self, notices: Sequence[Notice]) -> None:
        """What the rest of the sheet told of it, such as totals at its end: `understood` was told of its first rows."""

    def on_rows_merged(self, other_names: Sequence[NameConflict]) -> None:
        """The first rows that were merged with one of another name: they may be other people."""

    def on_progress(self, progress: Progress) -> None:
        """How the sending stands."""

    def on_answers_saved(self, path: Path) -> None:
        """The answers are kept in `path` for the next sheet of this shape."""


class NullObserver(RunObserver):
    """The watch of scripts, of `--yes` and of the library: who calls has decided already."""


class Prompter(Protocol):
    """Asks a person what only a person can know."""

    def confirm_saved_map(self, path: Path) -> bool:
        """Whether to read the sheet by the answers that were kept in `path` for an earlier one of its shape.

        Where nobody is asked, the notices of the run say that they were used.
        """

    def choose_phone_column(self, questions: Sequence[ColumnQuestion]) -> str:
        """The name of the column that holds the leads' phones, or "": no column says so itself."""

    def choose_columns(self, questions: Sequence[ColumnQuestion]) -> dict[str, str]:
        """Fields for columns that the mapping is unsure of: name -> field, "" to leave the column out."""

    def choose_titles(self, unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
        """For values that the account does not have: field -> sheet's value -> account's title, "" to leave it out."""

    def confirm_send(self, summary: Summary) -> bool:
        """Whether the checked rows may now be sent."""
