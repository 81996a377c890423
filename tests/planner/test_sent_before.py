"""A row was sent before if the CRM took each of its values: whatever the order, and not with one other value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.models.row import flatten_payload
from importer.planner.decide import Base, Mode
from importer.planner.policies import Policies
from importer.planner.sent_before import is_sent_before
from importer.planner.values import canonicalize, fingerprint

PHONE = "+919845000001"
OVERWRITE = Policies()
VALUES = {
    "first_name": st.sampled_from(["Asha", "Ravi", None]),
    "city": st.sampled_from(["Pune", "Nashik", ""]),
    "deal_value": st.sampled_from([0, 5, 7.5]),
    "email": st.sampled_from([["a@x.in"], ["a@x.in", "b@x.in"]]),
    "address": st.sampled_from([{"text": "1 MG Road"}, {"text": "1 MG Road", "latitude": 12.5}]),
    "add_labels": st.sampled_from([["VIP"], ["VIP", "Hot"]]),
    "add_products": st.sampled_from([["Plot"], ["Villa"]]),
    "add_phones": st.sampled_from([["+919845000002"], ["+919845000003"]]),
    "lead_stage_name": st.sampled_from(["New", "Won", None]),
}
PAYLOADS = st.fixed_dictionaries({}, optional=VALUES).map(lambda fields: {"customer_phone": PHONE, **fields})


def identify(field):
    return lambda found: fingerprint(b"k", field, found)


def make_base(field, value, written=None):
    of_sheet, in_request = (
        identify(field)(canonicalize(field, one)) for one in (value, value if written is None else written)
    )
    return Base(of_sheet, in_request, in_request, b"k", field)


def remember(payload):
    """Return the memory after the CRM took a row."""
    return {field: make_base(field, value) for field, value in flatten_payload(payload)}


def canonicalize_row(payload):
    return {field: canonicalize(field, value) for field, value in flatten_payload(payload)}


@given(PAYLOADS, PAYLOADS)
def test_a_changed_cell_goes_again_and_nothing_else_does(before, now):
    """Over all kinds of fields: a row needs no request exactly where the memory has each of its values."""
    known = canonicalize_row(before)
    is_known = all(known.get(field, "missing") == value for field, value in canonicalize_row(now).items())
    assert is_sent_before(now, remember(before), OVERWRITE) is is_known
    assert is_sent_before(dict(reversed(before.items())), remember(before), OVERWRITE)


def test_note_that_was_not_sent_goes_again():
    """Notes that were sent are removed before: what is left is new."""
    payload = {"customer_phone": PHONE, "city": "Pune"}
    assert not is_sent_before({**payload, "customer_note": "called"}, remember(payload), OVERWRITE)
    assert not is_sent_before({**payload, "customer_note": "called"}, remember(payload), Policies(Mode.KEEP))


# mode -> the CRM took the row's value, the row's value beside an older one, another value, none
CASES = [
    (Mode.OVERWRITE, True, False, False, False),
    (Mode.UNEDITED, True, False, False, False),
    (Mode.FILL, True, False, False, False),
    (Mode.APPEND, True, True, False, False),
    (Mode.KEEP, True, False, False, True),
]


@pytest.mark.parametrize(
    ("mode", "same", "appended", "other", "unknown"), CASES, ids=[case[0] for case in CASES]
)
def test_mode_says_what_counts_as_sent(mode, same, appended, other, unknown):
    """With `append` the request may have more than the sheet; with `keep` a known lead never gets the field."""
    payload, policies = {"customer_phone": PHONE, "additional_info": "new"}, Policies(mode)
    bases = [
        make_base("additional_info", "new"),
        make_base("additional_info", "new", "old\nnew"),
        make_base("additional_info", "old"),
    ]
    found = [is_sent_before(payload, {"additional_info": base}, policies) for base in bases]
    assert [*found, is_sent_before(payload, {}, policies)] == [same, appended, other, unknown]
