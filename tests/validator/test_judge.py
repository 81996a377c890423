"""The judge: a draft accepted in the account's spelling, or rejected with every fault named."""

import pytest

from importer.fields import Dropdown
from importer.issues import Issue, format_issue
from importer.models.mapping import Title
from importer.models.row import Accepted, Draft, Rejected, SourceRow
from importer.validator.judge import compile_gone, compile_judge
from importer.validator.title_lookup import TitleList

TITLES = {
    Dropdown.STAGE: (Title("New"), Title("Warm lead"), Title("Parked", active=False)),
    Dropdown.GROUP: (Title("Walk-ins"), Title("Expo"), Title("Expo")),
    Dropdown.LABEL: (Title("VIP"), Title("3 BHK, corner"), Title("Old", active=False)),
    Dropdown.PRODUCT: (Title("Villa plot"),),
    Dropdown.SOURCE_TYPE: (Title("CSV_UPLOAD"), Title("OTHERS")),
}
HEADERS = {
    "lead_stage_name": "Stage",
    "lead_group_name": "Group",
    "add_labels": "Tags",
    "add_products": "Item",
}
PHONE = "+919800000001"


def judge(unknown="reject", issues=(), **payload):
    row = SourceRow(14, ("x",))
    draft = Draft(row, {"customer_phone": PHONE, **payload}, issues)
    return compile_judge(TITLES, headers=HEADERS, unknown=unknown)(draft)


def codes(verdict):
    return [issue.machine_code for issue in verdict.issues]


def test_titles_come_out_as_the_account_spells_them():
    """Case and spacing are forgiven; the payload carries the account's own spelling."""
    verdict = judge(
        lead_stage_name="warm  LEAD", add_labels=["vip", "3 bhk", "Corner"], source_type="csv_upload"
    )
    assert isinstance(verdict, Accepted)
    assert verdict.payload == {
        "customer_phone": PHONE,
        "lead_stage_name": "Warm lead",
        "add_labels": ["VIP", "3 BHK, corner"],
        "source_type": "CSV_UPLOAD",
    }


def test_every_fault_of_a_row_is_told_not_the_first():
    """A person mends a row once."""
    verdict = judge(
        lead_stage_name="Parked", lead_group_name="expo", add_labels=["Old", "nope"], add_products=["Flat"]
    )
    assert isinstance(verdict, Rejected)
    assert sorted(codes(verdict)) == [
        "add_labels.disabled",
        "add_labels.unknown",
        "add_products.unknown",
        "lead_group_name.ambiguous",
        "lead_stage_name.disabled",
    ]


def test_the_sentence_says_where_what_and_what_to_do():
    """The model sentence of the design, to the letter."""
    verdict = judge(lead_stage_name="Warm led")
    assert format_issue(14, verdict.issues[0]) == (
        'Row 14, Stage: the account has no stage "Warm led". Did you mean "Warm lead"?'
    )


def test_drop_leaves_the_value_out_and_says_so():
    """--unknown drop: the row goes in without the value, and nothing is dropped in silence."""
    verdict = judge("drop", lead_stage_name="Nope", add_labels=["VIP", "nope"])
    assert isinstance(verdict, Accepted)
    assert verdict.payload == {"customer_phone": PHONE, "add_labels": ["VIP"]}
    assert sorted(codes(verdict)) == ["add_labels.left_out_unknown", "lead_stage_name.left_out_unknown"]


def test_a_list_with_nothing_left_is_left_out_whole():
    """An empty list would be a change; an absent key is none."""
    assert "add_labels" not in judge("drop", add_labels=["nope"]).payload


def test_clearing_a_title_needs_no_title():
    """None clears a nullable field."""
    assert judge(lead_stage_name=None).payload["lead_stage_name"] is None


def test_labels_cannot_be_added_and_removed_at_once():
    """The API answers 400 to both lists in one request."""
    assert codes(judge(add_labels=["VIP"], remove_labels=["VIP"])) == ["add_labels.with_remove_labels"]


def test_labels_of_both_sides_are_a_fault_beside_those_of_the_titles():
    """Mending the titles alone must not bring up the next fault; where a side is dropped, there is none left."""
    verdict = judge(add_labels=["nope"], remove_labels=["VIP"])
    assert codes(verdict) == ["add_labels.unknown", "add_labels.with_remove_labels"]
    assert isinstance(judge("drop", add_labels=["nope"], remove_labels=["VIP"]), Accepted)


def test_a_row_with_six_faults_shows_six():
    """From the cells through the account's lists, in one reading."""
    from importer.loader.rows.drafts import compile_drafter
    from importer.models.mapping import ColumnChoice, Mapping

    fields = (
        "customer_phone",
        "email",
        "deal_value",
        "lead_stage_name",
        "lead_group_name",
        "add_products",
        "city",
    )
    columns = tuple(
        ColumnChoice(index=index, header=field, field=field, source="option", confidence=1, reason="")
        for index, field in enumerate(fields)
    )
    draft = compile_drafter(Mapping(columns=columns), region="IN")
    row = SourceRow(7, ("98450", "asha", "45-50 lakh", "Parked", "Expo", "Flat", "#REF!"))
    verdict = compile_judge(TITLES, headers={field: field for field in fields}, unknown="reject")(draft(row))
    assert isinstance(verdict, Rejected)
    assert codes(verdict) == [
        "customer_phone.too_short", "email.not_an_email", "deal_value.not_a_number", "city.error_value",
        "lead_stage_name.disabled", "lead_group_name.ambiguous", "add_products.unknown",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "kind"), [("not_an_email", Rejected), ("part_left_out", Accepted), ("test_row", Rejected)]
)
def test_severity_decides(code, kind):
    """A warning lets its row in; an error or a row that is no lead does not."""
    verdict = judge(issues=(Issue("email", code, "E-mail", "x"),))
    assert isinstance(verdict, kind)
    assert codes(verdict) == [f"email.{code}"]


def test_titles_that_have_gone_since_are_found():
    """On resume a waiting row is judged against the account as it is now."""
    payload = {"customer_phone": PHONE, "lead_stage_name": "New", "add_labels": ["VIP"]}
    assert compile_gone(TITLES, unknown="reject")(payload) == (payload, ())
    without = {**TITLES, Dropdown.STAGE: (Title("Fresh"),)}
    _, issues = compile_gone(without, unknown="reject")(payload)
    assert [issue.machine_code for issue in issues] == ["lead_stage_name.unknown"]
    left, issues = compile_gone(without, unknown="drop")(payload)
    assert [issue.machine_code for issue in issues] == ["lead_stage_name.left_out_unknown"]
    assert left == {"customer_phone": PHONE, "add_labels": ["VIP"]}
    assert payload["lead_stage_name"] == "New"


def test_what_is_remembered_of_a_column_has_a_bound(monkeypatch):
    """A note in the column of stages is another text in every row: a million of them must not fill the memory."""
    asked = []
    find = TitleList.find
    monkeypatch.setattr(TitleList, "find", lambda self, text: asked.append(text) or find(self, text))
    monkeypatch.setattr("importer.validator.judge._MEMO_LIMIT", 2)
    decide = compile_judge(TITLES, headers={}, unknown="drop")
    for text in ["New", "a", "b", "New", "a", "b", "b"]:
        decide(Draft(SourceRow(2, ()), {"customer_phone": PHONE, "lead_stage_name": text}))
    assert asked == ["New", "a", "b", "b", "b"]
