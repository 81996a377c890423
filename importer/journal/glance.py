"""A look at how a run stands, for a folder of many: neither its rows are read nor its file checked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from importer.journal.header import RunEnd, RunHeader
from importer.journal.opening import JOURNAL_NAME


def glance(folder: Path) -> tuple[RunHeader, RunEnd] | None:
    """What the run in `folder` says of itself, or None where nothing can be read just now."""
    try:
        with closing(sqlite3.connect(folder / JOURNAL_NAME, timeout=0)) as connection:
            found = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('header', 'end')"))
        header = msgspec.json.decode(found["header"], type=RunHeader)
        return header, msgspec.json.decode(found["end"], type=RunEnd)
    except (sqlite3.DatabaseError, msgspec.MsgspecError, LookupError):
        return None
