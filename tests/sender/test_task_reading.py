"""The pages of a lead's tasks are read to the last one, and never without end."""

from importer.models.task import CrmTask, TaskPage
from importer.sender.task_reading import ReadingState, TaskReading

FULL = (CrmTask(),) * 20


def test_reading_ends_with_the_last_page():
    """All pages are kept, and an empty one ends the list whatever the CRM counts."""
    reading = TaskReading()
    assert reading.take(TaskPage(FULL, 2)) is ReadingState.MORE_PAGES
    assert reading.take(TaskPage(FULL[:3], 2)) is ReadingState.COMPLETE
    assert len(reading.tasks) == 23
    assert TaskReading().take(TaskPage((), 9)) is ReadingState.COMPLETE


def test_list_without_end_is_unreadable():
    """A CRM that always has one more page stops the reading, and so does an answer that is no page."""
    reading = TaskReading()
    states = [reading.take(TaskPage(FULL, reading.page + 1)) for _ in range(51)]
    assert states == [ReadingState.MORE_PAGES] * 50 + [ReadingState.UNREADABLE]
    assert TaskReading().take(None) is ReadingState.UNREADABLE
