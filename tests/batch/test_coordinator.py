"""A batch from end to end: three accounts on one server, with jobs in threads."""

from __future__ import annotations

import errno
import os
import signal
import threading
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from functools import partial

import pytest

from importer.batch import coordinator, judge_job
from importer.batch.account_processes import Phase
from importer.credentials import Credentials, Secret
from importer.errors import UnreadableFileError
from importer.journal.run_journal import Journal
from importer.pipeline import resume
from importer.pipeline.edit_rows import CellEdit
from importer.sandbox.faults import FaultPlan, InjectedFault
from importer.state.account_identity import identify_account
from importer.state.run_lock import LockHolder, lock_account
from importer.state.state_folder import open_account
from tests.batch.agency import AccountThread, AccountThreads
from tests.pipeline.edited_runs import open_editor
from tests.support import read_csv


def write_two_sheets_each(agency, rows=6):
    for name in agency.accounts.sandboxes:
        agency.write_sheet(name, "a.csv", rows)
        agency.write_sheet(name, "b.csv", rows, first=rows)
    agency.write_manifest()


def test_all_accounts_are_imported_and_the_same_command_again_sends_nothing(agency):
    """Every lead is in its account, each file's reports are in the folder of its account, and all is skipped then."""
    write_two_sheets_each(agency)
    ended = agency()
    assert ended.code == 0, ended
    assert agency.summary["went_in"] == 36
    assert agency.list_states() == {name: ["finished"] * 2 for name in ("acme", "birla", "coral")}
    agency.check_conservation()
    assert {name: len(agency.accounts.list_phones(name)) for name in agency.accounts.sandboxes} == {
        "acme": 12,
        "birla": 12,
        "coral": 12,
    }
    requests = agency.summary["requests"]
    again = agency()
    assert (again.code, agency.summary["requests"]) == (0, requests)
    assert "36 of 36 rows went in (6 files for 3 accounts)." in again.out


def test_files_of_an_account_are_sent_in_order(agency):
    """Guarantee: the second file leaves after the last row of the first, so the later sheet has the last word."""
    for name in agency.accounts.sandboxes:
        for number, file in enumerate(("10.csv", "11.csv", "2.csv")):
            agency.write_sheet(name, file, 15, first=15 * number)
    agency.write_manifest()
    assert agency().code == 0
    for name in agency.accounts.sandboxes:
        phones = agency.accounts.list_phones(name)
        files = [int(phone[-5:]) // 15 for phone in phones]
        assert files == sorted(files)
        assert len(files) == 45


def test_check_sends_nothing_and_the_batch_goes_on_from_it(agency, monkeypatch):
    """After --check the rows are judged. Without it they are sent, and no file is judged again."""
    write_two_sheets_each(agency)
    assert agency("--check").code == 0
    assert {job["state"] for job in agency.summary["jobs"]} == {"checked"}
    assert agency.summary["requests"] == 0
    agency.check_conservation()
    monkeypatch.setattr(judge_job, "judge", None)
    assert agency().code == 0
    assert agency.summary["counts"]["accepted"] == 36


def test_check_of_a_new_file_does_not_say_that_it_went_in(agency):
    """An agency adds a sheet to a manifest that was sent before."""
    agency.write_sheet("acme", "a.csv", 3)
    agency.write_manifest('[[jobs]]\naccount = "acme"\nfile = "acme/*.csv"\n')
    assert agency().code == 0
    agency.write_sheet("acme", "b.csv", 4, first=3)
    checked = agency("--check")
    assert checked.code == 0
    assert "3 of 7 rows went in, 4 more can go in (2 files for 1 account)." in checked.out
    assert "This command sent nothing." in checked.err
    assert agency.summary["went_in"] == agency.summary["accounts"][0]["went_in"] == 3


def test_plan_looks_up_every_lead_and_is_then_sent(agency):
    """--plan ends with plans; the batch after it applies them."""
    write_two_sheets_each(agency, rows=3)
    assert agency("--plan").code == 0
    assert {job["state"] for job in agency.summary["jobs"]} == {"planned"}
    assert not agency.accounts.list_phones("acme")
    assert agency().code == 0
    assert len(agency.accounts.list_phones("acme")) == 6


def test_plan_sends_nothing_of_a_job_whose_sending_has_stopped(agency):
    """Nobody was asked whether to send. The rows that are left wait for a command that sends."""
    write_two_sheets_each(agency, rows=12)
    banned = agency.accounts.sandboxes["coral"].faults
    banned.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=5))
    agency()
    banned.restart(FaultPlan())
    sent = agency.accounts.list_phones("coral")
    planned = agency("--plan")
    assert agency.accounts.list_phones("coral") == sent
    assert planned.code == 3
    assert agency.list_states()["coral"][0] == "stopped"
    assert agency().code == 0
    assert len(agency.accounts.list_phones("coral")) == 24


def test_fixed_file_is_judged_again_until_it_was_sent(agency):
    """A sheet that has sent nothing may change. After its sending it needs another id, and nothing of it is sent."""
    agency.write_sheet("acme", "a.csv", 3, Stage="No such stage")
    agency.write_manifest('[[jobs]]\naccount = "acme"\nfile = "acme/a.csv"\n')
    assert agency("--check").code == 1
    assert agency.summary["to_fix"] == 3
    agency.write_sheet("acme", "a.csv", 3)
    assert agency().code == 0
    agency.write_sheet("acme", "a.csv", 5)
    changed = agency()
    assert changed.code == 1
    assert "give the job another id" in changed.out
    assert len(agency.accounts.list_phones("acme")) == 3
    agency.write_manifest('[[jobs]]\naccount = "acme"\nfile = "acme/a.csv"\nid = "second"\n')
    assert agency().code == 0
    assert len(agency.accounts.list_phones("acme")) == 5


def test_report_that_somebody_has_edited_is_not_thrown_away(agency):
    """The rows that a person is fixing are not deleted because the manifest has changed."""
    agency.write_sheet("acme", "a.csv", 3, Stage="No such stage")
    jobs = '[[jobs]]\naccount = "acme"\nfile = "acme/a.csv"\n'
    agency.write_manifest(jobs)
    agency("--check")
    (folder,) = (agency.reports / "acme").glob("a-*")
    failed = folder / "failed_rows.csv"
    failed.write_text(failed.read_text("utf-8-sig").replace("No such stage", "New"), "utf-8")
    agency.write_manifest(jobs, defaults='unknown = "drop"')
    ended = agency("--check")
    assert "was edited" in ended.out
    assert "No such stage" not in failed.read_text("utf-8")


def test_run_whose_rows_somebody_has_edited_is_kept(agency):
    """The edits are in its journal alone. The same command sends them; another content of the file is refused."""
    agency.write_sheet("acme", "a.csv", 3, City="Pune")
    agency.write_manifest('[[jobs]]\naccount = "acme"\nfile = "acme/a.csv"\n')
    agency("--check")
    (folder,) = (agency.reports / "acme").glob("a-*")
    with Journal.open(folder) as journal:
        city = journal.metadata.headers.index("City")
        open_editor(folder.parent, journal).edit_cells([CellEdit(2, city, "Goa")], [])
    agency.write_sheet("acme", "a.csv", 4, City="Pune")
    assert "1 row of run" in agency("--check").out
    agency.write_sheet("acme", "a.csv", 3, City="Pune")
    assert agency().code == 0
    cities = {lead["phone"]: lead["city"] for lead in agency.accounts.sandboxes["acme"].store.all_leads()}
    assert [cities[phone] for phone in sorted(cities)] == ["Goa", "Pune", "Pune"]


def test_unreadable_file_stops_its_account_alone(agency):
    """The files behind it wait, because they may need it. The other accounts do not hear of it."""
    write_two_sheets_each(agency)
    (agency.folder / "acme" / "a.csv").write_bytes(b"\x00\x01\x02" * 100)
    ended = agency()
    assert ended.code == 3
    assert agency.list_states() == {
        "acme": ["not_checked", "checked"],
        "birla": ["finished", "finished"],
        "coral": ["finished", "finished"],
    }
    assert not agency.accounts.list_phones("acme")
    agency.check_conservation()
    assert agency("--keep-going").code == 1
    assert agency.list_states()["acme"] == ["not_checked", "finished"]


@pytest.mark.parametrize("key", ["wrong", ""])
def test_wrong_key_stops_its_account_alone_and_the_same_command_brings_it_home(agency, monkeypatch, key):
    """The account is named once, with what to do. With the right key the same command goes on."""
    write_two_sheets_each(agency)
    monkeypatch.setenv("KEY_BIRLA", key)
    ended = agency()
    assert ended.code == 3
    assert ended.out.count("  birla: ") == 1
    assert ("env:KEY_BIRLA" if key else "KEY_BIRLA is not set") in ended.out
    assert agency.list_states()["birla"] == ["not_checked", "not_checked"]
    assert len(agency.accounts.list_phones("acme")) == 12
    agency.check_conservation()
    monkeypatch.setenv("KEY_BIRLA", "key-birla")
    assert agency().code == 0
    assert agency.list_states()["birla"] == ["finished", "finished"]


def test_account_that_is_banned_half_way_stops_and_goes_on_later(agency):
    """Its second file is not begun. The others are finished, and the same command brings it home."""
    write_two_sheets_each(agency, rows=12)
    banned = agency.accounts.sandboxes["coral"].faults
    banned.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=5))
    ended = agency()
    assert ended.code == 3, ended
    assert agency.list_states()["coral"] == ["stopped", "checked"]
    assert agency.list_states()["acme"] == ["finished", "finished"]
    agency.check_conservation()
    banned.restart(FaultPlan())
    assert agency().code == 0
    assert len(agency.accounts.list_phones("coral")) == 24
    agency.check_conservation()


@pytest.fixture
def stopped(agency):
    """Return the agency after its first file was sent in part: the account was blocked and is open again."""
    agency.write_sheet("acme", "a.csv", 12)
    agency.write_manifest('[[jobs]]\naccount = "acme"\nfile = "acme/a.csv"\n')
    faults = agency.accounts.sandboxes["acme"].faults
    faults.restart(FaultPlan(always=InjectedFault.FORBIDDEN, from_request=5))
    assert agency().code == 3
    faults.restart(FaultPlan())
    return agency


def test_file_that_was_sent_in_part_may_be_moved_away(stopped):
    """Its journal has the rest. A check counts what went in, and the same command sends what did not."""
    (stopped.folder / "acme/a.csv").rename(stopped.folder / "moved.csv")
    sent = len(stopped.accounts.list_phones("acme"))
    assert stopped("--check").code == 3
    assert stopped.list_states() == {"acme": ["stopped"]}
    assert (stopped.summary["went_in"], stopped.summary["rows"]) == (sent, 12)
    assert stopped().code == 0
    assert len(stopped.accounts.list_phones("acme")) == 12


def test_file_that_cannot_be_read_any_more_keeps_its_counts(stopped, monkeypatch):
    """What went in is not "0 of 0 rows" because a drive does not answer."""

    def fail(path):
        raise UnreadableFileError(f"{path} cannot be read.")

    monkeypatch.setattr(judge_job, "_hash_file", fail)
    ended = stopped()
    assert ended.code == 3
    assert "a.csv cannot be read." in ended.out
    assert stopped.summary["rows"] == 12


def test_bug_in_one_account_is_its_own(agency, monkeypatch):
    """An exception that no code expects ends the job of one account, and is named in its line."""
    write_two_sheets_each(agency)
    send_job = coordinator.send_job

    def fail(request, link):
        if request.job.account == "birla":
            raise ZeroDivisionError
        return send_job(request, link)

    monkeypatch.setattr(coordinator, "send_job", fail)
    ended = agency()
    assert ended.code == 3
    assert "ended unexpectedly (ZeroDivisionError)" in ended.out
    assert agency.list_states()["birla"] == ["checked", "checked"]
    assert agency.list_states()["coral"] == ["finished", "finished"]
    agency.check_conservation()


def test_account_whose_process_is_gone_gets_a_new_one(agency, monkeypatch):
    """With --keep-going, and always while files are checked, its next file is taken."""
    write_two_sheets_each(agency)
    failed = []

    class Mortal(AccountThread):
        is_gone = False

        def submit(self, work, request):
            assert not self.is_gone, "a pool whose process is gone takes no work"
            return super().submit(partial(self._die_once, work), request)

        def _die_once(self, work, request, link):
            if request.job.account == "birla" and not failed:
                failed.append(request.job)
                self.is_gone = True
                raise BrokenProcessPool
            return work(request, link)

    monkeypatch.setattr(AccountThreads, "open_place", lambda _, board, account, phase: Mortal(board, account))
    assert agency("--check").code == 1
    assert agency.list_states()["birla"] == ["not_checked", "checked"]
    assert agency().code == 0


@pytest.mark.parametrize("step", ["open_place", "submit"])
def test_job_that_cannot_start_is_its_own(agency, monkeypatch, step):
    """No memory for a process, or one that was killed between two jobs: the other accounts are sent all the same."""
    write_two_sheets_each(agency)
    agency("--check")
    open_place = AccountThreads.open_place

    def fail(*_):
        raise BrokenProcessPool

    def open_or_fail(places, board, account, phase):
        if account == "birla" and phase is Phase.SENDING:
            if step == "open_place":
                raise OSError(errno.ENOMEM, "Cannot allocate memory")
            thread = open_place(places, board, account, phase)
            thread.submit = fail
            return thread
        return open_place(places, board, account, phase)

    monkeypatch.setattr(AccountThreads, "open_place", open_or_fail)
    ended = agency()
    assert ended.code == 3
    assert "ended unexpectedly" in ended.out
    assert agency.list_states()["birla"] == ["checked", "checked"]
    assert agency.list_states()["coral"] == ["finished", "finished"]
    monkeypatch.setattr(AccountThreads, "open_place", open_place)
    assert agency().code == 0


def test_ctrl_c_lets_requests_finish_and_the_same_command_goes_on(agency):
    """Every account stops, the exit code is 130, and no row is lost or sent twice."""
    write_two_sheets_each(agency, rows=40)
    count = 0
    answer = agency.accounts.answer

    async def interrupt(scope, receive, send):
        nonlocal count
        count += scope["method"] == "POST" and scope["path"].startswith("/acme/")
        if count == 10:
            os.kill(os.getpid(), signal.SIGINT)
            count += 1
        await answer(scope, receive, send)

    agency.accounts.answer = interrupt
    stopped = agency()
    assert stopped.code == 130
    assert "run the same command again" in stopped.err
    assert agency.list_states()["acme"][1] == "checked"
    agency.check_conservation()
    assert agency().code == 0
    assert agency.summary["counts"]["accepted"] == 240
    assert sum(len(agency.accounts.list_phones(name)) for name in agency.accounts.sandboxes) == 240
    agency.check_conservation()


def test_only_one_batch_at_a_time_uses_a_reports_folder(agency, monkeypatch):
    """A second command ends with 4 and says which manifest is being imported."""
    agency.write_sheet("acme", "a.csv", 3)
    agency.write_manifest('[[jobs]]\naccount = "acme"\nfile = "acme/a.csv"\n')
    second = []
    read_lists = coordinator.open_accounts

    def run_second(*args):
        if not second:
            second.append(None)
            second.append(agency())
        return read_lists(*args)

    monkeypatch.setattr(coordinator, "open_accounts", run_second)
    assert agency().code == 0
    assert second[1].code == 4
    assert "manifest.toml" in second[1].err


def test_two_names_of_one_account_are_refused(agency, monkeypatch):
    """Their jobs would have no order, and two processes would send to one account."""
    write_two_sheets_each(agency)
    text = (agency.folder / "manifest.toml").read_text("utf-8")
    (agency.folder / "manifest.toml").write_text(text.replace("/birla/", "/acme/"), "utf-8")
    monkeypatch.setenv("KEY_BIRLA", "key-acme")
    ended = agency()
    assert ended.code == 2
    assert "open the same account" in ended.err
    assert not agency.accounts.list_phones("acme")


def test_only_limits_the_batch_to_an_account(agency):
    """--only names accounts of the manifest."""
    write_two_sheets_each(agency)
    assert agency("--only", "acme").code == 0
    assert agency.list_states() == {"acme": ["finished", "finished"]}
    assert not agency.accounts.list_phones("birla")
    assert agency("--only", "nobody").code == 2


def test_without_a_terminal_it_asks_for_yes(agency):
    """Nothing is sent that nobody has agreed to."""
    write_two_sheets_each(agency)
    ended = agency._command("batch", "manifest.toml")
    assert ended.code == 2
    assert "--yes" in ended.err
    assert not agency.reports.exists()


def test_notes_are_sent_once_over_all_files_of_an_account(agency):
    """The second file has the same notes for the same leads."""
    agency.write_sheet("acme", "a.csv", 5, Notes="asked for a plan")
    agency.write_sheet("acme", "b.csv", 5, Notes="asked for a plan")
    agency.write_manifest('[[jobs]]\naccount = "acme"\nfile = "acme/*.csv"\n')
    assert agency().code == 0
    leads = agency.accounts.sandboxes["acme"].store.all_leads()
    assert [lead["notes"] for lead in leads] == [["asked for a plan"]] * 5


def test_accounts_are_opened_once_for_all_their_files(agency, monkeypatch):
    """Each look at the state folder reads what is known of every account: 200 accounts at once waited too long for it."""
    write_two_sheets_each(agency, rows=2)
    monkeypatch.setattr(resume, "open_account", None)
    monkeypatch.setattr(resume, "fetch_account_titles", None)
    assert agency().code == 0


def test_learnt_rate_is_given_to_the_next_file(agency, monkeypatch):
    """The second file of an account goes on with what the first has learnt, and no other account hears of it."""
    write_two_sheets_each(agency)
    manifest = agency.folder / "manifest.toml"
    manifest.write_text(manifest.read_text("utf-8").replace("rate = 500", ""), "utf-8")
    given = []
    send_job = coordinator.send_job

    def watch(request, link):
        given.append((request.job.account, request.learnt_rate))
        return send_job(request, link)

    monkeypatch.setattr(coordinator, "send_job", watch)
    assert agency().code == 0
    by_account = {
        name: [rate for account, rate in given if account == name] for name in ("acme", "birla", "coral")
    }
    firsts, seconds = zip(*by_account.values(), strict=True)
    assert set(firsts) == {None}
    assert len({id(one.rate) for one in seconds}) == 3


def test_batch_csv_has_a_line_for_each_job(agency):
    """A script or a person reads which file went where."""
    write_two_sheets_each(agency)
    agency()
    lines = read_csv(agency.reports / "batch.csv")
    assert [(line["account"], line["file"], line["accepted"]) for line in lines[:2]] == [
        ("acme", "acme/a.csv", "6"),
        ("acme", "acme/b.csv", "6"),
    ]
    assert (agency.reports / lines[0]["folder"] / "report.html").is_file()


def test_account_of_a_killed_batch_is_waited_for(agency, state_dir):
    """Its process finishes the requests under way, and only then gives the account up."""
    agency.write_sheet("acme", "a.csv", 3)
    agency.write_manifest('[[jobs]]\naccount = "acme"\nfile = "acme/a.csv"\n')
    agency("--check")
    credentials = Credentials(agency.accounts.get_url("acme"), Secret("key-acme"))
    account = open_account(state_dir, identify_account(credentials), {})
    with ExitStack() as lock:
        lock.enter_context(lock_account(account.folder, LockHolder(run_id="killed")))
        threading.Timer(2.0, lock.pop_all().close).start()
        assert agency().code == 0
