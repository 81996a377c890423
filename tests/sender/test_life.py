"""A life of runs as a state machine: send, fail, kill, resume, run again, against a small model of the CRM.

The sender and the journal are the real ones, on disk; the CRM is a dict, and time is virtual. After each step the
laws are checked: every row has one status, no note is there twice, and what is said of a row is so.
"""

import asyncio
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

PHONES = [f"+91984500000{n}" for n in range(4)]
LOST = CrmResponse(outcome=DeliveryOutcome.MAY_HAVE_ARRIVED, status=None, message="lost")
DOWN = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=None, message="down")
SLOW = CrmResponse(outcome=DeliveryOutcome.NOT_APPLIED, status=429, message="slow", retry_after_s=1.0)
NO = CrmResponse(outcome=DeliveryOutcome.REFUSED, status=400, message="no")
TURNED_AWAY = CrmResponse(outcome=DeliveryOutcome.TURNED_AWAY, status=403, message="a page of HTML")


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
    """The machine stops here: nothing after this is written."""


class Crm:
    """What the CRM holds, and what goes wrong with the next requests."""

    def __init__(self):
        self.names = {}
        self.notes = []
        self.trouble = []

    async def upsert(self, payload):
        await asyncio.sleep(0.01)
        trouble = self.trouble.pop(0) if self.trouble else "ok"
        if trouble in ("ok", "lost_after", "killed_after"):
            self.names[payload["customer_phone"]] = payload["first_name"]
            if note := payload.get("customer_note"):
                self.notes += [(payload["customer_phone"], one) for one in note.split("\n")]
        match trouble:
            case "killed_before" | "killed_after":
                raise Killed
            case "banned":
                raise BlockedError("403")
        return ANSWERS[trouble]

    async def probe_access(self, sleep=None):
        return True


class Mortal:
    """The journal of a process that may be killed in the middle of a commit: then nothing more is written."""

    def __init__(self, journal, commits):
        self.journal = journal
        self.commits = commits  # how many it lives to see

    @property
    def send_totals(self):
        return self.journal.send_totals

    def pending(self, after, limit):
        return self.journal.pending(after, limit)

    def record(self, **parts):
        self.commits -= 1
        if self.commits < 0:
            raise Killed
        return self.journal.record(**parts)


class Life(RuleBasedStateMachine):
    """One account, one reports folder, a sheet that is sent again and again."""

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

    # --- what may happen

    @precondition(lambda self: not self.is_open)
    @rule()
    def run_again(self):
        """The same sheet as a new run, staged and not yet sent."""
        run_id = f"run-{len(self.runs)}"
        journal = Journal.create(self.folder / run_id, header(run_id))
        journal.stage(self.rows())
        journal.begin_sending()
        journal.close()
        self.runs.append(run_id)
        self.is_open = True

    @precondition(lambda self: not self.is_open)
    @rule(chance=st.randoms(use_true_random=False))
    def sort_the_sheet(self, chance):
        """People sort their sheets between two runs."""
        chance.shuffle(self.sheet)

    @precondition(lambda self: self.is_open)
    @rule(
        trouble=st.lists(
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
    def send(self, trouble, commits, concurrency, stop_after):
        """Send, or resume, until it ends well or badly."""
        self.crm.trouble = trouble
        self.is_open = not self.sent(commits, concurrency, stop_after)
        self.crm.trouble = []

    @precondition(lambda self: self.is_open)
    @rule()
    def finish(self):
        """On a healthy server a resume ends with every row in."""
        assert self.sent(1_000, 2, 1_000)
        self.is_open = False
        with self.journal() as journal:
            assert {o.status for o in journal.read_report_rows()} <= {
                RowStatus.ACCEPTED,
                RowStatus.REFUSED,
                RowStatus.FAILED,
                RowStatus.UNKNOWN,
            }

    @precondition(lambda self: not self.is_open)
    @rule()
    def lose_the_ledger(self):
        for path in self.folder.glob("notes.sqlite*"):
            path.unlink()

    # --- what must hold

    @invariant()
    def no_note_is_there_twice(self):
        if hasattr(self, "crm"):
            assert len(self.crm.notes) == len(set(self.crm.notes)), self.crm.notes

    @invariant()
    def every_row_has_one_status_and_it_is_so(self):
        if not getattr(self, "runs", None):
            return
        with self.journal() as journal:
            outcomes = list(journal.read_report_rows())
            assert sum(journal.counts().values()) == len(outcomes) == len(self.staged)
        for outcome, (phone, notes) in zip(outcomes, self.staged, strict=True):
            there = [note for note in notes if (phone, note) in self.crm.notes]
            if outcome.status is RowStatus.ACCEPTED:
                assert phone in self.crm.names
            if outcome.note is NoteState.SENT:
                assert there == notes
            assert (outcome.note is NoteState.NONE) == (not notes)

    # --- how

    def rows(self):
        self.staged = list(self.sheet)
        for number, (phone, notes) in enumerate(self.staged):
            body = {"customer_phone": phone, "first_name": f"row {number}"}
            if notes:
                body["customer_note"] = NOTE_BREAK.join(notes)
            yield to_staged_row(Accepted(SourceRow(number, (phone,)), phone, body))

    def journal(self):
        return Journal.open(self.folder / self.runs[-1])

    def sent(self, commits, concurrency, stop_after):
        """Whether every row was settled. A kill leaves the journal as the disk has it."""
        journal = self.journal()
        loop = VirtualLoop()
        asked_for = iter(range(10**9))
        options = SendSettings(rate_per_s=50.0, concurrency=concurrency, max_wait_s=100, create=True)
        clockwork = Runtime(clock=loop.time, sleep=asyncio.sleep, chance=random.Random(3))
        try:
            journal.begin_sending()
            finished = loop.run_until_complete(
                send(
                    Mortal(journal, commits),
                    self.crm,
                    options,
                    total=journal.left,
                    on_progress=lambda _: None,
                    asked=lambda: (
                        StopRequest.DRAIN if next(asked_for) // 50 >= stop_after else StopRequest.NO
                    ),
                    clockwork=clockwork,
                )
            )
            if finished:
                journal.end(RunEnd(state=RunState.FINISHED))
        except (Killed, BlockedError, ServerUnavailableError):
            return False
        else:
            return finished
        finally:
            for task in asyncio.all_tasks(loop):
                task.cancel()
            journal.close()
            loop.close()


def header(run_id):
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


Life.TestCase.settings = settings(
    max_examples=40, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = Life.TestCase
