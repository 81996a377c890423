"""Tests for opening a file of any format: the header is named, rows are as wide as it, and nothing is skipped silently."""

from __future__ import annotations

import io
import random
import stat
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from importer.errors import NothingSentError, UnreadableFileError, UsageError
from importer.loader.table.table_reader import OpenOptions, open_table
from importer.models.row import BLOCK_ROWS
from importer.reader.scratch_dir import copy_to_private_file
from tests.loader.table_texts import list_notices, list_rows, open_text


def test_rows_are_as_wide_as_the_header(tmp_path):
    """A short row is filled up; a row with values beyond the header is rejected with its number."""
    table = open_text(tmp_path, "Name,Phone\nAsha\nRavi,1,,\nMeena,2,x,y\n\n , \nImran,3\n")
    assert list_rows(table) == [
        (2, ("Asha", ""), []),
        (3, ("Ravi", "1"), []),
        (4, ("Meena", "2\ufffdx\ufffdy"), ["ragged"]),
        (7, ("Imran", "3"), []),
    ]


def test_notices_say_how_the_file_was_read(tmp_path):
    table = open_text(tmp_path, "Fair\n\nName;Phone\nAsha;1\nTotal;1\nPage 1 of 1;\n".encode("utf-16"))
    assert len(list_rows(table)) == 1
    assert list_notices(table) == [
        "read: UTF-16 text, cells separated by semicolons.",
        "read: Header in row 3.",
        "ignored: Rows 5, 6 were skipped because they are totals or report footers, not leads.",
    ]


def test_date_above_the_leads_of_each_day_is_not_a_lead(tmp_path):
    """It is named, and what is below it is read."""
    rows = "2/11/26,\nAsha,1\n3/11/26,\nRavi,2\n"
    table = open_text(tmp_path, f"Name,Phone\n{rows}")
    assert [cells for _, cells, _ in list_rows(table)] == [("Asha", "1"), ("Ravi", "2")]
    assert list_notices(table)[-1] == "ignored: Rows 2, 4 were skipped because they have only a date."


@pytest.mark.parametrize(
    ("again", "skipped"),
    [
        ("Name,Phone", "Row 3 was skipped because it repeats"),
        ("Name,Phone,", "Row 3 was skipped because it repeats"),
        ("Name,Phone\nName,Phone", "Rows 3, 4 were skipped because they repeat"),
    ],
    ids=["once", "with a trailing comma", "twice"],
)
def test_repeated_header_is_not_a_lead(tmp_path, again, skipped):
    """Sheets pasted together month by month have a header above each month."""
    table = open_text(tmp_path, f"Name,Phone\nAsha,1\n{again}\nRavi,2\nName,3\n")
    assert [cells for _, cells, _ in list_rows(table)] == [("Asha", "1"), ("Ravi", "2"), ("Name", "3")]
    assert list_notices(table)[-1] == f"ignored: {skipped} the header."


@pytest.mark.parametrize("again", ["Name,Phone", "Name,Phone,"])
def test_repeated_header_far_below_is_not_a_lead(tmp_path, again):
    below = "".join(f"Asha,{number}\n" for number in range(3 * BLOCK_ROWS))
    table = open_text(tmp_path, f"Name,Phone\n{below}{again}\n{below}")
    assert len(list_rows(table)) == 6 * BLOCK_ROWS
    assert (
        list_notices(table)[-1]
        == f"ignored: Row {3 * BLOCK_ROWS + 2} was skipped because it repeats the header."
    )


def test_sheet_without_a_header_is_read_with_a_notice(tmp_path):
    table = open_text(tmp_path, "Asha,9845012345\nRavi,9845012346\n")
    assert [number for number, _, _ in list_rows(table)] == [1, 2]
    assert "read: No header was found: the columns are called Column A, Column B and so on." in list_notices(
        table
    )
    assert table.headers == ("Column A", "Column B")


def test_unnamed_columns_with_values_are_named_by_letter(tmp_path):
    assert open_text(tmp_path, "Name,,Phone,\nAsha,x,1,\n").headers == ("Name", "Column B", "Phone")


@pytest.mark.parametrize("content", ["\n\n\n", "\ufeff", ",,,\n,,\n", '"",""\n'])
def test_empty_file_is_refused(tmp_path, content):
    with pytest.raises(UnreadableFileError, match="empty"):
        open_text(tmp_path, content)


def test_empty_workbook_is_refused(tmp_path):
    Workbook().save(tmp_path / "sheet")
    with pytest.raises(UnreadableFileError, match="The sheet is empty"):
        open_table(tmp_path / "sheet", OpenOptions())


def test_file_name_does_not_decide_the_format(tmp_path):
    """A CSV file called .xlsx and a workbook called .csv open as what they are."""
    (tmp_path / "a.xlsx").write_text("Name,Phone\nAsha,1\n")
    book = Workbook()
    book.active.append(["Name", "Phone"])
    book.active.append(["Asha", 1])
    book.save(tmp_path / "b.xlsx")
    (tmp_path / "b.xlsx").rename(tmp_path / "b.csv")
    for name in ("a.xlsx", "b.csv"):
        assert list_rows(open_table(tmp_path / name, OpenOptions())) == [(2, ("Asha", "1"), [])]


def test_too_many_columns_are_refused(tmp_path):
    header = ",".join(f"Name {i}" for i in range(3000))
    with pytest.raises(UnreadableFileError, match="3,000 columns"):
        open_text(tmp_path, f"{header}\n" + ",".join(["x"] * 3000) + "\n")


def test_header_row_is_numbered_as_in_the_spreadsheet(tmp_path):
    table = open_text(tmp_path, "x\n\nA,B\n1,2\n", header_row=3)
    assert (table.headers, list_rows(table)) == (("A", "B"), [(4, ("1", "2"), [])])


@pytest.mark.parametrize("row", [2, 99, 10**12])
def test_header_row_that_does_not_exist_is_refused(tmp_path, row):
    with pytest.raises(UsageError, match="--header-row"):
        open_text(tmp_path, "A,B\n\n1,2\n", header_row=row)


def test_sheet_option_for_a_text_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no sheets"):
        open_text(tmp_path, "A,B\n", sheets=("1",))


def test_private_copy_is_complete_and_readable_for_the_user_alone(tmp_path):
    content = random.Random(1).randbytes(3_000_000)
    copy, digest = copy_to_private_file(io.BytesIO(content), tmp_path)
    assert copy.read_bytes() == content
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert len(digest) == 64


@pytest.mark.parametrize("name", [".", "nothing.csv", "x" * 300])
def test_file_that_cannot_be_opened_is_named(tmp_path, monkeypatch, name):
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    with pytest.raises(UnreadableFileError, match="Cannot read"):
        copy_to_private_file(Path(name), tmp_path)


def test_copy_that_cannot_be_written_is_an_error_before_anything_is_sent(tmp_path):
    """The exit code is 2, since there is no run to resume."""
    with pytest.raises(NothingSentError, match="Cannot copy"):
        copy_to_private_file(io.BytesIO(b"a"), tmp_path / "gone")


def test_one_wide_row_does_not_make_a_column(tmp_path):
    """`Rao, Asha` among four leads is a comma that splits a name; two of four wide rows make a column."""
    sound = "Phone,Name,City\n1,Asha,Pune\n2,Ravi,Pune\n3,Meena,Goa\n"
    table = open_text(tmp_path, sound + "4,Rao, Asha,Pune\n")
    assert table.headers == ("Phone", "Name", "City")
    assert list_rows(table)[-1] == (5, ("4", "Rao", " Asha\ufffdPune"), ["ragged"])
    table = open_text(tmp_path, sound + "4,Asha,Pune,x\n5,Asha,Pune,y\n")
    assert table.headers == ("Phone", "Name", "City", "Column D")


def test_header_row_below_the_end_is_refused_by_its_number(tmp_path):
    with pytest.raises(UsageError, match="row 500 is empty or does not exist"):
        open_text(tmp_path, "Phone,Name\n1,Asha\n", header_row=500)


_ROWS = st.lists(
    st.sampled_from(
        [
            "a,9845012345,b,c,d,e,f", "a,9845012345,b,c,d,e,f", "a,9845012345,b,c,d,e,f", ",,,,,,", " ,,,,,,", "", "Total,,,,12,,",
            "My Firm,,,,,,", "Asha,9845012345,,,,,", "a,9845012345,b,c,d,e,f,more", "a,9845012345", "a,9845012345,b\ufffd,c,d,e,f",
            "a,9845012345,b\0,c,d,e,f", 'a,9845012345,"b\nb",c,d,e,f', 'a,9845012345,"b,c,d,e,f', "=1+1,9845012345,b,c,d,e,f",
        ]
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(rows=_ROWS, chunk=st.integers(1, 4))
@example(rows=["Total,,,,12,,", "My Firm,,,,,,"], chunk=1)
def test_rows_do_not_depend_on_where_a_block_ends(tmp_path_factory, rows, chunk):
    """Regular blocks are passed on whole, with the same rows, issues and footers as row by row."""
    folder = tmp_path_factory.mktemp("blocks")
    above = "\n".join(["Name,Phone,A,B,C,D,E", *["x,9845012345,b,c,d,e,f"] * 70])
    (folder / "sheet").write_text("\n".join([above, *rows, ""]))

    def read():
        table = open_table(folder / "sheet", OpenOptions())
        return [*table.rows], table.notices

    with patch("importer.loader.formats.delimited_text.BLOCK_ROWS", chunk):
        by_block = read()
    with patch("importer.loader.table.row_shaper.RowShaper.is_regular", return_value=False):
        assert by_block == read()
