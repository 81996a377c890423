"""Tests for rows with a comma too many or too few: no cell moves to another column in silence."""

from __future__ import annotations

import pytest

from importer.models.row import BLOCK_ROWS
from tests.loader.table_texts import list_rows, open_text

HEADER = "Name,Phone,Company,City,Source,Remarks\n"
FULL = "".join(f"Asha,984501{at},Acme,Goa,Fair,fine\n" for at in range(2340, 2349))
EMPTY_END = "".join(f"Asha,984501{at},Acme,Goa,Fair,\n" for at in range(2340, 2349))


def read_last(folder, text):
    return list_rows(open_text(folder, text))[-1]


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("Ravi,9845012350,,Beta,Goa,Expo,", ("Ravi", "9845012350", "", "Beta", "Goa", "Expo\ufffd")),
        ("Ravi,9845012350,Beta Goa,Expo,", ("Ravi", "9845012350", "Beta Goa", "Expo", "", "\ufffd")),
        ("Ravi,9845012350,Beta Goa,Expo", ("Ravi", "9845012350", "Beta Goa", "Expo", "", "\ufffd")),
    ],
    ids=["one more", "one less", "one less, and none at the end"],
)
def test_row_with_another_number_of_cells_is_rejected(tmp_path, row, cells):
    """All other rows have six cells, with a comma before an empty last one. It stays rejected when imported again."""
    assert read_last(tmp_path, f"{HEADER}{EMPTY_END}{row}\n") == (11, cells, ["cell_count"])
    again = ",".join(cells)
    assert read_last(tmp_path, f"{HEADER}{EMPTY_END}{again}\n")[2] == ["undecodable"]


@pytest.mark.parametrize(
    "sheet",
    [
        f"{HEADER}{FULL}Ravi,9845012350,Beta\n",
        f"{HEADER}{EMPTY_END}Ravi,9845012350,Beta,Goa,Fair,\n",
        f"{HEADER}Asha,9845012345,Acme,,,\nRavi,9845012350,Beta\n",
        HEADER + EMPTY_END.replace(",\n", ",,\n"),
        f"{HEADER}{EMPTY_END * 2}" + "Ravi,9845012350,Beta\n" * 4,
    ],
    ids=["empty cells left out", "as all others", "few rows", "a comma more in all", "many short rows"],
)
def test_rows_that_a_program_or_a_person_writes_are_read(tmp_path, sheet):
    assert [codes for _, _, codes in list_rows(open_text(tmp_path, sheet)) if codes] == []


def test_rows_that_are_unusual_are_found_in_whole_blocks_too(tmp_path):
    """A comma more in all rows is usual; later rows without it are as wide as the header, and still not usual."""
    usual = "".join(f"Asha,{9_845_000_000 + at},Acme,Goa,Fair,,\n" for at in range(20 * BLOCK_ROWS))
    other = "".join(f"Ravi,{9_945_000_000 + at},Acme,Goa,Fair,\n" for at in range(2 * BLOCK_ROWS))
    codes = [codes for _, _, codes in list_rows(open_text(tmp_path, HEADER + usual + other))]
    assert codes == [[]] * 20 * BLOCK_ROWS + [["cell_count"]] * 2 * BLOCK_ROWS


def test_total_and_repeated_header_need_no_commas(tmp_path):
    rows = list_rows(open_text(tmp_path, f"{HEADER}{EMPTY_END}{HEADER.strip()},\nTotal,9\n"))
    assert len(rows) == 9
