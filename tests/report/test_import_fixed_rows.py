"""Failed rows, mended in the ways of people, go in again under the mapping of their run, and nothing is left over."""

import csv
import json
import shutil

import openpyxl
import pytest

from tests.support import leads, write_csv

ROWS = [
    ["Kontakt", "Wer", "Wer", "Stand", "Bemerkung"],
    ["09845010001", "Asha Rao", "x", "New", "first"],
    ["+91-98450-10002", "Ravi Kumar", "=y", "Warm led", "- asked twice\n- call on Monday"],
    ["9845", "007", "z", "New", ""],
    ["98450 10004", "'Quoted'", "", "Warm led", "4"],
]
NAMED = ("--column", "Kontakt=customer_phone", "--column", "Wer=business_name", "--column", "Wer#2=city",
         "--column", "Stand=lead_stage_name", "--column", "Bemerkung=customer_note", "--default", "source=Fair")  # fmt: skip
WANTED = {
    "+919845010001": ("Asha Rao", "x", "New", "Fair", ["first"]),
    "+919845010002": ("Ravi Kumar", "=y", "Warm lead", "Fair", ["- asked twice\n- call on Monday"]),
    "+919845010003": ("007", "z", "New", "Fair", []),
    "+919845010004": ("Quoted", None, "Warm lead", "Fair", ["4"]),
}


@pytest.fixture
def first(importer):
    """A run of which three rows did not go in."""
    ended = importer("run", write_csv(importer.folder / "leads.csv", ROWS), "--yes", *NAMED)
    assert [row["_row"] for row in ended.failed] == ["3", "4", "5"]
    return ended


def there(crm):
    names = ("business_name", "city", "lead_stage_name", "source")
    return {phone: (*map(lead.get, names), lead.get("notes", [])) for phone, lead in leads(crm).items()}


def mend_workbook(path, change=lambda sheet: None):
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    sheet["D2"], sheet["A3"], sheet["D4"] = "Warm lead", "9845010003", "Warm lead"
    change(sheet)
    book.save(path)


def mend_csv(path, change=lambda rows: rows):
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    rows[1][3], rows[2][0], rows[3][3] = "Warm lead", "9845010003", "Warm lead"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(change(rows))


def test_a_mended_workbook_leaves_nothing_over(importer, crm, first):
    mend_workbook(first.folder / "failed_rows.xlsx")
    second = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert (second.code, second.failed) == (0, [])
    assert there(crm) == WANTED
    assert "Lists" not in second.out


def test_a_mended_csv_leaves_nothing_over(importer, crm, first):
    mend_csv(first.folder / "failed_rows.csv")
    second = importer("run", first.folder / "failed_rows.csv", "--yes")
    assert (second.code, second.failed) == (0, [])
    assert there(crm) == WANTED


def test_a_column_that_was_added_is_left_out_and_named(importer, crm, first):
    """Somebody's remarks behind our columns, or a column between: the others keep their fields."""

    def change(sheet):
        sheet.insert_cols(2)
        sheet["B1"], sheet["B2"] = "Status", "mended"
        sheet.cell(1, sheet.max_column + 1).value = "Checked by"
        sheet.cell(2, sheet.max_column).value = "Meena"

    mend_workbook(first.folder / "failed_rows.xlsx", change)
    second = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert (second.code, second.failed) == (0, [])
    assert there(crm) == WANTED
    assert [line for line in second.summary["ignored"] if '"Checked by"' in line]
    assert [line for line in second.summary["ignored"] if '"Status"' in line]
    assert second.summary["columns"] == {
        "Kontakt": "customer_phone", "Status": "", "Wer": "business_name", "Wer#2": "city",
        "Stand": "lead_stage_name", "Bemerkung": "customer_note", "Checked by": "",
    }  # fmt: skip


def test_rows_sorted_and_deleted_and_columns_moved(importer, crm, first):
    """Order says nothing; columns are known by their headers; some of ours may be gone."""

    def change(rows):
        order = [3, 0, 1, 2, 4, 6, 5]
        return [[row[at] for at in order] for row in [rows[0], rows[3], rows[1]]]

    mend_csv(first.folder / "failed_rows.csv", change)
    shutil.move(first.folder / "failed_rows.csv", importer.folder / "on the desk.csv")
    second = importer("run", importer.folder / "on the desk.csv", "--yes")
    assert (second.code, second.summary["rows"]) == (0, 2)
    assert there(crm) == {phone: lead for phone, lead in WANTED.items() if phone != "+919845010003"}


def test_what_is_named_anew_wins_and_the_rest_is_kept(importer, crm, first):
    mend_workbook(first.folder / "failed_rows.xlsx")
    second = importer(
        "run",
        first.folder / "failed_rows.xlsx",
        "--yes",
        "--column",
        "Wer#2=address",
        "--default",
        "source=Desk",
    )
    assert second.code == 0, second
    assert leads(crm)["+919845010002"]["address"]["text"] == "=y"
    assert leads(crm)["+919845010002"]["business_name"] == "Ravi Kumar"
    assert leads(crm)["+919845010002"]["source"] == "Desk"


def test_options_about_the_first_file_do_not_hinder_the_second(importer, crm):
    """importer.toml names the sheet and header row of the visitors' list; the report has its own."""
    book = openpyxl.Workbook()
    book.active.title = "Prices"
    sheet = book.create_sheet("Visitors")
    for row in (["Our fair"], [], *ROWS):
        sheet.append(row)
    sheet[
        "C5"
    ].data_type = "s"  # "=y" as text: openpyxl would write a formula without a value, which is a fault
    book.save(importer.folder / "fair.xlsx")
    (importer.folder / "importer.toml").write_text('sheet = "Visitors"\nheader_row = 3\n')
    first = importer("run", importer.folder / "fair.xlsx", "--yes", *NAMED)
    mend_workbook(first.folder / "failed_rows.xlsx")
    second = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert (second.code, second.failed) == (0, [])
    assert there(crm) == WANTED


@pytest.mark.parametrize(
    "line",
    ['sheet = "Visitors"', "header_row = 3", 'encoding = "cp1252"', 'encoding = "utf-16"', 'delimiter = ";"', "limit = 1"],
)  # fmt: skip
def test_nor_do_they_hinder_a_report_as_csv(importer, crm, first, line):
    """What importer.toml says of the sheets of an old program is not true of our own files (cells were read as cp1252)."""
    (importer.folder / "importer.toml").write_text(line + "\n")
    mend_csv(first.folder / "failed_rows.csv")
    second = importer("run", first.folder / "failed_rows.csv", "--yes")
    assert (second.code, second.failed) == (0, []), second
    assert there(crm) == WANTED


def test_a_report_that_another_program_saved_is_read_as_it_is_told(importer, crm, first):
    """Excel may save it in a code page, parted by semicolons: the mark is gone, the columns are still ours."""
    path = first.folder / "failed_rows.csv"
    mend_csv(path)
    text = path.read_text("utf-8-sig").replace("007", "Zo\xeb").replace(",", ";")
    path.write_text(text, "mac_roman")
    second = importer("run", path, "--yes", "--encoding", "mac_roman", "--delimiter", ";")
    assert second.code == 0, second
    assert leads(crm)["+919845010003"]["business_name"] == "Zo\xeb"


def test_the_settings_file_does_not_come_before_the_mapping_of_the_run(importer, crm, first):
    (importer.folder / "importer.toml").write_text(
        'map = "gone.toml"\n[column]\nKontakt = ""\nGone = "city"\n[default]\nsource = "Shop"\n'
    )
    mend_csv(first.folder / "failed_rows.csv")
    shown = importer("columns", first.folder / "failed_rows.csv", "--json")
    assert json.loads(shown.out)["columns"][0]["field"] == "customer_phone"
    second = importer("run", first.folder / "failed_rows.csv", "--yes", "--default", "city=Pune")
    assert (second.code, second.failed) == (0, []), second
    assert {lead["source"] for lead in leads(crm).values()} == {"Fair"}
    assert leads(crm)["+919845010004"]["city"] == "Pune"


def test_results_csv_is_input_too(importer, crm, first):
    """All rows, those that went in among them: leads are matched by phone, and their notes are not repeated."""
    again = importer("run", first.folder / "results.csv", "--yes")
    assert again.summary["counts"] == first.summary["counts"]
    assert again.summary["columns"] == first.summary["columns"]
    assert there(crm)["+919845010001"] == WANTED["+919845010001"]


def test_a_deleted_phone_column_is_told(importer, crm, first):
    mend_csv(first.folder / "failed_rows.csv", lambda rows: [row[1:] for row in rows])
    second = importer("run", first.folder / "failed_rows.csv", "--yes")
    assert second.code == 2
    assert "phone" in second.err
