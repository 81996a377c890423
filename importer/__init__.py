"""Bulk lead importer: spreadsheet rows in, leads in the Superfone CRM, and a report of every row.

    import importer

    result = importer.run_import("leads.xlsx", sheet="Visitors", rate=20)
    print(result.summary.counts, result.folder)
    left = result.to_frame().query("_status != 'accepted'")

Two functions, `check_file` and `run_import`, do what the commands `check` and `run` do. What stops them is one
of the errors drawn as a tree in `importer.errors`. docs/library.md has the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importer.errors import (
        BadMapping,
        Blocked,
        CannotRead,
        CannotWrite,
        DamagedJournal,
        ImporterError,
        Interrupted,
        KeyRefused,
        NoKey,
        NoPhoneColumn,
        NoSuchRun,
        NothingSent,
        RunIsHeld,
        RunStopped,
        ServerAway,
        UnreadableFile,
        UsageError,
    )
    from importer.library import Progress, Result, Summary, check_file, run_import

__version__ = "0.1.0"

__all__ = [
    "BadMapping",
    "Blocked",
    "CannotRead",
    "CannotWrite",
    "DamagedJournal",
    "ImporterError",
    "Interrupted",
    "KeyRefused",
    "NoKey",
    "NoPhoneColumn",
    "NoSuchRun",
    "NothingSent",
    "Progress",
    "Result",
    "RunIsHeld",
    "RunStopped",
    "ServerAway",
    "Summary",
    "UnreadableFile",
    "UsageError",
    "check_file",
    "run_import",
]

_OF_THE_LIBRARY = frozenset({"Progress", "Result", "Summary", "check_file", "run_import"})


if not TYPE_CHECKING:  # a type checker that saw it would let every name pass

    def __getattr__(name: str) -> Any:
        """Load what is asked for and no more, so that `importer --help` does not pay for the library."""
        if name not in __all__:
            raise AttributeError(f"module 'importer' has no attribute {name!r}")
        room = "importer.library" if name in _OF_THE_LIBRARY else "importer.errors"
        return getattr(import_module(room), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
