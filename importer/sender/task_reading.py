"""What the requests of a task and those of its check share: the pages of a lead's tasks, and the result of a task."""

from __future__ import annotations

from enum import Enum, auto

from importer.issues import Issue
from importer.models.delivery import CrmResponse, DeliveryResult
from importer.models.status import DeliveryStatus, NoteState, RowStatus
from importer.models.task import CrmTask, TaskPage, TaskState
from importer.sender.in_flight_row import InFlightRow

_MAX_PAGES = 50  # of twenty tasks

_STATUS_BY_STATE: dict[TaskState, DeliveryStatus] = {
    TaskState.CREATED: RowStatus.ACCEPTED,
    TaskState.KEPT: RowStatus.ACCEPTED,
    TaskState.UNKNOWN: RowStatus.UNKNOWN,
    TaskState.NOT_SENT: RowStatus.FAILED,
}
"""How the progress counts a task."""


class ReadingState(Enum):
    """How far the reading of a lead's tasks is."""

    MORE_PAGES = auto()
    COMPLETE = auto()
    UNREADABLE = auto()


class TaskReading:
    """The tasks of a lead that were read so far, and the number of the next page."""

    def __init__(self) -> None:
        self.tasks: list[CrmTask] = []
        self.page = 1

    def take(self, page: TaskPage | None) -> ReadingState:
        """Keep the tasks of a page. None means that the answer was not a page."""
        if page is None or self.page > _MAX_PAGES:
            return ReadingState.UNREADABLE
        self.tasks += page.rows
        if self.page >= page.total_pages or not page.rows:
            return ReadingState.COMPLETE
        self.page += 1
        return ReadingState.MORE_PAGES


def build_task_result(
    flight: InFlightRow, state: TaskState, response: CrmResponse, *issues: Issue
) -> DeliveryResult:
    """Return what became of a task."""
    return DeliveryResult(
        number=flight.row.number,
        status=_STATUS_BY_STATE[state],
        attempts=flight.requests,
        http_status=response.status,
        note=NoteState.NONE,
        issues=issues,
        task=state,
    )
