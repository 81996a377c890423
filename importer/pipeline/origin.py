"""Where a file of ours came from: a mended failed_rows keeps the mapping and options of its run."""

from __future__ import annotations

from pathlib import Path

from importer.errors import DamagedJournal
from importer.journal import JOURNAL_NAME, Journal, RunHeader
from importer.pipeline.runs import headers_of_runs
from importer.report import origin_of
from importer.settings import Settings, with_run_settings
from importer.staging import Sheet

_OF_ITS_FILE = frozenset({"sheet", "header_row", "limit", "encoding", "delimiter"})
"""Options that were about the first file, not about the report that was made of it."""


def find_origin(sheet: Sheet, reports: Path) -> RunHeader | None:
    """The run that wrote the sheet, or None for a sheet that is not ours (or whose run is gone).

    A workbook names its run; a CSV lies beside its journal; one that was moved is known by its headers.
    """
    if sheet.origin is not None or not sheet.opened.ours:
        return sheet.origin
    named = origin_of(sheet.path) if sheet.path else None
    beside = [sheet.path.parent] if sheet.path else []
    for folder in ([reports / named] if named else []) + beside:
        header = _header_in(folder)
        if header is not None and header.headers == sheet.opened.headers:
            return header
    return next((known for known in headers_of_runs(reports) if known.headers == sheet.opened.headers), None)


def inherited(settings: Settings, origin: RunHeader | None) -> Settings:
    """The settings, with those of the run that wrote the sheet where none were given now."""
    return settings if origin is None else with_run_settings(settings, origin.options, but=_OF_ITS_FILE)


def _header_in(folder: Path) -> RunHeader | None:
    if not (folder / JOURNAL_NAME).is_file():
        return None
    try:
        with Journal.open(folder) as journal:
            return journal.header
    except DamagedJournal:
        return None
