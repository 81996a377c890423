"""The whole tool under fire, over real sockets: a sample of `make torture`, every way to stop, and no secret told."""

import itertools
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time

import msgspec
import pytest

from importer.cli.main import main
from importer.errors import DiskWriteError
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.sandbox.sandbox_options import SandboxOptions
from importer.sandbox.server import run_sandbox
from tests.support import KEY, leads, read_csv, write_csv
from tests.torture import Tally, crm, fault_trial, kill_trial

# --- a sample of the torture


@pytest.fixture(scope="module")
def battered():
    """A sandbox in a process of its own."""
    with crm(26) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    "fault", [*InjectedFault, None], ids=lambda fault: fault.value if fault else "all mixed"
)
def test_a_fault_loses_nothing_doubles_nothing_and_is_reported_as_it_was(battered, tmp_path, fault):
    """The sandbox's ledger against journal and reports, row by row; then resumed, retried, run again."""
    tally = Tally("")
    number = 1 + [*InjectedFault, None].index(fault)
    fault_trial(fault, number, battered, tmp_path, random.Random(number), tally, rows=18)
    assert (tally.lost, tally.doubled, tally.wrong) == (0, 0, 0), tally.findings


@pytest.mark.parametrize("seed", range(4))
def test_kill_9_at_any_moment_and_its_resumes_killed_too(battered, tmp_path, seed):
    tally = Tally("")
    kill_trial(900 + seed, battered, tmp_path, random.Random(seed), tally, span_s=0.7)
    assert (tally.lost, tally.doubled, tally.wrong) == (0, 0, 0), tally.findings


# --- stops


def people(count):
    return [["Phone", "Note"], *[[f"98450{n:05}", f"note {n}" if n % 3 == 0 else ""] for n in range(count)]]


def all_in_once(sandbox, count):
    """Every lead is there, and every note once."""
    return {phone: lead.get("notes", []) for phone, lead in leads(sandbox).items()} == {
        f"+9198450{n:05}": [f"note {n}"] if n % 3 == 0 else [] for n in range(count)
    }


class Process:
    """`importer run` in a process of its own, slow enough to be stopped on its way."""

    count = 150

    def __init__(self, sandbox, folder):
        self.sandbox = sandbox
        self.folder = folder
        self.environment = {**os.environ, "SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": sandbox.base_url}
        write_csv(folder / "x.csv", people(self.count))

    def start(self, *options, **how):
        return self.call("run", "x.csv", "--yes", "--run-id", "r", "--concurrency", "8", *options, **how)

    def call(self, *arguments, **how):
        return subprocess.Popen(
            [sys.executable, "-m", "importer", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **how,
        )

    def sent(self, count):
        """Wait until the CRM has seen so many requests."""
        until = time.monotonic() + 60
        while len(self.sandbox.sandbox.store.ledger()) < count:
            assert time.monotonic() < until
            time.sleep(0.01)

    @property
    def summary(self):
        return json.loads((self.folder / "reports" / "r" / "summary.json").read_text("utf-8"))

    def is_finished_by_resume(self):
        child = self.call("resume", "r", "--rate", "500")
        child.communicate(timeout=60)
        return child.returncode == 0 and all_in_once(self.sandbox, self.count)


@pytest.fixture
def slow(tmp_path):
    with run_sandbox(SandboxOptions(latency=0.05)) as sandbox:
        yield Process(sandbox, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_one_signal_drains_what_is_under_way_and_exits_130(slow, number):
    """Ctrl-C, SIGTERM, and the terminal's end: nothing is in doubt, the reports are there, and resume goes on."""
    child = slow.start("--rate", "20")
    slow.sent(20)
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert said.strip().splitlines()[-1].endswith("Continue with: importer resume r")
    counts = slow.summary["counts"]
    assert counts["unknown"] == 0
    assert counts["accepted"] == len(leads(slow.sandbox)) >= 20
    assert counts["accepted"] + counts["pending"] == slow.count
    assert slow.summary["state"] == "interrupted"
    assert slow.is_finished_by_resume()


def test_under_nohup_a_closed_terminal_is_no_reason_to_stop(slow):
    """What was ignored when the command began stays ignored, in the sending and around it."""
    child = slow.start("--rate", "60", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    slow.sent(20)
    child.send_signal(signal.SIGHUP)
    child.communicate(timeout=60)
    assert child.returncode == 0
    assert all_in_once(slow.sandbox, slow.count)


def test_a_second_ctrl_c_does_not_wait_for_answers(slow):
    slow.sandbox.sandbox.faults.restart(FaultPlan(always=InjectedFault.STALL_AFTER, from_request=10))
    child = slow.start("--rate", "60")
    slow.sent(14)
    began = time.monotonic()
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=25)
    assert time.monotonic() - began < 25  # an answer would have been waited for 30 seconds
    assert child.returncode == 130
    assert "importer resume r" in said
    counts = slow.summary["counts"]
    assert counts["unknown"] >= 1
    assert sum(counts.values()) == slow.count
    slow.sandbox.sandbox.faults.restart(FaultPlan())
    assert slow.is_finished_by_resume()


def test_a_disk_that_fills_up_in_mid_run(slow, tmp_path):
    """Exit 3 and one sentence; what was written stands, and resume goes on once there is room."""
    size = 260_000
    # Coverage would have no room for its own file either, and say so in our name.
    slow.environment = {name: v for name, v in slow.environment.items() if not name.startswith("COV")}
    child = slow.start(
        "--rate", "60", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    )
    _, said = child.communicate(timeout=60)
    assert child.returncode == 3, said
    assert len(said.strip().splitlines()) == 1
    assert "Cannot write" in said
    # A last small commit may still fit, and then the run's own ending says it; otherwise the error does.
    assert said.strip().lower().endswith("continue with: importer resume r")
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


def test_a_process_that_was_killed_while_it_judged_blocks_nothing(slow, tmp_path):
    """Its run sent nothing, its id is free, its file is not locked, and the list of runs says what it was."""
    write_csv(tmp_path / "x.csv", people(60_000))
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
    _, said = resumed.communicate(timeout=60)
    assert resumed.returncode == 2
    assert "nothing was sent" in said
    listed, _ = slow.call("runs").communicate(timeout=60)
    assert "killed while its sheet was checked" in listed
    write_csv(tmp_path / "x.csv", people(3))
    again = slow.start()
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0, said


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "x.csv", people(30))


def stopped(importer, sheet, *options):
    """Run it; it must stop with exit 3, one sentence that says how to go on, and every row accounted for."""
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
        (FaultPlan(always=InjectedFault.THROTTLED, from_request=11, retry_after="4000"), [], "asks to wait until"),
        (FaultPlan(always=InjectedFault.THROTTLED, from_request=11, retry_after="soon"), ["--max-wait", "2"], "asks to wait"),
        (FaultPlan(always=InjectedFault.DROP_BEFORE, from_request=11), ["--max-wait", "1"], "does not answer; the next try"),
        (FaultPlan(always=InjectedFault.ERROR_BEFORE, from_request=11), ["--max-wait", "1"], "answers 500; the next try"),
    ],
)  # fmt: skip
def test_what_stops_a_run_keeps_all_that_is_known(importer, crm, sheet, plan, options, words):
    """401, a ban, a portal, a server that pushes back for too long, no network: exit 3, and resume finishes."""
    crm.sandbox.faults.restart(plan)
    ended = stopped(importer, sheet, *options)
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
def test_a_resume_that_is_stopped_before_its_first_row_is_a_stopped_run_too(
    importer, crm, sheet, monkeypatch, key, words
):
    """A script resumes while the exit code is 3; "nothing was sent" (2) would be untrue of the run, and end it."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=11))
    ended = stopped(importer, sheet)
    if key != KEY:
        crm.sandbox.faults.restart(FaultPlan())
    with monkeypatch.context() as environment:
        environment.setenv("SUPERFONE_API_KEY", key)
        again = importer("resume", ended.folder.name, "--json")
    assert again.code == 3
    assert words in again.err
    assert again.err.rstrip().endswith(f"Continue with: importer resume {ended.folder.name}")
    told = json.loads(again.out)
    assert told == ended.summary
    assert (told["state"], told["exit_code"]) == ("stopped", 3)
    assert words in told["reason"]
    crm.sandbox.faults.restart(FaultPlan())
    assert importer("resume", ended.folder.name).code == 0
    assert all_in_once(crm, 30)


def test_a_journal_that_its_disk_does_not_give_back_stops_the_run(importer, crm, sheet, monkeypatch):
    """Not "nothing was sent", nor damage: exit 3, and the run goes on once the disk does."""

    def broken(*_):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    with monkeypatch.context() as disk:
        disk.setattr("importer.journal.delivery_log.to_pending_row", broken)
        ended = stopped(importer, sheet)
    assert "cannot be read (disk I/O error)" in ended.err
    assert importer("resume", ended.folder.name).code == 0
    assert all_in_once(crm, 30)


def test_a_new_key_of_the_account_goes_on(importer, crm, sheet, monkeypatch):
    """The usual way out of a 401: the rest goes in, and no note goes twice, also when the file is run again."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.UNAUTHORIZED, from_request=11))
    ended = stopped(importer, sheet)
    crm.sandbox.faults.restart(FaultPlan())
    crm.sandbox.options = msgspec.structs.replace(crm.sandbox.options, api_key="a-new-key")
    monkeypatch.setenv("SUPERFONE_API_KEY", "a-new-key")
    assert importer("resume", ended.folder.name).code == 0
    assert all_in_once(crm, 30)
    again = importer("run", sheet, "--yes")
    assert again.code == 0
    assert all_in_once(crm, 30)
    noted = [row for row in again.results if row["_note"]]
    assert {row["_note"] for row in noted} == {"unknown"}
    assert "with another API key" in noted[0]["_problems"]


def test_the_key_of_another_account_does_not_go_on(importer, crm, sheet, monkeypatch):
    """The rest of somebody's customers must not end in somebody else's CRM."""
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=11))
    ended = stopped(importer, sheet)
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


def test_a_reports_folder_that_became_read_only(importer, crm, sheet, monkeypatch):
    """All was sent, and the reports cannot be written: exit 3, and the sentence says how to get them."""

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
    assert all_in_once(crm, 30)
    assert len(read_csv(importer.reports / "r" / "results.csv")) == 30


def test_a_row_in_doubt_whose_stage_has_gone_stays_in_doubt(importer, crm):
    """It may be in the CRM: "refused before anything was sent" would be a lie."""
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


def test_a_resume_while_the_run_is_still_going_exits_4(slow):
    """Under another name and in another folder the file is the same, too."""
    slow.sandbox.sandbox.faults.restart(
        FaultPlan(always=InjectedFault.STALL_BEFORE, from_request=6)
    )  # it cannot end
    child = slow.start("--rate", "60")
    slow.sent(6)
    resumed = slow.call("resume", "r")
    _, said = resumed.communicate(timeout=60)
    assert resumed.returncode == 4
    assert "Run r is sending" in said
    listed, _ = slow.call("runs").communicate(timeout=60)
    assert "running: " in listed
    assert "resume" not in listed
    elsewhere = slow.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "y.csv").write_bytes((slow.folder / "x.csv").read_bytes())
    renamed = slow.call("run", "elsewhere/y.csv", "--yes")
    _, said = renamed.communicate(timeout=60)
    assert renamed.returncode == 4
    assert "Run r is sending" in said
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


def test_rows_that_name_each_others_phones_go_in_file_order(importer, crm):
    """Law 4, also where one names the other's phone as a further one."""
    numbers = [f"98450{n:05}" for n in range(40)]
    pairs = [["Phone", "Alternate mobile"], *([own, other] for own, other in itertools.pairwise(numbers))]
    crm.sandbox.faults.restart(FaultPlan(latency=0.01, shares={InjectedFault.UNAVAILABLE: 0.1}))
    ended = importer("run", write_csv(importer.folder / "x.csv", pairs), "--yes", "--rate", "500")
    assert ended.code == 0
    ledger = [entry["phone"] for entry in crm.sandbox.store.ledger() if entry["applied"]]
    assert list(dict.fromkeys(ledger)) == [f"+91{number}" for number in numbers[:-1]]


# --- secrets


CANARY = "canary-KEY-7f3a9b"


@pytest.mark.parametrize("fault", [*InjectedFault, None], ids=lambda fault: fault.value if fault else "none")
def test_at_vvv_no_fault_tells_the_key_or_a_phone(tmp_path, monkeypatch, capfd, fault):
    """The key is nowhere; phones are in the reports, where they belong, and in nothing that was printed."""
    with run_sandbox(SandboxOptions(api_key=CANARY)) as sandbox:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SUPERFONE_API_KEY", CANARY)
        monkeypatch.setenv("SUPERFONE_BASE_URL", sandbox.base_url)
        sheet = write_csv(tmp_path / "x.csv", people(8))
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
    written = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(written) > 5
    assert not [path for path, body in written.items() if CANARY.encode() in body]
    notes = [body for path, body in written.items() if path.name.startswith("notes.sqlite")]
    assert notes
    assert not any(b"98450" in body for body in notes)
