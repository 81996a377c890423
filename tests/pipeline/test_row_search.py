"""Pages of the rows that a person edits: filtered, sorted, and found from the row before, in both directions."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.issues import Severity
from importer.journal import row_search
from importer.journal.row_index import CellProblem, IndexEntry, RowPart
from importer.journal.row_search import Direction, RowPage, RowSearch, RowView
from importer.pipeline.edit_rows import CellEdit
from importer.pipeline.grid_rows import GridReader
from tests.pipeline.edited_runs import CITY, NAME, PHONE, STAGE, judge_rows, open_editor
from tests.strategies import count_examples

UNKNOWN_STAGE = "lead_stage_name.unknown"
CITIES = ("Pune", "goa", "Mumbai", "", "100%_Thane")


def build_row(number):
    """Rows of all kinds: every third has an unknown stage, every fifth no phone, every seventh the phone of another."""
    phone = (
        "" if number % 5 == 0 else f"98450{number % 7 or 1:05}" if number % 7 == 0 else f"98451{number:05}"
    )
    stage = "Warm led" if number % 3 == 0 else "New"
    return (phone, "", f"Person {number}", CITIES[number % 5 - 1], stage, "", "5 lakh")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    with judge_rows(folder, "run-1", {number: build_row(number) for number in range(2, 102)}) as journal:
        editor = open_editor(folder, journal)
        yield journal, editor, RowSearch(journal.file, editor.index)


def select(journal, view):
    """Return what a view has, by looking at every row."""
    rows = journal.edits.read_rows(range(1000)).values()
    found = [
        row for row in rows
        if (not view.part or part_of(row) == view.part)
        and (not view.code or f'"{view.code.split(".")[0]}","{view.code.split(".")[1]}"' in row.issues)
        and view.text.lower() in row.line.lower()
    ]  # fmt: skip
    if view.sort_column is not None:
        found.sort(key=lambda row: (row.cells[view.sort_column].casefold(), row.number))
    return [row.number for row in found]


def part_of(row):
    if row.verdict == "valid":
        return RowPart.WARNED if row.issues else RowPart.READY
    return RowPart.TO_FIX if row.verdict == "invalid" else RowPart.SKIPPED


VIEWS = st.builds(
    RowView,
    part=st.sampled_from((None, *RowPart)),
    code=st.sampled_from(("", UNKNOWN_STAGE, "customer_phone.missing", "row.merged", "row.nothing")),
    text=st.sampled_from(("", "pune", "PERSON 1", "%", "_", "zzz", "9845100")),
    sort_column=st.sampled_from((None, NAME, CITY)),
)


@settings(max_examples=count_examples(150))
@given(VIEWS, st.integers(1, 9), st.sampled_from(Direction))
def test_pages_in_any_direction_have_each_row_once(run, view, rows, direction):
    """The pages one after another are the rows of the view, in its order."""
    journal, _, search = run
    wanted = select(journal, view)
    pages = list(turn_pages(search, view, rows, direction))
    if direction is Direction.BACKWARD:
        pages.reverse()
    assert list(itertools.chain.from_iterable(pages)) == wanted
    assert search.count(view) in (None, len(wanted))


def turn_pages(search, view, rows, direction):
    start = None
    for _ in range(200):
        page = search.find_page(view, start, direction, rows=rows)
        assert page.searched_to is None
        yield page.numbers
        if not page.has_more:
            return
        start = page.numbers[-1 if direction is Direction.FORWARD else 0]
    raise AssertionError("the pages do not end")


def test_long_search_goes_on_where_it_ended(run, monkeypatch):
    """One request looks at a limited number of rows, so a text that is nowhere costs no more in a million rows."""
    _, _, search = run
    monkeypatch.setattr(row_search, "MAX_SEARCHED_ROWS", 40)
    view = RowView(text="Person 9")
    first = search.find_page(view)
    assert first == RowPage([9], has_more=False, searched_to=41)
    second = search.find_page(view, first.searched_to)
    assert second == RowPage([], has_more=False, searched_to=81)
    assert search.find_page(view, second.searched_to).numbers == list(range(90, 100))


def test_row_with_one_problem_in_two_cells_is_shown_once(tmp_path):
    with judge_rows(tmp_path, "run-1", {2: build_row(2)}) as journal:
        index = open_editor(tmp_path, journal).index
        problems = [CellProblem("add_phones.too_short", column, "12") for column in (0, 1)]
        index.build([IndexEntry(2, RowPart.TO_FIX, problems)])
        search, view = RowSearch(journal.file, index), RowView(code="add_phones.too_short")
        assert search.find_page(view) == RowPage([2])
        assert search.count(view) == 1


def test_order_of_a_column_stays_while_a_person_edits(tmp_path):
    """A row that jumped away after an edit would take the keyboard's focus with it."""
    rows = {
        number: (f"984510000{number}", "", f"P{number}", city, "New", "", "")
        for number, city in ((2, "C"), (3, "A"), (4, "B"))
    }
    with judge_rows(tmp_path, "run-1", rows) as journal:
        editor = open_editor(tmp_path, journal)
        search = RowSearch(journal.file, editor.index)
        view = RowView(sort_column=CITY)
        assert search.find_page(view).numbers == [3, 4, 2]
        editor.edit_cells([CellEdit(3, CITY, "Z")], [])
        assert search.find_page(view).numbers == [3, 4, 2]
        search.sort_again()
        assert search.find_page(view).numbers == [4, 2, 3]


def test_grid_row_says_what_is_wrong_with_which_cell(tmp_path):
    """Each sentence is at its cell, with the number of rows that have the same; what the file has is beside an edit."""
    rows = {
        2: ("98451 00001", "", "Asha", "Pune", "Warm led", "", ""),
        3: ("12", "", "Ravi", "", "Warm led", "", ""),
    }
    with judge_rows(tmp_path, "run-1", rows) as journal:
        editor = open_editor(tmp_path, journal)
        editor.edit_cells([CellEdit(2, CITY, "Goa")], [])
        asha, ravi = GridReader(journal, editor.index).read_rows([2, 3])
        assert (asha.part, asha.version, asha.cells[CITY].file_text, asha.cells[NAME].file_text) == (
            RowPart.TO_FIX,
            1,
            "Pune",
            None,
        )
        issue = asha.cells[STAGE].issues[0]
        assert (issue.code, issue.severity, issue.same_rows) == (UNKNOWN_STAGE, Severity.ERROR, 2)
        assert issue.describe().startswith('"Warm led" does not exist in your account.')
        assert [cell.is_faulty for cell in ravi.cells] == [True, False, False, False, True, False, False]
        assert ravi.cells[PHONE].issues[0].same_rows == 1
        assert ravi.issues == ()
