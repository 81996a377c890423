"""One sheet from two folders: one run at a time sends to an account, and a note goes in once (FINDINGS, "Three laptops")."""

import os
import shutil
import signal
import time
from contextlib import contextmanager

import pytest

from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.state.state_folder import STATE_DIR_VARIABLE
from tests.prepared_python import StartedCommand
from tests.support import leads, read_csv, write_csv

ROWS = [
    ["Phone", "Name", "Note"],
    *([f"98450100{n:02d}", f"Person {n}", f"called {n}"] for n in range(1, 31)),
]


@pytest.fixture
def folders(importer):
    """Return two working folders, each with its copy of the sheet."""
    made = [importer.folder / "Desktop", importer.folder / "Downloads"]
    for folder in made:
        folder.mkdir()
        write_csv(folder / "leads.csv", ROWS)
    return made


@contextmanager
def start(folder, *arguments):
    """Start the command in a process of its own, and kill it at the end."""
    process = StartedCommand(*arguments, folder=folder, environment=os.environ)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_leads(crm, count):
    until = time.monotonic() + 60
    while len(leads(crm)) < count:
        assert time.monotonic() < until
        time.sleep(0.01)


def read_results(folder):
    (path,) = (folder / "reports").glob("*/results.csv")
    return read_csv(path)


def count_notes(crm):
    return sorted({len(lead.get("notes", ())) for lead in leads(crm).values()})


def test_second_folder_knows_the_notes_of_the_first(importer, crm, folders, monkeypatch):
    """The memory is the account's, not the reports folder's."""
    for folder in folders:
        monkeypatch.chdir(folder)
        assert importer("run", "leads.csv", "--yes", "--rate", "500").code == 0
    assert count_notes(crm) == [1]
    assert {row["_note"] for row in read_results(folders[1])} == {"sent"}
    (run,) = (folders[0] / "reports").glob("*/journal.sqlite")
    assert {row["_codes"] for row in read_results(folders[1])} == {"customer_note.note_repeated"}
    assert run.parent.name in read_results(folders[1])[0]["_problems"]


@pytest.mark.parametrize("command", ["run", "resume", "retry"])
def test_account_has_one_sender_at_a_time(importer, crm, folders, monkeypatch, command):
    """Another file and another folder make no difference. Exit 4 names the run, its file and its folder."""
    monkeypatch.chdir(folders[1])
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.REDIRECT, from_request=3))
    write_csv(folders[1] / "other.csv", [["Phone"], ["9845020001"], ["9845020002"], ["9845020003"]])
    assert importer("run", "other.csv", "--yes", "--run-id", "stopped").code == 3
    crm.sandbox.faults.restart(FaultPlan(latency=0.05))
    before = len(leads(crm))
    with start(folders[0], "run", "leads.csv", "--yes", "--rate", "2", "--run-id", "first"):
        wait_for_leads(crm, before + 2)
        arguments = {"run": ["other.csv", "--yes"], "resume": ["stopped"], "retry": ["stopped", "--yes"]}
        ended = importer(command, *arguments[command])
    assert ended.code == 4
    assert "Run first is sending leads.csv to this account right now." in ended.err
    assert f"It is in {folders[0] / 'reports'}." in ended.err


def test_killed_run_is_named_in_the_other_folder_and_its_notes_stay_in(importer, crm, folders, monkeypatch):
    """What the killed run may have sent goes again without its note."""
    crm.sandbox.faults.restart(FaultPlan(latency=0.02))
    with start(folders[0], "run", "leads.csv", "--yes", "--rate", "30", "--run-id", "killed") as process:
        wait_for_leads(crm, 5)
        process.send_signal(signal.SIGKILL)
    crm.sandbox.faults.restart(FaultPlan())
    monkeypatch.chdir(folders[1])
    resume = f"importer resume killed --reports {folders[0] / 'reports'}"
    for command in (["check"], ["run", "--yes", "--rate", "500"]):
        ended = importer(command[0], "leads.csv", *command[1:])
        assert ended.code == 0
        assert "Run killed started to send this file and did not finish." in ended.out
        assert resume in ended.out
    assert len(leads(crm)) == 30
    monkeypatch.chdir(importer.folder)
    assert importer("resume", *resume.split()[2:]).code == 0
    assert max(count_notes(crm)) == 1
    assert "did not finish" not in importer("check", folders[1] / "leads.csv").out


def test_reports_folder_of_another_computer_brings_its_notes(importer, crm, folders, monkeypatch, tmp_path):
    """A folder on a USB stick goes there and back: what was sent meanwhile is known on both computers."""
    monkeypatch.chdir(folders[0])
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.REDIRECT, from_request=10))
    assert importer("run", "leads.csv", "--yes", "--run-id", "travels", "--concurrency", "1").code == 3
    here = os.environ[STATE_DIR_VARIABLE]
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path / "other computer"))
    assert importer("resume", "travels").code == 3
    crm.sandbox.faults.restart(FaultPlan())
    assert importer("resume", "travels").code == 0
    monkeypatch.setenv(STATE_DIR_VARIABLE, here)
    shutil.copytree(folders[0] / "reports", folders[1] / "reports")
    monkeypatch.chdir(folders[1])
    assert importer("run", "leads.csv", "--yes", "--rate", "500").code == 0
    assert count_notes(crm) == [1]


def test_state_folder_that_cannot_be_written_stops_run_and_not_check(importer, crm, folders, monkeypatch):
    """Nothing is sent without a memory. A check needs none."""
    in_the_way = importer.folder / "state"
    in_the_way.write_text("a file")
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(in_the_way))
    monkeypatch.chdir(folders[0])
    ended = importer("run", "leads.csv", "--yes")
    assert ended.code == 2
    assert f"Cannot write to the state folder {in_the_way}" in ended.err
    assert "Traceback" not in ended.err
    assert crm.sandbox.store.ledger() == []
    assert importer("check", "leads.csv").code == 0


def test_key_that_was_refused_is_not_remembered(importer, crm, folders, monkeypatch, state_dir):
    """Nothing shows which account it would open, so it must not join one."""
    monkeypatch.chdir(folders[0])
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.REDIRECT, from_request=3))
    assert importer("run", "leads.csv", "--yes", "--run-id", "stopped").code == 3
    crm.sandbox.faults.restart(FaultPlan())
    before = [path.read_bytes() for path in state_dir.glob("*/account.json")]
    monkeypatch.setenv("SUPERFONE_API_KEY", "wrong")
    assert importer("resume", "stopped").code == 3
    assert [path.read_bytes() for path in state_dir.glob("*/account.json")] == before != []
