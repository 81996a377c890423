"""Whether a lead gets a task, and on which day: pure decisions."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from importer.models.task import CrmTask, OpenTasks, Task, TaskType
from importer.models.work_time import WorkTime
from importer.planner.decide_task import TaskDecision, decide_task
from importer.planner.spread_tasks import DayPlan

DUE = "2026-12-01T11:00+05:30"
CALL = Task(TaskType.FOLLOW_UP_CALL, DUE, "Ask about the flat")
SAME = CrmTask("FOLLOW_UP_CALL", "2026-12-01T05:30:00Z", "Ask about the flat", "OPEN")
OTHER = CrmTask("SITE_VISIT", "2026-12-03T05:30:00Z", None, "OPEN")
DONE = CrmTask("SITE_VISIT", "2026-12-03T05:30:00Z", None, "COMPLETED")
REMINDER = CrmTask("REMINDER", "2026-12-03T05:30:00Z", None, "OPEN")
CREATE, EXISTS, KEEP = TaskDecision.CREATE, TaskDecision.EXISTS, TaskDecision.KEEP

# tasks of the lead -> what becomes of ours, with --open-tasks keep
CASES = [
    ((), CREATE),
    ((SAME,), EXISTS),
    ((CrmTask("FOLLOW_UP_CALL", "2026-12-01T05:30:00.000+00:00", "ask about  the FLAT", "COMPLETED"),), EXISTS),
    ((CrmTask("FOLLOW_UP_CALL", "2026-12-01T05:30:00Z", "Ask about", "OPEN"),), EXISTS),  # the CRM cuts notes
    ((CrmTask("FOLLOW_UP_CALL", "2026-12-01T05:30:00Z", None, "OPEN"),), EXISTS),  # it does not show them
    ((CrmTask("FOLLOW_UP_CALL", "2026-12-01T05:30:00Z", "Another thing", "OPEN"),), KEEP),
    ((CrmTask("FOLLOW_UP_CALL", "2026-12-01T06:30:00Z", "Ask about the flat", "COMPLETED"),), CREATE),
    ((OTHER,), KEEP),
    ((DONE,), CREATE),
    ((REMINDER,), CREATE),  # nothing closes a reminder
    ((DONE, REMINDER, OTHER), KEEP),
    ((CrmTask("SITE_VISIT", "in some days", None, ""),), KEEP),  # no state and no date that we know: it may be open
]  # fmt: skip


@pytest.mark.parametrize(("existing", "decision"), CASES)
def test_open_task_is_kept_and_the_same_task_is_never_created_again(existing, decision):
    """Guarantee "No task before its lead, none in the past, none that closes another": unless --open-tasks replace asks for it."""
    assert decide_task(CALL, existing, OpenTasks.KEEP) is decision
    replaced = CREATE if decision is KEEP else decision
    assert decide_task(CALL, existing, OpenTasks.REPLACE) is replaced


def test_reminder_closes_nothing_so_it_is_created():
    assert decide_task(Task(TaskType.REMINDER, DUE), (OTHER,), OpenTasks.KEEP) is CREATE


INDIA = ZoneInfo("Asia/Kolkata")


def test_tasks_are_spread_over_the_next_days_at_their_own_time():
    """At most so many on one day; Sunday is skipped; a task with a date of its own takes a place there."""
    plan = DayPlan(2, WorkTime())
    friday = dt.datetime(2026, 12, 4, 16, tzinfo=INDIA)
    saturday = dt.datetime(2026, 12, 5, 11, tzinfo=INDIA)
    placed = [plan.place(due) for due in (friday, saturday, friday, friday, friday, friday, saturday)]
    days = [(due.day, due.hour) for due in placed]
    assert days == [(4, 16), (5, 11), (4, 16), (5, 16), (7, 16), (7, 16), (8, 11)]


def test_without_a_limit_every_task_stays_where_it_is():
    due = dt.datetime(2026, 12, 4, 16, tzinfo=INDIA)
    assert {DayPlan(None, WorkTime()).place(due) for _ in range(9)} == {due}


def test_a_hundred_thousand_tasks_are_spread_at_once():
    """Each task must not walk over all the days that are full."""
    plan = DayPlan(5, WorkTime())
    due = dt.datetime(2026, 12, 1, 11, tzinfo=INDIA)
    last = max(plan.place(due) for _ in range(20_000))
    assert (last.date() - due.date()).days > 4_000
