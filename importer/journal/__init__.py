"""The run on disk (SQLite): rows, verdicts, intents, results; what resume, retry and the reports read."""

from importer.journal.glance import glance
from importer.journal.header import Beat, RunEnd, RunHeader, Traffic
from importer.journal.opening import JOURNAL_NAME, SCHEMA_VERSION, STAGING_NAME
from importer.journal.rows import StagedRow, StagedRows, staged
from importer.journal.store import Journal

__all__ = [
    "JOURNAL_NAME",
    "SCHEMA_VERSION",
    "STAGING_NAME",
    "Beat",
    "Journal",
    "RunEnd",
    "RunHeader",
    "StagedRow",
    "StagedRows",
    "Traffic",
    "glance",
    "staged",
]
