"""What became of every row, as files for people and for scripts."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from importer.report.origin import origin_of
from importer.report.summary import Summary

if TYPE_CHECKING:
    from importer.report.template import write_template
    from importer.report.write import write_reports

__all__ = ["Summary", "origin_of", "write_reports", "write_template"]

_HOMES = {"write_reports": "write", "write_template": "template"}


def __getattr__(name: str) -> Any:
    """Load what writes files, and the libraries that it stands on, for those who write some."""
    if name not in _HOMES:
        raise AttributeError(f"module 'importer.report' has no attribute {name!r}")
    return getattr(import_module(f"importer.report.{_HOMES[name]}"), name)
