"""`--changed` over whole sheets: no order of the rows defeats it, and one changed cell is always seen."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from importer.credentials import Credentials, Secret
from importer.journal.delivery_log import to_lead_write
from importer.journal.run_journal import Journal
from importer.journal.staging import to_staged_row
from importer.models.row import Accepted, SourceRow
from importer.pipeline.context import RunContext
from importer.pipeline.unchanged_rows import leave_out_unchanged_rows
from importer.pipeline.vanished_leads import count_missing
from importer.planner.policies import Policies
from importer.settings import Settings
from tests.journal.records import URL, build_metadata, make_phone
from tests.support import make_account

FIELDS = {
    "city": st.sampled_from(["Pune", "Nashik"]),
    "deal_value": st.sampled_from([5, 7.5]),
    "email": st.sampled_from([["a@x.in"], ["a@x.in", "b@x.in"]]),
    "address": st.sampled_from([{"text": "1 MG Road"}, {"text": "2 MG Road", "initials": "A"}]),
}
BODIES = st.fixed_dictionaries({"first_name": st.sampled_from(["Asha", "Ravi"])}, optional=FIELDS)


@st.composite
def two_days(draw):
    """Return the bodies of yesterday by phone, and the rows of today: in any order, and some with one changed cell."""
    yesterday = {make_phone(key): body for key, body in enumerate(draw(st.lists(BODIES, max_size=8)))}
    today = draw(st.permutations(list(yesterday.items())))
    changed = draw(st.sets(st.sampled_from(sorted(yesterday)))) if yesterday else set()
    rows = [(phone, {**body, "first_name": "Meena"} if phone in changed else body) for phone, body in today]
    return yesterday, rows, changed


def stage(journal, rows):
    journal.stage(
        to_staged_row(Accepted(SourceRow(number, (phone, "")), phone, {"customer_phone": phone, **body}))
        for number, (phone, body) in enumerate(rows, 2)
    )


def remember(folder, rows):
    """Remember in the account what a run has written."""
    with Journal.create(folder / "run-1", build_metadata()) as journal:
        journal.begin_sending(make_account(folder))
        journal.delivery.remember_policies(Policies().describe())
        writes = [to_lead_write({"customer_phone": phone, **body}, None) for phone, body in rows.items()]
        with journal.file.commit():
            journal.delivery.fields.remember(writes, run_id="run-1", written_at="2026-11-30T10:00:00+05:30")


@settings(max_examples=20)
@given(two_days())
def test_exactly_the_rows_with_a_changed_cell_go_again(days):
    """Whatever the order of the rows."""
    yesterday, today, changed = days
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        remember(folder, yesterday)
        context = RunContext(
            settings=Settings(changed=True),
            credentials=Credentials(Secret("k"), URL),
            account=make_account(folder),
            state_dir=folder,
        )
        with Journal.create(folder / "run-2", build_metadata("run-2")) as journal:
            stage(journal, today)
            leave_out_unchanged_rows(journal, context)
            left = {row.phone for row in journal.staging.read_valid_rows(-1, 99)}
        assert left == changed


@given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 20)))
def test_phones_that_are_missing_are_counted_once(phones, others):
    """As a set would count them, without holding them in memory."""
    expected = len(set(phones) - set(others))
    assert count_missing(map(make_phone, phones), map(make_phone, others)) == expected
