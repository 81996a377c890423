"""Reports full of hostile texts, opened by the programs that people have: nothing runs, and nothing is a formula."""

import re
from xml.etree import ElementTree as ET

import openpyxl
import pytest

from tests.desktop.programs import (
    needs_chromium,
    needs_office,
    run_chromium,
    save_all_with_office,
    save_with_office,
)
from tests.naughty import CANARY
from tests.report.builders import build_naughty_run, write_run_reports

pytestmark = [pytest.mark.desktop, pytest.mark.timeout(400)]
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
PLACES = ["cell", "header", "file", "server", "sheet", "title"]
# How Excel and LibreOffice read CSV in countries with other separators, with formulas evaluated.
EVERY_SEPARATOR = "CSV:44/59/9,34,76,1,,0,false,true,false,false,false,-1,true"


def find_formulas(saved, *, min_cells):
    """Return the formulas of a file that LibreOffice has saved, which must have so many cells."""
    cells = list(ET.parse(saved).iter(f"{TABLE}table-cell"))
    assert len(cells) >= min_cells
    return [cell.get(f"{TABLE}formula") for cell in cells if cell.get(f"{TABLE}formula")]


@needs_office
@pytest.mark.parametrize(
    ("names", "read_as"),
    [
        pytest.param(("results.csv", "failed_rows.csv", "failed_rows.xlsx"), None, id="as it is"),
        pytest.param(("results.csv", "failed_rows.csv"), EVERY_SEPARATOR, id="every separator"),
    ],
)
def test_no_cell_is_a_formula_in_libreoffice(tmp_path, names, read_as):
    """results.csv, failed_rows.csv and failed_rows.xlsx; CSV also with formulas evaluated and every separator."""
    reports = []
    for place in ("cell", "header", "server"):
        write_run_reports(tmp_path / place, *build_naughty_run(place))
        paths = [tmp_path / place / name for name in names]
        reports += [
            path.rename(tmp_path / f"{place}-{path.stem}-{path.suffix[1:]}{path.suffix}") for path in paths
        ]
    for saved in save_all_with_office(reports, "fods", tmp_path / "saved", read_as=read_as):
        assert find_formulas(saved, min_cells=200) == []


@needs_office
def test_check_for_formulas_can_fail(tmp_path):
    """The same check finds the formulas of a file without escapes."""
    (tmp_path / "raw.csv").write_text("a,b\n=1+1,x;=2+2\n")
    saved = save_with_office(tmp_path / "raw.csv", "fods", tmp_path / "out", read_as=EVERY_SEPARATOR)
    assert len(find_formulas(saved, min_cells=4)) == 2


@pytest.mark.parametrize("place", PLACES)
def test_no_cell_of_the_workbook_has_a_formula_or_link(tmp_path, place):
    """docs/guarantees.md, "Text is data": every cell of failed_rows.xlsx is text."""
    write_run_reports(tmp_path, *build_naughty_run(place))
    for sheet in openpyxl.load_workbook(tmp_path / "failed_rows.xlsx"):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None


@needs_chromium
@pytest.mark.parametrize("place", PLACES)
def test_no_text_runs_in_the_page(tmp_path, place):
    """docs/guarantees.md, "Text is data": the title stays, and a text adds no element to the page."""
    write_run_reports(tmp_path, *build_naughty_run(place))
    built = run_chromium(tmp_path / "report.html", "--dump-dom")
    title = re.search("<title>(.*?)</title>", built, re.DOTALL)
    assert title is not None
    assert title[1] != CANARY
    assert title[1].endswith("import report")
    assert not re.search(r"<(iframe|img|form|base|link|object|embed|textarea|plaintext)\b", built)
    assert built.count("<script") == 1


@needs_chromium
def test_check_for_scripts_can_fail(tmp_path):
    """A script that runs changes the title."""
    (tmp_path / "x.html").write_text(f"<title>x</title><svg onload=document.title='{CANARY}'>")
    assert f"<title>{CANARY}" in run_chromium(tmp_path / "x.html", "--dump-dom")
