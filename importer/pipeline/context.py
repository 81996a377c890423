"""What travels together through a run: settings, credentials, the observer, and what is known about the account."""

from __future__ import annotations

from typing import Any

import msgspec

from importer.credentials import Credentials
from importer.journal.run_metadata import RunMetadata
from importer.models.mapping import AccountTitles
from importer.pipeline.observer import NullObserver, Prompter, RunObserver
from importer.settings import Settings


class RunContext(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one run.

    `prompter` is None if nobody can be asked: in scripts, with `--yes`, and in the library. `parent` is the id of the
    run whose rows this run retries, or "". The steps of a run add the rest: `origin` is the run that wrote the sheet,
    if it is a report of ours, and `titles` are the account's dropdown lists.
    """

    settings: Settings
    credentials: Credentials
    observer: RunObserver = msgspec.field(default_factory=NullObserver)
    prompter: Prompter | None = None
    parent: str = ""
    origin: RunMetadata | None = None
    titles: AccountTitles = {}

    def replace(self, **values: Any) -> RunContext:
        """Return the same context with other values for some fields."""
        return msgspec.structs.replace(self, **values)
