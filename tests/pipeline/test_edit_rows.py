"""Rows are edited before they are sent: judged as if the file had the edit, kept as the file has them, never lost."""

import pytest

from importer.errors import DamagedJournalError, StaleEditError, UsageError
from importer.issues import Issue
from importer.journal.row_index import CellProblem, RowPart
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.row_plan import PlanAction, RowPlan
from importer.models.status import RowStatus, RunState
from importer.pipeline.edit_rows import CellEdit, RowVersion
from importer.report.report_writer import write_reports
from tests.pipeline.edited_runs import (
    ALT,
    CITY,
    NAME,
    PHONE,
    STAGE,
    judge_rows,
    open_editor,
    read_rows,
)
from tests.support import read_csv

ASHA = ("98450 12345", "", "Asha", "Pune", "Warm led", "", "")
RAVI = ("98450 12346", "", "Ravi", "Pune", "Warm led", "", "")
MEENA = ("98450 12347", "", "Meena", "Goa", "New", "", "")
ROWS = {2: ASHA, 3: RAVI, 4: MEENA, 5: ("12", "", "Nobody", "", "", "", "")}
WARM_LED = CellProblem("lead_stage_name.unknown", STAGE, "Warm led")


@pytest.fixture
def journal(tmp_path):
    with judge_rows(tmp_path, "run-1", ROWS) as journal:
        yield journal


@pytest.fixture
def editor(tmp_path, journal):
    return open_editor(tmp_path, journal)


def replace(row, column, text):
    return (*row[:column], text, *row[column + 1 :])


def test_edit_fixes_its_row_alone(journal, editor):
    """The row is judged at once, by the account's lists, and no other row changes."""
    before = read_rows(journal)
    result = editor.edit_cells([CellEdit(2, STAGE, "warm lead")], [RowVersion(2, 0)])
    after = read_rows(journal)
    assert result.changed == (2,)
    assert {number for number in before if before[number] != after[number]} == {2}
    assert after[2][1] == "valid"
    assert '"lead_stage_name":"Warm lead"' in after[2][3]
    assert editor.index.parts == {RowPart.TO_FIX: 2, RowPart.READY: 2}


def test_edited_phone_merges_rows_and_undo_sets_them_apart(tmp_path, journal, editor):
    """The rows that share the phone, before and after, are compared again."""
    before = read_rows(journal)
    merged = editor.edit_cells([CellEdit(5, PHONE, "9845012347")], [RowVersion(5, 0)])
    assert merged.changed == (4, 5)
    assert read_rows(journal)[5][1::4] == ["duplicate", 4]
    undone = editor.undo(merged.step)
    assert undone.changed == (4, 5)
    assert read_rows(journal) == before


@pytest.mark.parametrize("duplicates", ["merge", "first", "last", "reject"])
def test_row_joins_others_by_the_further_phone_of_a_duplicate(tmp_path, duplicates):
    """The further phone of a row that is not sent by itself still connects: it is as if the file had the edit."""
    shared = ("98450 12345", "98450 99999", "Asha", "", "", "", "")
    rows = {2: (*ASHA[:4], "New", "", ""), 3: shared, 4: MEENA}
    with judge_rows(tmp_path, "a", rows, duplicates=duplicates) as journal:
        editor = open_editor(tmp_path, journal)
        editor.edit_cells([CellEdit(4, PHONE, "9845099999"), CellEdit(4, NAME, "Asha")], [])
        edited = {**rows, 4: replace(replace(MEENA, PHONE, "9845099999"), NAME, "Asha")}
        with judge_rows(tmp_path, "b", edited, duplicates=duplicates) as fresh:
            assert read_rows(journal) == read_rows(fresh)


def test_same_text_is_fixed_in_all_rows_as_one_step(journal, editor):
    """And undone in one."""
    before = read_rows(journal)
    assert editor.index.find_same(WARM_LED) == [2, 3]
    result = editor.edit_same(RowVersion(2, 0), WARM_LED, "Warm lead")
    assert result.changed == (2, 3)
    assert editor.index.codes["lead_stage_name.unknown"] == 0
    editor.undo(result.step)
    assert read_rows(journal) == before


def test_stale_edit_is_refused(journal, editor):
    """Two windows: the second one has not seen the first edit, and must not undo it."""
    editor.edit_cells([CellEdit(2, CITY, "Thane")], [RowVersion(2, 0)])
    before = read_rows(journal)
    with pytest.raises(StaleEditError, match="Row 2 was changed"):
        editor.edit_cells(
            [CellEdit(2, STAGE, "New"), CellEdit(3, STAGE, "New")], [RowVersion(2, 0), RowVersion(3, 0)]
        )
    assert read_rows(journal) == before
    assert editor.index.parts[RowPart.TO_FIX] == 3


def test_undo_does_not_undo_what_came_later(journal, editor):
    """The cell has another text since, which its author wants to keep. A step is undone once."""
    first = editor.edit_cells([CellEdit(2, CITY, "Thane")], [])
    second = editor.edit_cells([CellEdit(2, CITY, "Nashik")], [])
    with pytest.raises(StaleEditError):
        editor.undo(first.step)
    editor.undo(second.step)
    editor.undo(first.step)
    for step in (first.step, second.step, 99):
        with pytest.raises(StaleEditError, match="nothing to undo"):
            editor.undo(step)
    assert journal.edits.find_last_step() is None


def test_row_that_is_left_out_is_skipped_and_can_be_taken_back(journal, editor):
    """It is no fault to fix, it is not sent, and its phone merges with no other row."""
    before = read_rows(journal)
    editor.leave_out([RowVersion(4, 0), RowVersion(5, 0)])
    assert editor.index.parts == {RowPart.TO_FIX: 2, RowPart.SKIPPED: 2, RowPart.READY: 0}
    assert editor.edit_cells([CellEdit(5, PHONE, "9845012347")], []).changed == (5,)
    assert [row.is_retryable for row in journal.read_report_rows()] == [True, True, False, False]
    editor.edit_cells([CellEdit(5, PHONE, "12")], [])
    editor.take_back([RowVersion(4, 1), RowVersion(5, 3)])
    assert read_rows(journal) == before


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (CellEdit(9, 0, "x"), "no row 9"),
        (CellEdit(2, 7, "x"), "no cell 8"),
        (CellEdit(2, -1, "x"), "no cell 0"),
    ],
)
def test_edit_of_what_is_not_there_is_refused(editor, edit, words):
    with pytest.raises(UsageError, match=words):
        editor.edit_cells([edit], [])


def test_half_of_a_surrogate_pair_is_a_lost_character(journal, editor):
    """JSON allows it, no file can hold it: the row is rejected as if the character could not be read."""
    editor.edit_cells([CellEdit(4, CITY, "Go\ud83da")], [])
    assert "undecodable" in read_rows(journal)[4][4]


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.FINISHED, RunState.STOPPED])
def test_run_that_was_sent_cannot_be_edited(journal, editor, state):
    journal.end(RunEnd(state=state))
    with pytest.raises(UsageError, match="cannot be changed any more"):
        editor.edit_cells([CellEdit(2, STAGE, "New")], [])


def test_edit_makes_a_plan_a_check_again(journal, editor):
    """An old plan must not be sent for a row that it has not seen. What the CRM answered stays."""
    journal.plans.add_phones()
    journal.end(RunEnd(state=RunState.PLANNED))
    journal.plans.write_plans([(4, RowPlan(action=PlanAction.CREATE))])
    editor.edit_cells([CellEdit(2, STAGE, "New")], [])
    assert journal.run_end.state is RunState.CHECKED
    assert journal.plans.is_empty
    assert journal.plans.count_phones()[0] > 0


def test_comma_too_many_is_settled_by_an_edit_and_comes_back_with_undo(tmp_path):
    """A person who changed a cell has looked at the row. A number that was doubted stays doubted until it is changed."""
    comma = Issue("row", "cell_count", "", "8", "7")
    dragged = Issue("customer_phone", "dragged", "Phone", MEENA[PHONE], "+919845012300")
    rows = {2: (*ASHA[:4], "New", "", ""), 4: MEENA}
    with judge_rows(tmp_path, "a", rows, issues={2: (comma,), 4: (dragged,)}) as journal:
        editor = open_editor(tmp_path, journal)
        before = read_rows(journal)
        assert [row[1] for row in before.values()] == ["invalid"] * 2
        step = editor.edit_cells([CellEdit(2, CITY, "Thane"), CellEdit(4, CITY, "Thane")], []).step
        assert [row[1] for row in read_rows(journal).values()] == ["valid", "invalid"]
        editor.edit_cells([CellEdit(4, PHONE, "9845012300")], [])
        assert [row[1] for row in read_rows(journal).values()] == ["valid", "valid"]
        editor.edit_cells([CellEdit(4, PHONE, MEENA[PHONE])], [])
        editor.undo(step)
        assert read_rows(journal) == before


def test_shortened_number_is_free_once_the_other_row_has_another(tmp_path):
    """Both rows were rejected because of each other. One that was doubted in an earlier report stays so."""
    asha, ravi = ("9845000000", "", "Asha", "", "", "", ""), ("9845000000", "", "Ravi", "", "", "", "")
    doubt = Issue("customer_phone", "shortened", "Phone", "9876000000", "another lead")
    rows = {2: asha, 3: ravi, 4: ("9876000000", "", "Meena", "", "", "", "")}
    with judge_rows(tmp_path, "a", rows, issues={4: (doubt,)}) as journal:
        editor = open_editor(tmp_path, journal)
        assert [row[1] for row in read_rows(journal).values()] == ["invalid"] * 3
        editor.edit_cells([CellEdit(3, PHONE, "9845000001"), CellEdit(4, CITY, "Goa")], [])
        assert [row[1] for row in read_rows(journal).values()] == ["valid", "valid", "invalid"]
        edited = {2: asha, 3: replace(ravi, PHONE, "9845000001"), 4: replace(rows[4], CITY, "Goa")}
        with judge_rows(tmp_path, "b", edited, issues={4: (doubt,)}) as fresh:
            assert read_rows(journal) == read_rows(fresh)


def test_reports_show_the_row_as_edited_and_what_the_file_has(tmp_path, journal, editor):
    """Cells as they are sent; the sentence and the code name the file's text. The journal keeps the whole row."""
    editor.edit_cells([CellEdit(2, STAGE, "New"), CellEdit(2, ALT, "98450 00001"), CellEdit(4, CITY, "")], [])
    editor.leave_out([RowVersion(3, 0)])
    summary = write_reports(journal, journal.folder)
    asha, ravi, meena, _ = read_csv(journal.folder / "results.csv")
    assert (asha["Stage"], asha["_status"]) == ("New", "accepted")
    assert asha["_codes"] == "add_phones.edited;lead_stage_name.edited"
    assert 'Row 2, Stage: changed in importer. The file has "Warm led".' in asha["_problems"]
    assert "Row 2, Alt No.: changed in importer. The file has an empty cell." in asha["_problems"]
    assert (meena["City"], meena["_codes"]) == ("", "city.edited")
    assert (ravi["_status"], ravi["_codes"]) == ("invalid", "row.left_out")
    assert [row["Phone"] for row in read_csv(journal.folder / "failed_rows.csv")] == ["12"]
    assert summary.counts[RowStatus.ACCEPTED] == 2
    assert journal.edits.read_rows([2])[2].file_cells == ASHA
    assert journal.edits.count_rows() == 3


def test_edits_survive_and_are_guarded_by_checksums(tmp_path, journal, editor):
    """Another process finds the same rows; a flipped bit in what the file had is damage."""
    editor.edit_cells([CellEdit(2, CITY, "Thane")], [])
    rows = read_rows(journal)
    with Journal.open(journal.folder) as again:
        assert read_rows(again) == rows
        assert open_editor(tmp_path, again).undo(1).changed == (2,)
        again.file.sql.execute("UPDATE edited_rows SET cells = 'x'")
    with pytest.raises(DamagedJournalError):
        Journal.open(journal.folder)


def test_index_follows_edits_of_another_window(tmp_path, journal, editor):
    """Two processes may have the run open. Each edit is judged with the rows as they are now."""
    with Journal.open(journal.folder) as other:
        open_editor(tmp_path, other).edit_cells(
            [CellEdit(3, PHONE, "98450 55555"), CellEdit(3, STAGE, "New")], []
        )
    result = editor.edit_cells([CellEdit(4, PHONE, "9845055555")], [RowVersion(4, 0)])
    assert result.changed == (3, 4)
    assert editor.index.parts == {RowPart.TO_FIX: 2, RowPart.WARNED: 1, RowPart.SKIPPED: 1, RowPart.READY: 0}


def test_rows_of_an_undo_are_not_edited(journal, editor):
    """Judged again by the columns of the sheet, they would send the sheet's values in place of those before the run."""
    journal.run.change_metadata(command="undo")
    with pytest.raises(UsageError, match="is an undo"):
        editor.edit_cells([CellEdit(2, CITY, "Goa")], [RowVersion(2, 0)])
