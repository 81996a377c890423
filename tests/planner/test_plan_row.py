"""The plan of one row against a CRM: what is created, changed, kept and held back, and what is sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.models.crm_lead import Lookup, LookupState, parse_lookup
from importer.models.row_plan import Effect, PlanAction
from importer.planner.decide import Base, Mode
from importer.planner.plan_row import plan_row
from importer.planner.policies import Policies, build_policies
from importer.planner.values import canonicalize, fingerprint
from tests.planner.crm_model import AT, CrmModel

PHONE, OTHER, THIRD = "+919845000001", "+919845000002", "+919845000003"
FULL = {
    "customer_phone": PHONE,
    "first_name": "Asha",
    "last_name": "Rao",
    "business_name": "Rao Traders",
    "website": "https://rao.example",
    "city": "Pune",
    "email": ["asha@rao.example"],
    "address": {"text": "12 MG Road", "latitude": 18.5},
    "deal_value": 120000,
    "source": "Expo",
    "source_type": "CSV_UPLOAD",
    "lead_stage_name": "New",
    "lead_group_name": "Walk-ins",
    "add_labels": ["VIP"],
    "add_phones": [OTHER],
    "additional_info": "Budget: 60L",
}


@pytest.fixture
def crm():
    """A CRM that has the full lead."""
    made = CrmModel()
    assert made.post(FULL, create=True) == ""
    return made


def plan(crm, payload, policies=None, **rules):
    """Plan one row by fresh look-ups."""
    return plan_row(payload, crm.look_up_all(payload), crm.make_rules(policies, **rules))


def test_same_values_need_no_request(crm):
    """The sheet of yesterday costs nothing today."""
    found = plan(crm, FULL)
    assert (found.action, found.steps) == (PlanAction.UNCHANGED, ())
    assert {change.effect for change in found.changes} == {Effect.SAME}


def test_body_holds_only_what_changes(crm):
    """A field that stays is not sent: it could be changed between the look-up and the write."""
    found = plan(crm, {**FULL, "city": "Mumbai", "add_labels": ["VIP", "Hot"]})
    assert found.action is PlanAction.UPDATE
    assert found.steps == ({"customer_phone": PHONE, "city": "Mumbai", "add_labels": ["Hot"]},)
    changed = {change.field: (change.old, change.new) for change in found.changes if change.effect.is_sent}
    assert changed == {"city": ("Pune", "Mumbai"), "add_labels": (["VIP"], ["Hot"])}


def test_address_is_sent_whole(crm):
    """An upsert may replace the address: the parts that the CRM has travel with the one that changes."""
    found = plan(crm, {"customer_phone": PHONE, "address": {"additional": "2nd floor"}})
    assert found.steps[0]["address"] == {"text": "12 MG Road", "latitude": 18.5, "additional": "2nd floor"}


def test_unknown_phone_is_created_with_all_fields():
    """A new lead gets every field that the row has, and nothing that clears or removes."""
    payload = {**FULL, "lead_group_name": None, "remove_labels": ["Hot"], "customer_note": "called"}
    found = plan(CrmModel(), payload)
    assert found.action is PlanAction.CREATE
    sent = {
        name: value for name, value in payload.items() if name not in ("lead_group_name", "remove_labels")
    }
    assert found.steps == (sent,)


def test_unknown_phone_with_no_create_is_held_back():
    """Without permission to create, the row is named and not sent."""
    found = plan(CrmModel(), FULL, create=False)
    assert (found.action, found.steps) == (PlanAction.CONFLICT, ())
    assert found.issues[0].machine_code == "row.no_such_lead"


def test_note_alone_is_an_update(crm):
    """A note is always added; it can't be compared."""
    found = plan(crm, {"customer_phone": PHONE, "customer_note": "called"})
    assert (found.action, found.steps) == (
        PlanAction.UPDATE,
        ({"customer_phone": PHONE, "customer_note": "called"},),
    )


def test_labels_to_add_and_to_remove_are_two_requests(crm):
    """The API can't combine them. The note goes with the last request."""
    payload = {"customer_phone": PHONE, "add_labels": ["Hot"], "remove_labels": ["VIP"], "customer_note": "n"}
    found = plan(crm, payload)
    assert found.steps == (
        {"customer_phone": PHONE, "remove_labels": ["VIP"]},
        {"customer_phone": PHONE, "add_labels": ["Hot"], "customer_note": "n"},
    )
    assert [crm.post(step, create=False) for step in found.steps] == ["", ""]


def test_label_that_the_lead_lacks_is_not_removed_again(crm):
    """Removing what is not there is no change."""
    assert plan(crm, {"customer_phone": PHONE, "remove_labels": ["Hot"]}).action is PlanAction.UNCHANGED


def test_phone_of_another_lead_is_held_back(crm):
    """An additional number that another lead has would make two leads share it."""
    assert crm.post({"customer_phone": THIRD}, create=True) == ""
    for row in (
        {"customer_phone": PHONE, "add_phones": [THIRD]},
        {"customer_phone": "+919845000009", "add_phones": [THIRD]},
    ):
        found = plan(crm, row)
        assert (found.action, found.issues[0].code) == (PlanAction.CONFLICT, "other_lead")


def test_lead_without_the_number_is_held_back(crm):
    """A CRM that answers with another lead must not be written to."""
    lookups = {THIRD: crm.look_up(PHONE)}
    found = plan_row({"customer_phone": THIRD, "city": "Pune"}, lookups, crm.make_rules())
    assert (found.action, found.issues[0].code) == (PlanAction.CONFLICT, "phone_not_shown")


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (404, b'{"message": "Customer not found"}', LookupState.ABSENT),
        (404, b"<html>not found</html>", LookupState.UNCLEAR),
        (404, b"", LookupState.UNCLEAR),
        (404, b'{"error": "no route"}', LookupState.UNCLEAR),
        (200, b'{"data": null, "message": "success"}', LookupState.UNCLEAR),
        (200, b'{"data": {"id": 1}, "message": "success"}', LookupState.FOUND),
        (200, b'{"data": {"id": 1, "email": "a@x.in"}, "message": "success"}', LookupState.UNCLEAR),
        (200, b"<html>log in</html>", LookupState.UNCLEAR),
        (200, b"[" * 100_000, LookupState.UNCLEAR),
        (500, b'{"message": "x"}', LookupState.UNCLEAR),
        (None, b"", LookupState.UNCLEAR),
    ],
)
def test_only_the_apis_own_answer_counts(status, body, state):
    """A proxy's 404 must never create a second lead."""
    assert parse_lookup(status, body, at=AT).state is state


def test_row_that_could_not_be_looked_up_is_not_sent(crm):
    """Nothing is guessed: neither create nor update."""
    lookups = {PHONE: crm.look_up(PHONE), OTHER: Lookup(state=LookupState.UNCLEAR, at=AT, reason="timeout")}
    found = plan_row(FULL, lookups, crm.make_rules())
    assert (found.action, found.steps, found.issues[0].code) == (PlanAction.CANNOT_TELL, (), "lookup_failed")


def test_edit_of_a_person_against_a_third_value_is_a_conflict(crm):
    """`unedited`: we sent Nashik, a person typed Pune, and the sheet says Mumbai."""
    base = make_base("city", "Nashik")
    payload = {"customer_phone": PHONE, "city": "Mumbai"}
    found = plan_row(
        payload, crm.look_up_all(payload), crm.make_rules(Policies(Mode.UNEDITED)), {"city": base}
    )
    assert found.action is PlanAction.CONFLICT
    assert (found.issues[0].value, found.issues[0].hint) == ("Pune", "Mumbai")


def test_assignee_and_products_are_compared_with_our_own_memory(crm):
    """The API shows neither: what we sent last is not sent again, anything else is sent and said so."""
    payload = {
        "customer_phone": PHONE,
        "assignee_user_phone": "+919845000101",
        "add_products": ["Villa plot"],
    }
    first = plan(crm, payload)
    assert [change.effect for change in first.changes] == [Effect.FILL, Effect.SEND]
    crm.post(first.steps[0], create=False)
    bases = {field: make_base(field, payload[field]) for field in ("assignee_user_phone", "add_products")}
    again = plan_row(payload, crm.look_up_all(payload), crm.make_rules(), bases)
    assert again.action is PlanAction.UNCHANGED
    unknown = plan(crm, {**payload, "assignee_user_phone": "+919845000102"})
    assert [change.effect for change in unknown.changes] == [Effect.SEND, Effect.SEND]


def test_careful_keeps_better_data(crm):
    """An old sheet over a better lead: blanks are filled, nothing is replaced, a won lead stays won."""
    crm.post({"customer_phone": PHONE, "lead_stage_name": "Won"}, create=False)
    sheet = {
        "customer_phone": PHONE, "first_name": "ASHA R", "city": "Poona", "lead_stage_name": "New", "deal_value": 1,
        "email": ["new@rao.example"], "additional_info": "Loan: no", "lead_group_name": "Website leads",
    }  # fmt: skip
    found = plan(crm, sheet, build_policies("careful", {}))
    assert found.steps == (
        {
            "customer_phone": PHONE,
            "email": ["asha@rao.example", "new@rao.example"],
            "additional_info": "Budget: 60L\nLoan: no",
        },
    )


# --- plan, apply, plan


def make_base(field, value, written=None, shown=None):
    """Build the memory of a value that was sent, as a part of `written`, and that the CRM showed as `shown`."""

    def identify(found):
        return fingerprint(b"k", field, found)

    in_body = identify(canonicalize(field, value if written is None else written))
    return Base(identify(canonicalize(field, value)), in_body, shown or in_body, b"k", field)


def optional(field, *values):
    return st.fixed_dictionaries({}, optional={field: st.sampled_from(values)})


PAYLOADS = st.tuples(
    optional("first_name", "Asha", " asha", "A" * 60, ""),
    optional("city", "Pune", "PUNE  City", ""),
    optional("website", "https://a.example/", "HTTPS://A.example"),
    optional("email", ["a@x.in"], ["B@x.in", "a@x.in"]),
    optional("address", {"text": "1 MG Road"}, {"text": None, "latitude": 12.5}, {"additional": "x"}),
    optional("deal_value", 0, 5, 7.5),
    optional("lead_stage_name", "New", "Won", None),
    optional("lead_group_name", "Walk-ins", None),
    optional("add_labels", ["VIP"], ["Hot", "VIP"]),
    optional("remove_labels", ["VIP"]),
    optional("add_products", ["Villa plot"]),
    optional("assignee_user_phone", "+919845000101", None),
    optional("additional_info", "one\ntwo", "two"),
).map(lambda parts: {name: value for part in parts for name, value in part.items()})
# A row that adds and removes one label is rejected when it is judged.
PAYLOADS = PAYLOADS.filter(lambda one: not set(one.get("add_labels", ())) & set(one.get("remove_labels", ())))
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from(["replace", "merge"]),
        "address": st.sampled_from(["merge", "replace"]),
        "empty_text": st.sampled_from(["value", "ignore", "clear"]),
        "texts": st.sampled_from(["keep", "trim", "lower", "cut"]),
    },
)


@given(PAYLOADS, PAYLOADS, OPTIONS, st.sampled_from([mode for mode in Mode if mode is not Mode.FORWARD]))
def test_second_plan_after_an_apply_changes_nothing(before, payload, options, mode):
    """Over all fields, modes, blanks and kinds of CRM: what was applied is not planned again, given what verify learnt."""
    crm = CrmModel(**options)
    lead = {name: value for name, value in before.items() if name != "remove_labels"}
    crm.post({"customer_phone": PHONE, **lead}, create=True)
    row = {"customer_phone": PHONE, **payload}
    rules = crm.make_rules(Policies(mode))
    first = plan_row(row, crm.look_up_all(row), rules)
    for step in first.steps:
        assert crm.post(step, create=False) == ""
    assert crm.store.count() == 1
    again = plan_row(row, crm.look_up_all(row), rules, learn(crm, row, first))
    assert again.action is PlanAction.UNCHANGED, again.changes


def learn(crm, row, plan):
    """Return the memory after an apply: what was sent to each field, and what the CRM showed after it."""
    sent = {change.field: change.new for change in plan.changes if change.effect.is_sent}
    ours = {**row, **{f"address.{part}": value for part, value in row.get("address", {}).items()}}
    now = {
        change.field: change.old for change in plan_row(row, crm.look_up_all(row), crm.make_rules()).changes
    }
    return {
        field: make_base(field, ours[field], value, fingerprint(b"k", field, canonicalize(field, now[field])))
        for field, value in sent.items()
        if field not in ("assignee_user_phone", "add_products")
    } | {
        field: make_base(field, value)
        for field, value in sent.items()
        if field in ("assignee_user_phone", "add_products")
    }
