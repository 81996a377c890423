"""Any sequence of edits gives what judging the edited sheet from the start gives, and loses nothing that the file has."""

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from importer.errors import StaleEditError
from importer.issues import Issue, IssueCode
from importer.journal.row_index import CellProblem, RowIndex
from importer.journal.staging import encode_issues
from importer.models.status import RowStatus
from importer.pipeline.edit_rows import CellEdit, RowVersion
from importer.pipeline.judge_edits import EditJudge
from tests.pipeline.edited_runs import HEADERS, judge_rows, make_context, open_editor, read_rows
from tests.strategies import count_examples

PHONES = ("9845012345", "98450 12346", "98450 12345 / 98450 12346", "9845000000", "9845000000.0", "12", "")
TEXTS = {
    0: PHONES,
    1: ("", "9845012345", "9845012347"),
    2: ("Asha", "Ravi Rao", ""),
    3: ("Pune", '=1+1;"x"', ""),
    4: ("New", "Warm led", "gone"),
    5: ("VIP", "VIP, Nowhere"),
    6: ("", "5 lakh", "five"),
}
CELLS = st.tuples(*(st.sampled_from(TEXTS[column]) for column in range(len(HEADERS))))
SHEETS = st.dictionaries(st.integers(2, 7), CELLS, min_size=2, max_size=6)
EDITS = st.integers(0, len(HEADERS) - 1).flatmap(
    lambda column: st.tuples(
        st.just("edit"), st.integers(2, 7), st.just(column), st.sampled_from(TEXTS[column])
    )
)
STEPS = st.lists(
    st.one_of(
        EDITS,
        st.tuples(
            st.just("same"), st.integers(2, 7), st.integers(0, 3), st.sampled_from(("New", "9845012346"))
        ),
        st.tuples(st.sampled_from(("leave", "take")), st.integers(2, 7)),
        st.tuples(st.just("undo"), st.integers(1, 6)),
    ),
    max_size=7,
)
POLICIES = st.sampled_from(("merge", "first", "last", "reject"))
LEFT_OUT = encode_issues([Issue("row", IssueCode.LEFT_OUT_BY_HAND)])


@settings(max_examples=count_examples(30))
@given(SHEETS, STEPS, POLICIES)
@example(
    {2: ("9845012345", "9845012347", *[""] * 5), 3: ("9845012345", *[""] * 6), 4: ("12", *[""] * 6)},
    [("edit", 4, 0, "9845012347"), ("leave", 2)], "first",
)  # fmt: skip
def test_edited_run_is_the_run_of_the_edited_sheet(sheet, steps, duplicates):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with judge_rows(folder, "edited", sheet, duplicates=duplicates) as journal:
            editor = open_editor(folder, journal)
            for step in steps:
                take_step(editor, journal, sheet, *step)
            rows = journal.edits.read_rows(sheet)
            found = read_rows(journal)
            left_out = {number for number, row in rows.items() if row.is_left_out}
            assert {number: row.file_cells for number, row in rows.items()} == sheet
            assert_index_is_that_of_the_rows(editor, journal, make_context(folder))
            counts = journal.counts()
            assert sum(counts.values()) == len(sheet)
            assert counts[RowStatus.DUPLICATE] == sum(row[1] == "duplicate" for row in found.values())
        kept = {number: row.cells for number, row in rows.items() if number not in left_out}
        with judge_rows(folder, "fresh", kept, duplicates=duplicates, allow_empty=True) as fresh:
            assert {number: row for number, row in found.items() if number in kept} == read_rows(fresh)
        for number in left_out:
            assert found[number][1::2] == ["invalid", None, None]
            assert found[number][4] == LEFT_OUT


def take_step(editor, journal, sheet, kind, *what):
    """Take a step as a page would: with the version that it sees."""
    number = what[0]
    if kind == "undo":
        try_to_undo(editor, number)
        return
    if number not in sheet:
        return
    row = journal.edits.read_rows([number])[number]
    seen = RowVersion(number, row.version)
    if kind == "edit":
        editor.edit_cells([CellEdit(number, *what[1:])], [seen])
    elif kind == "leave":
        editor.leave_out([seen])
    elif kind == "take":
        editor.take_back([seen])
    else:
        problems = read_problems(journal)
        problem = next((one for one in problems if one[0] == number and one[2] >= 0), None)
        if problem:
            editor.edit_same(seen, CellProblem(*problem[1:]), what[2])


def try_to_undo(editor, step):
    with suppress(StaleEditError):
        editor.undo(step)


def read_problems(journal):
    return journal.file.sql.execute(
        "SELECT * FROM temp.row_problems ORDER BY number, code, column_index"
    ).fetchall()


def assert_index_is_that_of_the_rows(editor, journal, context):
    """Parts, problems and their counts are those of an index that is built now."""
    parts = journal.file.sql.execute("SELECT * FROM temp.row_parts ORDER BY number").fetchall()
    problems = read_problems(journal)
    fresh = RowIndex(journal.file)
    fresh.build(EditJudge(journal, context).read_entries())
    assert parts == journal.file.sql.execute("SELECT * FROM temp.row_parts ORDER BY number").fetchall()
    assert sorted(problems) == sorted(read_problems(journal))
    assert +editor.index.parts == +fresh.parts
    assert +editor.index.codes == +fresh.codes
