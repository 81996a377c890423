"""Journals, rows and damage for the tests of journal/ and state/."""

import sqlite3

from importer.issues import Issue
from importer.journal.checksums import CHECKSUMS
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata
from importer.journal.staging import to_staged_row
from importer.models.delivery import DeliveryResult
from importer.models.mapping import Mapping
from importer.models.row import Accepted, Rejected, SourceRow
from importer.models.status import NoteState, RowStatus
from tests.support import make_account

URL = "http://127.0.0.1:1/superfone"


def build_metadata(run_id="run-1", account="a" * 16, base_url=URL):
    return RunMetadata(
        run_id=run_id,
        command="run",
        file="leads.csv",
        sha256="0" * 64,
        started_at="2026-11-24T10:00:00+05:30",
        account=account,
        base_url=base_url,
        headers=("Phone", "Note"),
        mapping=Mapping(columns=()),
    )


def make_phone(number):
    return f"+9198000{number:05d}"


def build_valid_row(number, note=None, **payload):
    body = {"customer_phone": make_phone(number), **payload}
    if note is not None:
        body["customer_note"] = note
    return to_staged_row(
        Accepted(SourceRow(number, (make_phone(number), note or "")), make_phone(number), body)
    )


def build_invalid_row(number):
    issue = Issue("customer_phone", "missing", "Phone")
    return to_staged_row(Rejected(SourceRow(number, ("", "")), "", (issue,)))


def build_result(number, status=RowStatus.ACCEPTED, note=NoteState.NONE, http_status=200):
    return DeliveryResult(number=number, status=status, attempts=1, http_status=http_status, note=note)


def claim_next(journal, most=1):
    """Return the next rows as they may be sent, with their intents on disk."""
    return journal.delivery.record(DeliveryBatch(intents=journal.delivery.read_pending(0, most)))


def start_sending(tmp_path, run_id="run-1", rows=(), *, account="a" * 16, base_url=URL):
    journal = Journal.create(tmp_path / run_id, build_metadata(run_id, account, base_url))
    journal.stage(rows)
    journal.begin_sending(make_account(tmp_path, account))
    return journal


def lose_memory(tmp_path):
    """Delete what the account's runs of `start_sending` remember."""
    for path in tmp_path.glob("state/*/memory.sqlite*"):
        path.unlink()


def read_statuses(journal):
    return {outcome.number: outcome.status for outcome in journal.read_report_rows()}


def write_checksums(connection):
    """Give every row the checksum of what it says now."""
    for table, checksum in CHECKSUMS.items():
        connection.execute(f"UPDATE {table} SET checksum = {checksum}")


def damage_middle(path):
    body = bytearray(path.read_bytes())
    body[100:4000] = b"\xff" * 3900
    path.write_bytes(body)


def make_newer(path):
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")


def make_foreign(path):
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
