"""The undo of a row against the sandbox's rules: each field is as before or named, and edits by others survive."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from importer.fields import FIELDS, TASK_FIELDS, Dropdown
from importer.models.crm_lead import CrmLead
from importer.models.mapping import Title
from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from importer.models.status import Verification
from importer.planner.decide import Base, Edited, Mode
from importer.planner.lead_values import get_listed_values, get_value
from importer.planner.plan_row import plan_row
from importer.planner.plan_rules import PlanRules
from importer.planner.policies import Policies
from importer.planner.undo_row import UndoBuilder, UndoScope, WrittenRow, find_planned_bases, find_sent_bases
from importer.planner.values import canonicalize, fingerprint
from importer.planner.verify_row import SentRow, merge_steps, verify_row
from importer.sandbox.lead_edits import LeadEdit, edit_lead
from tests.planner.crm_model import CrmModel
from tests.planner.test_plan_row import OPTIONS, PAYLOADS

PHONE = "+919845000001"
ASSIGNEE = "assignee_user_phone"
READABLE = [
    field.name
    for field in FIELDS
    if field.name
    not in {
        *("customer_phone", "dial_code", "full_name", "customer_note", "add_products", ASSIGNEE),
        *("add_labels", "remove_labels", "add_phones"),
        *TASK_FIELDS,
    }
]
MODES = [mode for mode in Mode if mode is not Mode.FORWARD]


class Bench:
    """A CRM with one lead, a run over it, and undos of it."""

    def __init__(self, before, options):
        self.crm = CrmModel(**options)
        lead = {name: value for name, value in before.items() if name != "remove_labels"}
        assert self.crm.post({"customer_phone": PHONE, **lead}, create=True) == ""
        self.titles = {
            dropdown: tuple(
                Title(row["title"], row.get("status", "ACTIVE") == "ACTIVE", str(row.get("id", "")))
                for row in self.crm.account.lists[dropdown.value]
            )
            for dropdown in Dropdown
        }

    @property
    def names(self):
        return self.crm.make_rules().titles

    def look_up(self):
        return self.crm.look_up(PHONE).lead

    def read(self):
        """Return every value of the lead that the API shows, in the form in which values are compared."""
        lead = self.look_up()
        values = {name: canonicalize(name, get_value(lead, name, self.names)) for name in READABLE}
        return {
            **values,
            "add_labels": frozenset(get_listed_values(lead, "add_labels", self.names)),
            ASSIGNEE: lead.assignee_user_id,
        }

    def send(self, payload, rules, bases=None):
        """Plan a row and send the plan. Return what a journal keeps of it."""
        lead = self.look_up()
        plan = plan_row(payload, self.crm.look_up_all(payload), rules, bases)
        for step in plan.steps:
            assert self.crm.post(step, create=False) == ""
        return WrittenRow(2, "", PHONE, plan, lead)

    def run(self, payload, mode=Mode.OVERWRITE):
        return self.send({"customer_phone": PHONE, **payload}, self.crm.make_rules(Policies(mode)))

    def learn(self, row):
        """Return what the account's memory has of a run whose leads were verified: also how the CRM shows the values."""
        lead = self.look_up()
        return {
            change.field: make_base(change.field, change.new, self.get_shown(lead, change.field))
            for change in row.plan.changes
            if change.effect.is_sent
        }

    def get_shown(self, lead, field):
        if field == ASSIGNEE:
            return lead.assignee_user_id
        return get_value(lead, field, self.names) if field in READABLE else None

    def undo(self, row, edited=Edited.LEAD, remembered=None, scope=None):
        """Undo a row. Return what the undo has written, and what it named."""
        builder = UndoBuilder(scope or UndoScope(titles=self.titles))
        built = builder.build(row, is_assignee_known=ASSIGNEE in (remembered or {}))
        if built is None or built.is_empty:
            nothing = WrittenRow(2, "", PHONE, RowPlan(action=PlanAction.UNCHANGED), self.look_up())
            return nothing, () if built is None else built.issues
        rules = PlanRules(titles=self.names, create=False, edited=edited)
        done = self.send(built.payload, rules, find_sent_bases(row.plan, remembered or {}))
        return done, built.issues

    def edit(self, fields):
        edit_lead(self.crm.store, LeadEdit(phone=PHONE, fields=fields))


def make_base(field, value, shown):
    def identify(found):
        return fingerprint(b"k", field, found)

    written = identify(canonicalize(field, value))
    in_crm = identify(canonicalize(field, shown)) if shown is not None else written
    return Base(written, written, in_crm, b"k", field)


@given(PAYLOADS, PAYLOADS, OPTIONS, st.sampled_from(MODES))
def test_every_readable_field_is_as_before_or_named(before, payload, options, mode):
    """Over all fields, modes, blanks and kinds of CRM. Where a CRM merges e-mail addresses, the verification names it."""
    bench = Bench(before, options)
    first = bench.read()
    row = bench.run(payload, mode)
    done, issues = bench.undo(row, remembered=bench.learn(row))
    assert done.plan.action in (PlanAction.UPDATE, PlanAction.UNCHANGED), done.plan.issues
    last, named = bench.read(), {issue.field for issue in issues}
    lost = {name for name in first if first[name] != last[name]} - named
    if lost:
        sent = SentRow(phone=PHONE, values=merge_steps(done.plan.steps), is_exact=True)
        found = verify_row(sent, bench.crm.look_up(PHONE), bench.names)
        assert (lost, found.outcome) == ({"email"}, Verification.DIFFERS)


@given(PAYLOADS, PAYLOADS, st.sampled_from(MODES))
def test_undo_of_an_undo_is_the_run_again(before, payload, mode):
    """The undo keeps its own way back, as a plan does. A second undo of the run has nothing to do."""
    bench = Bench(before, {})
    row = bench.run(payload, mode)
    after_run = bench.read()
    undone, _ = bench.undo(row, remembered=bench.learn(row))
    after_undo = bench.read()
    again, _ = bench.undo(row, remembered={})
    assert not again.plan.action.is_sent or again.plan.changes == ()
    redone, issues = bench.undo(undone)
    named = {issue.field for issue in issues}
    assert leave_out(bench.read(), named) == leave_out(after_run, named)
    bench.undo(redone)
    assert leave_out(bench.read(), named) == leave_out(after_undo, named)


def leave_out(values, names):
    return {name: value for name, value in values.items() if name not in names}


EDITS = st.sampled_from(
    [
        {"city": "Goa"},
        {"first_name": "Zara"},
        {"city": None},
        {"additional_info": "x"},
        {"lead_stage_name": "Lost"},
    ]
)


@given(PAYLOADS, PAYLOADS, EDITS, st.sampled_from([Edited.LEAD, Edited.FIELD]))
def test_what_a_person_changed_since_survives(before, payload, change, edited):
    """`lead` leaves the whole lead if the undo would touch the field, `field` leaves the field. No other value is lost."""
    bench = Bench(before, {})
    first = bench.read()
    row = bench.run(payload)
    ((name, value),) = change.items()
    assume(canonicalize(name, value) not in (first[name], bench.read()[name]))
    learnt = bench.learn(row)
    bench.edit(change)
    edited_lead = bench.read()
    done, _ = bench.undo(row, edited, learnt)
    last = bench.read()
    assert last[name] == canonicalize(name, value)
    is_touched = name in {change.field for change in row.plan.changes if change.effect.is_sent} and (
        first[name] is not None or name.startswith("lead_")
    )
    if edited is Edited.LEAD and is_touched:
        assert (done.plan.action, last) == (PlanAction.CONFLICT, edited_lead)
        assert done.plan.issues[0].code == "changed_after_run"
    else:
        assert done.plan.action is not PlanAction.CONFLICT


def test_force_puts_back_what_a_person_changed():
    """The person who undoes says so for all leads."""
    bench = Bench({"city": "Pune", "first_name": "Ravi"}, {})
    row = bench.run({"city": "Nashik", "first_name": "RAVI"})
    bench.edit({"city": "Goa"})
    bench.undo(row, Edited.FORCE)
    assert (bench.read()["city"], bench.read()["first_name"]) == ("Pune", "Ravi")


@pytest.mark.parametrize("shown", [False, True])
def test_what_the_crm_made_of_our_value_is_no_edit_once_it_was_seen(shown):
    """A CRM that trims and lowers texts: a verification has learnt what it shows. Without one, the lead is left."""
    bench = Bench({"city": "pune"}, {"texts": "lower"})
    row = bench.run({"city": "NASHIK"})
    done, _ = bench.undo(row, remembered=bench.learn(row) if shown else None)
    assert bench.read()["city"] == ("pune" if shown else "nashik")
    assert done.plan.action is (PlanAction.UPDATE if shown else PlanAction.CONFLICT)


def test_body_of_an_undo_holds_only_what_is_in_its_changes():
    """A field that the run did not touch is not sent."""
    bench = Bench({"city": "Pune", "first_name": "Ravi", "add_labels": ["VIP"]}, {})
    row = bench.run({"city": "Nashik", "first_name": "Ravi"})
    done, _ = bench.undo(row)
    assert done.plan.steps == ({"customer_phone": PHONE, "city": "Pune"},)
    assert [(one.field, one.old, one.new) for one in done.plan.changes] == [("city", "Nashik", "Pune")]


def test_created_lead_stays_and_can_be_marked():
    """The API deletes no lead. A label lets a person find it."""
    plan = RowPlan(action=PlanAction.CREATE, changes=(FieldChange("city", Effect.FILL, None, "Pune"),))
    row = WrittenRow(2, "", PHONE, plan, None)
    bench = Bench({}, {})
    scope = UndoScope(titles=bench.titles)
    stays = UndoBuilder(scope).build(row, is_assignee_known=False)
    assert (stays.is_empty, [one.code for one in stays.issues]) == (True, ["created_by_run"])
    marked = UndoBuilder(msgspec.structs.replace(scope, label="VIP")).build(row, is_assignee_known=False)
    assert marked.payload == {"customer_phone": PHONE, "add_labels": ["VIP"]}
    assert [one.code for one in marked.issues] == ["created_and_marked"]
    only = UndoBuilder(msgspec.structs.replace(scope, fields=frozenset({"city"})))
    assert only.build(row, is_assignee_known=False) is None


# what the run did -> what is named: (field, code)
LOSSES = [
    (FieldChange("last_name", Effect.FILL, None, "Rao"), "was_empty"),
    (FieldChange("email", Effect.FILL, [], ["a@x.in"]), "was_empty"),
    (FieldChange("customer_note", Effect.ADD, None, "called"), "only_added"),
    (FieldChange("add_products", Effect.SEND, None, ["Villa plot"]), "only_added"),
    (FieldChange("add_phones", Effect.ADD, [], ["+919845000002"]), "only_added"),
    (FieldChange(ASSIGNEE, Effect.SEND, None, "+919845000101"), "assignee_not_shown"),
    (FieldChange(ASSIGNEE, Effect.FILL, None, "+919845000101"), "assignee_not_shown"),
]


@pytest.mark.parametrize(("change", "code"), LOSSES, ids=lambda one: getattr(one, "field", one))
def test_what_cannot_be_put_back_is_named(change, code):
    """Alone, it makes the row one of which nothing can be put back."""
    bench = Bench({}, {})
    row = WrittenRow(2, "", PHONE, RowPlan(action=PlanAction.UPDATE, changes=(change,)), CrmLead(id=1))
    found = UndoBuilder(UndoScope(titles=bench.titles)).build(row, is_assignee_known=False)
    assert found.is_empty
    assert [(one.field, one.code) for one in found.issues] == [
        (change.field, code),
        ("row", "nothing_to_put_back"),
    ]


def test_follow_up_task_stays_and_is_named():
    """The API can complete a task, and take none away."""
    bench = Bench({"city": "Pune"}, {})
    row = msgspec.structs.replace(bench.run({"city": "Nashik"}), task="FOLLOW_UP_CALL 2026-12-01T11:00+05:30")
    _, issues = bench.undo(row)
    assert [(one.field, one.code, one.value) for one in issues] == [("task_due", "only_added", row.task)]
    assert bench.read()["city"] == "Pune"


def test_stage_that_was_removed_since_is_named_and_the_rest_is_put_back():
    """The CRM would refuse the whole request for a stage that does not exist."""
    bench = Bench({"city": "Pune", "lead_stage_name": "Won"}, {})
    row = bench.run({"city": "Nashik", "lead_stage_name": "New"})
    titles = {
        **bench.titles,
        Dropdown.STAGE: tuple(one for one in bench.titles[Dropdown.STAGE] if one.title != "Won"),
    }
    _, issues = bench.undo(row, scope=UndoScope(titles=titles))
    assert [(one.field, one.code, one.value) for one in issues] == [("lead_stage_name", "title_gone", "Won")]
    assert bench.read()["city"] == "Pune"


def test_edit_between_plan_and_write_of_an_undo_is_seen():
    """What the plan saw in a field must still be there when it is sent, and what it left must not be touched later."""
    planned = RowPlan(
        action=PlanAction.UPDATE,
        changes=(
            FieldChange("city", Effect.SET, "Nashik", "Pune"),
            FieldChange("source", Effect.EDITED, "Web", "Expo"),
            FieldChange("first_name", Effect.SAME, "Ravi", "Ravi"),
        ),
    )
    bases = find_planned_bases(planned, {})

    def is_unedited(field, value):
        return bases[field].is_theirs(canonicalize(field, value))

    assert is_unedited("city", "Nashik")
    assert not is_unedited("city", "Goa")
    assert not is_unedited("source", "Web")
    assert not is_unedited("first_name", "Zara")
