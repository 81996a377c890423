"""Follow-up tasks in virtual time: none is created twice, over lost answers, late requests, stops and resumes."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.models.crm_lead import CrmLead, CrmPhone, Lookup, LookupState
from importer.models.delivery import PendingRow
from importer.models.task import CrmTask, OpenTasks, PendingTask, Task, TaskPage, TaskState, TaskType
from importer.sender.send_loop import Runtime, SendSettings, StopRequest, send
from importer.sender.task_requests import TaskRequests, TaskSettings
from tests.sender.scripted_server import DOWN, LOST, NO, OK, SLOW
from tests.sender.simulation import BUSY, MemoryJournal, VirtualLoop

BEGAN = datetime(2026, 11, 30, 10, tzinfo=UTC)
DUE = (BEGAN + timedelta(days=1)).isoformat()
TIMEOUT_S = 2.0
SETTLE_S = 3 * TIMEOUT_S
LOST_AFTER, LATE = "created, and the answer is lost", "created long after the connection was lost"
LATE_HOLD = "created long after a 503 that asks to wait for a second"
HOLD = msgspec.structs.replace(BUSY, retry_after_s=1.0)
LATE_S = 4.0
LEAD = "919800000000"


class TaskServer:
    """The tasks of leads, by phone. Creations and reads are answered from scripts, then as the CRM would."""

    def __init__(self, creations=(), reads=()):
        self.creations, self.reads = list(creations), list(reads)
        self.tasks = {}
        self.bodies = []
        self.read_count = 0

    async def look_up(self, phone):
        await asyncio.sleep(0.05)
        lead = CrmLead(id=phone.removeprefix("+"), phones=(CrmPhone(phone),))
        return msgspec.structs.replace(OK, lookup=Lookup(state=LookupState.FOUND, at="", lead=lead))

    async def read_tasks(self, lead_id, page):
        self.read_count += 1
        await asyncio.sleep(0.05)
        if self.reads and (answer := self.reads.pop(0)) is not OK:
            return answer
        found = self.tasks.get(lead_id, [])
        rows = tuple(found[(page - 1) * 20 : page * 20])
        return msgspec.structs.replace(OK, tasks=TaskPage(rows, -(-len(found) // 20)))

    async def create_task(self, lead_id, body):
        self.bodies.append(body)
        await asyncio.sleep(0.05)
        answer = self.creations.pop(0) if self.creations else OK
        if answer is OK or answer is LOST_AFTER:
            self._save(lead_id, body)
        if answer in (LATE, LATE_HOLD):
            asyncio.get_running_loop().call_later(LATE_S, self._save, lead_id, body)
        lost = {LOST_AFTER: LOST, LATE: LOST, LATE_HOLD: HOLD}
        return lost[answer] if isinstance(answer, str) else answer

    async def probe_once(self, sleep):
        await asyncio.sleep(0.05)
        return OK

    def _save(self, lead_id, body):
        task = CrmTask(body["type"], body["due_date"], body.get("customer_note"), "OPEN")
        self.tasks.setdefault(lead_id, []).append(task)


class TaskMemory(MemoryJournal):
    """A journal of tasks without a disk."""

    def __init__(self, tasks):
        super().__init__()
        self.tasks = {task.number: task for task in tasks}
        self.rows = [PendingRow(number=one.number, phones=(one.phone,), payload={}) for one in tasks]
        self.begun = set()
        self.withdrawn = []

    def get_task(self, number):
        return self.tasks[number]

    def begin_tasks(self, tasks):
        self.begun |= {one.number for one, _ in tasks}
        return [one for one, _ in tasks]

    def record(self, batch):
        self.withdrawn += batch.withdrawn
        return super().record(batch)


def build_task(number=0, **values):
    task = Task(TaskType.FOLLOW_UP_CALL, values.pop("due_at", DUE), values.pop("note", ""))
    return PendingTask(number=number, phone=f"+9198{number:08d}", task=task, **values)


def create(server, tasks, *, loop=None, open_tasks=OpenTasks.KEEP, notify=None, stop_at=None, journal=None):
    """Create the tasks. Return the journal, and whether all are settled."""
    loop = loop or VirtualLoop()
    journal = journal or TaskMemory(tasks)
    task_settings = TaskSettings(open_tasks=open_tasks, timeout_s=TIMEOUT_S, notify=notify)

    def get_stop_request():
        is_over = stop_at is not None and loop.time() >= stop_at
        return StopRequest.NOW if is_over else StopRequest.NO

    is_finished = loop.run_until_complete(
        send(
            journal,
            server,
            SendSettings(rate_per_s=100.0, concurrency=4, max_wait_s=900.0),
            total=len(tasks),
            on_progress=lambda _: None,
            get_stop_request=get_stop_request,
            runtime=Runtime(clock=loop.time, sleep=asyncio.sleep, rng=random.Random(1)),
            make_requests=lambda writer: TaskRequests(
                journal, task_settings, writer=writer, now=lambda: BEGAN + timedelta(seconds=loop.time())
            ),
        )
    )
    return journal, is_finished


def get_states(journal):
    return {number: result.task for number, result in journal.results.items()}


def test_task_is_created_for_the_lead_that_was_found():
    """The lead's id, its tasks, then the task: three requests, and the times in UTC as the API takes them."""
    server = TaskServer()
    journal, _ = create(server, [build_task(note="Ask about the flat")], notify=timedelta(minutes=15))
    assert get_states(journal) == {0: TaskState.CREATED}
    assert server.bodies == [
        {
            "type": "FOLLOW_UP_CALL",
            "due_date": "2026-12-01T10:00:00Z",
            "notify_at": "2026-12-01T09:45:00Z",
            "customer_note": "Ask about the flat",
        }
    ]


def test_intent_is_on_disk_before_the_task_leaves():
    """A crash right after the request finds the intent (docs/guarantees.md, "A task is created at most once")."""
    journal = TaskMemory([build_task()])

    class CheckingServer(TaskServer):
        async def create_task(self, lead_id, body):
            assert journal.begun == {0}
            return await super().create_task(lead_id, body)

    create(CheckingServer(), [build_task()], journal=journal)
    assert get_states(journal) == {0: TaskState.CREATED}


def test_known_lead_needs_no_look_up():
    server = TaskServer()
    journal, _ = create(server, [build_task(lead_id=LEAD)])
    assert journal.results[0].attempts == 2


# answers to the creations -> what became of the task, how many the lead has, how many requests created
DOUBTS = [
    ([LOST_AFTER], TaskState.CREATED, 1, 1),
    ([LATE], TaskState.CREATED, 1, 1),
    ([LATE_HOLD], TaskState.CREATED, 1, 1),
    ([LOST], TaskState.CREATED, 1, 2),
    ([BUSY, LATE], TaskState.CREATED, 1, 2),
    ([DOWN, SLOW, OK], TaskState.CREATED, 1, 3),
    ([NO], TaskState.NOT_SENT, 0, 1),
    ([DOWN] * 5, TaskState.NOT_SENT, 0, 5),
    ([LOST] * 5, TaskState.UNKNOWN, 0, 5),
    ([LOST] * 4 + [LOST_AFTER], TaskState.CREATED, 1, 5),
]


@pytest.mark.parametrize(("creations", "state", "count", "sent"), DOUBTS)
def test_doubt_is_settled_by_reading_the_tasks(creations, state, count, sent):
    """Guarantee "A task is created at most once": what may have arrived is read before anything is sent again."""
    server = TaskServer(creations)
    journal, _ = create(server, [build_task()])
    assert get_states(journal) == {0: state}
    assert sum(map(len, server.tasks.values())) == count
    assert len(server.bodies) == sent


def test_late_request_is_waited_for_before_a_list_is_believed():
    """A gateway gives up, and the service behind it goes on: a list that is read at once proves nothing."""
    loop = VirtualLoop()
    server = TaskServer([LATE])
    create(server, [build_task()], loop=loop)
    assert len(server.tasks[LEAD]) == 1
    assert loop.time() >= SETTLE_S


@pytest.mark.parametrize("reads", [[LOST] * 9, [DOWN] * 9, [NO]])
def test_unreadable_tasks_mean_that_nothing_is_created(reads):
    """Without the list, nobody knows what a new task would close."""
    server = TaskServer(reads=reads)
    journal, _ = create(server, [build_task()])
    assert get_states(journal) == {0: TaskState.NOT_SENT}
    assert not server.bodies


def test_task_whose_time_has_come_is_not_created():
    """Guarantee "No task before its lead, none in the past, none that closes another": also after a long wait for the CRM."""
    soon = (BEGAN + timedelta(seconds=30 + SETTLE_S)).isoformat()
    server = TaskServer([LOST])
    journal, _ = create(server, [build_task(due_at=soon)])
    assert get_states(journal) == {0: TaskState.NOT_SENT}
    assert [issue.code for issue in journal.results[0].issues] == ["task_too_late"]
    assert len(server.bodies) == 1


def test_notification_that_would_be_past_is_moved_to_the_due_date():
    """The API takes only a later time (docs/api.md, "Tasks")."""
    server = TaskServer()
    due = BEGAN + timedelta(minutes=5)
    create(server, [build_task(due_at=due.isoformat())], notify=timedelta(minutes=15))
    assert server.bodies[0]["notify_at"] == server.bodies[0]["due_date"]


def test_all_pages_are_read_before_an_open_task_is_missed():
    """The open task may be the last of many."""
    server = TaskServer()
    closed = CrmTask("SITE_VISIT", DUE, None, "COMPLETED")
    server.tasks[LEAD] = [closed] * 45 + [CrmTask("SITE_VISIT", DUE, None, "OPEN")]
    journal, _ = create(server, [build_task()])
    assert get_states(journal) == {0: TaskState.KEPT}
    assert not server.bodies


ANSWERS = st.sampled_from([OK, OK, OK, LOST, LOST_AFTER, LATE, LATE_HOLD, DOWN, SLOW, BUSY, NO])
READS = st.sampled_from([OK, OK, OK, LOST, DOWN, SLOW])


@settings(max_examples=40)
@given(
    creations=st.lists(ANSWERS, max_size=14),
    reads=st.lists(READS, max_size=14),
    stops=st.lists(st.floats(0, 30), max_size=3),
    count=st.integers(1, 4),
)
def test_no_second_task_over_faults_stops_and_resumes(creations, reads, stops, count):
    """Whatever fails, and wherever the run is stopped: one task at most, and the report says what is there."""
    server = TaskServer(creations, reads)
    loop = VirtualLoop()
    tasks, states = [build_task(number) for number in range(count)], {}
    for stop_at in [*sorted(stops), None]:
        journal, _ = create(server, tasks, loop=loop, stop_at=stop_at and loop.time() + stop_at)
        states |= get_states(journal)
        certain = {row.number for row in journal.withdrawn}
        tasks = [
            msgspec.structs.replace(
                one,
                is_in_doubt=one.is_in_doubt or (one.number in journal.begun and one.number not in certain),
            )
            for one in tasks
            if one.number not in states
        ]
        loop.run_until_complete(asyncio.sleep(SETTLE_S))  # as a resume does
        counted = Counter({lead: len(found) for lead, found in server.tasks.items()})
        assert not counted or max(counted.values()) == 1
    assert not tasks
    for number, state in states.items():
        is_there = f"9198{number:08d}" in server.tasks
        assert state is not TaskState.CREATED or is_there
        assert state is not TaskState.NOT_SENT or not is_there
        assert state is not TaskState.KEPT


def test_task_in_doubt_waits_without_asking():
    """Until the CRM can tell, the list is read once: not again and again by a worker that others need."""
    server = TaskServer([LATE_HOLD])
    create(server, [build_task()])
    assert server.read_count == 3  # before the creation, right after the hold, and once it is certain
