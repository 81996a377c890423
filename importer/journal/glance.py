"""A look at what a run says of itself, for a folder of many: neither its rows are read nor its file checked."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from importer.journal.header import RunEnd, RunHeader
from importer.journal.opening import JOURNAL_NAME, SCHEMA_VERSION, UNREADABLE


def glance(folder: Path, *, wait_s: float = 0) -> tuple[RunHeader, RunEnd] | None:
    """Where the run in `folder` came from and how it stands, or None where nothing can be read.

    `wait_s` is for a journal that another process has locked just now.
    """
    path = folder / JOURNAL_NAME
    if not path.is_file():  # SQLite would make one
        return None
    try:
        with closing(sqlite3.connect(path, timeout=wait_s)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                return None
            found = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('header', 'end')"))
        header = msgspec.json.decode(found["header"], type=RunHeader)
        return header, msgspec.json.decode(found["end"], type=RunEnd)
    except UNREADABLE:
        return None
