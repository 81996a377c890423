"""Failed rows that LibreOffice has opened and saved come back with their cells and mapping, as a workbook and as CSV."""

import re

import openpyxl
import pytest

from importer.report.failed_workbook import fits_in_workbook
from tests.desktop.programs import CSV_AS_TEXT, CSV_OUT, needs_office, save_with_office
from tests.naughty import TEXTS
from tests.report.builders import build_metadata, build_rejected, read_report, write_run_reports
from tests.report.test_import_fixed_rows import NAMED, ROWS, WANTED, fix_csv, fix_workbook, read_leads
from tests.support import write_csv

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(400), needs_office]
COLUMNS = [("Phone", "customer_phone"), ("Text", "source"), ("Other", "")]


def to_office_text(text: str) -> str:
    """Return a text as LibreOffice keeps it: with one kind of line end and without NUL."""
    return re.sub("\r\n?", "\n", text).replace("\0", "")


@pytest.mark.parametrize(
    ("name", "kind", "read_as"),
    [
        ("failed_rows.xlsx", "xlsx", None),
        ("failed_rows.xlsx", CSV_OUT, None),
        ("failed_rows.csv", "xlsx", CSV_AS_TEXT),
        ("failed_rows.csv", CSV_OUT, CSV_AS_TEXT),
    ],
)
def test_cells_come_back_as_typed_after_libreoffice(tmp_path, name, kind, read_as):
    """One case cannot be decided: an apostrophe typed before a formula, in a workbook that was saved as CSV."""
    rows = [("0098450", text, text) for text in TEXTS if fits_in_workbook([text])]
    write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_rejected(n, row) for n, row in enumerate(rows, 2)]
    )
    saved = save_with_office(tmp_path / name, kind, tmp_path / "saved", read_as=read_as)
    headers, found = read_report(saved)
    assert headers == ("Phone", "Text", "Other")
    assert {row[0] for row in found} == {"0098450"}
    wrong = {
        ours[1]
        for ours, theirs in zip(rows, found, strict=True)
        if tuple(map(to_office_text, ours)) != tuple(map(to_office_text, theirs))
    }
    assert wrong == ({"'=1+1", "''=1+1"} if (name, kind) == ("failed_rows.xlsx", CSV_OUT) else set())


@pytest.mark.parametrize("kind", ["xlsx", CSV_OUT])
def test_workbook_fixed_and_saved_by_libreoffice_goes_in(importer, crm, kind):
    """Every fixed row goes in, from the workbook and from CSV."""
    first = importer("run", write_csv(importer.folder / "leads.csv", ROWS), "--yes", *NAMED)
    fix_workbook(first.folder / "failed_rows.xlsx")
    saved = save_with_office(first.folder / "failed_rows.xlsx", kind, importer.folder / "saved")
    second = importer("run", saved, "--yes")
    assert (second.code, second.failed) == (0, [])
    assert read_leads(crm) == WANTED


def test_csv_fixed_and_saved_as_a_workbook_goes_in(importer, crm):
    """Every fixed row goes in."""
    first = importer("run", write_csv(importer.folder / "leads.csv", ROWS), "--yes", *NAMED)
    fix_csv(first.folder / "failed_rows.csv")
    saved = save_with_office(
        first.folder / "failed_rows.csv", "xlsx", importer.folder / "saved", read_as=CSV_AS_TEXT
    )
    second = importer("run", saved, "--yes")
    assert (second.code, second.failed) == (0, [])
    assert read_leads(crm) == WANTED


def test_libreoffice_keeps_comments_lists_and_filter(tmp_path):
    """The comment, the colour, the list of titles and the filter survive saving."""
    from tests.report.test_failed_workbook import COLUMNS as WIDE
    from tests.report.test_failed_workbook import SHORT, build_row, find_faulty_cells, read_comments

    write_run_reports(tmp_path, build_metadata(WIDE), [build_rejected(14, build_row("12"), SHORT)])
    saved = save_with_office(tmp_path / "failed_rows.xlsx", "xlsx", tmp_path / "saved")
    book = openpyxl.load_workbook(saved)
    sheet = book.worksheets[0]
    assert find_faulty_cells(sheet) == {"A2"}
    assert "too few digits" in read_comments(sheet)["A2"]
    assert sheet.auto_filter.ref
    assert {rule.type for rule in sheet.data_validations.dataValidation} == {"list"}
    assert len(sheet.data_validations.dataValidation) == 5
