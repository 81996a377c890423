"""A template that a person has filled in is imported without any option. Its own notes are not leads."""

from pathlib import Path

import openpyxl
import pytest

from importer.fields import FIELDS
from tests.support import leads

FILLED = {
    "Phone": "9845010007", "Other phones": "080 4112 2009, 9845010008", "First name": "Asha", "Last name": "Rao",
    "Business": "Rao Traders", "E-mail": "asha@example.in, rao@example.in", "Website": "www.example.in", "City": "Pune",
    "Address": "12, MG Road", "Address, further": "Maharashtra, 411001", "Deal value": "1.2 lakh", "Source": "Trade fair",
    "Source type": "CSV_UPLOAD", "Stage": "Hot lead", "Group": "Walk-ins", "Labels": "VIP, Parking, two cars",
    "Products": "Villa plot", "Assignee phone": "98450 00101", "Additional info": "Wants parking", "Note": "=call back",
}  # fmt: skip


@pytest.fixture
def template(importer):
    assert importer("template", "my leads.xlsx").code == 0
    return importer.folder / "my leads.xlsx"


def opened(path):
    book = openpyxl.load_workbook(path)
    sheet = book["Leads"]
    return book, sheet, {sheet.cell(2, column).value: column for column in range(1, sheet.max_column + 1)}


def fill(path, *rows):
    book, sheet, columns = opened(path)
    for number, row in enumerate(rows, 3):
        for header, value in row.items():
            cell = sheet.cell(number, columns[header])
            cell.value = value
            cell.data_type = "s" if isinstance(value, str) else cell.data_type
    book.save(path)


def test_template_in_use_is_written_beside_it(importer, crm, template, monkeypatch):
    """Windows cannot replace a file that Excel has open, so the new one gets another name."""
    replace = Path.replace

    def refuse(self, target):
        if target.name == "my leads.xlsx":
            raise PermissionError(13, "in use", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    result = importer("template", "my leads.xlsx", "--force")
    assert result.code == 0
    assert result.err == (
        "Template written: my leads-new.xlsx. Fill it in, then import it: importer run 'my leads-new.xlsx'\n"
    )
    assert (importer.folder / "my leads-new.xlsx").exists()


def test_every_field_of_the_template_reaches_the_crm(importer, crm, template):
    fill(template, FILLED)
    result = importer("run", template, "--yes")
    assert result.code == 0, result.failed
    assert result.summary["rows"] == 1
    assert leads(crm) == {
        "+919845010007": {
            "added_phones": ["+918041122009", "+919845010008"], "first_name": "Asha", "last_name": "Rao",
            "business_name": "Rao Traders", "email": ["asha@example.in", "rao@example.in"], "website": "www.example.in",
            "city": "Pune", "address": {"text": "12, MG Road", "additional": "Maharashtra, 411001"}, "deal_value": 120000,
            "source": "Trade fair", "source_type": "CSV_UPLOAD", "lead_stage_name": "Hot lead", "lead_group_name": "Walk-ins",
            "labels": ["VIP", "Parking, two cars"], "products": ["Villa plot"], "assignee_user_phone": "+919845000101",
            "additional_info": "Wants parking", "notes": ["=call back"],
        }
    }  # fmt: skip


def test_numbers_and_blank_rows_in_the_template_are_accepted(importer, crm, template):
    """A phone may be a number, a line blank, and most columns empty."""
    fill(template, {"Phone": 9845010001}, {}, {"Phone": "+91 98450 10002", "Stage": "New"})
    result = importer("run", template, "--yes")
    assert result.code == 0, result.failed
    assert set(leads(crm)) == {"+919845010001", "+919845010002"}
    assert [row["_row"] for row in result.results] == ["3", "5"]


def test_empty_template_is_rejected(importer, crm, template):
    result = importer("run", template, "--yes")
    assert result.code == 2
    assert "no rows below it" in result.err
    assert leads(crm) == {}


def test_template_has_active_titles_and_text_cells(template):
    book, sheet, columns = opened(template)
    ranges = {str(rule.sqref).split(":")[0]: rule.formula1 for rule in sheet.data_validations.dataValidation}
    found = {}
    for header in ("Source type", "Stage", "Group", "Labels", "Products"):
        letter = openpyxl.utils.get_column_letter(columns[header])
        where = ranges[f"{letter}3"].replace("Lists!", "").replace("$", "")
        found[header] = [row[0].value for row in book["Lists"][where]]
    assert "Hot lead" in found["Stage"]
    assert "Old enquiry" not in found["Stage"]  # disabled
    assert "Parking, two cars" in found["Labels"]
    assert len(found["Labels"]) > 50
    assert found["Source type"][0] == "CSV_UPLOAD"
    for header in ("Phone", "Other phones", "Assignee phone"):
        letter = openpyxl.utils.get_column_letter(columns[header])
        dimension = next(d for d in sheet.column_dimensions.values() if d.min <= columns[header] <= d.max)
        assert dimension.number_format == "@", letter


def test_every_header_of_the_template_is_a_field_with_a_note(template):
    _, sheet, columns = opened(template)
    labels = {field.label for field in FIELDS}
    assert set(columns) <= labels
    assert all(sheet.cell(1, column).value for column in columns.values())


def test_template_does_not_replace_a_file_without_force(importer, template):
    """Somebody may have filled it in, so only --force replaces it."""
    fill(template, {"Phone": "9845010001"})
    before = template.read_bytes()
    result = importer("template", template)
    assert result.code == 2
    assert "somebody may have filled it in" in result.err
    assert template.read_bytes() == before
    assert importer("template", template, "--force").code == 0
    assert template.read_bytes() != before


@pytest.mark.parametrize(
    ("out", "message"),
    [("leads.csv", "importer template leads.xlsx"), ("no/such/leads.xlsx", "Cannot write")],
)
def test_invalid_place_for_a_template_is_rejected(importer, out, message):
    result = importer("template", out)
    assert result.code == 2
    assert message in result.err
    assert "importer run 'my leads.xlsx'" in importer("template", "my leads.xlsx").err
