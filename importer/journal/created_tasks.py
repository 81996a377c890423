"""The journal as the sender sees it while created tasks are read back. What the CRM shows settles every doubt."""

from __future__ import annotations

from importer.journal.database import JournalFile
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_metadata import SendTotals
from importer.journal.task_journal import to_task_result
from importer.journal.task_log import TaskLog
from importer.models.delivery import PendingRow
from importer.models.task import PendingTask


class TaskCheckJournal:
    """Gives out the tasks that were created, or may have been, and writes what the CRM shows."""

    def __init__(self, file: JournalFile, log: TaskLog, *, is_sample: bool) -> None:
        self._file = file
        self._log = log
        self._is_sample = is_sample
        self._tasks: dict[int, PendingTask] = {}

    def read_send_totals(self) -> SendTotals:
        """Return no totals: those of the sending are another matter."""
        return SendTotals()

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        """Return the next tasks to read back."""
        tasks = self._log.read_sent(after, limit, is_sample=self._is_sample)
        self._tasks |= {one.number: one for one in tasks}
        return [PendingRow(number=one.number, phones=(one.phone,), payload={}) for one in tasks]

    def get_task(self, number: int) -> PendingTask:
        """Return a task that `read_pending` gave out."""
        return self._tasks[number]

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        """Write what the CRM shows."""
        if batch.results:
            with self._file.commit():
                self._log.record_results(map(to_task_result, batch.results))
        return batch.intents
