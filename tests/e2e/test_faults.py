"""The whole tool with faults over real sockets: a sample of `make torture`, every way to stop, and no leaked key."""

import itertools
import json
import os
import random
import signal
import sqlite3
import time

import msgspec
import pytest

from importer.cli.main import main
from importer.errors import DiskWriteError
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.sandbox.server import run_sandbox
from tests.prepared_python import StartedCommand
from tests.support import KEY, leads, read_csv, write_csv
from tests.torture import (
    Tally,
    Trial,
    run_fault_trial,
    run_kill_trial,
    run_poisoned_trial,
    run_two_folders_trial,
    start_crm,
)

# --- a sample of the torture


@pytest.fixture(scope="module")
def torture_crm():
    """Start a sandbox in its own process."""
    with start_crm(26) as sandbox:
        yield sandbox


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize(
    "fault", [*InjectedFault, None], ids=lambda fault: fault.value if fault else "all mixed"
)
def test_fault_loses_and_doubles_nothing_and_is_reported(torture_crm, tmp_path, fault):
    """The sandbox's ledger agrees with the journal and the reports, row by row, also after resume, retry and another run."""
    tally = Tally("")
    number = 1 + [*InjectedFault, None].index(fault)
    run_fault_trial(
        fault, number, torture_crm, tmp_path / "reports", random.Random(number), tally, rows=18, concurrency=8
    )
    assert (tally.lost, tally.doubled, tally.wrong) == (0, 0, 0), tally.findings


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("seed", range(3))
def test_poisoned_rows_end_by_themselves(torture_crm, tmp_path, seed):
    """The CRM always fails on some rows: they end as unknown, the others go in, and the run does not stop."""
    tally = Tally("")
    run_poisoned_trial(700 + seed, torture_crm, tmp_path, random.Random(seed), tally, rows=18)
    assert (tally.lost, tally.doubled, tally.wrong) == (0, 0, 0), tally.findings


@pytest.mark.parametrize("seed", range(4))
def test_kill_9_at_any_moment_loses_and_doubles_nothing(torture_crm, tmp_path, seed):
    """Resumes are killed too, and the run is finished in the end."""
    tally = Tally("")
    reports = tmp_path / "reports"
    run_kill_trial(900 + seed, torture_crm, reports, random.Random(seed), tally, span_s=0.7)
    assert (tally.lost, tally.doubled, tally.wrong) == (0, 0, 0), tally.findings


@pytest.mark.parametrize("seed", range(3))
def test_two_folders_at_once_lose_and_double_nothing(torture_crm, tmp_path, seed):
    """Both send the same sheet at the same time, and both are killed."""
    tally = Tally("")
    run_two_folders_trial(950 + seed, torture_crm, tmp_path, random.Random(seed), tally, span_s=0.7)
    assert (tally.lost, tally.doubled, tally.wrong) == (0, 0, 0), tally.findings


def test_trial_goes_on_after_a_kill_right_at_the_start(torture_crm, tmp_path):
    """A run that was killed with an empty folder has sent nothing, and its id stays taken."""
    trial = Trial(999, torture_crm, tmp_path, random.Random(0), rows=3)
    (tmp_path / trial.run_id).mkdir()
    trial.resume()
    assert trial.is_finished


# --- stops


def make_rows(count):
    return [["Phone", "Note"], *[[f"98450{n:05}", f"note {n}" if n % 3 == 0 else ""] for n in range(count)]]


def has_every_row_once(sandbox, count):
    """Return whether every lead is there, and every note once."""
    return {phone: lead.get("notes", []) for phone, lead in leads(sandbox).items()} == {
        f"+9198450{n:05}": [f"note {n}"] if n % 3 == 0 else [] for n in range(count)
    }


class Process:
    """`importer run` in its own process, slow enough to be stopped while it sends."""

    count = 150

    def __init__(self, sandbox, folder):
        self.sandbox = sandbox
        self.folder = folder
        self.environment = {**os.environ, "SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": sandbox.base_url}
        write_csv(folder / "x.csv", make_rows(self.count))

    def start(self, *options, before=""):
        options = ("--yes", "--run-id", "r", "--concurrency", "8", *options)
        return self.call("run", "x.csv", *options, before=before)

    def call(self, *arguments, before=""):
        return StartedCommand(*arguments, folder=self.folder, environment=self.environment, before=before)

    def wait_for_requests(self, count):
        """Wait until the CRM has received so many requests."""
        until = time.monotonic() + 60
        while len(self.sandbox.sandbox.store.ledger()) < count:
            assert time.monotonic() < until
            time.sleep(0.01)

    @property
    def summary(self):
        return json.loads((self.folder / "reports" / "r" / "summary.json").read_text("utf-8"))

    def can_be_finished_by_resume(self):
        child = self.call("resume", "r", "--rate", "500")
        child.communicate(timeout=60)
        return child.returncode == 0 and has_every_row_once(self.sandbox, self.count)


@pytest.fixture
def slow(tmp_path):
    with run_sandbox(SandboxOptions(latency=0.05)) as sandbox:
        yield Process(sandbox, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_one_signal_finishes_rows_in_flight_and_exits_130(slow, number):
    """After Ctrl-C, SIGTERM or a closed terminal no row is in doubt, the reports are written, and resume continues."""
    child = slow.start("--rate", "20")
    slow.wait_for_requests(20)
    child.send_signal(number)
    _, error_output = child.communicate(timeout=60)
    assert child.returncode == 130
    assert error_output.strip().splitlines()[-1].endswith("Continue with: importer resume r")
    counts = slow.summary["counts"]
    assert counts["unknown"] == 0
    assert counts["accepted"] == len(leads(slow.sandbox)) >= 20
    assert counts["accepted"] + counts["pending"] == slow.count
    assert slow.summary["state"] == "interrupted"
    assert slow.can_be_finished_by_resume()


def test_closed_terminal_does_not_stop_a_run_under_nohup(slow):
    """A signal that was ignored when the command began stays ignored."""
    child = slow.start("--rate", "60", before="import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    slow.wait_for_requests(20)
    child.send_signal(signal.SIGHUP)
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert has_every_row_once(slow.sandbox, slow.count)


TELL_SIGNALS = """
import os
from importer.pipeline.send_and_report import _SignalCounter
count = _SignalCounter.handle
def count_and_tell(counter, number, frame):
    count(counter, number, frame)
    os.write(2, b"Counted a signal.")
_SignalCounter.handle = count_and_tell
"""


def test_second_ctrl_c_does_not_wait_for_answers(slow):
    """Rows in flight are unknown, the reports are written, and resume continues."""
    slow.sandbox.sandbox.faults.restart(FaultPlan(always=InjectedFault.STALL_AFTER, from_request=10))
    child = slow.start("--rate", "60", before=TELL_SIGNALS)
    slow.wait_for_requests(14)
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    while "Counted a signal." not in child.errors:  # two signals that come at once are one
        assert time.monotonic() - began < 25
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, error_output = child.communicate(timeout=25)
    assert time.monotonic() - began < 25  # an answer would have been waited for 30 seconds
    assert child.returncode == 130
    assert "importer resume r" in error_output
    counts = slow.summary["counts"]
    assert counts["unknown"] >= 1
    assert sum(counts.values()) == slow.count
    slow.sandbox.sandbox.faults.restart(FaultPlan())
    assert slow.can_be_finished_by_resume()


def test_full_disk_stops_the_run_and_resume_continues(slow, tmp_path):
    """Exit 3 and one sentence. What was written is kept, and resume continues once there is space."""
    size = 260_000
    # Coverage could not write its own file either, and would print that on our standard error.
    slow.environment = {name: v for name, v in slow.environment.items() if not name.startswith("COV")}
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"
    child = slow.start("--rate", "60", before=limit)
    _, error_output = child.communicate(timeout=60)
    assert child.returncode == 3, error_output
    assert len(error_output.strip().splitlines()) == 1
    assert "Cannot write" in error_output
    # A last small commit may still fit. Then the end of the run names the command; otherwise the error does.
    assert error_output.strip().lower().endswith("continue with: importer resume r")
    resumed = slow.call("resume", "r")
    resumed.communicate(timeout=60)
    assert resumed.returncode == 0
    results = read_csv(tmp_path / "reports" / "r" / "results.csv")
    assert [row["_status"] for row in results] == ["accepted"] * slow.count
    notes = {phone: lead.get("notes", []) for phone, lead in leads(slow.sandbox).items()}
    assert len(notes) == slow.count
    for row in results:
        there = notes[row["_phone"]]
        assert len(there) <= 1 if row["_note"] == "unknown" else there == [row["Note"]] * bool(row["Note"])


def test_process_killed_during_the_check_blocks_nothing(slow, tmp_path):
    """Its run sent nothing, its id is free, its file is not locked, and `importer runs` says what it was."""
    write_csv(tmp_path / "x.csv", make_rows(60_000))
    child = slow.start()
    staging = tmp_path / "reports" / "r" / "staging.sqlite"
    until = time.monotonic() + 60
    while not staging.exists():
        assert time.monotonic() < until
        time.sleep(0.005)
    child.kill()
    child.communicate()
    if not staging.exists():
        pytest.skip("the check was over before it could be killed")
    resumed = slow.call("resume", "r")
    _, error_output = resumed.communicate(timeout=60)
    assert resumed.returncode == 2
    assert "nothing was sent" in error_output
    listed, _ = slow.call("runs").communicate(timeout=60)
    assert "killed while its sheet was checked" in listed
    write_csv(tmp_path / "x.csv", make_rows(3))
    again = slow.start()
    _, error_output = again.communicate(timeout=60)
    assert again.returncode == 0, error_output


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "x.csv", make_rows(30))


def run_until_stopped(importer, sheet, *options):
    """Run it. It must stop with exit 3 and one sentence that names the next command, with every row accounted for."""
    ended = importer("run", sheet, "--yes", "-q", "--rate", "200", "--concurrency", "3", *options)
    assert ended.code == 3, ended
    assert len(ended.err.strip().splitlines()) == 1
    assert f"importer resume {ended.folder.name}" in ended.err
    assert sum(ended.summary["counts"].values()) == 30
    assert ended.summary["state"] == "stopped"
    return ended


@pytest.mark.parametrize(
    ("plan", "options", "words"),
    [
        (FaultPlan(always=InjectedFault.UNAUTHORIZED, from_request=11), [], "refused the API key"),
        (FaultPlan(always=InjectedFault.FORBIDDEN, from_request=11), [], "403 (access denied)"),
        (FaultPlan(always=InjectedFault.REDIRECT, from_request=11), [], "a redirect (302)"),
        (FaultPlan(always=InjectedFault.HTML, from_request=11), [], "an HTML page (200)"),
        (FaultPlan(always=InjectedFault.THROTTLED, from_request=11, retry_after="4000"), [], "asks us to wait until"),
        (FaultPlan(always=InjectedFault.THROTTLED, from_request=11, retry_after="soon"), ["--max-wait", "2"], "asks us to wait"),
        (FaultPlan(always=InjectedFault.DROP_BEFORE, from_request=11), ["--max-wait", "1"], "does not answer; the next try"),
        (FaultPlan(always=InjectedFault.ERROR_BEFORE, from_request=11), ["--max-wait", "1"], "answers 500 (Internal server error); the next try"),
    ],
)  # fmt: skip
def test_stopped_run_keeps_everything_and_resume_finishes_it(importer, crm, sheet, plan, options, words):
    """401, a block, a portal, a long Retry-After or no network: exit 3, and resume finishes the run."""
    crm.sandbox.faults.restart(plan)
    ended = run_until_stopped(importer, sheet, *options)
    assert words in ended.err
    assert 7 <= ended.summary["counts"]["accepted"] <= 10
    crm.sandbox.faults.restart(FaultPlan())
    again = importer("resume", ended.folder.name)
    assert again.code == 0, again
    doubted = {row["_phone"] for row in ended.results if row["_note"] == "unknown"}
    for phone, lead in leads(crm).items():
        expected = [f"note {int(phone[-5:])}"] if int(phone[-5:]) % 3 == 0 else []
        assert lead.get("notes", []) == expected or phone in doubted


@pytest.mark.parametrize(
    ("key", "words"), [("wrong", "The CRM refused the API key."), (KEY, "403 (access denied)")]
)
def test_resume_stopped_before_its_first_row_exits_3(importer, crm, sheet, monkeypatch, key, words):
    """A script resumes while the exit code is 3. Exit code 2 (nothing was sent) would be wrong, because the run has sent rows."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=11))
    ended = run_until_stopped(importer, sheet)
    if key != KEY:
        crm.sandbox.faults.restart(FaultPlan())
    with monkeypatch.context() as environment:
        environment.setenv("SUPERFONE_API_KEY", key)
        again = importer("resume", ended.folder.name, "--json")
    assert again.code == 3
    assert words in again.err
    assert again.err.rstrip().endswith(f"Continue with: importer resume {ended.folder.name}")
    summary = json.loads(again.out)
    assert summary == ended.summary
    assert (summary["state"], summary["exit_code"]) == ("stopped", 3)
    assert words in summary["reason"]
    crm.sandbox.faults.restart(FaultPlan())
    assert importer("resume", ended.folder.name).code == 0
    assert has_every_row_once(crm, 30)


def test_unreadable_journal_stops_the_run(importer, crm, sheet, monkeypatch):
    """A disk error is not damage: exit 3, and the run continues once the disk works."""

    def broken(*_):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    with monkeypatch.context() as disk:
        disk.setattr("importer.journal.delivery_log.to_pending_row", broken)
        ended = run_until_stopped(importer, sheet)
    assert "cannot be read (disk I/O error)" in ended.err
    assert importer("resume", ended.folder.name).code == 0
    assert has_every_row_once(crm, 30)


def test_resume_continues_with_a_new_key_of_the_account(importer, crm, sheet, monkeypatch):
    """After a 401 the rest goes in with the new key, and no note is sent twice, also if the file is imported again."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.UNAUTHORIZED, from_request=11))
    ended = run_until_stopped(importer, sheet)
    crm.sandbox.faults.restart(FaultPlan())
    crm.sandbox.options = msgspec.structs.replace(crm.sandbox.options, api_key="a-new-key")
    monkeypatch.setenv("SUPERFONE_API_KEY", "a-new-key")
    assert importer("resume", ended.folder.name).code == 0
    assert has_every_row_once(crm, 30)
    again = importer("run", sheet, "--yes")
    assert again.code == 0
    assert has_every_row_once(crm, 30)
    noted = [row for row in again.results if row["_note"]]
    assert {row["_note"] for row in noted} == {"unknown"}
    assert "with another API key" in noted[0]["_problems"]


def test_resume_refuses_the_key_of_another_account(importer, crm, sheet, monkeypatch):
    """The rest of the rows must not go into the CRM of another company."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=11))
    ended = run_until_stopped(importer, sheet)
    crm.sandbox.faults.restart(FaultPlan())
    for rows in crm.sandbox.account.lists.values():
        for row in rows:
            row["title"] += " of theirs"
    crm.sandbox.options = msgspec.structs.replace(crm.sandbox.options, api_key="their-key")
    monkeypatch.setenv("SUPERFONE_API_KEY", "their-key")
    before = leads(crm)
    again = importer("resume", ended.folder.name)
    assert again.code == 2
    assert "another account" in again.err
    assert leads(crm) == before


def test_read_only_reports_folder_exits_3_and_names_the_command(importer, crm, sheet, monkeypatch):
    """All rows were sent, but the reports cannot be written: the sentence says how to get them."""

    def read_only(*_):
        raise DiskWriteError(
            "Cannot write to the folder reports: Read-only file system.", "Make it writable."
        )

    with monkeypatch.context() as patch:
        patch.setattr("importer.pipeline.send_and_report.write_reports", read_only)
        ended = importer("run", sheet, "--yes", "--run-id", "r")
    assert ended.code == 3
    assert "Read-only file system" in ended.err
    assert ended.err.strip().endswith("importer resume r")
    assert importer("resume", "r").code == 0
    assert has_every_row_once(crm, 30)
    assert len(read_csv(importer.reports / "r" / "results.csv")) == 30


def test_row_in_doubt_stays_unknown_when_its_stage_is_gone(importer, crm):
    """The row may be in the CRM, so it is not `invalid`."""
    rows = [["Phone", "Stage", "Note"], ["9845010001", "Negotiation", "hi"], ["9845010002", "New", ""]]
    crm.sandbox.faults.restart(FaultPlan(at={1: InjectedFault.DROP_AFTER, 2: InjectedFault.REDIRECT}))
    sheet = write_csv(importer.folder / "x.csv", rows)
    first = importer("run", sheet, "--yes", "--rate", "5", "--concurrency", "1")
    assert first.code == 3
    assert first.results[0]["_status"] == "unknown"
    crm.sandbox.faults.restart(FaultPlan())
    for stage in crm.sandbox.account.lists["lead-stage"]:
        if stage["title"] == "Negotiation":
            stage["status"] = "DISABLED"
    assert importer("resume", first.folder.name).code == 1
    first_row, second_row = first.results
    assert (first_row["_status"], first_row["_note"]) == ("unknown", "unknown")
    assert first_row["_codes"] == "row.unsure;lead_stage_name.disabled"
    assert second_row["_status"] == "accepted"


# --- two at once


def test_resume_of_a_running_run_exits_4(slow):
    """The file is recognised under another name and in another folder."""
    # It cannot end. The lists do not answer either: the next command must not wait for them to name the run.
    slow.sandbox.sandbox.faults.restart(FaultPlan(always=InjectedFault.STALL_BEFORE, from_request=6))
    child = slow.start("--rate", "60")
    slow.wait_for_requests(6)
    resumed = slow.call("resume", "r")
    _, error_output = resumed.communicate(timeout=60)
    assert resumed.returncode == 4
    assert "Run r is sending" in error_output
    listed, _ = slow.call("runs").communicate(timeout=60)
    assert "running: " in listed
    assert "resume" not in listed
    elsewhere = slow.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "y.csv").write_bytes((slow.folder / "x.csv").read_bytes())
    renamed = slow.call("run", "elsewhere/y.csv", "--yes")
    _, error_output = renamed.communicate(timeout=60)
    assert renamed.returncode == 4
    assert "Run r is sending" in error_output
    purged = slow.call("purge", "--older-than", "0h", "--yes")
    purged.communicate(timeout=60)
    assert (slow.folder / "reports" / "r" / "journal.sqlite").exists()
    assert child.poll() is None
    child.kill()
    child.communicate()
    listed, _ = slow.call("runs").communicate(timeout=60)
    assert "interrupted: " in listed
    assert listed.endswith("-> importer resume r\n")
    slow.sandbox.sandbox.faults.restart(FaultPlan())
    resumed = slow.call("resume", "r", "--rate", "500")
    resumed.communicate(timeout=60)
    assert resumed.returncode == 0
    assert len(leads(slow.sandbox)) == slow.count


# --- order


def test_rows_that_share_a_further_phone_go_in_file_order(importer, crm):
    """docs/guarantees.md, "One phone, one request at a time": a further phone counts too.

    Each row names somebody else, so the rows stay leads of their own.
    """
    numbers = [f"98450{n:05}" for n in range(40)]
    rows = [[own, other, f"Person{own[-2:]}"] for own, other in itertools.pairwise(numbers)]
    crm.sandbox.faults.restart(FaultPlan(latency=0.01, shares={InjectedFault.UNAVAILABLE: 0.1}))
    sheet = write_csv(importer.folder / "x.csv", [["Phone", "Alternate mobile", "Name"], *rows])
    ended = importer("run", sheet, "--yes", "--rate", "500")
    assert ended.code == 0
    ledger = [entry["phone"] for entry in crm.sandbox.store.ledger() if entry["applied"]]
    assert list(dict.fromkeys(ledger)) == [f"+91{number}" for number in numbers[:-1]]


# --- secrets


CANARY = "canary-KEY-7f3a9b"


@pytest.mark.usefixtures("short_waits")
@pytest.mark.parametrize("fault", [*InjectedFault, None], ids=lambda fault: fault.value if fault else "none")
def test_at_vvv_no_fault_prints_the_key_or_a_phone(tmp_path, monkeypatch, capfd, fault, state_dir):
    """docs/guarantees.md, "The key stays secret": the key is nowhere. Phones are in the reports, and in nothing that was printed."""
    with run_sandbox(SandboxOptions(api_key=CANARY)) as sandbox:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SUPERFONE_API_KEY", CANARY)
        monkeypatch.setenv("SUPERFONE_BASE_URL", sandbox.base_url)
        sheet = write_csv(tmp_path / "x.csv", make_rows(8))
        capfd.readouterr()
        sandbox.sandbox.faults.restart(FaultPlan(always=fault, from_request=3, retry_after="0"))
        options = ["--timeout", "0.2", "--max-wait", "0.5", "--rate", "100", "-vvv"]
        main(["run", str(sheet), "--yes", "--run-id", "r", *options])
        monkeypatch.setenv("SUPERFONE_BASE_URL", "http://127.0.0.1:9/superfone")
        main(["check", str(sheet), "-vvv"])
        main(["resume", "r", "-vvv"])
        monkeypatch.setenv("SUPERFONE_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("SUPERFONE_API_KEY", f"{CANARY}-wrong")
        main(["resume", "r", "-vvv"])
    printed = "".join(capfd.readouterr())
    assert printed
    assert CANARY not in printed
    assert "98450" not in printed
    files = [path for folder in (tmp_path, state_dir) for path in folder.rglob("*") if path.is_file()]
    written = {path: path.read_bytes() for path in files}
    assert len(written) > 5
    assert not [path for path, body in written.items() if CANARY.encode() in body]
    remembered = [body for path, body in written.items() if path.is_relative_to(state_dir)]
    assert len(remembered) > 2
    assert not any(b"98450" in body for body in remembered)
