"""Failed rows that people fixed are imported again with the mapping of their run."""

import csv
import json
import shutil

import msgspec
import openpyxl
import pytest

from importer.journal.run_journal import Journal
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox
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


def read_leads(crm):
    names = ("business_name", "city", "lead_stage_name", "source")
    return {phone: (*map(lead.get, names), lead.get("notes", [])) for phone, lead in leads(crm).items()}


def fix_workbook(path, change=lambda sheet: None):
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    sheet["D2"], sheet["A3"], sheet["D4"] = "Warm lead", "9845010003", "Warm lead"
    change(sheet)
    book.save(path)


def fix_csv(path, change=lambda rows: rows):
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    rows[1][3], rows[2][0], rows[3][3] = "Warm lead", "9845010003", "Warm lead"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(change(rows))


def test_fixed_workbook_imports_completely(importer, crm, first):
    """Every row of failed_rows.xlsx goes in once its faulty cells are fixed, and no lead differs from the sheet."""
    fix_workbook(first.folder / "failed_rows.xlsx")
    second = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert (second.code, second.failed) == (0, [])
    assert read_leads(crm) == WANTED
    assert "Lists" not in second.out


def test_fixed_csv_imports_completely(importer, crm, first):
    """Every row of failed_rows.csv goes in once its faulty cells are fixed, and no lead differs from the sheet."""
    fix_csv(first.folder / "failed_rows.csv")
    second = importer("run", first.folder / "failed_rows.csv", "--yes")
    assert (second.code, second.failed) == (0, [])
    assert read_leads(crm) == WANTED


def test_added_column_is_left_out_and_named(importer, crm, first):
    """A column that somebody adds between or after ours is not imported; the others keep their fields."""

    def change(sheet):
        sheet.insert_cols(2)
        sheet["B1"], sheet["B2"] = "Status", "fixed"
        sheet.cell(1, sheet.max_column + 1).value = "Checked by"
        sheet.cell(2, sheet.max_column).value = "Meena"

    fix_workbook(first.folder / "failed_rows.xlsx", change)
    second = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert (second.code, second.failed) == (0, [])
    assert read_leads(crm) == WANTED
    assert [line for line in second.summary["ignored"] if '"Checked by"' in line]
    assert [line for line in second.summary["ignored"] if '"Status"' in line]
    assert second.summary["columns"] == {
        "Kontakt": "customer_phone", "Status": "", "Wer": "business_name", "Wer#2": "city",
        "Stand": "lead_stage_name", "Bemerkung": "customer_note", "Checked by": "",
    }  # fmt: skip


def test_sorted_rows_and_moved_columns_import(importer, crm, first):
    """Rows may be sorted and deleted, columns moved and removed: columns are recognised by their headers."""

    def change(rows):
        order = [3, 0, 1, 2, 4, 6, 5]
        return [[row[at] for at in order] for row in [rows[0], rows[3], rows[1]]]

    fix_csv(first.folder / "failed_rows.csv", change)
    shutil.move(first.folder / "failed_rows.csv", importer.folder / "on the desk.csv")
    second = importer("run", importer.folder / "on the desk.csv", "--yes")
    assert (second.code, second.summary["rows"]) == (0, 2)
    assert read_leads(crm) == {phone: lead for phone, lead in WANTED.items() if phone != "+919845010003"}


def test_new_options_override_mapping_of_first_run(importer, crm, first):
    """An option of the second run wins; all other columns keep the mapping of the first."""
    fix_workbook(first.folder / "failed_rows.xlsx")
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


def test_sheet_options_of_config_do_not_apply_to_workbook(importer, crm):
    """importer.toml names the sheet and header row of the first file; our workbook has its own."""
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
    fix_workbook(first.folder / "failed_rows.xlsx")
    second = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert (second.code, second.failed) == (0, [])
    assert read_leads(crm) == WANTED


@pytest.mark.parametrize(
    "line",
    ['sheet = "Visitors"', "header_row = 3", 'encoding = "cp1252"', 'encoding = "utf-16"', 'delimiter = ";"', "limit = 1"],
)  # fmt: skip
def test_format_options_of_config_do_not_apply_to_csv(importer, crm, first, line):
    """importer.toml describes the files of another program; our CSV files would be misread as cp1252."""
    (importer.folder / "importer.toml").write_text(line + "\n")
    fix_csv(first.folder / "failed_rows.csv")
    second = importer("run", first.folder / "failed_rows.csv", "--yes")
    assert (second.code, second.failed) == (0, []), second
    assert read_leads(crm) == WANTED


def test_report_saved_by_another_program_is_read_with_flags(importer, crm, first):
    """Excel may save a report in another encoding and with semicolons: flags then say how to read it."""
    path = first.folder / "failed_rows.csv"
    fix_csv(path)
    text = path.read_text("utf-8-sig").replace("007", "Zo\xeb").replace(",", ";")
    path.write_text(text, "mac_roman")
    second = importer("run", path, "--yes", "--encoding", "mac_roman", "--delimiter", ";")
    assert second.code == 0, second
    assert leads(crm)["+919845010003"]["business_name"] == "Zo\xeb"


def test_config_does_not_override_mapping_of_first_run(importer, crm, first):
    """Columns and defaults of importer.toml do not override what the first run did; flags do."""
    (importer.folder / "importer.toml").write_text(
        'map = "gone.toml"\n[column]\nKontakt = ""\nGone = "city"\n[default]\nsource = "Shop"\n'
    )
    fix_csv(first.folder / "failed_rows.csv")
    shown = importer("columns", first.folder / "failed_rows.csv", "--json")
    assert json.loads(shown.out)["columns"][0]["field"] == "customer_phone"
    second = importer("run", first.folder / "failed_rows.csv", "--yes", "--default", "city=Pune")
    assert (second.code, second.failed) == (0, []), second
    assert {lead["source"] for lead in leads(crm).values()} == {"Fair"}
    assert leads(crm)["+919845010004"]["city"] == "Pune"


def test_results_csv_imports_again(importer, crm, first):
    """All rows go in again: leads are matched by phone, and notes are not repeated."""
    again = importer("run", first.folder / "results.csv", "--yes")
    assert again.summary["counts"] == first.summary["counts"]
    assert again.summary["columns"] == first.summary["columns"]
    assert read_leads(crm)["+919845010001"] == WANTED["+919845010001"]


def test_deleted_phone_column_is_an_error(importer, crm, first):
    """Without the phone column nothing is sent, and the error says so."""
    fix_csv(first.folder / "failed_rows.csv", lambda rows: [row[1:] for row in rows])
    second = importer("run", first.folder / "failed_rows.csv", "--yes")
    assert second.code == 2
    assert "phone" in second.err


def test_report_of_a_practice_run_tells_the_truth_in_another_account(importer, crm, monkeypatch):
    """The run was sent, only elsewhere, and its --rate is for the practice CRM (FINDINGS, trial 7)."""
    sheet = write_csv(importer.folder / "leads.csv", ROWS)
    first = importer("run", sheet, "--yes", *NAMED, "--rate", "500", "--concurrency", "7")
    fix_workbook(first.folder / "failed_rows.xlsx")
    with run_sandbox(SandboxOptions()) as other:
        monkeypatch.setenv("SUPERFONE_BASE_URL", other.base_url)
        ended = importer("run", first.folder / "failed_rows.xlsx", "--yes")
        assert len(leads(other)) == 3
    assert (
        "This report is from a run that sent 1 other row of leads.csv to another account (127.0.0.1:"
        in ended.out
    )
    assert "was checked but not sent" not in ended.out
    assert "--rate" not in ended.out
    assert "--column Kontakt=customer_phone" in ended.out
    with Journal.open(ended.folder) as journal:
        assert (journal.metadata.options["rate"], journal.metadata.options["concurrency"]) == ("auto", 50)


def test_report_for_the_same_crm_keeps_the_rate_of_its_run(importer, crm):
    sheet = write_csv(importer.folder / "leads.csv", ROWS)
    first = importer("run", sheet, "--yes", *NAMED, "--rate", "321")
    fix_workbook(first.folder / "failed_rows.xlsx")
    ended = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert "another account" not in ended.out
    with Journal.open(ended.folder) as journal:
        assert journal.metadata.options["rate"] == 321


def give_key(crm, monkeypatch, key, *, first_id):
    """Let the CRM and the command have another key. The lists get ids from `first_id` on, or none."""
    for rows in crm.sandbox.account.lists.values():
        for number, row in enumerate(rows, first_id or 0):
            row["id"] = number if first_id else None
    crm.sandbox.options = msgspec.structs.replace(crm.sandbox.options, api_key=key)
    monkeypatch.setenv("SUPERFONE_API_KEY", key)


@pytest.mark.parametrize("command", ["run", "check", "retry"])
def test_report_of_another_account_is_refused(importer, crm, first, monkeypatch, command):
    """Guarantee "A report goes to the account of its run": an agency had the key of one customer set, and fixed the rows of another."""
    fix_workbook(first.folder / "failed_rows.xlsx")
    before = leads(crm)
    give_key(crm, monkeypatch, "their-key", first_id=5000)
    name = first.folder.name if command == "retry" else first.folder / "failed_rows.xlsx"
    ended = importer(command, name, *([] if command == "check" else ["--yes"]))
    assert ended.code == 2
    assert f"{first.folder.name}, but the API key is that of another account" in ended.err
    assert "SUPERFONE_API_KEY" in ended.err
    assert leads(crm) == before


@pytest.mark.parametrize("reports", ["reports", "reports/birla"])
def test_workbook_that_was_moved_still_belongs_to_its_account(importer, crm, monkeypatch, reports):
    """It names its run and its account, which is found among the accounts of a batch, also for another of them."""
    sheet = write_csv(importer.folder / "leads.csv", ROWS)
    for account, key in (("acme", "acme-key"), ("birla", "birla-key")):
        give_key(crm, monkeypatch, key, first_id=1000 * len(account))
        importer("run", sheet, "--yes", *NAMED, "--reports", f"reports/{account}", "--run-id", "leads")
    path = importer.folder / "reports/acme/leads/failed_rows.xlsx"
    fix_workbook(path)
    moved = shutil.move(path, importer.folder / "fixed.xlsx")
    ended = importer("run", moved, "--yes", "--reports", reports)
    assert ended.code == 2
    assert "acme/leads, but the API key is that of another account" in ended.err
    give_key(crm, monkeypatch, "acme-key", first_id=4000)
    assert importer("run", moved, "--yes", "--reports", reports).code == 0


def test_account_is_remembered_where_its_lists_have_no_ids_any_more(importer, crm, first, monkeypatch):
    """Both accounts were sent to from this computer, which knows that they are two."""
    fix_workbook(first.folder / "failed_rows.xlsx")
    give_key(crm, monkeypatch, "their-key", first_id=5000)
    assert importer("run", write_csv(importer.folder / "theirs.csv", ROWS), "--yes", *NAMED).code == 1
    give_key(crm, monkeypatch, "their-key", first_id=None)
    assert importer("run", first.folder / "failed_rows.xlsx", "--yes").code == 2


@pytest.mark.parametrize("first_id", [1, None])
def test_renewed_key_is_accepted(importer, crm, first, monkeypatch, first_id):
    """With lists that have ids in common nothing is said. Without ids it may be another account, so we warn."""
    fix_workbook(first.folder / "failed_rows.xlsx")
    give_key(crm, monkeypatch, "new-key", first_id=first_id)
    ended = importer("run", first.folder / "failed_rows.xlsx", "--yes")
    assert ended.code == 0
    assert ("which had another API key. Before you send" in ended.out) == (first_id is None)
    assert read_leads(crm) == WANTED


def test_csv_that_only_looks_like_a_report_of_another_account_is_not_refused(
    importer, crm, first, monkeypatch
):
    """Sheets of many accounts have the same columns. A CSV elsewhere has no id, so its run is a guess."""
    fix_csv(first.folder / "failed_rows.csv")
    path = shutil.copy(first.folder / "failed_rows.csv", importer.folder / "fixed.csv")
    give_key(crm, monkeypatch, "their-key", first_id=5000)
    ended = importer("run", path, "--yes")
    assert ended.code == 0
    assert "which had another API key. Before you send" in ended.out


def test_report_is_of_the_run_in_whose_folder_it_is(importer, crm):
    """One sheet for two accounts of a batch gives two runs with one id, each in the folder of its account."""
    sheet = write_csv(importer.folder / "leads.csv", ROWS)
    for account in ("acme", "birla"):
        to = ("--reports", f"reports/{account}", "--run-id", "leads")
        assert importer("check", sheet, *NAMED, "--default", f"city={account}", *to).code == 1
    path = importer.folder / "reports/acme/leads/failed_rows.xlsx"
    shown = importer("columns", path, "--json", "--reports", "reports/birla")
    assert json.loads(shown.out)["defaults"]["city"] == "acme"


DRAGGED = [["Mobile", "Stage"], *[[f"98450100{n}7", "Warm led"] for n in range(6)], ["9845099999", "New"]]


@pytest.fixture
def wrong_stages(importer):
    """A run of which six rows did not go in for their stage. Their phones are valid."""
    return importer("run", write_csv(importer.folder / "leads.csv", DRAGGED), "--yes")


def change_phones(path, phones):
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    for row, phone in enumerate(phones, 2):
        sheet.cell(row, 1).value = phone
        sheet.cell(row, 2).value = "New"
    book.save(path)


def test_phones_that_were_dragged_down_are_not_sent(importer, crm, wrong_stages):
    """Ten drag-filled phones changed ten leads without a word (FINDINGS, trial 6)."""
    path = wrong_stages.folder / "failed_rows.xlsx"
    change_phones(
        path, ["9845010007", *(f"984501000{n}" for n in (8, 9)), *(f"98450100{n}" for n in (10, 11, 12))]
    )
    ended = importer("run", path, "--yes")
    assert [row["_codes"] for row in ended.failed] == ["customer_phone.dragged"] * 5
    assert set(leads(crm)) == {"+919845099999", "+919845010007"}
    assert ended.failed[0]["_problems"].startswith(
        "Row 3, Mobile: 9845010008 is not the number that this row had (+919845010017), and the numbers"
    )
    again = importer("run", ended.folder / "failed_rows.csv", "--yes")
    assert again.summary["problems"] == {"customer_phone.dragged": 5}


def test_number_that_was_corrected_or_always_counted_up_is_sent(importer, crm, wrong_stages):
    """A run needs three rows, one correction is none, and an empty _phone confirms the new number."""
    path = wrong_stages.folder / "failed_rows.xlsx"
    change_phones(path, ["9845010007", "9845010017", "9845010018", "9845010055", "9845010056", "9845010057"])
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    phones = next(cell.column for cell in sheet[1] if cell.value == "_phone")
    for row in (5, 6, 7):
        sheet.cell(row, phones).value = None
    book.save(path)
    ended = importer("run", path, "--yes")
    assert (ended.code, ended.failed) == (0, [])
    assert len(leads(crm)) == 7


def test_retry_keeps_dragged_rows_out(importer, crm, wrong_stages):
    path = wrong_stages.folder / "failed_rows.xlsx"
    change_phones(path, [f"984501000{n}" for n in range(1, 7)])
    ended = importer("run", path, "--yes")
    assert ended.summary["problems"] == {"customer_phone.dragged": 6}
    retried = importer("retry", ended.folder.name, "--yes")
    assert retried.summary["problems"] == {"customer_phone.dragged": 6}


def test_renamed_column_is_named_with_the_option_that_keeps_it(importer, crm, first):
    """A renamed header dropped the corrected amounts (FINDINGS, trial 6)."""

    def rename(sheet):
        sheet["D1"] = "Status now"

    path = first.folder / "failed_rows.xlsx"
    fix_workbook(path, rename)
    ended = importer("check", path)
    option = '--column "Status now=lead_stage_name"'
    assert f'it is where "Stand" was; if it was renamed, add {option}' in ended.out
    assert importer("run", path, "--yes", "--column", "Status now=lead_stage_name").code == 0
    assert read_leads(crm) == WANTED
