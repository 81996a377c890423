"""What a person has chosen on the screens before the rows is not lost: by a look elsewhere, an error, or an earlier sheet."""

import pytest
from openpyxl import Workbook

from tests.support import write_csv
from tests.ui.browser import read_fields
from tests.ui.test_journey import CLEAN, check


def choose_first(browser, path):
    """Take a sheet to its columns."""
    run_id = browser.upload(path)
    browser.submit(f"/runs/{run_id}/sheet")
    return run_id


def read_values(browser, name):
    return [value for field, value in read_fields(browser.text) if field == name]


def test_look_at_another_sheet_keeps_what_was_chosen(browser, tmp_path):
    """Its rows are shown, and the sheets that were ticked stay so."""
    workbook = Workbook()
    workbook.active.title = "Expo"
    for name in ("Walk-ins", "Pivot"):
        workbook.create_sheet(name)
    for sheet in workbook:
        sheet.append(["Name", "Mobile"])
        sheet.append([f"Lead of {sheet.title}", "98450 10001"])
    workbook.save(tmp_path / "leads.xlsx")
    run_id = browser.upload(tmp_path / "leads.xlsx")
    assert read_values(browser, "sheet") == ["Expo"]
    browser.submit(f"/runs/{run_id}/sheet", show="Pivot")
    assert "Lead of Pivot" in browser.main
    assert read_values(browser, "sheet") == ["Expo"]
    fields = [
        ("sheet", "Expo"),
        ("sheet", "Walk-ins"),
        ("found_header", "1"),
        ("header_row", "1"),
        ("show", "Expo"),
    ]
    browser.open(browser.write(f"/runs/{run_id}/sheet", fields).headers["location"])
    assert "Lead of Expo" in browser.main
    assert read_values(browser, "sheet") == ["Expo", "Walk-ins"]


@pytest.mark.parametrize("row", ["x", "9" * 5000], ids=["text", "5000 digits"])
def test_header_row_that_is_no_number_changes_nothing(browser, tmp_path, row):
    """In a form made by hand."""
    run_id = browser.upload(
        write_csv(tmp_path / "leads.csv", [["Leads"], ["Name", "Mobile"], ["Asha", "98450 10001"]])
    )
    browser.submit(f"/runs/{run_id}/sheet", header_row=row)
    assert (browser.status, browser.path) == (200, f"/runs/{run_id}/columns")
    assert read_values(browser, "field:Mobile") == ["customer_phone"]


def test_columns_without_a_phone_are_shown_again_as_they_were_chosen(browser, tmp_path):
    """With the reason above them, and with the rest of the form."""
    run_id = choose_first(
        browser,
        write_csv(tmp_path / "leads.csv", [["Name", "Mobile", "Remark"], ["Asha", "98450 10001", "x"]]),
    )
    browser.submit(
        f"/runs/{run_id}/columns", **{"field:Mobile": "", "field:Remark": "city", "source": "Expo"}
    )
    assert browser.status == 400
    assert browser.title == "Which column is which?"
    assert "No column has the phone numbers." in browser.main
    assert [read_values(browser, f"field:{name}") for name in ("Mobile", "Remark")] == [[""], ["city"]]
    assert read_values(browser, "source") == ["Expo"]
    browser.submit(f"/runs/{run_id}/columns", **{"field:Mobile": "customer_phone"})
    assert browser.wait(run_id).path == f"/runs/{run_id}/rows"


def test_phones_of_owners_are_kept_when_one_of_them_is_none(browser, tmp_path):
    """The question is shown again with what was typed."""
    rows = [["Name", "Mobile", "Owner"], ["Asha", "98450 10001", "Kavya"], ["Ravi", "98450 10002", "Rohit"]]
    run_id = check(browser, write_csv(tmp_path / "leads.csv", rows), **{"field:Owner": "assignee_user_phone"})
    assert browser.title == "Who are these owners?"
    path = f"/runs/{run_id}/questions"
    browser.submit(path, **{"item:0": "98450 00101", "item:1": "9845 102"})
    assert browser.status == 400
    assert '"9845 102" cannot be read as a phone number (Rohit).' in browser.main
    assert read_values(browser, "item:0") == ["98450 00101"]
    browser.submit(path, **{"item:1": "98450 00102"})
    assert browser.wait(run_id).path == f"/runs/{run_id}/rows"


@pytest.fixture
def answered(browser, tmp_path):
    """A sheet was sent with its remarks as the city; another one with the same columns is at its columns."""
    path = write_csv(tmp_path / "leads.csv", [["Name", "Mobile", "Remark"], ["Asha", "98450 10001", "Pune"]])
    run_id = check(browser, path, **{"field:Remark": "city"})
    browser.write(f"/runs/{run_id}/look-up")
    browser.wait(run_id).submit(f"/runs/{run_id}/send")
    browser.wait(run_id)
    return choose_first(browser, path)


def test_answers_of_an_earlier_sheet_are_set_aside_with_one_click(browser, answered):
    """And used again with another one; the check does what the page shows."""
    assert "as you answered last time" in browser.main
    assert read_values(browser, "field:Remark") == ["city"]
    browser.submit(f"/runs/{answered}/saved-answers", saved="aside")
    assert read_values(browser, "field:Remark") == ["customer_note"]
    browser.submit(f"/runs/{answered}/saved-answers", saved="use")
    assert read_values(browser, "field:Remark") == ["city"]
    browser.submit(f"/runs/{answered}/saved-answers", saved="aside")
    browser.submit(f"/runs/{answered}/columns")
    browser.wait(answered)
    assert "Remark Note" in browser.main


def test_columns_without_earlier_answers_offer_nothing_to_set_aside(browser, tmp_path):
    choose_first(browser, write_csv(tmp_path / "leads.csv", CLEAN))
    assert "last time" not in browser.main
