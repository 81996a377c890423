"""A draft is accepted with titles in the account's spelling, or rejected with all of its issues."""

import pytest

from importer.fields import Dropdown
from importer.issues import Issue, format_issue
from importer.models.mapping import Title
from importer.models.row import Accepted, Draft, Rejected, SourceRow
from importer.validator.judge import Judge, TitleRecheck
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
    return Judge(TITLES, headers=HEADERS, unknown=unknown).judge(draft)


def codes(verdict):
    return [issue.machine_code for issue in verdict.issues]


def test_titles_get_the_spelling_of_the_account():
    """Case and spaces do not matter. The payload has the account's own spelling."""
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


def test_all_issues_of_a_row_are_reported():
    """A person can fix the row in one go."""
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


def test_sentence_says_where_what_and_what_to_do():
    """This is the model for all sentences about issues."""
    verdict = judge(lead_stage_name="Warm led")
    assert format_issue(14, verdict.issues[0]) == (
        'Row 14, Stage: "Warm led" does not exist in your account. Did you mean "Warm lead"?'
    )


def test_drop_leaves_the_value_out_with_a_warning():
    """With --unknown drop, the row is imported without the value, and nothing is dropped in silence."""
    verdict = judge("drop", lead_stage_name="Nope", add_labels=["VIP", "nope"])
    assert isinstance(verdict, Accepted)
    assert verdict.payload == {"customer_phone": PHONE, "add_labels": ["VIP"]}
    assert sorted(codes(verdict)) == ["add_labels.left_out_unknown", "lead_stage_name.left_out_unknown"]


def test_list_with_nothing_left_is_left_out():
    """An empty list would change the lead; a missing key does not."""
    assert "add_labels" not in judge("drop", add_labels=["nope"]).payload


def test_title_can_be_cleared():
    """None clears a nullable field."""
    assert judge(lead_stage_name=None).payload["lead_stage_name"] is None


def test_label_cannot_be_added_and_removed():
    """Nobody knows what is meant. Other labels of the two cells are no reason to reject a row."""
    verdict = judge(add_labels=["VIP", "Old label"], remove_labels=["VIP"])
    assert "add_labels.with_remove_labels" in codes(verdict)
    assert verdict.issues[-1].value == "VIP"
    assert isinstance(judge("drop", add_labels=["nope"], remove_labels=["VIP"]), Accepted)


def test_row_may_add_some_labels_and_remove_others():
    """It needs two requests, because the API answers 400 to both lists in one."""
    accepted = judge(add_labels=["VIP"], remove_labels=["3 BHK, corner"])
    assert isinstance(accepted, Accepted)
    assert accepted.payload["remove_labels"] == ["3 BHK, corner"]


def test_row_with_many_errors_shows_all_of_them():
    """Errors of cells and of titles come from one reading."""
    from importer.loader.rows.drafts import Drafter
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
    draft = Drafter(Mapping(columns=columns), region="IN").draft
    row = SourceRow(7, ("98450", "asha", "about 50 lakh", "Parked", "Expo", "Flat", "#REF!"))
    verdict = Judge(TITLES, headers={field: field for field in fields}, unknown="reject").judge(draft(row))
    assert isinstance(verdict, Rejected)
    assert codes(verdict) == [
        "customer_phone.too_short", "email.not_an_email", "deal_value.not_a_number", "city.error_value",
        "lead_stage_name.disabled", "lead_group_name.ambiguous", "add_products.unknown",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "kind"), [("not_an_email", Rejected), ("part_left_out", Accepted), ("test_row", Rejected)]
)
def test_severity_decides_whether_a_row_is_accepted(code, kind):
    """A warning accepts its row. An error, or a row that is not a lead, rejects it."""
    verdict = judge(issues=(Issue("email", code, "E-mail", "x"),))
    assert isinstance(verdict, kind)
    assert codes(verdict) == [f"email.{code}"]


def test_recheck_finds_removed_titles():
    """On resume, a waiting row is checked against the account as it is now."""
    payload = {"customer_phone": PHONE, "lead_stage_name": "New", "add_labels": ["VIP"]}
    assert TitleRecheck(TITLES, unknown="reject").check(payload) == (payload, ())
    without = {**TITLES, Dropdown.STAGE: (Title("Fresh"),)}
    _, issues = TitleRecheck(without, unknown="reject").check(payload)
    assert [issue.machine_code for issue in issues] == ["lead_stage_name.unknown"]
    left, issues = TitleRecheck(without, unknown="drop").check(payload)
    assert [issue.machine_code for issue in issues] == ["lead_stage_name.left_out_unknown"]
    assert left == {"customer_phone": PHONE, "add_labels": ["VIP"]}
    assert payload["lead_stage_name"] == "New"


def test_cache_of_titles_is_bounded(monkeypatch):
    """A notes column that is mapped to stages has another text in every row; a million of them must not fill the memory."""
    asked = []
    find = TitleList.find
    monkeypatch.setattr(TitleList, "find", lambda self, text: asked.append(text) or find(self, text))
    monkeypatch.setattr("importer.validator.judge._MAX_CACHED_TITLES", 2)
    judge_draft = Judge(TITLES, headers={}, unknown="drop").judge
    for text in ["New", "a", "b", "New", "a", "b", "b"]:
        judge_draft(Draft(SourceRow(2, ()), {"customer_phone": PHONE, "lead_stage_name": text}))
    assert asked == ["New", "a", "b", "b", "b"]
