"""Reports that are imported again give back every cell as it was typed."""

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.report.failed_workbook import fits_in_workbook
from tests.naughty import TEXTS
from tests.report.builders import (
    build_accepted,
    build_metadata,
    build_rejected,
    read_report,
    write_run_reports,
)
from tests.strategies import CELLS

COLUMNS = [("Phone", "customer_phone"), ("Text", "source"), ("Other", "")]


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_cell_survives_round_trip(tmp_path_factory, pairs):
    """failed_rows.csv, failed_rows.xlsx and results.csv give back the same texts."""
    folder = tmp_path_factory.mktemp("run")
    rows = [("12", *pair) for pair in pairs]
    write_run_reports(
        folder, build_metadata(COLUMNS), [build_rejected(n, row) for n, row in enumerate(rows, 2)]
    )
    for name in ("failed_rows.csv", "results.csv"):
        assert read_report(folder / name) == (("Phone", "Text", "Other"), rows)
    held = [row for row in rows if fits_in_workbook(row)]
    assert read_report(folder / "failed_rows.xlsx")[1] == held


def test_naughty_texts_survive_round_trip(tmp_path):
    """Also in the columns of phones and free text."""
    rows = [(text, text, text) for text in TEXTS]
    summary = write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_rejected(n, row) for n, row in enumerate(rows, 2)]
    )
    assert read_report(tmp_path / "failed_rows.csv")[1] == rows
    assert read_report(tmp_path / "failed_rows.xlsx")[1] == [row for row in rows if fits_in_workbook(row)]
    assert summary.workbook_rows == len([row for row in rows if fits_in_workbook(row)]) < summary.failed_rows


@given(st.lists(CELLS.map(str.strip).filter(lambda text: not text.startswith("_")), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_every_header_survives_round_trip(tmp_path_factory, headers):
    """Headers are untrusted texts too."""
    folder = tmp_path_factory.mktemp("run")
    columns = [(header, "") for header in headers]
    write_run_reports(folder, build_metadata(columns), [build_rejected(2, ["x" for _ in headers])])
    wanted = tuple(header or f"Column {chr(65 + at)}" for at, header in enumerate(headers))
    assert read_report(folder / "failed_rows.csv")[0] == wanted
    if fits_in_workbook(headers):
        assert read_report(folder / "failed_rows.xlsx")[0] == wanted


def test_note_that_looks_like_a_record_is_one_cell(tmp_path):
    """Its second line has as many commas as a record, and a phone; in our own file a quote is always a quote."""
    columns = [("Phone", "customer_phone"), *[(f"C{n}", "") for n in range(8)]]
    row = ("9845012345", *"bcdefgh", "pasted:\n9845012346,b,c,d,e,f,g,h,i")
    write_run_reports(tmp_path, build_metadata(columns), [build_accepted(2, row)])
    assert read_report(tmp_path / "results.csv")[1] == [row]


def test_row_of_known_headers_is_not_the_header(tmp_path):
    """The header of our report is the row with the `_` columns, whatever follows."""
    row = ("Phone", "Full name", "City", "Stage", "Group", "Email", "Website", "Notes")
    headers, other = tuple("STUVWXYZ"), tuple("12345678")
    write_run_reports(
        tmp_path,
        build_metadata([(h, "") for h in headers]),
        [build_rejected(2, row), build_rejected(3, other)],
    )
    for name in ("failed_rows.csv", "failed_rows.xlsx"):
        assert read_report(tmp_path / name) == (headers, [row, other])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_report_saved_with_other_separator_is_read(tmp_path, delimiter):
    """Excel saves CSV with the separator of its country; free text must not mislead us."""
    rows = [("12", "a;b;c", "d|e|f"), ("13", "=x;-y", "")]
    write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_rejected(n, row) for n, row in enumerate(rows, 2)]
    )
    with (tmp_path / "failed_rows.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    with (tmp_path / "saved.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    assert read_report(tmp_path / "saved.csv")[1] == rows
