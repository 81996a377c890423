"""The journal as the sender sees it while follow-up tasks are created: a task is a row, and its intent comes late.

A task is claimed in the journal and in the account's ledger by one commit, when its request is about to leave. What is
read before it changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from importer.issues import Issue, IssueCode
from importer.journal.database import JournalFile
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.delivery_log import DeliveryLog
from importer.journal.run_metadata import SendTotals
from importer.journal.task_log import TaskLog, TaskResult
from importer.messages import format_time
from importer.models.delivery import DeliveryResult, PendingRow
from importer.models.task import PendingTask, TaskState
from importer.state.task_ledger import TaskLedger, find_doubt_end

_TASKS_PER_COMMIT = 1000


class TaskJournal:
    """Gives out tasks, writes the intent of a task before it leaves, and what became of it."""

    def __init__(
        self, file: JournalFile, log: TaskLog, delivery: DeliveryLog, *, run_id: str, base_url: str
    ) -> None:
        self._file = file
        self._log = log
        self._delivery = delivery
        self._ledger = TaskLedger(delivery.memory, run_id=run_id, base_url=base_url)
        self._run_id = run_id
        self._tasks: dict[int, PendingTask] = {}

    def settle_known_tasks(self) -> datetime | None:
        """Settle tasks that an earlier run has created. Return until when others are in doubt, None for none.

        Before that time the CRM may create a task of an earlier run whose request it still has.
        """
        after, last = -1, None
        while tasks := self._log.read_open(after, _TASKS_PER_COMMIT):
            after = tasks[-1].number
            with self._file.commit():
                known = self._ledger.find_known(tasks)
                created = [
                    one
                    for one in tasks
                    if one.number in known and known[one.number].state is TaskState.CREATED
                ]
                self._log.record_results(
                    _build_known_result(one, known[one.number].run_id, self._run_id) for one in created
                )
                self._log.record_states(
                    [number for number, one in known.items() if one.state is TaskState.UNKNOWN],
                    TaskState.UNKNOWN,
                )
            ends = [end for end in (last, find_doubt_end(known)) if end is not None]
            last = max(ends, default=None)
        return last

    def read_send_totals(self) -> SendTotals:
        """Return the totals of the run so far."""
        return self._delivery.read_send_totals()

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        """Return the next tasks to create."""
        tasks = self._log.read_open(after, limit)
        self._tasks |= {one.number: one for one in tasks}
        return [PendingRow(number=one.number, phones=(one.phone,), payload={}) for one in tasks]

    def get_task(self, number: int) -> PendingTask:
        """Return a task that `read_pending` gave out."""
        return self._tasks[number]

    def begin_tasks(self, tasks: Sequence[tuple[PendingTask, datetime]]) -> list[PendingTask]:
        """Write in one commit which tasks are about to leave, each with the time at which its doubt would end."""
        with self._file.commit():
            self._log.record_states([one.number for one, _ in tasks], TaskState.UNKNOWN)
            for one, settles_at in tasks:
                self._ledger.claim([one], settles_at)
        return [one for one, _ in tasks]

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        """Write what became of tasks. A task that the run leaves in doubt stays so: its intent says it."""
        if batch.results or batch.withdrawn:
            with self._file.commit():
                self._record_results([to_task_result(one) for one in batch.results])
                self._withdraw([self._tasks.pop(row.number) for row in batch.withdrawn])
        if batch.metrics or batch.send_totals is not None:
            self._delivery.record(DeliveryBatch(metrics=batch.metrics, send_totals=batch.send_totals))
        return batch.intents

    def _record_results(self, results: Sequence[TaskResult]) -> None:
        tasks = {one.number: self._tasks.pop(one.number) for one in results}
        self._log.record_results(results)
        for state in (TaskState.CREATED, TaskState.KEPT):
            self._ledger.settle((tasks[one.number] for one in results if one.state is state), state)
        self._ledger.release(tasks[one.number] for one in results if one.state is TaskState.NOT_SENT)
        # With `--changed` the row goes again tomorrow.
        missing = [one.number for one in results if one.state.is_missing]
        self._delivery.fields.unsettle(self._log.read_phones(missing), run_id=self._run_id)

    def _withdraw(self, tasks: Sequence[PendingTask]) -> None:
        """Make tasks open again whose request did not leave. An earlier doubt stays."""
        certain = [one for one in tasks if not one.is_in_doubt]
        self._log.record_states([one.number for one in certain], TaskState.NOT_SENT)
        self._ledger.release(certain)


def _build_known_result(task: PendingTask, creator: str, run_id: str) -> TaskResult:
    """Return the result of a task that the ledger knows as created: by this run before it was killed, or another."""
    if creator == run_id:
        return TaskResult(task.number, TaskState.CREATED, 0, None)
    issue = Issue("task_due", IssueCode.TASK_REPEATED, "", format_time(task.task.due), creator)
    return TaskResult(task.number, TaskState.KEPT, 0, None, (issue,))


def to_task_result(result: DeliveryResult) -> TaskResult:
    """Return what became of a task, from the result that the sender gives."""
    assert result.task is not None, "a task has a state when it is settled"
    return TaskResult(result.number, result.task, result.attempts, result.http_status, result.issues)
