"""The requests that read a created task back: find the lead, read its tasks, and say whether the task is there."""

from __future__ import annotations

from typing import Protocol

from importer.issues import Issue, IssueCode
from importer.messages import format_time
from importer.models.delivery import CrmResponse, DeliveryResult
from importer.models.task import PendingTask, TaskState
from importer.planner.decide_task import find_same_task
from importer.sender.client import Client
from importer.sender.in_flight_row import InFlightRow
from importer.sender.task_reading import ReadingState, TaskReading, build_task_result


class CreatedTasks(Protocol):
    """What the requests need of the journal."""

    def get_task(self, number: int) -> PendingTask:
        """Return a task that `read_pending` gave out."""


class _Progress:
    """Where a task is: its lead, and the tasks of the lead that were read so far."""

    def __init__(self, pending: PendingTask) -> None:
        self.pending = pending
        self.lead_id = pending.lead_id
        self.reading = TaskReading()


class TaskCheckRequests:
    """Reads only: nothing is created."""

    noun = "task"

    def __init__(self, source: CreatedTasks) -> None:
        self._source = source
        self._progress: dict[int, _Progress] = {}

    async def send(self, client: Client, flight: InFlightRow) -> CrmResponse:
        """Find the lead, or read the next page of its tasks."""
        number = flight.row.number
        if number not in self._progress:
            self._progress[number] = _Progress(self._source.get_task(number))
        progress = self._progress[number]
        flight.is_reading = True
        if not progress.lead_id:
            return await client.look_up(progress.pending.phone)
        return await client.read_tasks(progress.lead_id, progress.reading.page)

    async def finish(self, flight: InFlightRow, response: CrmResponse) -> DeliveryResult | None:
        """Take a final answer. Return what the CRM shows, or None if another request follows."""
        progress = self._progress[flight.row.number]
        if not progress.lead_id:
            result = _finish_look_up(flight, progress, response)
        else:
            result = _finish_page(flight, progress, response)
        if result is not None:
            del self._progress[flight.row.number]
        return result


def _finish_look_up(flight: InFlightRow, progress: _Progress, response: CrmResponse) -> DeliveryResult | None:
    if response.lookup is None or response.lookup.lead is None:
        return _build_missing(flight, progress, response)
    progress.lead_id = str(response.lookup.lead.id)
    return None


def _finish_page(flight: InFlightRow, progress: _Progress, response: CrmResponse) -> DeliveryResult | None:
    state = progress.reading.take(response.tasks)
    if find_same_task(progress.pending.task, progress.reading.tasks):
        return build_task_result(flight, TaskState.CREATED, response)
    if state is ReadingState.MORE_PAGES:
        return None
    return _build_missing(flight, progress, response)


def _build_missing(flight: InFlightRow, progress: _Progress, response: CrmResponse) -> DeliveryResult:
    due = format_time(progress.pending.task.due)
    issue = Issue("task_due", IssueCode.TASK_NOT_SHOWN, "", due)
    return build_task_result(flight, TaskState.UNKNOWN, response, issue)
