"""A journal that was changed is refused or says what it said before: no lead is sent to another phone."""

import random
import sqlite3
from contextlib import closing

import pytest

from importer.errors import DamagedJournalError, JournalReadError
from importer.issues import Issue, IssueCode
from importer.journal.checksums import (
    CHECKSUMS,
    add_checksum_functions,
    compute_checksum,
    compute_row_checksum,
)
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, SecondMetrics, SendTotals, peek_run
from importer.models.row import NewVerdict
from importer.models.status import NoteState, RowStatus, RunState, StagedVerdict
from tests.journal.records import (
    build_invalid_row,
    build_metadata,
    build_result,
    build_valid_row,
    claim_next,
    make_account,
)

ROWS = [
    build_valid_row(2, "asked for the price"),
    build_valid_row(3, city="Pune"),
    build_invalid_row(4),
    *(build_valid_row(n, f"note {n}", add_phones=["+918022355342"]) for n in range(5, 12)),
]


def stage(folder):
    """Return a journal whose rows are judged, one of them a duplicate."""
    journal = Journal.create(folder / "run-1", build_metadata())
    journal.stage(ROWS)
    merged = Issue("row", IssueCode.MERGED, "3", "")
    journal.staging.update_verdicts([NewVerdict(5, StagedVerdict.DUPLICATE, None, (merged,), 3)])
    journal.run.write_end(RunEnd(state=RunState.CHECKED))
    journal.staging.complete()
    return journal


def send_some(folder):
    """Return a journal of a run that was killed with a row under way."""
    journal = stage(folder)
    journal.begin_sending(make_account(folder))
    claim_next(journal, 4)
    journal.delivery.record(
        DeliveryBatch(
            results=[
                build_result(2, note=NoteState.SENT),
                build_result(3, RowStatus.REFUSED, http_status=400),
            ],
            metrics=[SecondMetrics(0, 5, 1, 0), SecondMetrics(2, 3, 0, 1)],
            send_totals=SendTotals(requests=8, throttled=1, retries=1),
        )
    )
    return journal


def send_all(folder):
    journal = send_some(folder)
    rows = claim_next(journal, 99)
    journal.delivery.record(
        DeliveryBatch(results=[build_result(row.number, note=row.note_state) for row in rows])
    )
    journal.run.write_end(RunEnd(state=RunState.FINISHED, exit_code=1))
    return journal


STATES = {"checked": stage, "killed amid the sending": send_some, "finished": send_all}


def read_everything(folder):
    """Return all that the sender and the reports read."""
    with Journal.open(folder) as journal:
        return (
            [repr(row) for row in journal.read_report_rows()],
            [repr(page) for page in journal.read_report_pages()],
            journal.delivery.read_pending(-1, 99),
            list(journal.delivery.read_known_notes()),
            journal.counts(),
            journal.delivery.count_pending(),
            journal.delivery.read_send_totals(),
            journal.read_second_metrics(),
            journal.metadata,
            journal.run_end,
            peek_run(folder),
        )


def flip(path, whole, bit):
    body = bytearray(whole)
    body[bit // 8] ^= 1 << (bit % 8)
    path.write_bytes(body)


@pytest.mark.slow
@pytest.mark.parametrize("state", STATES)
def test_flipped_bit_changes_nothing_unsaid(tmp_path, request, state):
    """One flipped bit sent a row to another phone before (FINDINGS, Attack: one flipped bit)."""
    STATES[state](tmp_path).close()
    path = tmp_path / "run-1" / "journal.sqlite"
    whole, before = path.read_bytes(), read_everything(path.parent)
    count = request.config.getoption("--flipped-bits") or len(whole) * 8
    refused = []
    for bit in random.Random(state).sample(range(len(whole) * 8), count):
        flip(path, whole, bit)
        try:
            assert read_everything(path.parent) == before, f"bit {bit}"
        except DamagedJournalError as error:
            refused.append(error)
        for name in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + name).unlink(missing_ok=True)
    assert len(refused) > count / 20
    assert all(error.advice for error in refused)


CHANGES = {
    "phone": "UPDATE rows SET phone = '+919800000099' WHERE number = 2",
    "payload": "UPDATE rows SET payload = replace(payload, '+9198', '+9199') WHERE number = 2",
    "cells": "UPDATE rows SET cells = replace(cells, 'price', 'prize') WHERE number = 2",
    "verdict": "UPDATE rows SET verdict = 'invalid' WHERE number = 3",
    "issues": "UPDATE rows SET issues = '' WHERE number = 4",
    "survivor": "UPDATE rows SET survivor_row = 2 WHERE number = 5",
    "number": "UPDATE rows SET number = 99 WHERE number = 3",
    "intent": "UPDATE intents SET with_note = 0 WHERE number = 6",
    "intent of another row": "UPDATE intents SET number = 8 WHERE number = 6",
    "status": "UPDATE results SET status = 'accepted' WHERE number = 3",
    "result of another row": "UPDATE results SET number = 9 WHERE number = 2",
    "attempts": "UPDATE results SET attempts = 3 WHERE number = 2",
    "note": "UPDATE results SET note = 'not_sent' WHERE number = 2",
    "metrics": "UPDATE second_metrics SET requests = 6 WHERE second = 0",
    "state": "UPDATE meta SET value = replace(value, 'running', 'checked')",
    "checksum": "UPDATE rows SET checksum = 0 WHERE number = 2",
    "a row of it is missing": "DELETE FROM rows WHERE number = 3",
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_row_is_refused(tmp_path, change):
    journal = send_some(tmp_path)
    journal.close()
    with closing(sqlite3.connect(journal.file.path, isolation_level=None)) as connection:
        assert connection.execute(CHANGES[change]).rowcount
    with pytest.raises(DamagedJournalError, match="is damaged"):
        Journal.open(journal.folder)


def test_changed_view_is_refused(tmp_path):
    """The views decide which status a row has."""
    journal = send_some(tmp_path)
    journal.close()
    with closing(sqlite3.connect(journal.file.path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, '''unknown''', '''refused''')")
    with pytest.raises(DamagedJournalError, match="its tables are not those of a journal"):
        Journal.open(journal.folder)


def test_row_that_changes_while_rows_are_sent_is_not_sent(tmp_path):
    """The disk may go bad in the hours of a long run."""
    journal = send_some(tmp_path)
    journal.file.sql.execute(CHANGES["payload"].replace("= 2", "= 7"))
    with pytest.raises(JournalReadError, match="is damaged"):
        journal.delivery.read_pending(-1, 99)
    journal.close()


def test_checksums_cover_every_column(tmp_path):
    """A column that is added to a table is added to its checksum."""
    journal = send_all(tmp_path)
    for table, expression in CHECKSUMS.items():
        columns = [name for _, name, *_ in journal.file.sql.execute(f"PRAGMA table_info({table})")]
        inner = expression.partition("(")[2].removesuffix(")").split(", ")
        assert [*inner, "checksum"] == columns
    journal.close()


def test_checksum_tells_columns_and_rows_apart():
    """The same text in another column, or in another row, has another checksum."""
    one = compute_row_checksum(2, "a", "valid", "b", "{}", "")
    assert one == compute_row_checksum(2, "a", "valid", "b", "{}", "", None)
    others = [
        compute_row_checksum(3, "a", "valid", "b", "{}", ""),
        compute_row_checksum(2, "b", "valid", "a", "{}", ""),
        compute_row_checksum(2, "a", "valid", "b", None, "{}"),
        compute_row_checksum(2, "a", "valid", "b", "{}", "", 2),
    ]
    assert len({one, *others}) == 5
    assert compute_checksum(1, "23") != compute_checksum(12, "3")


@pytest.mark.parametrize("values", [(2, "a", None, ""), (2, "a", 0, None, "b", 1.5)], ids=["four", "six"])
def test_checksums_that_are_spelled_out_are_those_of_any_values(values):
    """SQL takes the function with the number of values, and else the one for any number."""
    with closing(sqlite3.connect(":memory:")) as connection:
        add_checksum_functions(connection)
        marks = ", ".join("?" * len(values))
        (found,) = connection.execute(f"SELECT checksum({marks})", values).fetchone()
    assert found == compute_checksum(*values)
