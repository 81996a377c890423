"""Import leads from spreadsheets into the Superfone CRM, with a report of every row.

    import importer

    result = importer.run_import("leads.xlsx", sheet="Visitors", rate=20)
    print(result.summary.counts, result.folder)
    left = [row for row in result.rows() if row.status != "accepted"]

`check_file`, `plan_import`, `apply_plan`, `run_import`, `verify_run`, `undo_run`, `resume_run` and `retry_run` do what the commands
`check`, `plan`, `apply`, `run`, `verify`, `resume` and `retry` do. The errors that they raise are drawn as a tree in
`importer.errors`. docs/library.md explains the rest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importer.api import (
        apply_plan,
        check_file,
        plan_import,
        resume_run,
        retry_run,
        run_import,
        undo_run,
        verify_run,
    )
    from importer.errors import (
        BlockedError,
        DamagedJournalError,
        DiskWriteError,
        EmptySheetError,
        ImporterError,
        JournalReadError,
        KeyRefusedError,
        MappingError,
        MissingKeyError,
        MissingPhoneColumnError,
        NothingSentError,
        RunInterruptedError,
        RunLockedError,
        RunNotFoundError,
        RunStoppedError,
        ServerUnavailableError,
        StaleEditError,
        UnreadableFileError,
        UsageError,
    )
    from importer.library_options import (
        ApplyOptions,
        ImportOptions,
        PlanOptions,
        SendingOptions,
        UndoOptions,
        VerifyOptions,
    )
    from importer.models.status import NoteState, RowStatus, Verification
    from importer.report.summary import Summary
    from importer.result import Result, ResultRow
    from importer.sender.send_loop import Progress

__version__ = "0.1.0"

__all__ = [
    "ApplyOptions",
    "BlockedError",
    "DamagedJournalError",
    "DiskWriteError",
    "EmptySheetError",
    "ImportOptions",
    "ImporterError",
    "JournalReadError",
    "KeyRefusedError",
    "MappingError",
    "MissingKeyError",
    "MissingPhoneColumnError",
    "NoteState",
    "NothingSentError",
    "PlanOptions",
    "Progress",
    "Result",
    "ResultRow",
    "RowStatus",
    "RunInterruptedError",
    "RunLockedError",
    "RunNotFoundError",
    "RunStoppedError",
    "SendingOptions",
    "ServerUnavailableError",
    "StaleEditError",
    "Summary",
    "UndoOptions",
    "UnreadableFileError",
    "UsageError",
    "Verification",
    "VerifyOptions",
    "apply_plan",
    "check_file",
    "plan_import",
    "resume_run",
    "retry_run",
    "run_import",
    "undo_run",
    "verify_run",
]

_MODULES = {
    "ApplyOptions": "importer.library_options",
    "ImportOptions": "importer.library_options",
    "NoteState": "importer.models.status",
    "PlanOptions": "importer.library_options",
    "Progress": "importer.sender.send_loop",
    "Result": "importer.result",
    "ResultRow": "importer.result",
    "RowStatus": "importer.models.status",
    "SendingOptions": "importer.library_options",
    "Summary": "importer.report.summary",
    "Verification": "importer.models.status",
    "UndoOptions": "importer.library_options",
    "VerifyOptions": "importer.library_options",
    "apply_plan": "importer.api",
    "check_file": "importer.api",
    "plan_import": "importer.api",
    "resume_run": "importer.api",
    "retry_run": "importer.api",
    "run_import": "importer.api",
    "undo_run": "importer.api",
    "verify_run": "importer.api",
}
"""The module of each public name. Names that are not listed are errors, from `importer.errors`."""


if not TYPE_CHECKING:  # a type checker that saw `__getattr__` would accept every name

    def __getattr__(name: str) -> Any:
        """Import a public name on first use, so that `importer --help` does not load the whole library."""
        if name not in __all__:
            raise AttributeError(f"module 'importer' has no attribute {name!r}")
        return getattr(import_module(_MODULES.get(name, "importer.errors")), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
