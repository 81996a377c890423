"""Tests for CSV and similar text: every dialect and encoding is read back as written, and no record is swallowed."""

from __future__ import annotations

import csv
import io
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.errors import UsageError
from importer.loader.formats import delimited_text
from importer.loader.formats.delimited_text import MAX_CELL_CHARS, read_records
from importer.loader.formats.dialect import find_dialect
from importer.messages import format_count
from importer.models.row import SourceRow
from tests.strategies import count_examples

HEADER = ["Name", "Phone", "Note"]
MARKS = [",", ";", "\t", "|"]


def read_text(
    text: str | bytes, *, encoding: str | None = None, delimiter: str | None = None
) -> list[SourceRow]:
    """Return the records of a file with this content."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sheet"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        dialect = find_dialect(path, encoding=encoding, delimiter=delimiter)
        return list(chain.from_iterable(read_records(path, dialect)))


def list_cells(found: list[SourceRow]) -> list[list[str]]:
    return [list(record.cells) for record in found]


def list_codes(found: list[SourceRow]) -> dict[int, list[str]]:
    """Return row number -> codes of its issues."""
    return {record.number: [issue.code for issue in record.issues] for record in found if record.issues}


def format_csv(rows: list[list[str]], **dialect: object) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, **dialect).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


ANY_CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12
)
LATIN_CELL = st.text(st.characters(codec="cp1252", exclude_characters="\0\r\n"), max_size=12)
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]


@st.composite
def build_tables(draw, cell):
    """Build a known header and rows as wide as it, none of them blank."""
    rows = draw(st.lists(st.tuples(cell, cell, cell).map(list), max_size=8))
    return [HEADER, *(row for row in rows if any(row))]


@settings(deadline=None, max_examples=count_examples(100))
@given(
    table=build_tables(ANY_CELL) | build_tables(LATIN_CELL),
    mark=st.sampled_from(MARKS),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(ENCODINGS),
    bom=st.booleans(),
)
def test_any_table_in_any_dialect_and_encoding_is_read_back_unchanged(
    table, mark, quoting, end, encoding, bom
):
    """Encoding, delimiter and line ends are found without any option."""
    if any("\r" in cell or "\n" in cell for row in table for cell in row):
        quoting = csv.QUOTE_ALL  # Python 3.11 forgets to quote a line end that is not its own
    text = format_csv(table, delimiter=mark, quoting=quoting, lineterminator=end)
    text = "\ufeff" * (bom and encoding in ("utf-16-le", "utf-16-be")) + text
    try:
        content = text.encode(encoding)
    except UnicodeEncodeError:
        return  # Windows-1252 has few letters
    if encoding == "cp1252":
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return  # the bytes are valid UTF-8 too: both readings are right
    found = read_text(content)
    if encoding == "cp1252" and any(char > "\x7f" for char in text) and list_codes(found):
        return  # bytes that are UTF-8 in part: refused with their row's number, which is allowed
    assert list_cells(found) == table
    assert not list_codes(found)


@settings(deadline=None, max_examples=count_examples(100))
@given(
    table=st.lists(st.lists(ANY_CELL, min_size=2, max_size=5), max_size=6),
    mark=st.sampled_from([*MARKS, ":", "~"]),
    encoding=st.sampled_from(ENCODINGS[:-1]),
)
def test_any_table_is_read_back_when_the_user_names_the_dialect(table, mark, encoding):
    """Tables without a header, ragged or with an unusual delimiter are read too; only records that look swallowed are rejected."""
    text = format_csv(table, delimiter=mark, quoting=csv.QUOTE_ALL)
    found = read_text(text.encode(encoding), encoding=encoding, delimiter=mark)
    if not list_codes(found):
        assert list_cells(found) == table


A_PHONE = st.integers(6_000_000_000, 9_999_999_999).map(str)
SOUND_CELL = st.text(st.sampled_from('abz 019,;"é-'), max_size=8).filter(
    lambda text: (
        not text.endswith(", ")
    )  # beside a stray quote it looks like the space of `"Asha", "9845012345"`
)


@settings(deadline=None, max_examples=count_examples(150))
@given(
    rows=st.lists(st.tuples(SOUND_CELL, A_PHONE, SOUND_CELL).map(list), min_size=1, max_size=12),
    data=st.data(),
)
def test_stray_quote_rejects_only_its_own_line(rows, data):
    """Wherever the quote is, every other record is read unchanged and the count of records stays right."""
    lines = [format_csv([row]) for row in [HEADER, *rows]]
    damaged = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, len(lines[damaged]) - 2))
    lines[damaged] = lines[damaged][:at] + '"' + lines[damaged][at:]
    found = read_text("".join(lines), encoding="utf-8", delimiter=",")
    assert [record.number for record in found] == list(range(1, len(lines) + 1))
    others = [list(record.cells) for record in found if record.number != damaged + 1]
    assert others == [row for index, row in enumerate([HEADER, *rows]) if index != damaged]
    assert set(list_codes(found)) <= {damaged + 1}


LEAD = 'Asha,9845012345,"fine, thanks"\n'


@pytest.mark.parametrize("damaged", [0, 1, 2, 4094, 4095, 4096, 4097, 6000, 8191, 8192, 9998, 9999])
@pytest.mark.parametrize("stray", ['"Asha,9845012345,x\n', 'Asha,"9845012345,x\n', 'Asha,9845012345,"x\n'])
def test_unclosed_quote_rejects_one_line_of_a_long_file(damaged, stray, monkeypatch):
    """This holds beside the border between two chunks too, whatever comes after it."""
    for line in (LEAD, "Ravi,9845012346,y\n"):
        lines = [line] * 10_000
        lines[damaged] = stray
        found = read_text("".join(lines), encoding="utf-8", delimiter=",")
        assert len(found) == 10_000
        assert list_codes(found) == {damaged + 1: ["stray_quote"]}


def test_two_stray_quotes_do_not_swallow_the_leads_between_them():
    """Two inch marks make one valid quoted cell for every CSV reader, but the lines in it are leads."""
    lines = [
        "Name,Phone,Size\n",
        'Asha,9845012345,"5\n',
        "Ravi,9845012346,7\n",
        'Meena,9845012347,6"\n',
        "Imran,9845012348,8\n",
    ]
    found = read_text("".join(lines))
    assert [record.cells[0] for record in found] == ["Name", "Asha", "Ravi", "Meena", "Imran"]
    assert list_codes(found) == {2: ["stray_quote"]}


@pytest.mark.parametrize(
    "note",
    [
        "two\nlines",
        "wants 2 BHK\nbudget 50,00,000",
        "one, two\nthree, four\nfive, six",
        "thanks,\nbye",
        "call 9845012345\nor 9845012346",
        "\n\n\n",
        "a\rb\r\nc",
        "thanks, bye\nsee you, Monday",
        "\n".join(["a long story, told in many lines, with commas"] * 1500),
    ],
    ids=[
        "two lines",
        "amount",
        "commas",
        "thanks",
        "phones",
        "blank lines",
        "other line ends",
        "greeting",
        "1500 lines",
    ],
)
@pytest.mark.parametrize("before", [0, 4093, 4094, 4095, 4096, 5000])
def test_notes_of_several_lines_are_read_unchanged(note, before):
    """Lines of a note may have commas; only one that reads like a lead counts as swallowed."""
    table = [
        HEADER,
        *[["Asha", "9845012345", "x"]] * before,
        ["Ravi", "9845012346", note],
        ["Meena", "9845012347", ""],
    ]
    found = read_text(format_csv(table, lineterminator="\n"))
    assert not list_codes(found)
    assert list_cells(found) == table


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n", "\n "])
@pytest.mark.parametrize("before", [0, 3000])
def test_note_that_ends_in_a_line_break_is_not_torn(end, before):
    """What follows the note in its last line has a phone and as many commas as a lead, but it is no lead."""
    history = "wants a loan | 9845012345 | Asha, from Pune, since 2019, yes"
    table = [
        ["Id", "Name", "Phone", "Note", "Count", "History"],
        *[["a", "Asha", "9845012340", "x", "1", "x"]] * before,
        ["b", "Ravi", "9845012345", f"Ravi, a user, asks, soon.{end}", "23", history],
        ["c", "Meena", "9845012346", "short", "1", "x"],
    ]
    found = read_text(format_csv(table, lineterminator="\n"))
    assert not list_codes(found)
    assert list_cells(found) == table


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ('Ravi,9845012346,Lake"View, Pune",call', ["stray_quote"]),
        ('Ravi,9845012346,the "old, new, and other" one,x', []),
        ('Ravi,"98450"12346,Lake View,x', ["stray_quote"]),
        ('Ravi,9845012346,32" TV,24"', []),
        ('Ravi,9845012346,"the ""Lake"" View, Pune",x', []),
        ('Ravi,9845012346,"Lake, View",5" pipe', []),
        ('Ravi,9845012346,Lake "View" Homes,x', []),
        ('Ravi,9845012346,a "b,"c" d",x', ["stray_quote"]),
    ],
)
@pytest.mark.parametrize("before", [5, 3000])
def test_comma_between_quotes_inside_a_cell_does_not_move_cells(line, codes, before):
    """The row has as many cells as the others, so nobody would see that its cells have moved."""
    lead = "Asha,9845012345,Acme,x\n"
    found = read_text("Name,Phone,Company,Remarks\n" + lead * before + line + "\n" + lead)
    assert list_codes(found) == ({before + 2: codes} if codes else {})
    assert len(found) == before + 3


APOSTROPHES = "Name,Phone,Company,Remarks\nAsha,9845012345,'Rao, Iyer and Sons','call, then mail'\n"


def test_cells_quoted_with_apostrophes_are_read(tmp_path):
    """The number of cells shows it, and the notice says it. A stray apostrophe rejects its line."""
    sheet = (
        APOSTROPHES
        + "Ravi,9845012346,O'Brien's,'it''s ok'\n"
        + "Meena,9845012347,x,\n" * 60
        + "Sita,'98,x,y\n"
    )
    found = read_text(sheet + "Imran,9845012348,'a, b',c\n")
    assert list_cells(found)[1] == ["Asha", "9845012345", "Rao, Iyer and Sons", "call, then mail"]
    assert list_cells(found)[2] == ["Ravi", "9845012346", "O'Brien's", "it's ok"]
    assert list_codes(found) == {64: ["stray_quote"]}
    assert list_cells(found)[-1][2] == "a, b"
    (tmp_path / "sheet").write_text(sheet)
    description = find_dialect(tmp_path / "sheet", encoding=None, delimiter=None).description
    assert description == "UTF-8 text, cells separated by commas and quoted with apostrophes."


@pytest.mark.parametrize(
    "sheet",
    [
        "Name,Phone\nAsha,'+91 98450 12345\nRavi,'+91 98450 12346\n",
        "Name,Phone\n'Asha',9845012345\n'Ravi, Kumar',9845012346,x\n",
        APOSTROPHES + 'Ravi,9845012346,"Lake, View",x\n',
        "Name,Phone\nO'Brien,9845012345\n'Asha,9845012346\n",
    ],
    ids=["mark of a text", "no table", "usual quotes too", "in names"],
)
def test_apostrophe_is_a_letter_where_the_table_does_not_need_it(sheet):
    assert any("'" in cell for record in read_text(sheet) for cell in record.cells)


@pytest.mark.parametrize(
    "header", [["Name", "Phone\nor mobile", "City"], ["Your name,\nin full", "Phone", "City,\nState"]]
)
def test_headers_of_several_lines_are_read_unchanged(header):
    """Forms write such headers."""
    table = [header, ["Asha", "9845012345", "x"]]
    assert list_cells(read_text(format_csv(table), delimiter=",")) == table


def test_note_that_reads_like_leads_is_rejected_and_its_lines_are_read():
    """It looks the same as a stray quote, and a rejected row is better than leads lost in a note."""
    note = "see also\nRavi,9845012346,x"
    found = read_text(format_csv([HEADER, ["Asha", "9845012345", note], ["Meena", "9845012347", ""]]))
    assert list_codes(found) == {2: ["stray_quote"]}
    assert [record.cells[0] for record in found] == ["Name", "Asha", "Ravi", "Meena"]


def test_cell_of_too_many_lines_is_a_stray_quote():
    """The border between two chunks makes no difference."""
    for before in (0, 3000):
        lines = [*["Asha,9845012345,x\n"] * before, 'Ravi,9845012346,"\n', *["...\n"] * 2500, '"\n']
        found = read_text("".join(lines), encoding="utf-8", delimiter=",")
        assert list_codes(found)[before + 1] == ["stray_quote"]
        assert len(found) >= len(lines) - 1


def test_stray_quote_does_not_make_long_files_slow(monkeypatch):
    """A million lines after it are read once or twice, not once for each line."""
    fed = 0
    reader = csv.reader

    def counting(lines, **dialect):
        def counted():
            nonlocal fed
            for line in lines:
                fed += 1
                yield line

        class Counted:
            def __init__(self):
                self.inner = reader(counted(), **dialect)

            line_num = property(lambda self: self.inner.line_num)

            def __iter__(self):
                return self.inner

        return Counted()

    monkeypatch.setattr(delimited_text.csv, "reader", counting)
    lines = ['Asha,"9845012345,x\n', *["Ravi,9845012346,y\n"] * 50_000]
    assert len(read_text("".join(lines), encoding="utf-8", delimiter=",")) == 50_001
    assert fed < 3 * len(lines)


@pytest.mark.parametrize("every", [1, 2, 7])
def test_each_of_many_stray_quotes_rejects_its_line(every):
    lines = [f'Asha,98450{i:05},"x\n' if i % every == 0 else f"Asha,98450{i:05},x\n" for i in range(9000)]
    found = read_text("".join(lines), encoding="utf-8", delimiter=",")
    assert len(found) == 9000
    assert list(list_codes(found)) == [i + 1 for i in range(9000) if i % every == 0]


def test_blank_lines_count_as_in_the_spreadsheet():
    found = read_text("Name,Phone\n\n\nAsha,1\n\nRavi,2\n")
    assert [(r.number, list(r.cells)) for r in found if r.cells] == [
        (1, ["Name", "Phone"]),
        (4, ["Asha", "1"]),
        (6, ["Ravi", "2"]),
    ]


@pytest.mark.parametrize(
    ("line", "mark"),
    [("sep=;\r\n", ";"), ("SEP=|\n", "|"), ("sep=\t\n", "\t"), ('"sep=;"\n', ";"), ("sep=,\r", ",")],
)
def test_sep_line_sets_the_delimiter_and_is_not_a_row(line, mark):
    """Excel hides the line too, so the header is row 1."""
    end = line[len(line.rstrip("\r\n")) :]
    found = read_text(f"{line}Name{mark}Phone{end}Asha; b, c | d{mark}1{end}".replace("; b, c | d", ""))
    assert [(r.number, list(r.cells)) for r in found] == [(1, ["Name", "Phone"]), (2, ["Asha", "1"])]


def test_header_that_begins_with_sep_is_a_header():
    assert list_cells(read_text("sep=date,Phone\nx,1\n"))[0] == ["sep=date", "Phone"]


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("Name;Phone;Budget\nAsha;9845012345;1,20,000\nRavi;9845012346;2,50,000\n", 3),
        ("Leads of March, April, May\n\nName;Phone\nAsha;9845012345\n", 2),
        ("Name\tPhone\nRao, Asha\t9845012345\n", 2),
        ("Name|Phone|Tags\nAsha|9845012345|a;b;c;d\n", 3),
        ('Name,"Phone, or mobile",City\nAsha;x,9845012345,Pune\n', 3),
        ("98450;a;b\n98451;c;d\n", 3),
    ],
    ids=["amounts", "title line", "names", "tags", "quoted header", "no header"],
)
def test_delimiter_is_the_one_that_separates_the_headers(text, width):
    """Commas in amounts, names and title lines do not outvote it."""
    assert len(read_text(text)[-1].cells) == width


def test_single_column_is_a_table():
    assert list_cells(read_text("Phone\n9845012345\n9845012346\n")) == [
        ["Phone"],
        ["9845012345"],
        ["9845012346"],
    ]


@pytest.mark.parametrize(("given", "mark"), [("tab", "\t"), ("\\t", "\t"), (";", ";"), ("~", "~")])
def test_user_can_name_the_delimiter(given, mark):
    assert list_cells(read_text(f"a,b{mark}c\n", delimiter=given)) == [["a,b", "c"]]


@pytest.mark.parametrize("given", ["", "ab", '"', "\n"])
def test_invalid_delimiter_is_refused(given):
    with pytest.raises(UsageError, match="one character"):
        read_text("a,b\n", delimiter=given)


def test_quotes_after_a_space_count_when_the_whole_file_has_them():
    """Some programs write `Asha, "Rao, Ltd"`; a nickname in quotes after a space stays as typed."""
    assert list_cells(read_text('Name, "Phone"\nAsha, "98450, 98451"\n')) == [
        ["Name", "Phone"],
        ["Asha", "98450, 98451"],
    ]
    assert list_cells(read_text('Name,Phone\nAsha "Babu" Rao,1\nX, "Babu" Rao\n'))[2] == ["X", ' "Babu" Rao']


def test_nul_rejects_only_its_own_row():
    found = read_text("Name,Phone\nAsha,1\nRa\0vi,2\nMeena,3\n")
    assert list_codes(found) == {3: ["nul"]}
    assert list_cells(found)[3] == ["Meena", "3"]


@pytest.mark.parametrize(
    "cell",
    ["x" * (MAX_CELL_CHARS + 1), "x" * 5_000_000, "\n".join(["y" * 1000] * 101)],
    ids=["one more", "5 MB", "many lines"],
)
def test_cell_that_is_too_long_rejects_only_its_own_row(cell):
    """What is kept of the cell is still too long when it is imported again unchanged."""
    found = read_text(format_csv([["Name", "Phone"], [cell, "1"], ["Meena", "3"]]))
    assert list_codes(found) == {2: ["too_long"]}
    assert MAX_CELL_CHARS < len(found[1].cells[0]) <= MAX_CELL_CHARS + 1
    assert found[1].issues[0].hint == format_count(len(cell))
    assert list_cells(found)[2] == ["Meena", "3"]


def test_cell_of_exactly_the_maximum_length_is_read():
    cell = "x" * MAX_CELL_CHARS
    assert list_cells(read_text(format_csv([["Name"], [cell]], delimiter=",")))[1] == [cell]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Name,Phone\nJosé,1\n".encode() + b"Ren\xe9,2\n" + "Zoë,3\n".encode(), None),
        ("Name,Phone\nJosé,1\n".encode() + b"Ren\xe9,2\n" + "Zoë,3\n".encode(), "utf-8"),
        (b"Name,Phone\nJos\xe9,1\nRen\x81,2\nZo\xeb,3\n", None),
        ("Name,Phone\nJosé,1\nRen\ud800,2\nZoë,3\n".encode("utf-16-le", "surrogatepass"), None),
        ("\ufeffName,Phone\nJosé,1\nRen\udc00,2\nZoë,3\n".encode("utf-16-be", "surrogatepass"), None),
        ("Name,Phone\nJosé,1\nRen\ud800,2\nZoë,3\n".encode("utf-16-le", "surrogatepass"), "utf-16-le"),
    ],
    ids=[
        "UTF-8 found",
        "UTF-8 given",
        "Windows-1252 found",
        "UTF-16 found",
        "UTF-16 mark found",
        "UTF-16 given",
    ],
)
def test_undecodable_bytes_reject_only_their_own_row(content, encoding):
    """This holds for found and given encodings; no byte is replaced silently."""
    found = read_text(content, encoding=encoding)
    assert list_codes(found) == {3: ["undecodable"]}
    assert [record.cells[0] for record in found if not record.issues] == ["Name", "José", "Zoë"]
    assert "\ufffd" in found[2].issues[0].value
    assert "\ufffd" in found[2].cells[0]


def test_half_a_character_at_the_end_of_the_file_rejects_its_row():
    assert list_codes(read_text("Name,Phone\nJosé,1\nZoë".encode()[:-1])) == {3: ["undecodable"]}
    assert list_codes(read_text("\ufeffName,Phone\nAsha,12".encode("utf-16-le")[:-1])) == {2: ["undecodable"]}


def test_dialect_describes_itself_in_one_sentence():
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sheet"
        path.write_bytes("\ufeffName\tPhone\n".encode("utf-16-le"))
        assert (
            find_dialect(path, encoding=None, delimiter=None).description
            == "UTF-16 text, cells separated by tabs."
        )
