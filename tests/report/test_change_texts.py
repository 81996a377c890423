"""What people read about a plan: one short text a row, one line a field in changes.csv."""

from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from importer.report.change_texts import CHANGES_COLUMNS, format_change_lines, format_changes

PLAN = RowPlan(
    action=PlanAction.UPDATE,
    changes=(
        FieldChange("city", Effect.SET, "Pune", "Mumbai"),
        FieldChange("source", Effect.FILL, None, "Expo"),
        FieldChange("first_name", Effect.SAME, "Asha", "Asha"),
        FieldChange("add_labels", Effect.ADD, ["Hot"], ["VIP"]),
        FieldChange("remove_labels", Effect.REMOVE, ["Hot"], ["Hot"]),
        FieldChange("email", Effect.ADD, ["a@x.in"], ["a@x.in", "b@x.in"]),
        FieldChange("additional_info", Effect.ADD, "Flat booked", "Flat booked\nBudget: 60L"),
        FieldChange("lead_stage_name", Effect.KEPT, "Won", "New"),
        FieldChange("lead_group_name", Effect.SET, "Walk-ins", None),
        FieldChange("deal_value", Effect.CONFLICT, 120000.0, 5.5),
        FieldChange("add_products", Effect.SEND, None, ["Villa plot"]),
        FieldChange("website", Effect.EDITED, "https://a.example", "https://b.example"),
        FieldChange("business_name", Effect.FOREIGN, "=1+1", "Rao"),
    ),
)


def test_changes_are_one_readable_text():
    """Old and new of each field that a plan touches or leaves; what stays the same is not named."""
    assert format_changes(PLAN).split(" | ") == [
        'City: "Pune" -> "Mumbai"',
        'Source: set "Expo"',
        "Labels: + VIP",
        "Labels to remove: - Hot",
        "E-mail: + b@x.in",
        "Additional info: + Budget: 60L",
        'Stage: kept "Won"',
        'Group: "Walk-ins" -> empty',
        'Deal value: kept "120000", not set to "5.5"',
        "Products: send Villa plot (the CRM does not show this field)",
        'Website: kept "https://a.example", changed in the CRM after the last import',
        'Business: kept "=1+1", which is not from importer',
    ]
    assert format_changes(RowPlan(action=PlanAction.UNCHANGED)) == ""


def test_changes_csv_has_a_line_a_field_without_formulas():
    """A value of the CRM is data: Excel must not run it."""
    lines = list(format_change_lines(14, "+919845000001", "7", PLAN))
    assert len(lines) == len(PLAN.changes) - 1
    assert lines[0] == "14,+919845000001,7,city,Pune,Mumbai,set\r\n"
    assert lines[-1] == "14,+919845000001,7,business_name,'=1+1,Rao,foreign\r\n"
    assert len(CHANGES_COLUMNS) == 7
