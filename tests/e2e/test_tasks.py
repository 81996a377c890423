"""Follow-up tasks, from the command to the tasks of the leads in the CRM."""

import json
import re
import time
from datetime import datetime, timedelta

import pytest

from importer.messages import task_messages
from importer.sandbox.faults import FaultPlan, InjectedFault
from tests.support import write_csv

ASHA, RAVI, NEHA = "+919845000001", "+919845000002", "+919845000003"
HEADER = ("Phone", "Name", "Next Follow Up Date", "Remarks")
ROWS = [
    (ASHA, "Asha Rao", "tomorrow 11:00", "called"),
    (RAVI, "Ravi Kumar", "kal 4 baje", ""),
    (NEHA, "Neha Shah", "", ""),
]
ANY_TIME = ("--days", "mon-sun", "--hours", "09:00-21:00")
TASK = ("--task", "FOLLOW_UP_CALL", *ANY_TIME, "--yes")
OPTIONS = ("--task", "site-visit", "--due", "tomorrow 11:00", *ANY_TIME, "--yes")


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "leads.csv", [HEADER, *ROWS])


def read_tasks(crm, phone):
    """Return the tasks of a lead as the CRM has them."""
    store = crm.sandbox.store
    found = store.find_by_primary_phone(phone)
    return [] if found is None else store.read_tasks(found[0])


def count_tasks(crm):
    return {phone[-1]: len(read_tasks(crm, phone)) for phone in (ASHA, RAVI, NEHA)}


def read_columns(ended, *names):
    return [tuple(row[name] for name in names) for row in ended.results]


def add_open_task(crm, phone, kind="SITE_VISIT"):
    store = crm.sandbox.store
    store.save(None, phone, {"first_name": "Old"}, None)
    due = (datetime.now().astimezone() + timedelta(days=9)).isoformat()
    store.add_task(store.find_by_primary_phone(phone)[0], {"type": kind, "due_date": due, "status": "OPEN"})


def fail_tasks(crm, **faults):
    plan = dict(zip((ASHA, RAVI), faults.values(), strict=False))
    crm.sandbox.faults.restart(FaultPlan(tasks=plan))


def test_each_row_with_a_due_date_gets_its_task(importer, crm, sheet):
    """`kal 4 baje` is tomorrow at four in India, and a row without a date gets none."""
    ended = importer("run", sheet, *TASK)
    assert ended.code == 0, ended.err
    tomorrow = (datetime.now().astimezone(tz=None) + timedelta(days=1)).date()
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 0}
    (task,) = read_tasks(crm, RAVI)
    assert (task["type"], task["status"]) == ("FOLLOW_UP_CALL", "OPEN")
    due = datetime.fromisoformat(task["due_date"])
    assert (due.hour, due.minute) == (10, 30)  # 16:00 in India
    assert abs((due.date() - tomorrow).days) <= 1
    assert read_columns(ended, "_status", "_task") == [
        ("accepted", "created"),
        ("accepted", "created"),
        ("accepted", ""),
    ]
    assert ended.summary["tasks"] == {"created": 2, "kept": 0, "unknown": 0, "not_sent": 0}


def test_no_task_leaves_before_its_lead_is_accepted(importer, crm, sheet):
    """Guarantee "No task before its lead, none in the past, none that closes another": a refused row gets none, also where the CRM has the lead."""
    add_open_task(crm, ASHA, "REMINDER")
    crm.sandbox.faults.restart(FaultPlan(phones={ASHA: [InjectedFault.REFUSED]}))
    ended = importer("run", sheet, *TASK)
    assert ended.code == 1
    assert read_columns(ended, "_status", "_task")[0] == ("refused", "not_sent")
    posts = [entry for entry in crm.sandbox.store.ledger() if entry["method"] == "POST"]
    accepted = {entry["phone"]: entry["id"] for entry in posts if entry["path"].endswith("/lead")}
    tasks = [entry for entry in posts if entry["path"].endswith("/task")]
    assert [entry["phone"] for entry in tasks] == [RAVI]
    assert all(entry["id"] > accepted[entry["phone"]] for entry in tasks)


def test_column_of_dates_alone_creates_no_task(importer, crm, sheet):
    """Nobody asked for tasks: the dates are additional info, and the notice names --task."""
    ended = importer("run", sheet, "--yes")
    assert ended.code == 0
    assert count_tasks(crm) == {"1": 0, "2": 0, "3": 0}
    assert task_messages.TASKS_NEED_OPTION.format(column="Next Follow Up Date") in ended.out
    fields = crm.sandbox.store.find_by_primary_phone(ASHA)[1]
    assert fields["additional_info"] == "Next Follow Up Date: tomorrow 11:00"
    assert "tasks" not in ended.summary or ended.summary["tasks"] == {}
    assert "_task" not in ended.results[0]


def test_named_column_is_enough(importer, crm, sheet):
    """--column says what the dates are, so that --task is not needed."""
    ended = importer("run", sheet, "--column", "Next Follow Up Date=task_due", *ANY_TIME, "--yes")
    assert ended.code == 0
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 0}


def test_options_give_every_lead_a_task(importer, crm, sheet):
    """--due is for rows without a date of their own."""
    ended = importer("run", sheet, *OPTIONS, "--notify", "15m")
    assert ended.code == 0
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 1}
    (task,) = read_tasks(crm, NEHA)
    due, notify = (datetime.fromisoformat(task[name]) for name in ("due_date", "notify_at"))
    assert (task["type"], due - notify) == ("SITE_VISIT", timedelta(minutes=15))


def test_type_and_note_of_a_row_go_with_its_task(importer, crm):
    rows = [("Phone", "Task due", "Task type", "Task note"), (ASHA, "+2d", "Site visit", "Bring the keys")]
    ended = importer("run", write_csv(importer.folder / "visits.csv", rows), *TASK)
    assert ended.code == 0
    (task,) = read_tasks(crm, ASHA)
    assert (task["type"], task["customer_note"]) == ("SITE_VISIT", "Bring the keys")
    assert crm.sandbox.store.read_notes(1) == []


def test_open_task_is_kept(importer, crm, sheet):
    """Guarantee "No task before its lead, none in the past, none that closes another": the row says which task is open."""
    add_open_task(crm, ASHA)
    ended = importer("run", sheet, *TASK)
    assert ended.code == 0
    assert [task["status"] for task in read_tasks(crm, ASHA)] == ["OPEN"]
    assert read_columns(ended, "_task", "_codes")[0] == ("kept", "task_due.task_kept")
    assert ended.summary["tasks"]["kept"] == 1


def test_open_task_is_replaced_where_that_is_asked_for(importer, crm, sheet):
    add_open_task(crm, ASHA)
    ended = importer("run", sheet, *TASK, "--open-tasks", "replace")
    assert ended.code == 0
    assert [task["status"] for task in read_tasks(crm, ASHA)] == ["COMPLETED", "OPEN"]


def test_tasks_for_new_leads_only(importer, crm, sheet):
    """Each lead is looked up first: one that exists gets no task."""
    add_open_task(crm, ASHA, "REMINDER")
    ended = importer("run", sheet, *OPTIONS, "--task-for", "new")
    assert ended.code == 0
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 1}
    assert [task["type"] for task in read_tasks(crm, ASHA)] == ["REMINDER"]
    assert read_columns(ended, "_plan", "_task") == [
        ("update", ""),
        ("create", "created"),
        ("create", "created"),
    ]


def test_failed_task_leaves_the_row_accepted_and_retry_creates_it(importer, crm, sheet):
    """Exit 1; retry sends no lead again, only the task."""
    fail_tasks(crm, first=[InjectedFault.REFUSED], second=[InjectedFault.DROP_AFTER])
    ended = importer("run", sheet, *TASK, "--timeout", "0.3")
    assert ended.code == 1
    assert read_columns(ended, "_status", "_task")[:2] == [("accepted", "not_sent"), ("accepted", "created")]
    assert ended.summary["open_tasks"] == 1
    assert ended.summary["exit_code"] == 1
    assert "1 task is missing or in doubt" in ended.err
    assert [row["Phone"] for row in ended.failed] == [ASHA]
    crm.sandbox.faults.restart(FaultPlan())
    before = len(crm.sandbox.store.ledger())
    again = importer("retry", ended.folder.name, "--yes")
    assert again.code == 0, again.err
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 0}
    new = [
        (entry["method"], entry["path"].rpartition("/")[2]) for entry in crm.sandbox.store.ledger()[before:]
    ]
    assert new == [("GET", "lead"), ("GET", "task"), ("POST", "task")]
    assert read_columns(again, "_status", "_task") == [("unchanged", "created")]
    assert importer("retry", again.folder.name, "--yes").err.startswith("Run ")


def test_task_in_doubt_is_read_by_retry(importer, crm, sheet, monkeypatch):
    """A task that was created although every answer was lost is found, and is not created a second time.

    The run looks for it 0.6 seconds after its request, when it is not there yet.
    """
    monkeypatch.setattr("importer.sandbox.app._LATE_DELAY_S", 3.0)
    fail_tasks(crm, first=[InjectedFault.DROP_BEFORE] * 4 + [InjectedFault.LATE])
    ended = importer("run", sheet, *TASK, "--timeout", "0.2")
    assert ended.code == 1
    assert read_columns(ended, "_task")[0] == ("unknown",)
    until = time.monotonic() + 60
    while not read_tasks(crm, ASHA):
        assert time.monotonic() < until
        time.sleep(0.02)
    again = importer("retry", ended.folder.name, "--yes")
    assert again.code == 0, again.err
    assert len(read_tasks(crm, ASHA)) == 1
    assert read_columns(again, "_task") == [("created",)]


def test_fixed_rows_bring_their_task(importer, crm, sheet):
    """failed_rows.csv has the columns of the task, so that a refused lead gets its task when it goes in."""
    crm.sandbox.faults.restart(FaultPlan(phones={ASHA: [InjectedFault.REFUSED]}))
    ended = importer("run", sheet, *TASK)
    crm.sandbox.faults.restart(FaultPlan())
    again = importer("run", ended.folder / "failed_rows.csv", "--yes")
    assert again.code == 0, again.err
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 0}


def test_same_task_is_not_created_from_another_folder(importer, crm, sheet, monkeypatch):
    """The account's memory knows it, even if somebody has completed it since."""
    importer("run", sheet, *TASK)
    for phone in (ASHA, RAVI):
        crm.sandbox.store.complete_tasks(crm.sandbox.store.find_by_primary_phone(phone)[0])
    other = importer.folder / "other"
    ended = importer("run", sheet, *TASK, "--reports", other)
    assert ended.code == 0
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 0}
    (results,) = other.glob("*/results.csv")
    assert results.read_text("utf-8-sig").count("kept") == 2
    assert "already created this task" in results.read_text("utf-8-sig")


def test_plan_says_how_many_tasks_and_apply_creates_them(importer, crm, sheet):
    """A plan makes GETs only; a lead that the plan knows needs no look-up for its task."""
    add_open_task(crm, ASHA, "REMINDER")
    planned = importer("plan", sheet, *TASK[:-1])
    assert planned.code == 0, planned.err
    assert {entry["method"] for entry in crm.sandbox.store.ledger()} == {"GET"}
    assert planned.summary["open_tasks"] == 2
    assert re.search(r"Follow-up tasks to create.*\n\s+2  due", planned.out)
    assert not planned.failed
    applied = importer("apply", planned.folder.name, "--yes")
    assert applied.code == 0, applied.err
    assert count_tasks(crm) == {"1": 2, "2": 1, "3": 0}
    assert read_columns_of(planned.folder, "_task") == ["created", "created", ""]


def read_columns_of(folder, name):
    from tests.support import read_csv

    return [row[name] for row in read_csv(folder / "results.csv")]


def test_unchanged_rows_need_no_task_again(importer, crm, sheet):
    """`--changed`: the same sheet tomorrow sends nothing; a new date is something to send."""
    importer("run", sheet, *TASK)
    before = len(crm.sandbox.store.ledger())
    again = importer("run", sheet, *TASK, "--changed")
    assert again.code == 0
    assert again.summary["counts"]["unchanged"] == 3
    assert len(crm.sandbox.store.ledger()) == before
    rows = [HEADER, (*ROWS[0][:2], "+3d 12:00", "called"), *ROWS[1:]]
    third = importer("run", write_csv(sheet, rows), *TASK, "--changed", "--open-tasks", "replace")
    assert third.summary["counts"]["unchanged"] == 2
    assert count_tasks(crm) == {"1": 2, "2": 1, "3": 0}


def test_due_option_of_another_day_does_not_defeat_changed(importer, crm, sheet):
    """A daily import with --due tomorrow gives a task to new leads, not a new one to each lead each day."""
    importer("run", sheet, *OPTIONS)
    again = importer(
        "run", sheet, *OPTIONS[:3], "+3d 12:00", *OPTIONS[4:], "--column", "Next Follow Up Date=", "--changed"
    )
    assert again.code == 0, again.err
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 1}


def test_merged_rows_have_one_task(importer, crm):
    """The lead of two rows gets one task, by the last date."""
    rows = [HEADER, ROWS[0], (ASHA, "Asha Rao", "+3d 12:00", "")]
    ended = importer("run", write_csv(importer.folder / "twice.csv", rows), *TASK)
    assert ended.code == 0
    (task,) = read_tasks(crm, ASHA)
    due = datetime.fromisoformat(task["due_date"])
    assert timedelta(days=1, hours=12) < due - datetime.now().astimezone() < timedelta(days=4)
    assert read_columns(ended, "_status", "_task") == [("accepted", "created"), ("duplicate", "")]


def test_bad_dates_are_issues_of_their_cells(importer, crm):
    """--bad-cells decides: the row is rejected, or goes in without a task."""
    rows = [HEADER, (ASHA, "Asha Rao", "1/1/2020", ""), (RAVI, "Ravi Kumar", "call later", "")]
    path = write_csv(importer.folder / "late.csv", rows)
    ended = importer("run", path, *TASK)
    assert ended.code == 1
    assert read_columns(ended, "_status", "_codes") == [
        ("invalid", "task_due.due_in_past"),
        ("invalid", "task_due.not_a_due_date"),
    ]
    dropped = importer("run", path, *TASK, "--bad-cells", "drop")
    assert dropped.code == 0
    assert count_tasks(crm) == {"1": 0, "2": 0, "3": 0}


WRONG = [
    (["--task", "CALL"], "--task takes"),
    (["--task", "REMINDER"], task_messages.NO_DUE_DATE.message),
    (["--due", "yesterday"], '--due "yesterday"'),
    (["--due", "1/1/2020"], "is in the past"),
    (["--due", "tomorrow", "--hours", "19:00-10:00"], "does not end after it begins"),
    (["--due", "tomorrow", "--days", "monday"], "--days takes"),
    (["--due", "tomorrow", "--timezone", "India"], 'no time zone "India"'),
    (["--due", "tomorrow", "--notify", "soon"], "--notify takes"),
    (["--default", "task_due=whenever"], "is not a clear date"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG, ids=[" ".join(options) for options, _ in WRONG])
def test_options_that_create_no_task_are_refused_before_anything_is_sent(importer, crm, options, sentence):
    path = write_csv(importer.folder / "leads.csv", [("Phone", "Name"), (ASHA, "Asha")])
    ended = importer("run", path, "--yes", *options)
    assert ended.code == 2
    assert sentence in ended.err
    assert crm.sandbox.store.ledger() == []


def test_per_day_spreads_the_tasks(importer, crm):
    """Two a day: the third is due one day later, at the same time."""
    rows = [("Phone", "Name"), *[(f"98450000{n:02d}", f"Lead {n}") for n in range(5)]]
    path = write_csv(importer.folder / "many.csv", rows)
    ended = importer("run", path, *OPTIONS, "--per-day", "2")
    assert ended.code == 0
    assert list(ended.summary["tasks_by_day"].values()) == [2, 2, 1]


def test_task_is_in_the_journal_when_the_run_is_stopped(importer, crm, sheet):
    """The key is refused at the first task: resume creates both, and sends no lead again."""
    crm.sandbox.faults.restart(FaultPlan(tasks={ASHA: [InjectedFault.UNAUTHORIZED]}))
    ended = importer("run", sheet, *TASK, "--concurrency", "1")
    assert ended.code == 3, ended.err
    assert ended.summary["state"] == "stopped"
    before = [
        entry
        for entry in crm.sandbox.store.ledger()
        if entry["path"].endswith("/lead") and entry["method"] == "POST"
    ]
    again = importer("resume", ended.folder.name)
    assert again.code == 0, again.err
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 0}
    after = [
        entry
        for entry in crm.sandbox.store.ledger()
        if entry["path"].endswith("/lead") and entry["method"] == "POST"
    ]
    assert after == before
    assert json.loads((ended.folder / "summary.json").read_text("utf-8"))["tasks"]["created"] == 2


def test_verify_reads_tasks_back(importer, crm, sheet):
    """A task that the CRM does not show fails the verification; the next one that finds it settles that."""
    ended = importer("run", sheet, *TASK, "--verify")
    assert ended.code == 0, ended.err
    sql, (lead_id, _) = crm.sandbox.store.sql, crm.sandbox.store.find_by_primary_phone(ASHA)
    sql.execute("UPDATE tasks SET lead_id = ?1 + 100 WHERE lead_id = ?1", (lead_id,))
    again = importer("verify", ended.folder.name)
    assert again.code == 1
    assert read_columns(ended, "_task", "_codes")[0] == ("unknown", "task_due.task_not_shown")
    sql.execute("UPDATE tasks SET lead_id = ?1 WHERE lead_id = ?1 + 100", (lead_id,))
    third = importer("verify", ended.folder.name)
    assert third.code == 0
    assert read_columns(ended, "_task", "_codes")[0] == ("created", "")
    assert count_tasks(crm) == {"1": 1, "2": 1, "3": 0}
