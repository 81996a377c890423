"""Tasks are scheduled once all rows are judged, again where a row is edited, and are no part of what is sent with a lead."""

import pytest

from importer.journal.staging import decode_payload
from importer.pipeline.edit_rows import CellEdit, RowVersion
from tests.pipeline.edited_runs import PHONE, judge_rows, open_editor, read_rows

ASHA = ("98450 12345", "", "Asha", "Pune", "", "", "")
TWIN = ("98450 12345", "", "Asha", "Goa", "", "", "")
BAD = ("12", "", "Meena", "Goa", "", "", "")
ANY_DAY = {"days": "mon-sun", "hours": "00:00-24:00"}


@pytest.fixture
def journal(tmp_path):
    options = {"task": "SITE_VISIT", "due": "+2d 12:00", "per_day": 1, **ANY_DAY}
    with judge_rows(tmp_path, "run-1", {2: ASHA, 3: TWIN, 4: BAD}, **options) as journal:
        yield journal


def read_tasks(journal):
    return dict(journal.file.sql.execute("SELECT number, type FROM tasks").fetchall())


def read_days(journal):
    return sorted(due[:10] for (due,) in journal.file.sql.execute("SELECT due_at FROM tasks"))


def has_task_fields(journal):
    payloads = [decode_payload(row[3]) for row in read_rows(journal).values() if row[3]]
    return any(name.startswith("task_") for payload in payloads for name in payload)


def test_row_that_is_sent_has_a_task_of_its_own(journal):
    """The duplicate and the rejected row have none, and no request to a lead says anything about it."""
    assert read_tasks(journal) == {2: "SITE_VISIT"}
    assert not has_task_fields(journal)


def test_edited_row_gets_its_task_and_a_row_that_is_left_out_loses_it(tmp_path, journal):
    """An edit is as if the file had it: also for tasks, and for the number of tasks a day."""
    editor = open_editor(tmp_path, journal)
    editor.edit_cells([CellEdit(4, PHONE, "98450 12347")], [RowVersion(4, 0)])
    assert read_tasks(journal) == {2: "SITE_VISIT", 4: "SITE_VISIT"}
    assert len(set(read_days(journal))) == 2
    editor.edit_cells([CellEdit(3, PHONE, "98450 12348")], [RowVersion(3, 0)])
    assert read_tasks(journal).keys() == {2, 3, 4}
    editor.leave_out([RowVersion(2, 0)])
    assert read_tasks(journal).keys() == {3, 4}
    assert not has_task_fields(journal)
