"""The counts of any policies follow from one pass, and are those of a plan that is made with them."""

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from importer.models.crm_lead import Lookup, LookupState
from importer.models.row_plan import Effect, PlanAction
from importer.planner.decide import Mode
from importer.planner.plan_row import plan_row
from importer.planner.policies import Policies
from importer.planner.policy_tally import MAX_SAMPLES, PolicyTally, Sample
from tests.planner.crm_model import AT, CrmModel
from tests.planner.test_decide import make_base
from tests.planner.test_plan_row import OTHER, PHONE, THIRD
from tests.strategies import count_examples

CITIES = st.sampled_from(("Pune", "Goa", "pune"))
ROWS = st.fixed_dictionaries(
    {"customer_phone": st.sampled_from((PHONE, OTHER, THIRD))},
    optional={
        "city": CITIES,
        "first_name": st.sampled_from(("Asha", "Ravi")),
        "lead_stage_name": st.sampled_from(("New", "Won", "Negotiation")),
        "email": st.sampled_from((["a@x.example"], ["b@x.example"])),
        "additional_info": st.sampled_from(("Budget: 60L", "Aadhaar received")),
        "address": st.sampled_from(({"text": "12 MG Road"}, {"text": "1 Park Street"})),
        "add_labels": st.sampled_from((["VIP"], ["Hot"])),
        "add_products": st.just(["Villa plot"]),
        "assignee_user_phone": st.just("+919000000001"),
        "customer_note": st.just("called"),
    },
)
BASES = st.dictionaries(st.sampled_from(("city", "first_name", "email", "add_products")), CITIES, max_size=3)
POLICIES = st.builds(
    Policies,
    st.sampled_from([mode for mode in Mode if mode is not Mode.FORWARD]),
    st.dictionaries(
        st.sampled_from(("city", "first_name", "email", "address.text", "add_labels")),
        st.sampled_from([mode for mode in Mode if mode is not Mode.FORWARD]),
    ).flatmap(lambda modes: st.sampled_from([modes, {**modes, "lead_stage_name": Mode.FORWARD}])),
)


def build_bases(given_):
    return {
        field: make_base(field, [value] if field in ("email", "add_products") else value)
        for field, value in given_.items()
    }


@settings(max_examples=count_examples(60))
@given(
    st.lists(ROWS, max_size=3),
    st.lists(st.tuples(ROWS, BASES), max_size=5),
    st.booleans(),
    POLICIES,
    POLICIES,
)
@example(
    [{"customer_phone": PHONE, "city": "Pune"}],
    [({"customer_phone": PHONE, "city": "Goa", "first_name": "Asha"}, {"city": "pune"})],
    True, Policies(Mode.UNEDITED), Policies(Mode.FILL),
)  # fmt: skip
def test_counts_are_those_of_a_plan_with_the_same_policies(leads, rows, create, first, second):
    """Whatever the CRM has, and whatever was sent before: actions, and effects of each field of a lead that exists."""
    crm = CrmModel()
    for lead in leads:
        crm.post({**lead, "customer_note": ""} if "customer_note" in lead else lead, create=True)
    rules = crm.make_rules(create=create)
    tally = PolicyTally(rules)
    inputs = [(payload, crm.look_up_all(payload), build_bases(bases)) for payload, bases in rows]
    for number, (payload, lookups, bases) in enumerate(inputs):
        tally.add(number, payload, lookups, bases)
    for policies in (first, second):
        plans = [plan_row(*one[:2], crm.make_rules(policies, create=create), one[2]) for one in inputs]
        counts = tally.count(policies)
        assert counts.actions == {**dict.fromkeys(PlanAction, 0), **Counter(plan.action for plan in plans)}
        effects = Counter(
            (change.field, change.effect)
            for plan in plans
            if plan.action is not PlanAction.CREATE
            for change in plan.changes
        )
        assert {
            (field, effect): rows for field, found in counts.fields.items() for effect, rows in found.items()
        } == effects


def test_rows_that_no_policy_decides_about():
    """No answer, and rows that were held back for another reason."""
    tally = PolicyTally(CrmModel().make_rules())
    unclear = Lookup(state=LookupState.UNCLEAR, at=AT, reason="timed out")
    tally.add(2, {"customer_phone": PHONE, "city": "Pune"}, {PHONE: unclear}, None)
    tally.add_conflict()
    for mode in (Mode.OVERWRITE, Mode.KEEP):
        counts = tally.count(Policies(mode))
        assert (counts.actions[PlanAction.CANNOT_TELL], counts.actions[PlanAction.CONFLICT]) == (1, 1)
        assert counts.fields == {}


def test_samples_are_values_that_the_mode_would_replace():
    """The first rows, for the mode that is chosen: a value that stays is no sample."""
    crm = CrmModel()
    tally = PolicyTally(crm.make_rules())
    for number in range(2, 8):
        phone = f"+91984500000{number}"
        crm.post({"customer_phone": phone, "city": f"Old {number}"}, create=True)
        payload = {"customer_phone": phone, "city": f"New {number}"}
        tally.add(number, payload, crm.look_up_all(payload), None)
    assert (
        tally.list_samples("city", Mode.OVERWRITE)
        == [Sample(n, f"Old {n}", f"New {n}") for n in (2, 3, 4)][:MAX_SAMPLES]
    )
    assert tally.list_samples("city", Mode.FILL) == tally.list_samples("first_name", Mode.OVERWRITE) == []
    assert tally.count(Policies(Mode.FILL)).fields == {"city": {Effect.KEPT: 6}}
