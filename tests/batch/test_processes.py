"""A process for each account: what is killed hurts no other account, and no process shows a key."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from importer.batch import account_processes
from importer.batch.account_processes import AccountProcesses, Board, BoardLink, Cell, compute_places
from importer.batch.manifest import Manifest
from importer.sender.send_loop import Progress, StopRequest

GIB = 1 << 30
LONG = "rate = 40\ntimeout = 5\n"


class Running:
    """The command as a process of its own, in a process group as a terminal makes it."""

    def __init__(self, agency, *flags):
        self.agency = agency
        self._process = subprocess.Popen(
            [sys.executable, "-m", "importer", "batch", "manifest.toml", "--yes", *flags],
            cwd=agency.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.pid = self._process.pid

    def wait_for_rows(self, rows, account="acme", timeout_s=60):
        """Wait until the account has so many leads."""
        until = time.monotonic() + timeout_s
        while len(self.agency.accounts.list_phones(account)) < rows:
            assert self._process.poll() is None, self._process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)

    def list_workers(self):
        """Return the processes of the accounts: their parent is the one that forks them."""
        found = psutil.Process(self.pid).children(recursive=True)
        return [one for one in found if one.ppid() != self.pid and "forkserver" in " ".join(one.cmdline())]

    def end(self):
        """Return the exit code, the output and the errors."""
        out, err = self._process.communicate(timeout=100)
        return self._process.returncode, out, err


@pytest.fixture
def busy(agency):
    """Return the agency with two accounts whose sheets take two seconds, and real processes."""
    for name in ("acme", "birla"):
        agency.write_sheet(name, "a.csv", 80, Notes="asked for a plan")
    jobs = "".join(f'[[jobs]]\naccount = "{name}"\nfile = "{name}/a.csv"\n' for name in ("acme", "birla"))
    path = agency.write_manifest(jobs)
    path.write_text(path.read_text("utf-8").replace("rate = 500\n", LONG), "utf-8")
    return agency


def finish(agency, rows=80):
    """Run the same command again: every row is in its account once, and no note twice."""
    code, out, err = Running(agency).end()
    assert code == 0, (out, err)
    agency.check_conservation()
    for name in ("acme", "birla"):
        leads = list(agency.accounts.sandboxes[name].store.all_leads())
        assert len(leads) == rows
        assert all(len(lead["notes"]) <= 1 for lead in leads)


def test_killed_process_hurts_its_account_alone(busy):
    """Guarantee "Accounts apart": the other account is finished, and the same command brings the killed one home."""
    running = Running(busy)
    running.wait_for_rows(15)
    running.wait_for_rows(15, "birla")
    running.list_workers()[0].kill()
    code, out, err = running.end()
    assert code == 3, (out, err)
    assert "Traceback" not in err
    states = sorted(busy.list_states().values())
    assert states == [["finished"], ["interrupted"]]
    busy.check_conservation()
    finish(busy)


def test_killed_command_leaves_nothing_running_and_the_same_command_goes_on(busy):
    """The processes of the accounts finish their requests under way and end. The next command waits for them."""
    running = Running(busy)
    running.wait_for_rows(15)
    workers = running.list_workers()
    os.kill(running.pid, signal.SIGKILL)
    running.end()
    finish(busy)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert [
        one for one in alive if one.status() != psutil.STATUS_ZOMBIE
    ] == []  # init may be slow to bury them


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_reaches_all_processes_and_the_same_command_goes_on(busy, times):
    """A terminal sends Ctrl-C to all of them. Each account stops, and none is killed."""
    running = Running(busy)
    running.wait_for_rows(15)
    for _ in range(times):
        os.killpg(running.pid, signal.SIGINT)
        time.sleep(0.1)
    code, out, err = running.end()
    assert code == 130, (out, err)
    assert "Traceback" not in err
    assert "unexpectedly" not in out
    busy.check_conservation()
    finish(busy)


def test_processes_leave_signals_to_the_command(busy):
    """What a service that stops sends to all of them would kill one that writes reports. The command asks them to stop."""
    running = Running(busy)
    running.wait_for_rows(15)
    for worker in running.list_workers():
        worker.terminate()
    code, out, err = running.end()
    assert code == 0, (out, err)
    busy.check_conservation()


def test_no_process_and_no_file_shows_a_key(busy, monkeypatch):
    """Guarantee "The key is never shown": argv, logs, reports, state; the reading process has it in no variable either."""
    for name in ("acme", "birla"):
        canary = f"sk-live-{name}-3fa2c1d09b8e"
        monkeypatch.setenv(f"KEY_{name.upper()}", canary)
        sandbox = busy.accounts.sandboxes[name]
        sandbox.options = type(sandbox.options)(api_key=canary)
    running = Running(busy)
    seen = {}
    while running._process.poll() is None:
        for one in (
            psutil.Process(running.pid).children(recursive=True) if psutil.pid_exists(running.pid) else ()
        ):
            try:
                words = " ".join(one.cmdline())
                is_reader = "importer.reader.worker" in words
                seen[one.pid] = words + (" ".join(one.environ().values()) if is_reader else "")
            except psutil.Error:
                continue
        time.sleep(0.02)
    code, out, err = running.end()
    assert code == 0, (out, err)
    assert sum("importer.reader.worker" in words for words in seen.values()) >= 1
    assert "sk-live" not in "".join((out, err, *seen.values()))
    state = os.environ["IMPORTER_STATE_DIR"]
    files = [path for folder in (busy.reports, Path(state)) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if b"sk-live" in path.read_bytes()] == []


def test_no_list_is_fetched_after_the_end(tmp_path, monkeypatch):
    """After Ctrl-C Python worked off the accounts that waited: with 200 of them the command seemed not to end."""
    begun, may_end = [], threading.Event()

    def fetch(request):
        begun.append(request)
        may_end.wait()
        return request

    monkeypatch.setattr(account_processes, "fetch_lists", fetch)
    monkeypatch.setattr(account_processes, "_start_fork_server", lambda: None)
    with AccountProcesses(Manifest(folder=tmp_path, accounts={}, jobs=())) as processes:
        futures = [processes.fetch_lists(number) for number in range(40)]
    may_end.set()
    assert {future.result() for future in futures if not future.cancelled()} == set(begun)
    assert len(begun) <= 16


def test_command_ends_while_a_list_is_fetched():
    """A CRM that accepts connections and never answers kept it for two minutes after Ctrl-C."""
    program = (
        "import threading; from importer.batch.daemon_threads import DaemonThreads; "
        "DaemonThreads(2, 'lists').submit(threading.Event.wait, threading.Event())"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


# --- how many at once


@pytest.mark.parametrize(
    ("at_once", "cores", "free", "files", "expected"),
    [
        (None, 2, 64 * GIB, 1000, (2, 48)),
        (None, 8, 64 * GIB, 1000, (8, 192)),
        (None, 8, 1 * GIB, 1000, (8, 8)),
        (None, 8, 64 * GIB, 60, (8, 60)),
        (200, 2, 64 * GIB, 1000, (2, 200)),
        (200, 2, 4 * GIB, 1000, (2, 32)),
        (1, 8, 64 * GIB, 1000, (1, 1)),
        (None, 2, 0, 1000, (1, 1)),
    ],
)
def test_cores_memory_and_files_limit_the_accounts_at_once(at_once, cores, free, files, expected):
    """--at-once asks for more than the default, and never for more than the computer has."""
    assert compute_places(at_once, cores=cores, free_bytes=free, max_processes=files) == expected


def test_accounts_write_their_own_figures_and_read_what_is_asked():
    """The board has no lock: a process that is killed while it writes blocks nobody."""
    board = Board(["a", "b"])
    link, other = (BoardLink(board.cells, board.get_place(name)) for name in ("a", "b"))
    link.report_progress(Progress(3, 10, 1, 40.0, 0.0))
    other.report_judged(7)
    assert (board.read("a", Cell.DONE), board.read("a", Cell.TOTAL), board.read("b", Cell.DONE)) == (3, 10, 0)
    assert board.read("b", Cell.JUDGED) == 7
    board.request_stop(StopRequest.NOW)
    assert link.get_stop_request() is other.get_stop_request() is StopRequest.NOW


def test_orphan_begins_no_request():
    """The program is gone, so nobody would hear of what is sent."""
    board = Board(["a"])
    link = BoardLink(board.cells, board.get_place("a"))
    assert link.get_stop_request() is StopRequest.NO
    link.is_orphaned = True
    assert link.get_stop_request() is StopRequest.DRAIN
    board.request_stop(StopRequest.NOW)
    assert link.get_stop_request() is StopRequest.NOW
