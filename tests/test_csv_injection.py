"""Formulas in cells are escaped in CSV files, and every cell comes back exactly."""

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
from importer.loader.formats.delimited_text import read_records
from importer.loader.formats.dialect import Dialect, Encoding, find_dialect
from tests.strategies import CELLS, SPECIAL_CHARACTERS, count_examples


@given(CELLS)
@settings(max_examples=count_examples(500))
def test_unescape_is_inverse_of_escape(text):
    """Whatever a cell contains, importing our report again gives the same text."""
    assert unescape_formula(escape_formula(text)) == text


@given(
    st.lists(
        st.one_of(CELLS, st.text(alphabet=SPECIAL_CHARACTERS + "19", max_size=5)), min_size=1, max_size=6
    )
)
@settings(max_examples=count_examples(1000))
@example(["+91 98450 12345", "Asha", "-5"])
@example(["x", "-1,a"])
@example(["a;+91,b"])
def test_line_is_escaped_like_its_cells(cells):
    """The quick check of the whole line finds every cell that needs escaping."""
    assert next(csv.reader([format_csv_line(cells)], strict=True)) == [escape_formula(cell) for cell in cells]


def format_table(rows, quoting):
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting).writerows(rows)
    return text.getvalue()


_TABLES = st.builds(
    format_table,
    st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=4),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)


@given(st.one_of(_TABLES, st.text(st.sampled_from('",;\n\r\n =+-@a1\t\'5"'), max_size=40)))
@settings(max_examples=count_examples(300), deadline=None)
@example('a,"+91 98450 12345"\n"x" ,5" pipe\n')
@example("a,b\n=1+1,c\nd,e\n")
def test_source_line_used_as_report_line_is_escaped(tmp_path_factory, text):
    """Lines of the source file are used as they are if they can be; the report still has every cell, escaped."""
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
def test_valid_source_line_is_used_unchanged(tmp_path, text, lines):
    """The speed depends on this, quoted or not. Lines that a report cannot hold are written again."""
    path = tmp_path / "sheet.csv"
    path.write_text(f"Phone{';' if ';' in text else ','}Name\n{text}")
    [block] = read_records(path, find_dialect(path, encoding=None, delimiter=None))
    assert format_csv_lines(block.cells, block.lines)[1:] == lines


def test_space_after_comma_is_not_part_of_report_line(tmp_path):
    """The file has quotes after a space elsewhere, so such a space does not belong to the cell."""
    path = tmp_path / "sheet.csv"
    path.write_text("98450-12345, Asha\n")
    [block] = read_records(path, Dialect(Encoding("utf-8"), ",", has_space_before_quotes=True))
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
def test_formula_is_escaped(text):
    """Excel, LibreOffice and Google Sheets would run these texts."""
    assert escape_formula(text) != text
    assert unescape_formula(escape_formula(text)) == text


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize(
    "text", ['a{}"=1+1{}b', 'a{}" =1+1{}b', 'a\n"=1+1\n{}{}', "a{}'\"=1+1{}b", 'a{}"\'"=1+1{}b']
)
def test_formula_after_quote_is_escaped(separator, text):
    """If Excel splits inside a quoted cell, `""=1` begins a cell: an empty text, then `=1`."""
    cell = text.format(separator, separator)
    assert unescape_formula(escape_formula(cell)) == cell
    line = format_csv_line(["Asha", cell, "x"])
    assert not [found for found in split_like_excel(line, separator) if found.lstrip().startswith("=")]


@pytest.mark.parametrize("sign", ["-", "=", "@", "+-"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_sign_at_end_of_cell_is_escaped(separator, sign):
    """To an Excel that expects other separators, `-","&A1` is one cell: a minus, a text, and what is added to it."""
    cells = ["Asha", f"x,{separator}{sign}", f"&A1{separator},"]
    assert [unescape_formula(escape_formula(cell)) for cell in cells] == cells
    line = format_csv_line(cells)
    assert not [found for found in split_like_excel(line, separator) if found.startswith(sign)]


def split_like_excel(text, separator):
    """Return cells as Excel reads them: a quote opens only at the start of a cell; text after the closing quote is added."""
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
def test_harmless_text_is_not_escaped(text):
    """Phones, numbers and ordinary texts stay readable."""
    assert escape_formula(text) == text


def test_long_rows_are_not_joined(monkeypatch):
    """Joined, long rows with one emoji would take four times their memory."""
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
