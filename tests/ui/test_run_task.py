"""A run task of the page: it can be stopped, and the rows that it closes are not used by a page that waited for them."""

import pytest

from importer.errors import RunInterruptedError, RunLockedError
from importer.ui.row_editors import RowEditors
from importer.ui.run_task import TaskKind, TaskObserver
from tests.support import write_csv


def test_wait_for_the_worker_of_a_killed_batch_is_shown_and_can_be_stopped():
    """It lasts for about a minute, in which the page could show nothing and Stop did nothing."""
    observer = TaskObserver(TaskKind.SEND)
    observer.on_worker_wait(59.0)
    assert observer.snapshot.waiting_s == 59.0
    observer.is_stop_requested = True
    with pytest.raises(RunInterruptedError):
        observer.on_worker_wait(58.0)


def test_rows_that_were_closed_while_a_page_waited_for_them_are_busy(importer):
    """Once, that page showed an internal error."""
    folder = importer("check", write_csv(importer.folder / "leads.csv", [("Phone",), ("9845000001",)])).folder
    editors = RowEditors()

    class LockOfAnother:
        """Somebody closes the rows before this page has their lock."""

        def __enter__(self):
            rows.lock = lock
            editors.close(folder.name)

        def __exit__(self, *_):
            pass

    with editors.open(folder) as rows:
        lock = rows.lock
    rows.lock = LockOfAnother()
    with pytest.raises(RunLockedError, match="busy"), editors.open(folder):
        pass
    with editors.open(folder) as again:
        assert again is not rows
