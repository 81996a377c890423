"""Reports full of naughty texts, opened by the programs that people have: nothing runs, nothing is a formula."""

import re
from xml.etree import ElementTree as ET

import openpyxl
import pytest

from tests.desktop.programs import in_chromium, needs_chromium, needs_office, saved_by_office
from tests.naughty import CANARY
from tests.report.builders import build_naughty_run, write_run_reports

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(400)]
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
PLACES = ["cell", "header", "file", "server", "sheet", "title"]
# As Excel and LibreOffice read CSV in countries with other separators, cells taken for what they look like.
EVERY_SEPARATOR = "CSV:44/59/9,34,76,1,,0,false,true,false,false,false,-1,true"


@needs_office
@pytest.mark.parametrize("place", ["cell", "header", "server"])
def test_no_cell_is_a_formula_in_libreoffice(tmp_path, place):
    """results.csv, failed_rows.csv and failed_rows.xlsx; CSV also with formulas evaluated and every separator."""
    write_run_reports(tmp_path, *build_naughty_run(place))
    for name in ("results.csv", "failed_rows.csv", "failed_rows.xlsx"):
        readings = [None, EVERY_SEPARATOR] if name.endswith("csv") else [None]
        for at, reading in enumerate(readings):
            saved = saved_by_office(tmp_path / name, "fods", tmp_path / f"{name}-{at}", read_as=reading)
            cells = list(ET.parse(saved).iter(f"{TABLE}table-cell"))
            assert len(cells) > 200
            assert [cell.get(f"{TABLE}formula") for cell in cells if cell.get(f"{TABLE}formula")] == []


@needs_office
def test_that_formulas_would_have_been_seen(tmp_path):
    """The same look at a file without the guard finds them: else the test above would say nothing."""
    (tmp_path / "raw.csv").write_text("a,b\n=1+1,x;=2+2\n")
    saved = saved_by_office(tmp_path / "raw.csv", "fods", tmp_path / "out", read_as=EVERY_SEPARATOR)
    formulas = [cell.get(f"{TABLE}formula") for cell in ET.parse(saved).iter(f"{TABLE}table-cell")]
    assert len([formula for formula in formulas if formula]) == 2


@pytest.mark.parametrize("place", PLACES)
def test_no_cell_of_the_workbook_holds_a_formula_or_link(tmp_path, place):
    write_run_reports(tmp_path, *build_naughty_run(place))
    for sheet in openpyxl.load_workbook(tmp_path / "failed_rows.xlsx"):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None


@needs_chromium
@pytest.mark.parametrize("place", PLACES)
def test_no_text_runs_in_the_page(tmp_path, place):
    """Chromium builds the page and runs what it may: the title stays, and no element is of a stranger's making."""
    write_run_reports(tmp_path, *build_naughty_run(place))
    built = in_chromium(tmp_path / "report.html", "--dump-dom")
    title = re.search("<title>(.*?)</title>", built, re.DOTALL)
    assert title is not None
    assert title[1] != CANARY
    assert title[1].endswith("import report")
    assert not re.search(r"<(iframe|img|form|base|link|object|embed|textarea|plaintext)\b", built)
    assert built.count("<script") == 1


@needs_chromium
def test_a_canary_would_have_been_seen(tmp_path):
    (tmp_path / "x.html").write_text(f"<title>x</title><svg onload=document.title='{CANARY}'>")
    assert f"<title>{CANARY}" in in_chromium(tmp_path / "x.html", "--dump-dom")
