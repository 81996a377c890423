"""The run on disk (SQLite): rows, verdicts, intents, results; what resume, retry and the reports read."""

from importer.journal.header import Pace, RunEnd, RunHeader, Traffic
from importer.journal.rows import Intent, Rejudged, StagedRow, staged
from importer.journal.store import JOURNAL_NAME, SCHEMA_VERSION, Journal

__all__ = [
    "JOURNAL_NAME",
    "SCHEMA_VERSION",
    "Intent",
    "Journal",
    "Pace",
    "Rejudged",
    "RunEnd",
    "RunHeader",
    "StagedRow",
    "Traffic",
    "staged",
]
