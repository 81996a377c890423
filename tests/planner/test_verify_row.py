"""What was sent compared with what the CRM shows: each kind of difference, and when another hand must have made it."""

import pytest

from importer.models.crm_lead import CrmLead, CrmPhone, CrmTitle, Lookup, LookupState
from importer.models.status import Verification
from importer.planner.decide import Base
from importer.planner.values import canonicalize, fingerprint
from importer.planner.verify_row import Match, SentRow, match_values, merge_steps, verify_row

PHONE, AT = "+919845000001", "2026-11-30T10:00:00+05:30"
LONG = "Asked for a call after Diwali about the larger flat"

# field, sent, shown -> match
PAIRS = [
    ("city", "Pune", "Pune", Match.SAME),
    ("city", " Pune ", "Pune", Match.SAME),
    ("city", "Pune", "PUNE", Match.NORMALISED),
    ("city", "New  Delhi", "New Delhi", Match.NORMALISED),
    ("city", "Pune", None, Match.DIFFERS),
    ("city", "Pune", "Pune City", Match.DIFFERS),
    ("first_name", "Ravi Kumar", "Ravi", Match.DIFFERS),  # the old value, and no cut
    ("additional_info", LONG, LONG[:30], Match.NORMALISED),
    ("address.text", None, "", Match.SAME),
    ("address.text", None, "12 MG Road", Match.DIFFERS),
    ("deal_value", 120000, "120000.0", Match.SAME),
    ("deal_value", 120000, 12000, Match.DIFFERS),
    ("email", ["a@x.in"], ["A@x.in", "b@x.in"], Match.SAME),
    ("email", ["a@x.in", "c@x.in"], ["a@x.in"], Match.DIFFERS),
    ("add_labels", ["VIP"], ["Hot", "VIP"], Match.SAME),
    ("add_labels", ["VIP", "Old"], ["vip", "Old"], Match.NORMALISED),
    ("add_labels", ["VIP"], [], Match.DIFFERS),
    ("remove_labels", ["VIP"], ["Hot"], Match.SAME),
    ("remove_labels", ["VIP"], ["Hot", "VIP"], Match.DIFFERS),
]


@pytest.mark.parametrize(("field", "sent", "shown", "expected"), PAIRS)
def test_values_match(field, sent, shown, expected):
    """The best match that is true: normalised is never said of another value."""
    assert match_values(field, sent, shown) is expected


def find(**fields):
    lead = CrmLead(id=7, phones=(CrmPhone(PHONE),), **fields)
    return Lookup(state=LookupState.FOUND, at=AT, http_status=200, lead=lead)


def verify(values, lookup, **known):
    return verify_row(SentRow(phone=PHONE, values=values, **known), lookup, {})


def remember(field, value):
    written = fingerprint(b"key", field, canonicalize(field, value))
    return Base(written, written, written, b"key", field)


def test_values_that_the_api_does_not_show_are_not_compared():
    """Of several requests the last value of a field counts, as the CRM took it."""
    steps = [
        {"customer_phone": PHONE, "remove_labels": ["Hot"]},
        {"customer_phone": PHONE, "city": "Pune", "address": {"text": "12 MG Road"}, "customer_note": "x",
         "add_products": ["Flat"], "assignee_user_phone": PHONE},
    ]  # fmt: skip
    assert merge_steps(steps) == {"remove_labels": ["Hot"], "city": "Pune", "address.text": "12 MG Road"}


def test_lead_as_sent():
    """Each field, and the values that the memory may learn."""
    lookup = find(city="Pune", lead_stage=CrmTitle("new"), updated_at=AT)
    found = verify({"city": "Pune", "lead_stage_name": "New"}, lookup)
    assert (found.outcome, found.issues, found.updated_at) == (Verification.NORMALISED, (), AT)
    assert found.shown == {"city": "Pune", "lead_stage_name": "new"}


def test_field_that_differs_is_named_and_never_learnt():
    """The others are learnt."""
    found = verify({"city": "Pune", "source": "Expo"}, find(city="Goa", source="Expo", updated_at=AT))
    assert (found.outcome, [issue.machine_code for issue in found.issues]) == (
        Verification.DIFFERS, ["city.not_as_sent"],
    )  # fmt: skip
    assert (found.shown, found.updated_at) == ({"source": "Expo"}, None)


def test_other_hand_is_named_only_when_it_must_have_been():
    """A later date alone is no proof: our own write moves it too."""
    lookup = find(city="Goa", updated_at="2026-12-01T10:00:00+05:30")
    sent = {"city": "Pune"}
    assert verify(sent, lookup).outcome is Verification.DIFFERS
    assert verify(sent, lookup, updated_at=AT).outcome is Verification.CHANGED_SINCE
    assert verify(sent, lookup, updated_at=lookup.lead.updated_at).outcome is Verification.DIFFERS
    assert verify(sent, lookup, later_writes={"city": remember("city", "Goa")}).outcome is Verification.CHANGED_SINCE  # fmt: skip
    assert verify(sent, lookup, later_writes={"city": remember("city", "Delhi")}).outcome is Verification.DIFFERS  # fmt: skip
    assert verify(sent, lookup, later_writes={"source": remember("source", "Web")}).outcome is Verification.DIFFERS  # fmt: skip


def test_lead_that_is_not_there_and_answer_that_is_not_clear():
    """Only the API's own 404 says that a lead is missing."""
    absent = Lookup(state=LookupState.ABSENT, at=AT, http_status=404)
    unclear = Lookup(state=LookupState.UNCLEAR, at=AT, reason="no answer")
    assert verify({}, absent).outcome is Verification.MISSING
    assert verify({}, unclear).outcome is Verification.CANNOT_TELL
    assert verify({"city": "Pune"}, unclear).outcome is Verification.CANNOT_TELL


def test_lead_without_the_phone_is_another_lead():
    """Whatever else it shows."""
    other = Lookup(state=LookupState.FOUND, at=AT, lead=CrmLead(id=7, city="Pune"))
    found = verify({"city": "Pune"}, other)
    assert (found.outcome, found.issues[0].code) == (Verification.DIFFERS, "phone_not_shown")
    assert found.shown == {}
