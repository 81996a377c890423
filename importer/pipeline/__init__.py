"""The main flow: load, judge, stage, send, report; and what goes on from an earlier run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importer.pipeline.again import resume, retry, write_again
    from importer.pipeline.flow import check, run
    from importer.pipeline.runs import RunLine, find_run, list_runs, purge, reports_beside
    from importer.pipeline.watch import Silent, Watch

__all__ = [
    "RunLine",
    "Silent",
    "Watch",
    "check",
    "find_run",
    "list_runs",
    "purge",
    "reports_beside",
    "resume",
    "retry",
    "run",
    "write_again",
]

_HOMES = {
    **dict.fromkeys(("resume", "retry", "write_again"), "again"),
    **dict.fromkeys(("check", "run"), "flow"),
    **dict.fromkeys(("RunLine", "find_run", "list_runs", "purge", "reports_beside"), "runs"),
    **dict.fromkeys(("Silent", "Watch"), "watch"),
}


def __getattr__(name: str) -> Any:
    """Load what is asked for and no more: `importer options` needs no loader, `importer runs` no network."""
    if name not in _HOMES:
        raise AttributeError(f"module 'importer.pipeline' has no attribute {name!r}")
    return getattr(import_module(f"importer.pipeline.{_HOMES[name]}"), name)
