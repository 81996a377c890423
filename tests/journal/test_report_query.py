"""What reports read: every row has exactly one status at every moment."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from importer.issues import Issue
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.journal.staging import to_staged_row
from importer.models.crm_lead import CrmLead, Lookup, LookupState
from importer.models.row import Accepted, NewVerdict, Rejected, SourceRow
from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from importer.models.status import NoteState, RowStatus, RunState, StagedVerdict
from importer.report.results_csv import (
    choose_report_columns,
    format_clean_lines,
    format_report_line,
    to_report_cells,
)
from tests.journal.records import (
    build_invalid_row,
    build_metadata,
    build_result,
    build_valid_row,
    claim_next,
    make_phone,
    read_statuses,
    start_sending,
)
from tests.support import make_account

_CELLS = st.text(st.characters(codec="utf-8"), max_size=6)


def test_row_has_one_status_at_every_moment(tmp_path):
    """A row is pending, then unknown once it was about to leave, then what the CRM made of it."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2), build_invalid_row(3), build_valid_row(5)])
    assert read_statuses(journal) == {2: RowStatus.PENDING, 3: RowStatus.INVALID, 5: RowStatus.PENDING}
    row = journal.delivery.read_pending(0, 1)[0]
    journal.delivery.record(DeliveryBatch(intents=[row]))
    assert read_statuses(journal)[2] is RowStatus.UNKNOWN
    journal.delivery.record(DeliveryBatch(results=[build_result(2)]))
    assert read_statuses(journal) == {2: RowStatus.ACCEPTED, 3: RowStatus.INVALID, 5: RowStatus.PENDING}
    assert journal.counts()[RowStatus.PENDING] == 1
    assert sum(journal.counts().values()) == journal.rows == 3


def test_valid_row_is_accepted_after_a_check(tmp_path):
    """After a check, `accepted` means that the row would be sent."""
    journal = Journal.create(tmp_path / "c", build_metadata("c"))
    journal.stage([build_valid_row(2), build_invalid_row(3)])
    journal.end(RunEnd(state=RunState.CHECKED))
    assert read_statuses(journal) == {2: RowStatus.ACCEPTED, 3: RowStatus.INVALID}


def test_duplicate_is_retryable_with_its_survivor(tmp_path):
    """If only the surviving row were imported again, the values of its duplicates would be lost."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2), build_valid_row(3)])
    issue = Issue("row", "folded", "Phone", "its values went into that row", "2")
    journal.staging.update_verdicts([NewVerdict(3, StagedVerdict.DUPLICATE, None, (issue,), 2)])
    assert [o.is_retryable for o in journal.read_report_rows()] == [True, True]
    journal.delivery.record(DeliveryBatch(results=[build_result(2)]))
    assert [o.is_retryable for o in journal.read_report_rows()] == [False, False]


def test_duplicate_shares_the_doubt_of_its_survivor(tmp_path):
    """If the surviving row may be in the CRM, so may the values of its duplicates."""
    journal = start_sending(tmp_path, rows=[build_valid_row(2), build_valid_row(3)])
    journal.staging.update_verdicts([NewVerdict(3, StagedVerdict.DUPLICATE, None, (), 2)])
    assert [o.effective_status for o in journal.read_report_rows()] == [RowStatus.PENDING] * 2
    claim_next(journal)
    assert [o.effective_status for o in journal.read_report_rows()] == [RowStatus.UNKNOWN] * 2


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_counts_add_up_in_every_state(tmp_path_factory, data):
    """Guarantee "Conservation": each row has one status, and the counts add up to the rows of the file."""
    folder = tmp_path_factory.mktemp("journal")
    numbers = data.draw(st.lists(st.integers(1, 500), min_size=1, max_size=12, unique=True))
    bad = data.draw(st.sets(st.sampled_from(numbers)))
    journal = start_sending(
        folder,
        rows=[
            build_invalid_row(n) if n in bad else build_valid_row(n, "n" if n % 3 == 0 else None)
            for n in numbers
        ],
    )
    left = journal.delivery.read_pending(0, 100)
    about = data.draw(st.lists(st.sampled_from(left), unique_by=lambda row: row.number)) if left else []
    ended = data.draw(st.lists(st.sampled_from(about), unique_by=lambda row: row.number)) if about else []
    journal.delivery.record(DeliveryBatch(intents=about))
    status = st.sampled_from([RowStatus.ACCEPTED, RowStatus.REFUSED, RowStatus.FAILED, RowStatus.UNKNOWN])
    journal.delivery.record(
        DeliveryBatch(results=[build_result(row.number, data.draw(status)) for row in ended])
    )
    counts = journal.counts()
    assert sum(counts.values()) == len(numbers) == len(list(journal.read_report_rows()))
    assert counts[RowStatus.INVALID] == len(bad)
    assert counts[RowStatus.PENDING] == len(left) - len(about)
    journal.close()


@settings(max_examples=200, deadline=None)
@given(data=st.data(), checked=st.booleans(), page_rows=st.integers(1, 4))
def test_clean_lines_of_pages_equal_the_lines_of_single_rows(tmp_path_factory, data, checked, page_rows):
    """The lines of clean rows are those that `format_report_line` gives, in every state and in order."""
    numbers = data.draw(st.lists(st.integers(1, 500), min_size=1, max_size=12, unique=True))
    journal = Journal.create(tmp_path_factory.mktemp("journal") / "run-1", build_metadata())
    for n in numbers:
        row = SourceRow(n, data.draw(st.tuples(_CELLS, _CELLS)))
        note = data.draw(st.sampled_from([{}, {"customer_note": 'a "note"'}, {"city": '"customer_note":'}]))
        said = data.draw(st.sampled_from([(), (Issue("city", "left_out_unknown", "City", "x"),)]))
        good = Accepted(row, make_phone(n), {"customer_phone": make_phone(n), **note}, said)
        journal.stage(
            [
                to_staged_row(
                    good if data.draw(st.booleans()) else Rejected(row, "", said or (Issue("row", "nul"),))
                )
            ]
        )
    if checked:
        journal.end(RunEnd(state=RunState.CHECKED))
    else:
        journal.begin_sending(make_account(journal.folder.parent))
        for row in claim_next(journal, most=data.draw(st.integers(0, 12))):
            ended = data.draw(
                st.sampled_from([None, RowStatus.ACCEPTED, RowStatus.ACCEPTED, RowStatus.REFUSED])
            )
            if ended:
                note = data.draw(st.sampled_from(NoteState))
                journal.delivery.record(
                    DeliveryBatch(
                        results=[
                            build_result(row.number, ended, note, data.draw(st.sampled_from([None, 200])))
                        ]
                    )
                )
    outcomes = list(journal.read_report_rows())
    with patch("importer.journal.report_query.BLOCK_ROWS", page_rows):
        pages = list(journal.read_report_pages())
    others = [outcome for page in pages for outcome in page.others]
    plain = [o for o in outcomes if o.status is RowStatus.ACCEPTED and not o.issues]
    assert others == [outcome for outcome in outcomes if outcome not in plain]
    assert [body for page in pages for body in page.bodies] == [outcome.body for outcome in plain]
    own = {o.number: format_report_line(o, to_report_cells(o)) for o in outcomes}
    left = iter(others)
    assert [line or own[next(left).number] for page in pages for line in format_clean_lines(page)] == list(
        own.values()
    )
    assert journal.counts() == {status: sum(o.status is status for o in outcomes) for status in RowStatus}
    journal.close()


_SAME, _KEPT = FieldChange("city", Effect.SAME, "a", "a"), FieldChange("city", Effect.KEPT, "a", "set")
_PLANS = [
    RowPlan(action=PlanAction.UNCHANGED, changes=(_SAME,)),
    RowPlan(action=PlanAction.UNCHANGED, changes=(_SAME, _KEPT)),
    RowPlan(action=PlanAction.UPDATE, changes=(_KEPT,), steps=({"customer_phone": "x"},)),
    RowPlan(action=PlanAction.CONFLICT, issues=(Issue("row", "lead_gone"),)),
]


@settings(max_examples=100, deadline=None)
@given(data=st.data(), is_applied=st.booleans(), page_rows=st.integers(1, 4))
def test_clean_lines_of_a_plan_equal_the_lines_of_single_rows(tmp_path_factory, data, is_applied, page_rows):
    """A row that the CRM has already is clean only if nothing of it is touched, kept, edited or said."""
    numbers = data.draw(st.lists(st.integers(1, 500), min_size=1, max_size=8, unique=True))
    journal = Journal.create(tmp_path_factory.mktemp("journal") / "run-1", build_metadata())
    for n in numbers:
        note = data.draw(st.sampled_from([{}, {"customer_note": 'a "note"'}]))
        said = data.draw(st.sampled_from([(), (Issue("city", "left_out_unknown", "City", "x"),)]))
        row = SourceRow(n, data.draw(st.tuples(_CELLS, _CELLS)))
        journal.stage(
            [to_staged_row(Accepted(row, make_phone(n), {"customer_phone": make_phone(n), **note}, said))]
        )
    journal.begin_look_ups(make_account(journal.folder.parent))
    for n in numbers:
        lead_id = data.draw(st.sampled_from([7, "a-1", 'a,"b"']))
        lookup = Lookup(state=LookupState.FOUND, at="2026-11-30T10:00:00+05:30", lead=CrmLead(id=lead_id))
        journal.plans.record_lookups({make_phone(n): lookup})
        if plan := data.draw(st.sampled_from([*_PLANS, None])):
            journal.plans.write_plans([(n, plan)])
    journal.end(RunEnd(state=RunState.PLANNED))
    if is_applied:
        journal.plans.settle_unsent()
        journal.end(RunEnd(state=RunState.RUNNING))
    columns = choose_report_columns(journal)
    own = [format_report_line(o, to_report_cells(o, columns)) for o in journal.read_report_rows()]
    with patch("importer.journal.report_query.BLOCK_ROWS", page_rows):
        pages = list(journal.read_report_pages())
    others = iter(o for page in pages for o in page.others)
    lines = [line for page in pages for line in format_clean_lines(page)]
    assert [
        line or format_report_line(o, to_report_cells(o, columns))
        for line in lines
        for o in ([None] if line else [next(others)])
    ] == own
    journal.close()
