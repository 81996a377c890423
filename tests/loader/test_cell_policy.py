"""A cell that cannot be read costs its row or only itself, as --bad-cells and --ranges say. The phone always costs the row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importer.fields import FIELDS
from importer.issues import Severity, is_optional_cell_error
from importer.loader.rows.cell_policy import CellPolicy, leave_out_cell
from importer.loader.rows.drafts import Drafter
from importer.models.mapping import ColumnChoice, Mapping, MatchSource
from importer.models.row import SourceRow

BAD_CELLS = {
    "email": "asha(at)example.in",
    "deal_value": "about 5k",
    "address.latitude": "east",
    "assignee_user_phone": "Rohit 98450123",
    "add_phones": "98450",
    "city": "#REF!",
    "business_name": "=VLOOKUP(A2,B:C,2,0)",
    "first_name": "???? ????",
}
OPTIONAL_FIELDS = [field.name for field in FIELDS if field.name not in ("customer_phone", "dial_code")]


def draft(cells: dict[str, str], policy=None, *, defaults=None):
    columns = tuple(
        ColumnChoice(
            index=at, header=name.title(), field=name, source=MatchSource.OPTION, confidence=1.0, reason=""
        )
        for at, name in enumerate(cells)
    )
    drafter = Drafter(
        Mapping(columns=columns, defaults=defaults or {}), region="IN", policy=policy or CellPolicy()
    )
    return drafter.draft(SourceRow(2, tuple(cells.values())))


def find_codes(drafted, severity=None):
    return [issue.machine_code for issue in drafted.issues if severity in (None, issue.severity)]


@pytest.mark.parametrize(("field", "text"), BAD_CELLS.items())
def test_bad_optional_cell_costs_the_row_or_only_itself(field, text):
    """The warning carries the sentence of the error, so that the person knows what was wrong with the cell."""
    cells = {"customer_phone": "9845012345", field: text}
    rejected, accepted = draft(cells), draft(cells, CellPolicy(bad_cells="drop"))
    (error,) = [issue for issue in rejected.issues if issue.severity is Severity.ERROR]
    assert is_optional_cell_error(error.machine_code)
    assert find_codes(accepted) == [f"{field}.left_out_bad_cell"]
    assert accepted.payload == {"customer_phone": "+919845012345"}
    assert accepted.issues == (leave_out_cell(error),)


def test_bad_phone_always_costs_the_row():
    drafted = draft({"customer_phone": "98450"}, CellPolicy(bad_cells="drop"))
    assert find_codes(drafted, Severity.ERROR) == ["customer_phone.too_short"]
    assert not is_optional_cell_error(drafted.issues[0].machine_code)


@given(st.sampled_from(OPTIONAL_FIELDS), st.text(max_size=20))
def test_no_cell_but_the_phone_rejects_a_row_with_drop(field, text):
    """Every error that a reader can find in an optional cell is one that can be left out."""
    drafted = draft({"customer_phone": "9845012345", field: text}, CellPolicy(bad_cells="drop"))
    assert find_codes(drafted, Severity.ERROR) == []
    assert drafted.payload["customer_phone"] == "+919845012345"


@pytest.mark.parametrize("field", ["city", "email", "deal_value", "full_name", "add_phones", "add_labels"])
def test_not_available_counts_as_empty_in_any_field_but_the_phone(field):
    """VLOOKUP shows #N/A where it found nothing."""
    drafted = draft({"customer_phone": "9845012345", field: " #N/A "})
    assert find_codes(drafted) == [f"{field}.counted_as_empty"]
    assert find_codes(drafted, Severity.WARNING)
    assert drafted.payload == {"customer_phone": "+919845012345"}


def test_not_available_in_the_phone_costs_the_row():
    assert find_codes(draft({"customer_phone": "#N/A"}), Severity.ERROR) == ["customer_phone.error_value"]


def test_default_fills_a_cell_that_counts_as_empty_and_no_other_bad_cell():
    policy = CellPolicy(bad_cells="drop")
    empty = draft({"customer_phone": "9845012345", "city": "#N/A"}, policy, defaults={"city": "Pune"})
    bad = draft({"customer_phone": "9845012345", "city": "#REF!"}, policy, defaults={"city": "Pune"})
    assert empty.payload["city"] == "Pune"
    assert "city" not in bad.payload


@pytest.mark.parametrize(
    ("ranges", "text", "expected", "code"),
    [
        ("info", "80-90L", {"additional_info": "Budget seen\nDeal_Value: 80-90L"}, "range_kept_as_info"),
        ("low", "80-90L", {"deal_value": 80_00_000, "additional_info": "Budget seen"}, "range_end_used"),
        ("high", "80-90L", {"deal_value": 90_00_000, "additional_info": "Budget seen"}, "range_end_used"),
        ("high", "50L+", {"additional_info": "Budget seen\nDeal_Value: 50L+"}, "range_kept_as_info"),
        ("low", "50L+", {"deal_value": 50_00_000, "additional_info": "Budget seen"}, "range_end_used"),
    ],
)
def test_range_goes_where_the_option_says(ranges, text, expected, code):
    """The text is never lost: an end that the cell leaves open cannot be taken, so the text is kept."""
    cells = {"customer_phone": "9845012345", "deal_value": text, "additional_info": "Budget seen"}
    drafted = draft(cells, CellPolicy(ranges=ranges))
    assert {name: value for name, value in drafted.payload.items() if name != "customer_phone"} == expected
    assert find_codes(drafted, Severity.WARNING) == [f"deal_value.{code}"]


def test_range_can_be_treated_as_a_bad_cell():
    cells = {"customer_phone": "9845012345", "deal_value": "80-90L"}
    assert find_codes(draft(cells, CellPolicy(ranges="reject")), Severity.ERROR) == [
        "deal_value.not_a_number"
    ]
    dropped = draft(cells, CellPolicy(ranges="reject", bad_cells="drop"))
    assert find_codes(dropped) == ["deal_value.left_out_bad_cell"]
    assert "additional_info" not in dropped.payload


def test_default_amount_must_be_one_amount():
    """A default is typed by a person now, so a range there is a mistake."""
    drafted = draft({"customer_phone": "9845012345"}, defaults={"deal_value": "80-90L"})
    assert find_codes(drafted, Severity.ERROR) == ["deal_value.not_a_number"]
