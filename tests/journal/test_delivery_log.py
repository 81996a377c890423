"""What the sender reads and writes: pending rows, intents, results and totals."""

import sqlite3

import pytest

from importer.errors import DiskWriteError, JournalReadError
from importer.issues import Issue, IssueCode
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import SecondMetrics, SendTotals
from importer.models.delivery import DeliveryResult
from importer.models.status import NoteState, RowStatus
from tests.journal.records import (
    build_invalid_row,
    build_result,
    build_valid_row,
    claim_next,
    make_phone,
    read_statuses,
    start_sending,
)
from tests.support import make_account


def test_pending_rows_come_in_file_order_without_their_note(tmp_path):
    """Rejected rows and rows with a result are not pending. Notes are apart from the payload, and all phones are named."""
    journal = start_sending(
        tmp_path,
        rows=[
            build_valid_row(2),
            build_valid_row(4, "hi", add_phones=["+918022355342"]),
            build_invalid_row(6),
            build_valid_row(9),
        ],
    )
    journal.delivery.record(DeliveryBatch(results=[build_result(2)]))
    first, second = journal.delivery.read_pending(0, 10)
    assert (first.number, second.number) == (4, 9)
    assert first.phones == (make_phone(4), "+918022355342")
    assert (first.notes, first.note_state) == (("hi",), NoteState.NOT_SENT)
    assert "customer_note" not in first.payload
    assert journal.delivery.read_pending(4, 10) == [second]
    assert journal.delivery.read_pending(0, 1) == [first]


def test_note_under_way_in_a_crash_stays_in_doubt(tmp_path):
    """An intent without a result means that the note may have arrived, so the row is sent without it."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2, "hi")])
    journal.delivery.record(DeliveryBatch(intents=journal.delivery.read_pending(0, 1)))
    journal.close()
    with Journal.open(tmp_path / "run-1") as again:
        again.begin_sending(make_account(tmp_path))
        row = again.delivery.read_pending(0, 1)[0]
        assert row.note_state is NoteState.UNKNOWN
        assert next(again.read_report_rows()).note is NoteState.UNKNOWN
        again.delivery.record(DeliveryBatch(intents=[row]))
        assert again.delivery.read_pending(0, 1)[0].note_state is NoteState.UNKNOWN
        assert next(again.read_report_rows()).note is NoteState.UNKNOWN


def test_row_left_in_doubt_says_what_is_known(tmp_path):
    """A run that stops writes how often the row was sent and what came back. It is no result: a resume sends the row."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2), build_valid_row(4)])
    journal.delivery.record(DeliveryBatch(intents=journal.delivery.read_pending(0, 2)))
    unsure = Issue("row", IssueCode.UNSURE, "", "an HTML page")
    known = DeliveryResult(
        number=2,
        status=RowStatus.UNKNOWN,
        attempts=3,
        http_status=200,
        note=NoteState.NONE,
        issues=(unsure,),
    )
    journal.delivery.record(DeliveryBatch(open_results=[known]))
    stopped, killed = journal.read_report_rows()
    assert (stopped.status, stopped.attempts, stopped.http_status) == (RowStatus.UNKNOWN, 3, 200)
    assert stopped.issues == (unsure,)
    assert killed.status is RowStatus.UNKNOWN
    assert "the run was killed" in killed.sentences[0]
    assert [row.number for row in journal.delivery.read_pending(0, 9)] == [2, 4]
    journal.delivery.record(DeliveryBatch(intents=journal.delivery.read_pending(0, 1)))
    assert next(journal.read_report_rows()).attempts == 0
    journal.delivery.record(DeliveryBatch(results=[build_result(2)]))
    assert next(journal.read_report_rows()).issues == ()


def test_note_of_a_withdrawn_row_may_be_sent(tmp_path):
    """A row that was ready when the run stopped withdraws its intent and releases its note."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2, "hi")])
    (row,) = claim_next(journal)
    journal.delivery.record(DeliveryBatch(withdrawn=[row]))
    assert read_statuses(journal)[2] is RowStatus.PENDING
    assert claim_next(journal)[0].note == "hi"


def test_withdrawing_an_intent_keeps_an_earlier_doubt(tmp_path):
    """A row that was killed under way and then stopped before it left again may still have arrived the first time."""
    claim_next(start_sending(tmp_path, rows=[build_valid_row(2, "hi")]))
    with Journal.open(tmp_path / "run-1") as again:
        again.begin_sending(make_account(tmp_path))
        (row,) = claim_next(again)
        assert row.may_have_arrived
        again.delivery.record(DeliveryBatch(withdrawn=[row]))
        assert read_statuses(again)[2] is RowStatus.UNKNOWN
        assert again.delivery.read_pending(0, 1)[0].note_state is NoteState.UNKNOWN


def test_failed_read_during_sending_stops_the_run(tmp_path):
    """What cannot be read while rows are sent is JournalReadError, which can be resumed."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2, "hi"), build_valid_row(3)])
    journal.file.sql.execute("UPDATE rows SET payload = '{' WHERE number = 3")
    with pytest.raises(JournalReadError):
        journal.delivery.read_pending(-1, 10)


def test_metrics_of_one_second_add_up(tmp_path):
    """Two commits in one second are one second of metrics. Totals are those written last."""
    journal = start_sending(tmp_path)
    journal.delivery.record(
        DeliveryBatch(metrics=[SecondMetrics(0, 5, 1, 0)], send_totals=SendTotals(requests=5, throttled=1))
    )
    journal.delivery.record(
        DeliveryBatch(
            metrics=[SecondMetrics(0, 2, 0, 1), SecondMetrics(3, 1, 0, 0)],
            send_totals=SendTotals(requests=8, throttled=1, retries=1),
        )
    )
    assert journal.read_second_metrics() == [SecondMetrics(0, 7, 1, 1), SecondMetrics(3, 1, 0, 0)]
    assert journal.delivery.read_send_totals() == SendTotals(requests=8, throttled=1, retries=1)


def test_second_result_of_a_row_is_an_error(tmp_path):
    """A row has one result. A second one is an error in our code, which must be seen."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2)])
    journal.delivery.record(DeliveryBatch(results=[build_result(2)]))
    with pytest.raises(sqlite3.IntegrityError):
        journal.delivery.record(DeliveryBatch(results=[build_result(2, RowStatus.REFUSED)]))


def test_commit_is_all_or_nothing(tmp_path):
    """A commit that fails half-way leaves the journal as it was."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2), build_valid_row(3)])
    journal.delivery.record(DeliveryBatch(results=[build_result(2)]))
    with pytest.raises(sqlite3.IntegrityError):
        journal.delivery.record(DeliveryBatch(results=[build_result(3), build_result(2)]))
    assert read_statuses(journal) == {2: RowStatus.ACCEPTED, 3: RowStatus.PENDING}


def test_full_disk_is_one_sentence(tmp_path):
    """SQLite's "database or disk is full" becomes DiskWriteError with advice, and nothing known is lost."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2), build_valid_row(3)])
    journal.delivery.record(DeliveryBatch(results=[build_result(2)]))
    (pages,) = journal.file.sql.execute("PRAGMA page_count").fetchone()
    journal.file.sql.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskWriteError, match="full"):
        for second in range(10_000):
            journal.delivery.record(DeliveryBatch(metrics=[SecondMetrics(second, 1, 0, 0)]))
    assert read_statuses(journal)[2] is RowStatus.ACCEPTED


def test_number_of_pending_rows_equals_the_pending_rows(tmp_path):
    """The number is counted without reading the rows: rejected rows and rows with a result are not pending."""
    with start_sending(
        tmp_path, rows=[build_valid_row(1), build_invalid_row(2), build_valid_row(3), build_valid_row(4)]
    ) as journal:
        journal.begin_sending(make_account(tmp_path))
        assert journal.delivery.count_pending() == len(journal.delivery.read_pending(-1, 9)) == 3
        journal.delivery.record(
            DeliveryBatch(
                intents=claim_next(journal, most=2),
                results=[build_result(1), build_result(3, RowStatus.REFUSED)],
            )
        )
        assert journal.delivery.count_pending() == len(journal.delivery.read_pending(-1, 9)) == 1


# what of an earlier run's row makes it one to send again -> with --changed
ENDINGS = {
    "killed": lambda log, row: log.record(DeliveryBatch(intents=[row])),
    "withdrawn": lambda log, row: (
        log.record(DeliveryBatch(intents=[row])),
        log.record(DeliveryBatch(withdrawn=[row])),
    ),
    "unknown": lambda log, row: log.record(DeliveryBatch(results=[build_result(2, RowStatus.UNKNOWN)])),
    "failed": lambda log, row: log.record(DeliveryBatch(results=[build_result(2, RowStatus.FAILED)])),
    "refused": lambda log, row: log.record(
        DeliveryBatch(results=[build_result(2, RowStatus.REFUSED, http_status=400)])
    ),
    "conflict": lambda log, row: log.record(DeliveryBatch(results=[build_result(2, RowStatus.CONFLICT)])),
}


@pytest.mark.parametrize("end", ENDINGS.values(), ids=ENDINGS.keys())
def test_row_that_did_not_go_in_makes_its_lead_unsettled(tmp_path, end):
    """Until a row of the lead goes in. An earlier acceptance says nothing any more."""
    first = start_sending(tmp_path, rows=[build_valid_row(2, city="Pune")])
    first.delivery.remember_policies("overwrite")
    first.delivery.record(DeliveryBatch(intents=first.delivery.read_pending(0, 1), results=[build_result(2)]))
    assert first.delivery.fields.read_settled([make_phone(2)], "overwrite")
    first.close()
    second = start_sending(tmp_path, "run-2", rows=[build_valid_row(2, city="Goa")])
    log = second.delivery
    log.remember_policies("overwrite")
    end(log, log.read_pending(0, 1)[0])
    assert log.fields.read([make_phone(2)])
    assert not log.fields.read_settled([make_phone(2)], "overwrite")
    second.close()
    third = start_sending(tmp_path, "run-3", rows=[build_valid_row(2, city="Goa")])
    third.delivery.remember_policies("overwrite")
    third.delivery.record(DeliveryBatch(intents=third.delivery.read_pending(0, 1), results=[build_result(2)]))
    assert third.delivery.fields.read_settled([make_phone(2)], "overwrite")
    third.close()
