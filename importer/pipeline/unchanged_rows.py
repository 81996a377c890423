"""Leave out rows that the CRM took from this tool before, with the same values (`--changed`): they need no request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from importer.issues import Issue, IssueCode
from importer.journal.delivery_log import list_notes, remove_note
from importer.journal.run_journal import Journal
from importer.messages import format_time
from importer.models.row import Accepted, NewVerdict, Payload
from importer.models.status import NoteState, StagedVerdict
from importer.models.task import PendingTask, Task
from importer.pipeline.context import RunContext
from importer.pipeline.schedule_tasks import split_task
from importer.pipeline.task_options import read_due_option
from importer.planner.policies import Policies
from importer.planner.sent_before import is_sent_before
from importer.state.account_memory import AccountMemory, read_memory
from importer.state.field_memory import FieldMemory, LeadMemory
from importer.state.note_ledger import NoteLedger, RunIdentity
from importer.state.task_ledger import TaskLedger

_ROWS_PER_COMMIT = 1000


def leave_out_unchanged_rows(journal: Journal, context: RunContext) -> None:
    """Give each valid row that was sent before the verdict UNCHANGED, and say by which run. The CRM is not asked."""
    with open_memory_of_rows(journal, context) as finder:
        after = -1
        while finder is not None and (rows := journal.staging.read_valid_rows(after, _ROWS_PER_COMMIT)):
            after = rows[-1].row.number
            journal.staging.update_verdicts(finder.find(rows))


@contextmanager
def open_memory_of_rows(journal: Journal, context: RunContext) -> Iterator[UnchangedRows | None]:
    """Yield what finds unchanged rows, None if nothing is remembered of the account."""
    with read_memory(context.require_account().folder) as memory:
        policies = context.choose_policies(journal.metadata.mapping)
        due = read_due_option(context.settings, journal.metadata.started)
        yield None if memory is None else UnchangedRows(memory, _identify_run(journal), policies, due)


def _identify_run(journal: Journal) -> RunIdentity:
    metadata = journal.metadata
    return RunIdentity(metadata.run_id, metadata.account, metadata.base_url)


class UnchangedRows:
    """Finds rows that were sent before, in what this computer remembers of the account."""

    def __init__(
        self, memory: AccountMemory, run: RunIdentity, policies: Policies, due_of_option: str
    ) -> None:
        self._tasks = TaskLedger(memory, run_id=run.run_id, base_url=run.base_url)
        self._due_of_option = due_of_option
        self._fields = FieldMemory(memory, run.base_url)
        self._notes = NoteLedger(memory, run)
        self._account = run.account
        self._policies = policies

    def find(self, rows: Sequence[Accepted]) -> Iterator[NewVerdict]:
        """Yield the new verdicts of those of the rows that were sent before."""
        known = self._fields.read_settled([row.phone for row in rows], self._policies.describe())
        candidates = [row for row in rows if row.phone in known]
        split = [split_task(row.payload) for row in candidates]
        done = self._find_done_tasks(candidates, [one.task for one in split])
        payloads = self._drop_sent_notes([one.payload for one in split])
        for row, (rest, task), payload in zip(candidates, split, payloads, strict=True):
            lead = known[row.phone]
            needs_task = task is not None and row.row.number not in done
            if not needs_task and is_sent_before(payload, lead.fields, self._policies):
                issues = (*row.issues, _build_issue(lead))
                yield NewVerdict(row.row.number, StagedVerdict.UNCHANGED, rest, issues)

    def _find_done_tasks(self, rows: Sequence[Accepted], tasks: Sequence[Task | None]) -> set[int]:
        """Return the numbers of rows whose lead needs no task now: it has it, keeps another one, or --due is another day.

        A due date of the sheet that is new is something to send. That of --due is new each day, and says nothing.
        """
        pending = [
            PendingTask(number=row.row.number, phone=row.phone, task=task)
            for row, task in zip(rows, tasks, strict=True)
            if task is not None
        ]
        of_option = {one.number for one in pending if one.task.due_at == self._due_of_option}
        known = self._tasks.find_known([one for one in pending if one.number not in of_option])
        return of_option | {number for number, one in known.items() if not one.state.is_missing}

    def _drop_sent_notes(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads without notes that the CRM has for certain. A note in doubt stays: its row goes again."""
        notes = [list_notes(payload) for payload in payloads]
        known = self._notes.find_known([note for found in notes for note in found])
        sent = {
            note
            for note, one in known.items()
            if one.state is NoteState.SENT and one.account == self._account
        }
        return [
            remove_note(payload) if found and sent.issuperset(found) else payload
            for payload, found in zip(payloads, notes, strict=True)
        ]


def _build_issue(lead: LeadMemory) -> Issue:
    written = format_time(datetime.fromisoformat(lead.written_at))
    return Issue("row", IssueCode.SENT_BEFORE, "", written, lead.run_id)
