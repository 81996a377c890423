"""Who looks on while a run goes its way, and answers its questions: the command line, or nobody."""

from __future__ import annotations

from collections.abc import Mapping as Answers
from typing import Protocol

import msgspec

from importer.journal import RunHeader
from importer.models import Mapping
from importer.report import Summary
from importer.sender import Progress


class UnknownTitle(msgspec.Struct, frozen=True):
    """One distinct value that the account's list does not have, and how many rows hold it."""

    field: str
    column: str
    value: str
    rows: int
    titles: tuple[str, ...]


class Watch(Protocol):
    """Told how the run goes; asked where only a person can know. `Silent` is the watch of scripts."""

    asks: bool
    """Whether somebody is there to answer."""

    def understood(self, header: RunHeader) -> None:
        """The file was opened, and this is how it is read."""

    def judged(self, rows: int) -> None:
        """So many rows have been judged so far."""

    def sending(self, progress: Progress) -> None:
        """How the sending stands."""

    def choose_columns(self, mapping: Mapping) -> Answers[str, str]:
        """Fields for columns that the mapping is unsure of (header -> field), or nothing."""

    def choose_titles(self, unknown: list[UnknownTitle]) -> dict[str, dict[str, str]]:
        """For values that the account does not have: field -> sheet's value -> account's title."""

    def confirm(self, summary: Summary) -> bool:
        """Whether the checked rows may now be sent."""


class Silent:
    """Says nothing, asks nothing, agrees to everything: for scripts, `--yes`, and the library."""

    asks = False

    def understood(self, header: RunHeader) -> None:
        """Nobody looks."""

    def judged(self, rows: int) -> None:
        """Nobody looks."""

    def sending(self, progress: Progress) -> None:
        """Nobody looks."""

    def choose_columns(self, mapping: Mapping) -> Answers[str, str]:
        """Nobody to ask."""
        del mapping
        return {}

    def choose_titles(self, unknown: list[UnknownTitle]) -> dict[str, dict[str, str]]:
        """Nobody to ask."""
        del unknown
        return {}

    def confirm(self, summary: Summary) -> bool:
        """Who calls the library has decided already."""
        del summary
        return True
