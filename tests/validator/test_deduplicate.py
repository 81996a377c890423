"""Of the rows that share a phone one is sent, and no value is lost in silence."""

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


def index_by_number(verdicts):
    return {one.number: one for one in verdicts}


def test_merge_gives_what_the_crm_would_have_after_all_rows():
    """Later values win, lists add up, address parts come together, and no note is lost."""
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
    verdicts = index_by_number(deduplicate_group(rows, "merge", header="Mobile"))
    assert verdicts[5].payload == {
        "customer_phone": PHONE,
        "city": "Thane",
        "email": ["a@example.in", "b@example.in"],
        "add_labels": ["VIP", "Hot"],
        "customer_note": f"first{NOTE_BREAK}second",
        "address": {"text": "MG Road", "additional": "MH"},
        "deal_value": 5,
    }
    assert [(verdicts[n].verdict, verdicts[n].survivor_row) for n in (9, 12)] == [
        (StagedVerdict.DUPLICATE, 5)
    ] * 2
    assert format_issue(5, verdicts[5].issues[-1]) == (
        'Row 5, Mobile: merged with rows 9 and 12 because they share a phone. City: row 9 changed "Pune" to "Thane".'
    )
    assert (
        format_issue(9, verdicts[9].issues[-1])
        == "Row 9, Mobile: same phone as row 5: its values were merged into that row."
    )


def test_merge_names_every_replaced_value():
    """Parts of an address and cleared fields are named too. Lists and equal values lose nothing."""
    rows = [
        row(2, address={"text": "MG Road", "latitude": 1.5}, lead_stage_name="New", city="Pune", add_phones=["+9118"]),
        row(3, address={"text": "Brigade Road", "latitude": 1.5}, lead_stage_name=None, city="Pune", add_phones=["+9119"]),
        row(4, lead_stage_name="Won"),
    ]  # fmt: skip
    kept = index_by_number(deduplicate_group(rows, "merge", header=""))[2]
    assert kept.payload["lead_stage_name"] == "Won"
    assert kept.payload["add_phones"] == ["+9118", "+9119"]
    assert kept.issues[-1].hint == (
        ' Address: row 3 changed "MG Road" to "Brigade Road". Stage: row 3 changed "New" to empty.'
    )


def test_merge_keeps_the_info_of_all_rows():
    """Two enquiries of one person are two texts: the later one must not replace the first."""
    rows = [
        row(2, additional_info="Wants a plot"),
        row(3, additional_info="Wants a loan"),
        row(4, additional_info="Wants a plot"),
    ]
    kept = index_by_number(deduplicate_group(rows, "merge", header=""))[2]
    assert kept.payload["additional_info"] == "Wants a plot\nWants a loan"
    assert kept.issues[-1].hint == ""


def test_thousands_of_rows_with_one_phone_get_a_short_sentence():
    """Many sheets have 9999999999 for "no phone". Merging such rows takes no longer, and the sentence can be read."""
    rows = [
        row(n, city=f"City {n}", customer_note=f"note {n}", email=[f"a{n}@example.in"])
        for n in range(2, 30_002)
    ]
    kept = index_by_number(deduplicate_group(rows, "merge", header="Mobile"))[2]
    assert len(kept.payload["email"]) == 30_000
    assert kept.payload["city"] == "City 30001"
    said = format_issue(2, kept.issues[-1])
    assert said.startswith("Row 2, Mobile: merged with rows 3, 4, 5,")
    assert "and 29,993 more because they share a phone" in said
    assert len(said) < 2_000


def find_other_names(verdicts):
    """Return the rows with another name: number -> (name, the row with the first name)."""
    return {
        one.number: (issue.value, issue.hint)
        for one in verdicts
        for issue in one.issues
        if issue.code == "other_name"
    }


def test_merge_names_rows_with_another_name():
    """Two people with one phone become one lead: each row with another name gets an issue of its own."""
    rows = [
        row(3, first_name="Ravi", last_name="Rao"),
        row(5, city="Pune"),
        row(7, first_name="Asha", last_name="Rao"),
        row(8, first_name="ravi", last_name="RAO"),
        row(9, first_name="Meena"),
    ]
    verdicts = deduplicate_group(rows, "merge", header="Mobile")
    assert find_other_names(verdicts) == {
        7: ("Asha Rao", 'row 3 "Ravi Rao"'),
        9: ("Meena", 'row 3 "Ravi Rao"'),
    }
    assert format_issue(7, index_by_number(verdicts)[7].issues[-1]) == (
        'Row 7, Mobile: the name "Asha Rao" is different from row 3 "Ravi Rao". They may be two people.'
    )
    assert not any(
        find_other_names(deduplicate_group(rows, policy, header="")) for policy in ("first", "last", "reject")
    )


def test_merge_does_not_mix_two_names():
    """A later first name also removes the last name of the other person, and the sentence says so."""
    rows = [
        row(3, first_name="Ravi", last_name="Rao", city="Pune"),
        row(7, first_name="Asha"),
        row(8, city="Thane"),
    ]
    kept = index_by_number(deduplicate_group(rows, "merge", header=""))[3]
    assert kept.payload == {"customer_phone": PHONE, "first_name": "Asha", "city": "Thane"}
    assert kept.issues[-1].hint == (
        ' First name: row 7 changed "Ravi" to "Asha". Last name: row 7 changed "Rao" to empty.'
        ' City: row 8 changed "Pune" to "Thane".'
    )


def test_merge_does_not_mix_names_with_an_initial_between_them():
    """The initial "R" fits both Ravi and Rahul, but they are two people."""
    rows = [row(3, first_name="Ravi", last_name="Rao"), row(4, first_name="R"), row(7, first_name="Rahul")]
    kept = index_by_number(deduplicate_group(rows, "merge", header=""))[3]
    assert kept.payload == {"customer_phone": PHONE, "first_name": "Rahul"}
    assert find_other_names(deduplicate_group(rows, "merge", header="")) == {7: ("Rahul", 'row 3 "Ravi Rao"')}


ZEROS = Issue("customer_phone", "maybe_shortened", "Mobile", "9845010000")


def zeros(number, **payload):
    return msgspec.structs.replace(row(number, **payload), phone="+919845010000", issues=(ZEROS,))


@pytest.mark.parametrize("policy", ["merge", "first", "last", "reject"])
def test_people_with_one_number_that_excel_may_have_shortened_are_rejected(policy):
    """9.84501E+09 is what is left of each of their phones: they must not become one lead."""
    rows = [
        zeros(2, first_name="Ravi"),
        zeros(3, first_name="Asha"),
        zeros(4, first_name="ravi"),
        row(5, first_name="Meena"),
    ]
    verdicts = index_by_number(deduplicate_group(rows, policy, header="Mobile"))
    assert {number: one.verdict for number, one in verdicts.items()} == dict.fromkeys(
        (2, 3, 4), StagedVerdict.INVALID
    )
    assert format_issue(3, verdicts[3].issues[0]) == (
        'Row 3, Mobile: 9845010000 ends in zeros, so Excel may have shortened it, and row 2 "Ravi" has the same number. '
        "Type the full number from the original list. If it is correct, type it with a space, like 98450 10000."
    )
    assert verdicts[2].issues[0].hint == 'row 3 "Asha"'


def test_only_a_doubt_about_the_shared_number_rejects_rows():
    """The number may come from the other phones. A second number with zeros in the cell is not the shared one."""
    taken = Issue("add_phones", "maybe_shortened", "Alt", "09845010000.0")
    rows = [
        Accepted(SourceRow(n, ()), "+919845010000", {"first_name": name}, (taken,))
        for n, name in enumerate(["Ravi", "Asha"], 2)
    ]
    verdicts = index_by_number(deduplicate_group(rows, "merge", header="Mobile"))
    assert [verdicts[n].issues[0].machine_code for n in (2, 3)] == ["add_phones.shortened"] * 2
    rows = [msgspec.structs.replace(row, phone="+919876543210") for row in rows]
    verdicts = index_by_number(deduplicate_group(rows, "merge", header="Mobile"))
    assert [verdicts[n].verdict for n in (2, 3)] == [StagedVerdict.VALID, StagedVerdict.DUPLICATE]


def test_one_person_with_a_number_that_ends_in_zeros_stays_one_lead():
    """Only rows of different people are rejected."""
    rows = [zeros(2, first_name="Ravi"), zeros(3, first_name="Ravi", last_name="Rao"), zeros(4)]
    verdicts = index_by_number(deduplicate_group(rows, "merge", header="Mobile"))
    assert {number: one.verdict for number, one in verdicts.items()} == {
        2: StagedVerdict.VALID, 3: StagedVerdict.DUPLICATE, 4: StagedVerdict.DUPLICATE,
    }  # fmt: skip


def test_merge_joins_the_parts_of_one_name():
    """A later row may add the last name of the same person."""
    rows = [row(3, first_name="Ravi"), row(5, first_name="R.", last_name="Rao"), row(7, first_name="Ravi")]
    kept = index_by_number(deduplicate_group(rows, "merge", header=""))[3]
    assert kept.payload == {"customer_phone": PHONE, "first_name": "Ravi", "last_name": "Rao"}


def test_other_name_is_given_with_its_own_row():
    """The kept row may have no name: then the first row with a name is given."""
    rows = [row(3, city="Pune"), row(5, first_name="Ravi"), row(7, first_name="Asha")]
    assert find_other_names(deduplicate_group(rows, "merge", header="")) == {7: ("Asha", 'row 5 "Ravi"')}
    assert find_other_names(deduplicate_group(rows[:2], "merge", header="")) == {}


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
def test_names_of_two_people_are_recognized(name, other, is_another):
    """A longer form, an initial or other capitals are the same person, in any order of the rows."""
    for one, two in ((name, other), (other, name)):
        rows = [row(2, first_name=one), row(3, first_name=two)]
        assert bool(find_other_names(deduplicate_group(rows, "merge", header=""))) is is_another


def test_rows_are_compared_by_person_or_else_by_firm():
    """A person with two firms is one person. The first name in the group counts, in whichever row it is."""
    firms = [row(2), row(3, business_name="Rao Traders"), row(4, business_name="Gupta Stores")]
    assert find_other_names(deduplicate_group(firms, "merge", header="")) == {
        4: ("Gupta Stores", 'row 3 "Rao Traders"')
    }
    people = [row(2, first_name="Ravi", business_name="Rao Traders"), row(3, business_name="Gupta Stores")]
    assert find_other_names(deduplicate_group(people, "merge", header="")) == {}


def test_rows_that_are_not_merged_have_no_name_issue():
    """If the API needs two requests, each part of the group has a name of its own."""
    rows = [
        row(2, first_name="Ravi", add_labels=["VIP"]),
        row(3, first_name="Asha", remove_labels=["VIP"]),
        row(4, first_name="Asha"),
    ]
    assert find_other_names(deduplicate_group(rows, "merge", header="")) == {}


def test_later_null_clears_the_value():
    """The last value wins, and None is a value."""
    rows = [row(2, lead_stage_name="New"), row(3, lead_stage_name=None)]
    assert index_by_number(deduplicate_group(rows, "merge", header=""))[2].payload["lead_stage_name"] is None


def test_rows_that_add_and_remove_labels_are_not_merged():
    """Adding and removing labels in one request is a 400, so such rows are sent one after another."""
    rows = [row(2, add_labels=["VIP"]), row(3, remove_labels=["VIP"]), row(4, remove_labels=["Hot"])]
    verdicts = index_by_number(deduplicate_group(rows, "merge", header=""))
    assert set(verdicts) == {3, 4}
    assert verdicts[3].payload["remove_labels"] == ["VIP", "Hot"]
    assert verdicts[4].survivor_row == 3


def test_first_and_last_keep_one_row_unchanged():
    """The kept row has no new verdict, because nothing about it changes."""
    rows = [row(2), row(3), row(4)]
    assert {f.number: f.survivor_row for f in deduplicate_group(rows, "first", header="")} == {3: 2, 4: 2}
    assert {f.number: f.survivor_row for f in deduplicate_group(rows, "last", header="")} == {2: 4, 3: 4}


def test_reject_rejects_all_rows_and_names_another():
    """Only a person knows which of them is correct."""
    verdicts = deduplicate_group([row(2), row(3)], "reject", header="Mobile")
    assert [(f.number, f.verdict, f.issues[-1].hint) for f in verdicts] == [
        (2, StagedVerdict.INVALID, "3"),
        (3, StagedVerdict.INVALID, "2"),
    ]


@given(st.lists(st.sets(st.sampled_from(["add", "remove"]), max_size=1), min_size=2, max_size=7))
def test_every_row_is_kept_or_merged_into_a_kept_row(sides):
    """Conservation: no row of a group vanishes, and no payload has both label lists."""
    rows = [row(n, **{f"{side}_labels": [str(n)] for side in own}) for n, own in enumerate(sides)]
    verdicts = index_by_number(deduplicate_group(rows, "merge", header=""))
    kept = [
        r.row.number for r in rows if verdicts.get(r.row.number) is None or verdicts[r.row.number].payload
    ]
    assert all(
        one.survivor_row in kept for one in verdicts.values() if one.verdict is StagedVerdict.DUPLICATE
    )
    assert not any({"add_labels", "remove_labels"} <= (one.payload or {}).keys() for one in verdicts.values())


# --- rows that share a further number

A, B, C, S = "+919800000001", "+919800000002", "+919800000003", "+918022233344"


def numbered(number, phone, *others, **payload):
    body = {"customer_phone": phone, **({"add_phones": list(others)} if others else {}), **payload}
    return Accepted(SourceRow(number, ()), phone, body)


def list_leads(verdicts, rows):
    """Return the phones of each lead that is sent: its own, then the further ones."""
    changed = index_by_number(verdicts)
    payloads = [changed[row.row.number].payload if row.row.number in changed else row.payload for row in rows]
    return [[body["customer_phone"], *body.get("add_phones", [])] for body in payloads if body is not None]


@pytest.mark.parametrize(
    ("rows", "leads"),
    [
        ([(B, A), (A,)], [[B, A]]),
        ([(A,), (B, A)], [[A, B]]),
        ([(A, B), (B,)], [[A, B]]),
        ([(A, C), (B, C)], [[A, C, B]]),
        ([(A,), (B,), (A, B)], [[A, B]]),
        ([(A,), (B,), (C, S), (C, A), (S, B)], [[A, B, C, S]]),
        ([(A, B), (C, S)], [[A, B], [C, S]]),
    ],
)
def test_rows_that_share_any_number_are_one_lead(rows, leads):
    """The phone of the first row stays the lead's own. No number is lost (FINDINGS, trial 4)."""
    group = [numbered(at, *numbers) for at, numbers in enumerate(rows, 2)]
    assert list_leads(deduplicate_group(group, "merge", header="Phone"), group) == leads


def test_rows_that_share_a_further_number_say_so():
    group = [numbered(2, B, A, city="Pune"), numbered(3, A, city="Thane")]
    verdicts = index_by_number(deduplicate_group(group, "merge", header="Phone"))
    assert format_issue(2, verdicts[2].issues[0]) == (
        'Row 2, Phone: merged with row 3 because they share a phone. City: row 3 changed "Pune" to "Thane".'
    )
    assert verdicts[3].verdict is StagedVerdict.DUPLICATE


def test_switchboard_does_not_make_one_lead_of_a_firm():
    """Five colleagues became one lead (FINDINGS D5). They stay apart, and each but the first is named."""
    names = ["Ravi", "Asha", "Imran", "Meena"]
    group = [numbered(at, f"+91980000000{at}", S, first_name=name) for at, name in enumerate(names, 2)]
    group.append(numbered(9, "+919800000007", S, first_name="Ravi", last_name="Rao"))
    verdicts = index_by_number(deduplicate_group(group, "merge", header="Phone"))
    assert sorted(verdicts) == [2, 3, 4, 5, 9]
    assert (verdicts[9].verdict, verdicts[9].survivor_row) == (StagedVerdict.DUPLICATE, 2)
    assert all(verdicts[number].verdict is StagedVerdict.VALID for number in (2, 3, 4, 5))
    assert format_issue(3, verdicts[3].issues[0]) == (
        f'Row 3, Phone: {S} is also a number of row 2 "Ravi". '
        "The names differ, so both rows are sent as leads of their own."
    )


@pytest.mark.parametrize(("duplicates", "kept"), [("first", [2]), ("last", [3]), ("reject", [])])
def test_other_policies_count_a_further_number_too(duplicates, kept):
    group = [numbered(2, B, A), numbered(3, A)]
    changed = index_by_number(deduplicate_group(group, duplicates, header="Phone"))
    assert [row.row.number for row in group if row.row.number not in changed] == kept


NUMBERS = [f"+9198000000{n:02}" for n in range(6)]


@given(
    st.lists(st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3, unique=True), min_size=1, max_size=8)
)
def test_leads_without_names_share_no_number_and_lose_none(rows):
    group = [numbered(at, *numbers) for at, numbers in enumerate(rows, 2)]
    leads = list_leads(deduplicate_group(group, "merge", header="Phone"), group)
    found = [number for lead in leads for number in lead]
    assert sorted(found) == sorted(set(found))
    assert set(found) == {number for numbers in rows for number in numbers}


def test_thousands_of_rows_with_one_further_number_are_quick():
    """A made-up second number with ten thousand names must not take a hundred million comparisons."""
    group = [
        numbered(at, f"+9198{at:08}", S, first_name=f"N{at}x", last_name=f"M{at}y") for at in range(10_000)
    ]
    verdicts = deduplicate_group(group, "merge", header="Phone")
    assert all(verdict.verdict is StagedVerdict.VALID for verdict in verdicts)
