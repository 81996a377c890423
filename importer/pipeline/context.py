"""What travels together through a run: its settings, the account's credentials, and who watches and answers."""

from __future__ import annotations

from typing import Any

import msgspec

from importer.credentials import Credentials
from importer.pipeline.observer import NullObserver, Prompter, RunObserver
from importer.settings import Settings


class RunContext(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one run.

    `prompter` is None where nobody can be asked: scripts, `--yes`, the library. `parent` is the id of the run
    whose rows this run retries, or "".
    """

    settings: Settings
    credentials: Credentials
    observer: RunObserver = msgspec.field(default_factory=NullObserver)
    prompter: Prompter | None = None
    parent: str = ""

    def replace(self, **values: Any) -> RunContext:
        """Return the same context with other values for some fields."""
        return msgspec.structs.replace(self, **values)
