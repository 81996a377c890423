"""The journal of a plan: which phones are looked up, what was answered, and what each row would change."""

import msgspec
import pytest

from importer.issues import Issue
from importer.journal.run_journal import Journal
from importer.journal.staging import StagingArea
from importer.models.crm_lead import CrmLead, Lookup, LookupState
from importer.models.row import ROW_BITS
from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from tests.journal.records import build_invalid_row, build_metadata, build_valid_row, make_phone

AT = "2026-11-30T10:00:00+05:30"
ABSENT = Lookup(state=LookupState.ABSENT, at=AT, http_status=404)


def found(lead_id):
    return Lookup(state=LookupState.FOUND, at=AT, http_status=200, lead=CrmLead(id=lead_id, city="Pune"))


@pytest.fixture
def log(tmp_path):
    """The log of a run with rows 2 to 5, one of them invalid and one with an additional phone."""
    with Journal.create(tmp_path / "run-1", build_metadata()) as journal:
        journal.stage(
            [
                build_valid_row(2),
                build_valid_row(3, add_phones=[make_phone(9), make_phone(2)]),
                build_invalid_row(4),
                build_valid_row(5),
            ]
        )
        journal.staging.complete()
        yield journal.plans


def test_each_phone_of_the_valid_rows_is_looked_up_once(log):
    """Additional phones too, because they may belong to another lead."""
    log.add_phones()
    phones = [make_phone(number) for number in (2, 3, 5, 9)]
    ids = {phone: key for key, phone in log.read_open_phones(0, 9)}
    assert sorted(ids) == phones
    assert log.read_open_phones(min(ids.values()), 1)[0][0] == min(ids.values()) + 1
    log.set_answers([(ids[phones[0]], ABSENT), (ids[phones[3]], found(7))])
    assert sorted(phone for _, phone in log.read_open_phones(0, 9)) == phones[1:3]
    assert log.count_phones() == (4, 2)
    assert log.read_lookups(phones) == {phones[0]: ABSENT, phones[3]: found(7)}


def test_adding_the_phones_again_keeps_the_answers(log):
    """A resume continues where the look-ups ended."""
    log.add_phones()
    log.record_lookups({make_phone(2): ABSENT})
    log.add_phones()
    assert log.count_phones() == (4, 1)


def test_phones_of_changed_rows_are_added_and_those_of_no_row_are_not_asked_for(log):
    """Answers stay, so that planning again asks only for what is new."""
    log.add_phones()
    log.record_lookups({make_phone(2): ABSENT})
    log._file.sql.execute("DELETE FROM rows WHERE number = 5")
    StagingArea(log._file).stage([build_valid_row(6)])
    log.add_phones()
    assert sorted(phone for _, phone in log.read_open_phones(0, 9)) == [make_phone(n) for n in (3, 6, 9)]
    assert log.read_lookups([make_phone(2)]) == {make_phone(2): ABSENT}


def test_sample_is_the_same_each_time(log, tmp_path):
    """A fixed random sample: a resume asks about the same phones."""
    log.add_phones(sample=2)
    phones = log.read_open_phones(0, 9)
    assert len(phones) == 2
    log.add_phones(sample=2)
    assert log.read_open_phones(0, 9) == phones
    log.record_lookups({phones[1][1]: ABSENT})
    log.add_phones(sample=2)
    assert [phone for _, phone in log.read_open_phones(0, 9)] == [phones[0][1]]
    assert log.count_phones() == (2, 1)


def test_plans_are_read_as_they_were_written(log):
    """Also a second time, when a policy has changed."""
    issue = Issue("city", "changed_since", "", "Pune", "Mumbai")
    plan = RowPlan(
        action=PlanAction.UPDATE,
        changes=(
            FieldChange("city", Effect.SET, "Pune", "Mumbai"),
            FieldChange("email", Effect.SAME, ["a"], ["a"]),
        ),
        steps=({"customer_phone": make_phone(2), "city": "Mumbai"},),
        issues=(issue,),
    )
    assert [row.number for row in log.read_rows(2, 9)] == [3, 5]
    assert log.read_rows(2, 9)[0].phones == (make_phone(3), make_phone(9), make_phone(2))
    log.write_plans([(2, RowPlan(action=PlanAction.CREATE)), (3, RowPlan(action=PlanAction.UNCHANGED))])
    log.write_plans([(2, plan)])
    assert log.read_plans([2, 4]) == {2: plan}
    assert dict(log.read_all_plans()) == {2: plan, 3: RowPlan(action=PlanAction.UNCHANGED)}
    assert log.count_actions() == {
        **dict.fromkeys(PlanAction, 0), PlanAction.UPDATE: 1, PlanAction.UNCHANGED: 1,
    }  # fmt: skip
    assert log.count_effects() == [("city", "set", 1)]  # what stays the same is not counted


def test_rows_that_reach_one_lead_are_all_held_back(log):
    """Two phones of one lead: nobody knows which row is right, so neither is sent."""
    log.add_phones()
    log.record_lookups({make_phone(2): found(7), make_phone(3): found(8), make_phone(5): found(7)})
    for number in (2, 3, 5):
        log.write_plans([(number, RowPlan(action=PlanAction.UPDATE, steps=({"customer_phone": "x"},)))])
    log.hold_back_shared_leads()
    plans = dict(log.read_all_plans())
    assert {number: plan.action for number, plan in plans.items()} == {
        2: PlanAction.CONFLICT, 3: PlanAction.UPDATE, 5: PlanAction.CONFLICT,
    }  # fmt: skip
    assert [plans[number].issues[0].hint for number in (2, 5)] == ["5", "2"]
    assert plans[2].steps == ()


def test_row_of_another_sheet_is_named_with_its_sheet(tmp_path):
    """Rows are numbered within their sheets."""
    metadata = msgspec.structs.replace(build_metadata(), sheets=("Pune", "Delhi"))
    first, second = (1 << ROW_BITS) + 2, (2 << ROW_BITS) + 2
    with Journal.create(tmp_path / "run-1", metadata) as journal:
        log = journal.plans
        update = RowPlan(action=PlanAction.UPDATE, steps=({"customer_phone": "x"},))
        with journal.file.commit():
            assert log.hold_back_if_reached(first, update, 7) is update
            held_back = log.hold_back_if_reached(second, update, 7)
        assert (held_back.action, held_back.issues[0].hint) == (PlanAction.CONFLICT, "2 of Pune")


def test_answer_costs_the_same_however_many_there_are(log):
    """A run that reads each lead before its write adds its answers one by one: a scan would make it quadratic."""

    def count_steps(phone):
        steps = []
        log._file.sql.set_progress_handler(lambda: steps.append(1), 10)
        log.record_lookups({phone: ABSENT})
        log._file.sql.set_progress_handler(None, 0)
        return len(steps)

    few = count_steps(make_phone(1))
    log.record_lookups({make_phone(number): ABSENT for number in range(2, 3000)})
    assert count_steps(make_phone(9999)) <= few + 10
