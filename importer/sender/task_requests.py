"""The requests of a follow-up task: find the lead, read its tasks, and create the task unless it is there.

What may have been created is read again before anything is sent a second time, and not before the CRM must have taken
or dropped the first request: see `_SETTLE_FACTOR`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Protocol

import msgspec

from importer.issues import Issue, IssueCode
from importer.messages import format_time
from importer.models.crm_lead import LookupState
from importer.models.delivery import CrmResponse, DeliveryOutcome, DeliveryResult
from importer.models.task import CrmTask, OpenTasks, PendingTask, Task, TaskState
from importer.planner.decide_task import TaskDecision, decide_task, find_closed_by, parse_due
from importer.sender.client import Client
from importer.sender.commit_writer import CommitWriter
from importer.sender.grouped_calls import GroupedCalls
from importer.sender.in_flight_row import InFlightRow
from importer.sender.retry import MAX_ATTEMPTS
from importer.sender.task_reading import ReadingState, TaskReading, build_task_result

_SETTLE_FACTOR = 3.0
"""A request may still be carried out for so many times --timeout after it left. Only then, a list without the task proves
that it was not created. Gateways give up after a minute, and the service behind them may go on."""
_MIN_LEAD = timedelta(seconds=30)  # the clocks of the CRM and of this machine differ


class TaskSource(Protocol):
    """What task requests need of the journal."""

    def get_task(self, number: int) -> PendingTask:
        """Return a task that `read_pending` gave out."""

    def begin_tasks(self, tasks: Sequence[tuple[PendingTask, datetime]]) -> list[PendingTask]:
        """Write which tasks are about to leave, each with the time at which its doubt would end."""


class TaskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How tasks are created. `notify` is how long before a task is due its owner is notified, None for not at all."""

    open_tasks: OpenTasks
    timeout_s: float
    notify: timedelta | None = None

    @property
    def settle_s(self) -> float:
        """How long a request may still be carried out after it left."""
        return self.timeout_s * _SETTLE_FACTOR


class _Step(Enum):
    """The next request of a task."""

    FIND_LEAD = auto()
    READ_TASKS = auto()
    CREATE = auto()


class _Progress:
    """Where a task is: the next request, and the tasks of the lead that were read so far."""

    def __init__(self, pending: PendingTask) -> None:
        self.pending = pending
        self.lead_id = pending.lead_id
        self.step = _Step.READ_TASKS if pending.lead_id else _Step.FIND_LEAD
        self.reading = TaskReading()
        self.is_in_doubt = pending.is_in_doubt
        self.creations = 0

    @property
    def task(self) -> Task:
        """The task itself."""
        return self.pending.task

    def read_again(self) -> None:
        """Begin to read the lead's tasks from their first page."""
        self.step, self.reading = _Step.READ_TASKS, TaskReading()


class TaskRequests:
    """Find, read, create. A task that is due by now is not created."""

    noun = "task"

    def __init__(
        self,
        source: TaskSource,
        settings: TaskSettings,
        *,
        writer: CommitWriter,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._source = source
        self._settings = settings
        self._now = now
        self._begin = GroupedCalls(source.begin_tasks, writer)
        self._progress: dict[int, _Progress] = {}

    async def send(self, client: Client, flight: InFlightRow) -> CrmResponse:
        """Send the next request of the task."""
        number = flight.row.number
        if number not in self._progress:
            self._progress[number] = _Progress(self._source.get_task(number))
        progress = self._progress[number]
        flight.is_reading = True  # until the request that creates leaves
        match progress.step:
            case _Step.FIND_LEAD:
                return await client.look_up(progress.pending.phone)
            case _Step.READ_TASKS:
                return await client.read_tasks(progress.lead_id, progress.reading.page)
            case _Step.CREATE:
                return await self._create(client, flight, progress)

    async def finish(self, flight: InFlightRow, response: CrmResponse) -> DeliveryResult | None:
        """Take a final answer. Return the result, or None if another request follows."""
        progress = self._progress[flight.row.number]
        finish = {
            _Step.FIND_LEAD: self._finish_look_up,
            _Step.READ_TASKS: self._finish_reading,
            _Step.CREATE: self._finish_creation,
        }[progress.step]
        result = finish(flight, progress, response)
        if result is not None:
            del self._progress[flight.row.number]
        return result

    async def _create(self, client: Client, flight: InFlightRow, progress: _Progress) -> CrmResponse:
        """Create the task, once its intent is on disk. What may have arrived is read before it is sent again."""
        if self._is_too_late(progress.task):
            return CrmResponse(outcome=DeliveryOutcome.REFUSED, status=None, message="")
        settles_at = self._now() + timedelta(seconds=self._settings.settle_s)
        await self._begin((progress.pending, settles_at))
        flight.is_reading = False
        progress.creations += 1
        response = await client.create_task(progress.lead_id, self._build_body(progress.task))
        if response.outcome is DeliveryOutcome.MAY_HAVE_ARRIVED:
            progress.is_in_doubt = True
            progress.read_again()
            flight.not_before = flight.left_at + self._settings.settle_s
        return response

    def _build_body(self, task: Task) -> dict[str, object]:
        body: dict[str, object] = {"type": task.type.value, "due_date": _format_utc(task.due)}
        if self._settings.notify is not None:
            notify_at = task.due - self._settings.notify
            is_past = notify_at <= self._now() + _MIN_LEAD
            body["notify_at"] = _format_utc(task.due if is_past else notify_at)
        if task.note:
            body["customer_note"] = task.note
        return body

    def _is_too_late(self, task: Task) -> bool:
        return task.due <= self._now() + _MIN_LEAD

    # --- answers

    def _finish_look_up(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse
    ) -> DeliveryResult | None:
        lookup = response.lookup
        if lookup is None or lookup.state is LookupState.UNCLEAR:
            return self._build_failure(flight, progress, response)
        if lookup.lead is None or progress.pending.phone not in lookup.lead.numbers:
            return self._build_unsent(
                flight, progress, response, Issue("task_due", IssueCode.TASK_WITHOUT_LEAD)
            )
        progress.lead_id = str(lookup.lead.id)
        progress.read_again()
        return None

    def _finish_reading(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse
    ) -> DeliveryResult | None:
        """Take the answer to a list, or to a creation that may have arrived, which a list follows."""
        if not flight.is_reading:
            return None
        if response.outcome is DeliveryOutcome.REFUSED and response.status == 404:
            return self._build_unsent(
                flight, progress, response, Issue("task_due", IssueCode.TASK_WITHOUT_LEAD)
            )
        match progress.reading.take(response.tasks):
            case ReadingState.MORE_PAGES:
                return None
            case ReadingState.COMPLETE:
                return self._decide(flight, progress, response)
            case ReadingState.UNREADABLE:
                return self._build_failure(flight, progress, response)

    def _decide(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse
    ) -> DeliveryResult | None:
        """Decide by all tasks of the lead."""
        task = progress.task
        decision = decide_task(task, progress.reading.tasks, self._settings.open_tasks)
        if decision is TaskDecision.EXISTS:
            return self._build_existing(flight, progress, response)
        if progress.is_in_doubt and flight.left_at < flight.not_before:
            progress.read_again()  # it may still arrive
            return None
        if progress.creations >= MAX_ATTEMPTS:
            return self._build_failure(flight, progress, response)
        progress.is_in_doubt = False
        if decision is TaskDecision.KEEP:
            issue = Issue(
                "task_due", IssueCode.TASK_KEPT, "", _describe_open_task(task, progress.reading.tasks)
            )
            return build_task_result(flight, TaskState.KEPT, response, issue)
        progress.step = _Step.CREATE
        return None

    def _finish_creation(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse
    ) -> DeliveryResult | None:
        match response.outcome:
            case DeliveryOutcome.APPLIED:
                return build_task_result(flight, TaskState.CREATED, response)
            case DeliveryOutcome.REFUSED if response.status is None:
                return self._build_too_late(flight, progress, response)
            case DeliveryOutcome.REFUSED | DeliveryOutcome.TURNED_AWAY:
                issue = Issue("task_due", IssueCode.TASK_REFUSED, "", response.message)
                return build_task_result(flight, TaskState.NOT_SENT, response, issue)
            case _:
                return self._build_failure(flight, progress, response)

    # --- results

    def _build_existing(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse
    ) -> DeliveryResult:
        """Return the result of a task that the lead has: ours if it was in doubt, else somebody else's."""
        if progress.is_in_doubt:
            return build_task_result(flight, TaskState.CREATED, response)
        issue = Issue("task_due", IssueCode.TASK_EXISTS, "", format_time(progress.task.due))
        return build_task_result(flight, TaskState.KEPT, response, issue)

    def _build_too_late(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse
    ) -> DeliveryResult:
        issue = Issue("task_due", IssueCode.TASK_TOO_LATE, "", format_time(progress.task.due))
        return self._build_unsent(flight, progress, response, issue)

    def _build_failure(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse
    ) -> DeliveryResult:
        """Return the result of a task that could not be created, or about which nothing could be read."""
        attempts = str(flight.requests)
        issue = Issue("task_due", IssueCode.TASK_FAILED, "", response.message, attempts)
        return self._build_unsent(flight, progress, response, issue)

    def _build_unsent(
        self, flight: InFlightRow, progress: _Progress, response: CrmResponse, issue: Issue
    ) -> DeliveryResult:
        """Return NOT_SENT, or UNKNOWN where an earlier request may have created the task."""
        if progress.is_in_doubt:
            unsure = Issue("task_due", IssueCode.TASK_UNSURE, "", response.message)
            return build_task_result(flight, TaskState.UNKNOWN, response, unsure)
        return build_task_result(flight, TaskState.NOT_SENT, response, issue)


def _describe_open_task(task: Task, existing: Sequence[CrmTask]) -> str:
    """Return the open task that is kept: `SITE_VISIT, 5 Dec 2026, 4:00 pm`."""
    found = find_closed_by(task, existing)
    assert found is not None, "there is an open task, which is why it is kept"
    due = parse_due(found.due_date)
    shown = format_time(due.astimezone(task.due.tzinfo)) if due else found.due_date
    return ", ".join(filter(None, (found.type, shown)))


def _format_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
