"""Runs as a state machine: send, fail, kill, resume, run again, against a small model of the CRM.

The sender and the journal are real and on disk, the CRM is a dict, and time is virtual. After each step it checks
the guarantees: every row has one status, no note is in the CRM twice, and what the journal says of a row is true.
"""

import asyncio
import itertools
import os
import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from importer.errors import BlockedError, ServerUnavailableError
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, RunMetadata
from importer.journal.staging import to_staged_row
from importer.models.delivery import NOTE_BREAK, CrmResponse, DeliveryOutcome
from importer.models.mapping import Mapping
from importer.models.row import Accepted, SourceRow
from importer.models.status import NoteState, RowStatus, RunState
from importer.sender.send_loop import Runtime, SendSettings, StopRequest, send
from tests.sender.simulation import OK, VirtualLoop
from tests.support import make_account

PHONES = [f"+91984500000{n}" for n in range(4)]
LOST = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=None, message="lost")
DOWN = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=None, message="down")
SLOW = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="slow", retry_after_s=1.0)
NO = CrmResponse(outcome=DeliveryOutcome.REFUSED, status=400, message="no")
TURNED_AWAY = CrmResponse(outcome=DeliveryOutcome.TURNED_AWAY, status=403, message="an HTML page")


ANSWERS = {
    "ok": OK,
    "lost_before": LOST,
    "lost_after": LOST,
    "down": DOWN,
    "slow": SLOW,
    "no": NO,
    "turned_away": TURNED_AWAY,
}


class Killed(BaseException):
    """The process is killed here: nothing after this is written."""


class Crm:
    """What is in the CRM, and what goes wrong with the next requests."""

    def __init__(self):
        self.names = {}
        self.notes = []
        self.faults = []

    async def upsert(self, payload):
        await asyncio.sleep(0.01)
        fault = self.faults.pop(0) if self.faults else "ok"
        if fault in ("ok", "lost_after", "killed_after"):
            self.names[payload["customer_phone"]] = payload["first_name"]
            if note := payload.get("customer_note"):
                self.notes += [(payload["customer_phone"], part) for part in note.split("\n")]
        match fault:
            case "killed_before" | "killed_after":
                raise Killed
            case "banned":
                raise BlockedError("403")
        return ANSWERS[fault]

    async def probe_access(self, sleep):
        return True

    async def probe_once(self, sleep):
        return ANSWERS[self.faults.pop(0)] if self.faults and self.faults[0] in ANSWERS else OK


class MortalDeliveryLog:
    """The delivery log of a process that may be killed during a commit: then nothing more is written."""

    def __init__(self, delivery, commits):
        self.delivery = delivery
        self.commits_left = commits
        self.read_send_totals = delivery.read_send_totals
        self.read_pending = delivery.read_pending

    def record(self, batch):
        self.commits_left -= 1
        if self.commits_left < 0:
            raise Killed
        return self.delivery.record(batch)


class RunMachine(RuleBasedStateMachine):
    """One account, one reports folder, and a sheet that is sent again and again."""

    @initialize(
        sheet=st.lists(
            st.tuples(st.sampled_from(PHONES), st.lists(st.sampled_from("abc"), max_size=2, unique=True)),
            min_size=1,
            max_size=7,
        )
    )
    def begin(self, sheet):
        self.folder = Path(tempfile.mkdtemp(dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
        self.crm = Crm()
        self.sheet = sheet
        self.runs = []
        self.is_open = False
        self.run_again()

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # --- rules

    @precondition(lambda self: not self.is_open)
    @rule()
    def run_again(self):
        """Stage the same sheet as a new run."""
        run_id = f"run-{len(self.runs)}"
        journal = Journal.create(self.folder / run_id, build_metadata(run_id))
        journal.stage(self.stage_rows())
        journal.begin_sending(make_account(self.folder))
        journal.close()
        self.runs.append(run_id)
        self.is_open = True

    @precondition(lambda self: not self.is_open)
    @rule(rng=st.randoms(use_true_random=False))
    def shuffle_the_sheet(self, rng):
        """Change the order of the rows: people sort their sheets between two runs."""
        rng.shuffle(self.sheet)

    @precondition(lambda self: self.is_open)
    @rule(
        faults=st.lists(
            st.sampled_from(
                [
                    "ok",
                    "ok",
                    "lost_before",
                    "lost_after",
                    "down",
                    "slow",
                    "no",
                    "turned_away",
                    "killed_before",
                    "killed_after",
                    "banned",
                ]
            ),
            max_size=12,
        ),
        commits=st.integers(0, 30) | st.just(1_000),
        concurrency=st.integers(1, 3),
        stop_after=st.integers(0, 20) | st.just(1_000),
    )
    def send(self, faults, commits, concurrency, stop_after):
        """Send or resume the run."""
        self.crm.faults = faults
        self.is_open = not self.send_rows(commits, concurrency, stop_after)
        self.crm.faults = []

    @precondition(lambda self: self.is_open)
    @rule()
    def finish(self):
        """Resume with a healthy server: every row gets its result."""
        assert self.send_rows(1_000, 2, 1_000)
        self.is_open = False
        with self.open_journal() as journal:
            assert {row.status for row in journal.read_report_rows()} <= {
                RowStatus.ACCEPTED,
                RowStatus.REFUSED,
                RowStatus.FAILED,
                RowStatus.UNKNOWN,
            }

    @precondition(lambda self: not self.is_open)
    @rule()
    def lose_the_ledger(self):
        """Delete the note ledger."""
        for path in self.folder.glob("state/*/memory.sqlite*"):
            path.unlink()

    # --- invariants

    @invariant()
    def no_note_is_in_the_crm_twice(self):
        if hasattr(self, "crm"):
            assert len(self.crm.notes) == len(set(self.crm.notes)), self.crm.notes

    @invariant()
    def every_row_has_one_true_status(self):
        if not getattr(self, "runs", None):
            return
        with self.open_journal() as journal:
            report_rows = list(journal.read_report_rows())
            assert sum(journal.counts().values()) == len(report_rows) == len(self.staged)
        for row, (phone, notes) in zip(report_rows, self.staged, strict=True):
            notes_in_crm = [note for note in notes if (phone, note) in self.crm.notes]
            if row.status is RowStatus.ACCEPTED:
                assert phone in self.crm.names
            if row.note is NoteState.SENT:
                assert notes_in_crm == notes
            assert (row.note is NoteState.NONE) == (not notes)

    # --- steps

    def stage_rows(self):
        self.staged = list(self.sheet)
        for number, (phone, notes) in enumerate(self.staged):
            payload = {"customer_phone": phone, "first_name": f"row {number}"}
            if notes:
                payload["customer_note"] = NOTE_BREAK.join(notes)
            yield to_staged_row(Accepted(SourceRow(number, (phone,)), phone, payload))

    def open_journal(self):
        return Journal.open(self.folder / self.runs[-1])

    def send_rows(self, commits, concurrency, stop_after):
        """Return whether every row was settled. A kill leaves the journal as it is on disk."""
        journal = self.open_journal()
        loop = VirtualLoop()
        stop_calls = itertools.count()
        send_settings = SendSettings(rate_per_s=50.0, concurrency=concurrency, max_wait_s=100)
        runtime = Runtime(clock=loop.time, sleep=asyncio.sleep, rng=random.Random(3))
        try:
            journal.begin_sending(make_account(self.folder))
            is_finished = loop.run_until_complete(
                send(
                    MortalDeliveryLog(journal.delivery, commits),
                    self.crm,
                    send_settings,
                    total=journal.delivery.count_pending(),
                    on_progress=lambda _: None,
                    get_stop_request=lambda: (
                        StopRequest.DRAIN if next(stop_calls) // 50 >= stop_after else StopRequest.NO
                    ),
                    runtime=runtime,
                )
            )
            if is_finished:
                journal.end(RunEnd(state=RunState.FINISHED))
        except (Killed, BlockedError, ServerUnavailableError):
            return False
        else:
            return is_finished
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            journal.close()
            loop.close()


def build_metadata(run_id):
    return RunMetadata(
        run_id=run_id,
        command="run",
        file="x.csv",
        sha256="0" * 64,
        started_at="2026-11-24T10:00:00+05:30",
        account="a" * 16,
        base_url="http://127.0.0.1:1/superfone",
        headers=("Phone",),
        mapping=Mapping(columns=()),
    )


RunMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
TestRunMachine = RunMachine.TestCase
