"""Count the leads of the last run of a sheet that the sheet does not have any more (`--changed`): nothing is sent for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from importer.errors import DamagedJournalError
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import VanishedLeads
from importer.pipeline.context import RunContext
from importer.pipeline.reports_folder import find_last_run_of_file


def note_vanished_leads(journal: Journal, context: RunContext) -> None:
    """Write down how many leads of the last run of this sheet are not in it any more.

    A part of a sheet (`--limit`, fixed rows, a retry) says nothing about the rest.
    """
    if context.settings.limit is not None or context.origin is not None or context.parent:
        return
    folder = find_last_run_of_file(
        Path(context.settings.reports), journal.metadata.file, context.require_account()
    )
    if folder is None:
        return
    try:
        with Journal.open_unverified(folder) as earlier:
            vanished = VanishedLeads(
                run_id=earlier.run_id,
                file=earlier.metadata.file,
                started_at=earlier.metadata.started_at,
                leads=count_missing(
                    earlier.reports.read_phones_that_went_in(), journal.reports.read_phones()
                ),
            )
    except DamagedJournalError:
        return  # `importer runs` shows it
    journal.run.change_metadata(vanished=vanished)


def count_missing(phones: Iterable[str], others: Iterable[str]) -> int:
    """Return how many distinct phones are not among the others. A million of them need no memory, but a file for a moment."""
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:  # SQLite deletes this file itself
        scratch.execute("PRAGMA journal_mode = OFF")
        scratch.execute("CREATE TABLE phones (phone TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
        scratch.execute("BEGIN")
        scratch.executemany("INSERT OR IGNORE INTO phones VALUES (?)", ((phone,) for phone in phones))
        scratch.executemany("DELETE FROM phones WHERE phone = ?", ((phone,) for phone in others))
        (missing,) = scratch.execute("SELECT count(*) FROM phones").fetchone()
        return int(missing)
