"""Rows that share a phone: one is sent, none is lost."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.issues import Issue, format_issue
from importer.models.delivery import NOTE_BREAK
from importer.models.row import Accepted, SourceRow
from importer.models.status import StagedVerdict
from importer.validator.deduplicate import deduplicate_group

PHONE = "+919800000001"


def row(number, **payload):
    return Accepted(SourceRow(number, ()), PHONE, {"customer_phone": PHONE, **payload})


def by_number(folded):
    return {one.number: one for one in folded}


def test_merge_holds_what_the_crm_would_hold_after_all_rows():
    """Later values win, lists add up, address parts come together, no note is lost."""
    rows = [
        row(
            5,
            city="Pune",
            email=["a@example.in"],
            add_labels=["VIP"],
            customer_note="first",
            address={"text": "MG Road"},
        ),
        row(9, city="Thane", email=["b@example.in"], add_labels=["Hot", "VIP"], customer_note="second"),
        row(12, deal_value=5, customer_note="first", address={"additional": "MH"}),
    ]
    folded = by_number(deduplicate_group(rows, "merge", header="Mobile"))
    assert folded[5].payload == {
        "customer_phone": PHONE,
        "city": "Thane",
        "email": ["a@example.in", "b@example.in"],
        "add_labels": ["VIP", "Hot"],
        "customer_note": f"first{NOTE_BREAK}second",
        "address": {"text": "MG Road", "additional": "MH"},
        "deal_value": 5,
    }
    assert [(folded[n].verdict, folded[n].survivor_row) for n in (9, 12)] == [
        (StagedVerdict.DUPLICATE, 5)
    ] * 2
    assert format_issue(5, folded[5].issues[-1]) == (
        'Row 5, Mobile: took in rows 9 and 12 with the same phone; City is "Thane" as in row 9, was "Pune".'
    )
    assert (
        format_issue(9, folded[9].issues[-1])
        == "Row 9, Mobile: same phone as row 5; its values went into that row."
    )


def test_merge_names_every_value_that_goes():
    """Parts of an address and cleared fields too; what adds up and what is the same loses nothing."""
    rows = [
        row(2, address={"text": "MG Road", "latitude": 1.5}, lead_stage_name="New", city="Pune", add_phones=["+9118"]),
        row(3, address={"text": "Brigade Road", "latitude": 1.5}, lead_stage_name=None, city="Pune", add_phones=["+9119"]),
        row(4, lead_stage_name="Won"),
    ]  # fmt: skip
    kept = by_number(deduplicate_group(rows, "merge", header=""))[2]
    assert kept.payload["lead_stage_name"] == "Won"
    assert kept.payload["add_phones"] == ["+9118", "+9119"]
    assert kept.issues[-1].hint == (
        '; Address is "Brigade Road" as in row 3, was "MG Road"; Stage is empty as in row 3, was "New"'
    )


def test_merge_keeps_what_was_said_each_time():
    """Two enquiries of one person are two texts: the later one must not take the place of the first."""
    rows = [
        row(2, additional_info="Wants a plot"),
        row(3, additional_info="Wants a loan"),
        row(4, additional_info="Wants a plot"),
    ]
    kept = by_number(deduplicate_group(rows, "merge", header=""))[2]
    assert kept.payload["additional_info"] == "Wants a plot\nWants a loan"
    assert kept.issues[-1].hint == ""


def test_a_made_up_phone_of_thousands_is_merged_as_quickly_and_told_in_one_sentence():
    """9999999999 stands in for "no phone" in many sheets: the sentence stays one that can be read."""
    rows = [
        row(n, city=f"City {n}", customer_note=f"note {n}", email=[f"a{n}@example.in"])
        for n in range(2, 30_002)
    ]
    kept = by_number(deduplicate_group(rows, "merge", header="Mobile"))[2]
    assert len(kept.payload["email"]) == 30_000
    assert kept.payload["city"] == "City 30001"
    said = format_issue(2, kept.issues[-1])
    assert said.startswith("Row 2, Mobile: took in rows 3, 4, 5,")
    assert "and 29,993 more with the same phone" in said
    assert len(said) < 2_000


def named(folded):
    """What is said of the names of rows that were folded into another: number -> (name, the row of the other name)."""
    return {
        one.number: (issue.value, issue.hint)
        for one in folded
        for issue in one.issues
        if issue.code == "other_name"
    }


def test_merge_says_of_which_rows_the_name_is_another():
    """Two people with one phone become one lead: each row that was not called so is known by its own issue."""
    rows = [
        row(3, first_name="Ravi", last_name="Rao"),
        row(5, city="Pune"),
        row(7, first_name="Asha", last_name="Rao"),
        row(8, first_name="ravi", last_name="RAO"),
        row(9, first_name="Meena"),
    ]
    folded = deduplicate_group(rows, "merge", header="Mobile")
    assert named(folded) == {7: ("Asha Rao", 'row 3 "Ravi Rao"'), 9: ("Meena", 'row 3 "Ravi Rao"')}
    assert format_issue(7, by_number(folded)[7].issues[-1]) == (
        'Row 7, Mobile: its name "Asha Rao" is not that of row 3 "Ravi Rao": they may be two people.'
    )
    assert not any(
        named(deduplicate_group(rows, policy, header="")) for policy in ("first", "last", "reject")
    )


def test_merge_makes_no_third_person_of_two_names():
    """A first name that comes later takes the last name of another with it, and that is said."""
    rows = [
        row(3, first_name="Ravi", last_name="Rao", city="Pune"),
        row(7, first_name="Asha"),
        row(8, city="Thane"),
    ]
    kept = by_number(deduplicate_group(rows, "merge", header=""))[3]
    assert kept.payload == {"customer_phone": PHONE, "first_name": "Asha", "city": "Thane"}
    assert kept.issues[-1].hint == (
        '; First name is "Asha" as in row 7, was "Ravi"; Last name is empty as in row 7, was "Rao"; '
        'City is "Thane" as in row 8, was "Pune"'
    )


def test_merge_makes_no_third_person_by_way_of_an_initial():
    rows = [row(3, first_name="Ravi", last_name="Rao"), row(4, first_name="R"), row(7, first_name="Rahul")]
    kept = by_number(deduplicate_group(rows, "merge", header=""))[3]
    assert kept.payload == {"customer_phone": PHONE, "first_name": "Rahul"}
    assert named(deduplicate_group(rows, "merge", header="")) == {7: ("Rahul", 'row 3 "Ravi Rao"')}


ZEROS = Issue("customer_phone", "maybe_shortened", "Mobile", "9845010000")


def zeros(number, **payload):
    return msgspec.structs.replace(row(number, **payload), phone="+919845010000", issues=(ZEROS,))


@pytest.mark.parametrize("policy", ["merge", "first", "last", "reject"])
def test_people_whose_numbers_excel_may_have_shortened_to_one_are_kept_out(policy):
    """9.84501E+09 is what was left of each of their phones: they must not become one lead."""
    rows = [
        zeros(2, first_name="Ravi"),
        zeros(3, first_name="Asha"),
        zeros(4, first_name="ravi"),
        row(5, first_name="Meena"),
    ]
    folded = by_number(deduplicate_group(rows, policy, header="Mobile"))
    assert {number: one.verdict for number, one in folded.items()} == dict.fromkeys(
        (2, 3, 4), StagedVerdict.INVALID
    )
    assert format_issue(3, folded[3].issues[0]) == (
        'Row 3, Mobile: 9845010000 ends in zeros, as numbers do that Excel has shortened, and row 2 "Ravi" has the same. '
        "Type the full number from the original list. If it is right as it is, type it with a space, like 98450 10000."
    )
    assert folded[2].issues[0].hint == 'row 3 "Asha"'


def test_the_doubt_must_be_about_the_number_that_the_rows_share():
    """Be it taken from the other phones; a second number of zeros in the cell is not what they share."""
    taken = Issue("add_phones", "maybe_shortened", "Alt", "09845010000.0")
    rows = [
        Accepted(SourceRow(n, ()), "+919845010000", {"first_name": name}, (taken,))
        for n, name in enumerate(["Ravi", "Asha"], 2)
    ]
    folded = by_number(deduplicate_group(rows, "merge", header="Mobile"))
    assert [folded[n].issues[0].machine_code for n in (2, 3)] == ["add_phones.shortened"] * 2
    rows = [msgspec.structs.replace(row, phone="+919876543210") for row in rows]
    folded = by_number(deduplicate_group(rows, "merge", header="Mobile"))
    assert [folded[n].verdict for n in (2, 3)] == [StagedVerdict.VALID, StagedVerdict.DUPLICATE]


def test_one_person_with_a_number_of_zeros_stays_one_lead():
    rows = [zeros(2, first_name="Ravi"), zeros(3, first_name="Ravi", last_name="Rao"), zeros(4)]
    folded = by_number(deduplicate_group(rows, "merge", header="Mobile"))
    assert {number: one.verdict for number, one in folded.items()} == {
        2: StagedVerdict.VALID, 3: StagedVerdict.DUPLICATE, 4: StagedVerdict.DUPLICATE,
    }  # fmt: skip


def test_merge_puts_the_parts_of_one_name_together():
    rows = [row(3, first_name="Ravi"), row(5, first_name="R.", last_name="Rao"), row(7, first_name="Ravi")]
    kept = by_number(deduplicate_group(rows, "merge", header=""))[3]
    assert kept.payload == {"customer_phone": PHONE, "first_name": "Ravi", "last_name": "Rao"}


def test_the_other_name_is_named_with_the_row_that_it_stands_in():
    """Where the row that is kept has none, it is not said to be called what another row is called."""
    rows = [row(3, city="Pune"), row(5, first_name="Ravi"), row(7, first_name="Asha")]
    assert named(deduplicate_group(rows, "merge", header="")) == {7: ("Asha", 'row 5 "Ravi"')}
    assert named(deduplicate_group(rows[:2], "merge", header="")) == {}


@pytest.mark.parametrize(
    ("name", "other", "is_another"),
    [
        ("Ravi Rao", "Asha Rao", True),
        ("Ravi", "Ravindra", True),
        ("Ravi Rao", "Rao Ravi", False),
        ("Ravi Rao", "Mr. Ravi Kumar Rao", False),
        ("R. Rao", "Ravi Rao", False),
        ("Ravi Rao", "R.K. Rao", False),
        ("A. Rao", "Ravi Rao", True),
        ("आशा राव", "आशा", False),
        ("आशा राव", "रवि राव", True),
        (".", "Ravi", False),
    ],
)
def test_which_names_are_of_two_people(name, other, is_another):
    """A longer form, an initial or other capitals are the same person; the order of the rows is no matter."""
    for one, two in ((name, other), (other, name)):
        rows = [row(2, first_name=one), row(3, first_name=two)]
        assert bool(named(deduplicate_group(rows, "merge", header=""))) is is_another


def test_a_row_is_called_by_its_person_and_in_a_sheet_of_firms_by_its_firm():
    """A person with two firms is one person; the first name of the group counts, whichever row has it."""
    firms = [row(2), row(3, business_name="Rao Traders"), row(4, business_name="Gupta Stores")]
    assert named(deduplicate_group(firms, "merge", header="")) == {4: ("Gupta Stores", 'row 3 "Rao Traders"')}
    people = [row(2, first_name="Ravi", business_name="Rao Traders"), row(3, business_name="Gupta Stores")]
    assert named(deduplicate_group(people, "merge", header="")) == {}


def test_rows_that_are_not_merged_are_not_called_so():
    """Where the API takes them only one after the other, each run of rows has a name of its own."""
    rows = [
        row(2, first_name="Ravi", add_labels=["VIP"]),
        row(3, first_name="Asha", remove_labels=["VIP"]),
        row(4, first_name="Asha"),
    ]
    assert named(deduplicate_group(rows, "merge", header="")) == {}


def test_a_later_null_clears_and_a_later_value_fills_again():
    rows = [row(2, lead_stage_name="New"), row(3, lead_stage_name=None)]
    assert by_number(deduplicate_group(rows, "merge", header=""))[2].payload["lead_stage_name"] is None


def test_merge_keeps_rows_apart_that_the_api_cannot_take_in_one():
    """Adding and removing labels in one request is a 400: such rows are sent one after the other."""
    rows = [row(2, add_labels=["VIP"]), row(3, remove_labels=["VIP"]), row(4, remove_labels=["Hot"])]
    folded = by_number(deduplicate_group(rows, "merge", header=""))
    assert set(folded) == {3, 4}
    assert folded[3].payload["remove_labels"] == ["VIP", "Hot"]
    assert folded[4].survivor_row == 3


def test_first_and_last_keep_one_row_untouched():
    """The kept row is not in the answer: nothing about it changes."""
    rows = [row(2), row(3), row(4)]
    assert {f.number: f.survivor_row for f in deduplicate_group(rows, "first", header="")} == {3: 2, 4: 2}
    assert {f.number: f.survivor_row for f in deduplicate_group(rows, "last", header="")} == {2: 4, 3: 4}


def test_reject_refuses_all_of_them_and_names_another():
    """Which of them is right only a person knows."""
    folded = deduplicate_group([row(2), row(3)], "reject", header="Mobile")
    assert [(f.number, f.verdict, f.issues[-1].hint) for f in folded] == [
        (2, StagedVerdict.INVALID, "3"),
        (3, StagedVerdict.INVALID, "2"),
    ]


@given(st.lists(st.sets(st.sampled_from(["add", "remove"]), max_size=1), min_size=2, max_size=7))
def test_every_row_of_a_group_is_kept_or_folded_into_a_kept_one(sides):
    """Conservation: no row of a group vanishes, and no payload has both label lists."""
    rows = [row(n, **{f"{side}_labels": [str(n)] for side in own}) for n, own in enumerate(sides)]
    folded = by_number(deduplicate_group(rows, "merge", header=""))
    kept = [r.row.number for r in rows if folded.get(r.row.number) is None or folded[r.row.number].payload]
    assert all(one.survivor_row in kept for one in folded.values() if one.verdict is StagedVerdict.DUPLICATE)
    assert not any({"add_labels", "remove_labels"} <= (one.payload or {}).keys() for one in folded.values())
