"""What was typed comes back as it was typed: from CSV and from Excel, whatever stands in a cell."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from importer import csv_injection
from importer.csv_injection import (
    escape_formula,
    format_csv_line,
    format_csv_lines,
    parse_csv_line,
    unescape_formula,
)
from importer.loader.formats.delimited_text import Dialect, find_dialect, read_records
from importer.loader.formats.encoding import Encoding
from importer.report.failed_workbook import fits_in_workbook
from tests.naughty import TEXTS
from tests.report.builders import (
    build_accepted,
    build_metadata,
    build_rejected,
    read_report,
    write_run_reports,
)

ODD = "'=+-@|% ;,\t\r\n\"\\.5aé\u00a0\u200b\uff1d_x04\x0b\x1b\x00"
CELLS = st.text(
    alphabet=st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])), max_size=30
)
COLUMNS = [("Phone", "customer_phone"), ("Text", "source"), ("Other", "")]


@given(CELLS)
@settings(max_examples=2000)
def test_a_guarded_text_is_taken_back_exactly(text):
    assert unescape_formula(escape_formula(text)) == text


@given(st.lists(st.one_of(CELLS, st.text(alphabet=ODD + "19", max_size=5)), min_size=1, max_size=6))
@settings(max_examples=5000)
@example(["+91 98450 12345", "Asha", "-5"])
@example(["x", "-1,a"])
@example(["a;+91,b"])
def test_a_line_is_guarded_as_its_cells_are(cells):
    """Whatever the quick look at the whole line says."""
    assert next(csv.reader([format_csv_line(cells)], strict=True)) == [escape_formula(cell) for cell in cells]


def _written(rows, quoting):
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows(rows)
    return text.getvalue()


_TABLES = st.builds(
    _written,
    st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=4),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)


@given(st.one_of(_TABLES, st.text(st.sampled_from('",;\n\r\n =+-@a1\t\'5"'), max_size=40)))
@settings(max_examples=1500, deadline=None)
@example('a,"+91 98450 12345"\n"x" ,5" pipe\n')
@example("a,b\n=1+1,c\nd,e\n")
def test_a_line_of_the_file_is_a_line_of_the_report(tmp_path_factory, text):
    """Lines are taken as they stand in the file where they can be: a report still has each cell, guarded."""
    path = tmp_path_factory.mktemp("sheet") / "sheet.csv"
    path.write_bytes(b"Phone,Name\n" + text.encode())
    for block in read_records(path, find_dialect(path, encoding="utf-8", delimiter=",")):
        for row, line in zip(block, format_csv_lines(block.cells, block.lines), strict=True):
            assert next(csv.reader([line], strict=True), []) == [escape_formula(cell) for cell in row.cells]
            assert parse_csv_line(line) == row.cells


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            '"98450-12345","Rao, Asha"\r\n9845012346,Ravi\r\n',
            ['"98450-12345","Rao, Asha"', "9845012346,Ravi"],
        ),
        ('"98450-12345",Rao\r\n9845012346,=1+1\r\n', ['"98450-12345",Rao', "9845012346,'=1+1"]),
        ('"98450-12345",5" pipe\n', ['98450-12345,"5"" pipe"']),
        ('"98450-12345",TV 42"\n9845012346,"5"" pipe"\n', ['98450-12345,"TV 42"""', '9845012346,"5"" pipe"']),
        ('98450-12345,a""b\n', ['98450-12345,"a""""b"']),
        ('"","Rao ""R"" Asha"\n"""",""\n', ['"","Rao ""R"" Asha"', '"""",""']),
        ('"98450-12345", "Rao, Asha"\n', ['98450-12345,"Rao, Asha"']),
        ("98450-12345;Rao, Asha\n", ['98450-12345,"Rao, Asha"']),
        ('"98450-12345","Rao\nAsha"\n"9",x\n', ['98450-12345,"Rao\nAsha"', "9,x"]),
    ],
    ids=[
        "sound",
        "formula",
        "odd quote",
        "inches",
        "two quotes",
        "quotes within",
        "spaced",
        "semicolons",
        "two lines",
    ],
)
def test_sound_lines_are_taken_as_they_are(tmp_path, text, lines):
    """Quoted or not: this is what the speed rests on. What a report could not hold is written anew."""
    path = tmp_path / "sheet.csv"
    path.write_text(f"Phone{';' if ';' in text else ','}Name\n{text}")
    [block] = read_records(path, find_dialect(path, encoding=None, delimiter=None))
    assert format_csv_lines(block.cells, block.lines)[1:] == lines


def test_a_space_that_is_no_part_of_the_cell_is_no_part_of_the_line(tmp_path):
    """Quotes stand behind a space further up in the file; here are none."""
    path = tmp_path / "sheet.csv"
    path.write_text("98450-12345, Asha\n")
    [block] = read_records(path, Dialect(Encoding("utf-8"), ",", spaced=True))
    assert format_csv_lines(block.cells, block.lines) == ["98450-12345,Asha"]


@pytest.mark.parametrize(
    "text",
    [
        "=1",
        "+1+1",
        "-2+3",
        "@x",
        "\t=1",
        "\r=1",
        "＝1",
        " =1",
        "a;=1",
        "a\n=1",
        "+91-80",
        "|c",
        "-x",
        "\u200b=1",
    ],
)
def test_what_excel_would_take_for_a_formula_is_guarded(text):
    assert escape_formula(text) != text
    assert unescape_formula(escape_formula(text)) == text


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize(
    "text", ['a{}"=1+1{}b', 'a{}" =1+1{}b', 'a\n"=1+1\n{}{}', "a{}'\"=1+1{}b", 'a{}"\'"=1+1{}b']
)
def test_a_quote_in_front_does_not_hide_a_formula(separator, text):
    """Where Excel parts the line amid a quoted cell, `""=1` stands at a cell's beginning: an empty text, then `=1`."""
    cell = text.format(separator, separator)
    assert unescape_formula(escape_formula(cell)) == cell
    line = format_csv_line(["Asha", cell, "x"])
    assert not [found for found in _as_excel_parts(line, separator) if found.lstrip().startswith("=")]


@pytest.mark.parametrize("sign", ["-", "=", "@", "+-"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_sign_at_the_end_of_a_cell_makes_no_formula_with_the_next_cell(separator, sign):
    """To an Excel that parts lines elsewhere, `-","&A1` is one cell: minus, a text, and what is added to it."""
    cells = ["Asha", f"x,{separator}{sign}", f"&A1{separator},"]
    assert [unescape_formula(escape_formula(cell)) for cell in cells] == cells
    line = format_csv_line(cells)
    assert not [found for found in _as_excel_parts(line, separator) if found.startswith(sign)]


def _as_excel_parts(text, separator):
    """Cells as Excel reads them: a quote opens at a cell's beginning alone, and what stands behind its end is added."""
    cells, quoted, at = [""], False, 0
    begins = True
    while at < len(text):
        char = text[at]
        at += 1
        if quoted and text[at - 1 : at + 1] == '""':
            cells[-1] += '"'
            at += 1
        elif char == '"' and (quoted or begins):
            quoted = not quoted
        elif not quoted and char in f"{separator}\r\n":
            cells.append("")
            begins = True
            continue
        else:
            cells[-1] += char
        begins = False
    return cells


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "+919845012345",
        "+91 98450 12345",
        "-5",
        "-1,200.50",
        "-5%",
        "-",
        "--",
        "a-b",
        "a@b.in",
        "'x",
        "''",
        "O'Neil",
        "x; y",
        "-\n5",
    ],
)
def test_what_is_no_formula_stays_as_it_is(text):
    assert escape_formula(text) == text


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_every_cell_survives_report_and_re_import(tmp_path_factory, pairs):
    """failed_rows.csv, failed_rows.xlsx and results.csv give back the very texts."""
    folder = tmp_path_factory.mktemp("run")
    rows = [("12", *pair) for pair in pairs]
    write_run_reports(
        folder, build_metadata(COLUMNS), [build_rejected(n, row) for n, row in enumerate(rows, 2)]
    )
    for name in ("failed_rows.csv", "results.csv"):
        assert read_report(folder / name) == (("Phone", "Text", "Other"), rows)
    held = [row for row in rows if fits_in_workbook(row)]
    assert read_report(folder / "failed_rows.xlsx")[1] == held


def test_every_naughty_text_survives_in_each_column(tmp_path):
    rows = [(text, text, text) for text in TEXTS]
    summary = write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_rejected(n, row) for n, row in enumerate(rows, 2)]
    )
    assert read_report(tmp_path / "failed_rows.csv")[1] == rows
    assert read_report(tmp_path / "failed_rows.xlsx")[1] == [row for row in rows if fits_in_workbook(row)]
    assert summary.workbook_rows == len([row for row in rows if fits_in_workbook(row)]) < summary.failed_rows


@given(st.lists(CELLS.map(str.strip).filter(lambda text: not text.startswith("_")), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_every_header_survives(tmp_path_factory, headers):
    """Headers are strangers' texts too."""
    folder = tmp_path_factory.mktemp("run")
    columns = [(header, "") for header in headers]
    write_run_reports(folder, build_metadata(columns), [build_rejected(2, ["x" for _ in headers])])
    wanted = tuple(header or f"Column {chr(65 + at)}" for at, header in enumerate(headers))
    assert read_report(folder / "failed_rows.csv")[0] == wanted
    if fits_in_workbook(headers):
        assert read_report(folder / "failed_rows.xlsx")[0] == wanted


def test_a_note_that_reads_like_a_record_is_no_stray_quote(tmp_path):
    """Its second line has as many commas as a record, and a phone: in a sheet of ours a quote is what it looks like."""
    columns = [("Phone", "customer_phone"), *[(f"C{n}", "") for n in range(8)]]
    row = ("9845012345", *"bcdefgh", "pasted:\n9845012346,b,c,d,e,f,g,h,i")
    write_run_reports(tmp_path, build_metadata(columns), [build_accepted(2, row)])
    assert read_report(tmp_path / "results.csv")[1] == [row]


def test_a_row_of_known_headers_is_not_taken_for_the_header(tmp_path):
    """The header of a report of ours is where its `_` columns are, whatever stands below."""
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
def test_a_report_saved_with_other_separators(tmp_path, delimiter):
    """Excel saves CSV with the separator of its country; free text must not mislead us about it."""
    rows = [("12", "a;b;c", "d|e|f"), ("13", "=x;-y", "")]
    write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_rejected(n, row) for n, row in enumerate(rows, 2)]
    )
    with (tmp_path / "failed_rows.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    with (tmp_path / "saved.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines)
    assert read_report(tmp_path / "saved.csv")[1] == rows


def test_long_rows_are_not_looked_over_as_one_text(monkeypatch):
    """A thousand rows of long notes, an emoji among them, would take four times the room that they take one by one."""
    longest = 0

    def counting(text: str) -> object:
        nonlocal longest
        longest = max(longest, len(text))
        return "=" in text

    monkeypatch.setattr(csv_injection, "_may_need_escapes", counting)
    rows = [["9845012345", "x" * 100]] * 20 + [["9845012345", "=1+1"]]
    together = format_csv_lines(rows)
    assert longest > 2000
    longest = 0
    monkeypatch.setattr(csv_injection, "_MAX_JOINED_CHARS", 500)
    assert format_csv_lines(rows) == together
    assert longest < 200
