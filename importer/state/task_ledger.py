"""The ledger of tasks created in an account: no task is created twice, from whatever folder.

It is one table of the account's memory (state/account_memory.py), with fingerprints only. Unlike a note, a task can be
listed, so its doubt ends: `settles_at` is the time from which a task that the CRM does not list was not created.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from importer.models.task import PendingTask, Task, TaskState
from importer.state.account_memory import AccountMemory, fingerprint


class KnownTask(NamedTuple):
    """What the ledger knows about a task: the run that sent it, whether it is created, and when that is certain."""

    run_id: str
    state: TaskState
    settles_at: datetime


class TaskLedger:
    """The ledger as one run uses it. Everything happens within a transaction of the journal."""

    def __init__(self, memory: AccountMemory, *, run_id: str, base_url: str) -> None:
        self._sql = memory.sql
        self._salt = memory.salt
        self._run_id = run_id
        self._base_url = base_url

    def find_known(self, tasks: Sequence[PendingTask]) -> dict[int, KnownTask]:
        """Return those of the tasks that are in the ledger, by row number."""
        found = {one.number: self._find(one.phone, one.task) for one in tasks}
        return {number: known for number, known in found.items() if known is not None}

    def claim(self, tasks: Iterable[PendingTask], settles_at: datetime) -> None:
        """Write which tasks are about to leave, before any byte does."""
        self._sql.executemany(
            "INSERT OR REPLACE INTO memory.tasks (fingerprint, run_id, state, settles_at) VALUES (?, ?, ?, ?)",
            [
                (self._identify(one.phone, one.task), self._run_id, TaskState.UNKNOWN, settles_at.isoformat())
                for one in tasks
            ],
        )

    def settle(self, tasks: Iterable[PendingTask], state: TaskState) -> None:
        """Mark tasks as created, which the CRM has confirmed or lists, or as not needed: the lead keeps another."""
        self._sql.executemany(
            """INSERT INTO memory.tasks (fingerprint, run_id, state, settles_at) VALUES (?1, ?2, ?3, '')
               ON CONFLICT DO UPDATE SET state = ?3, settles_at = ''""",
            [(self._identify(one.phone, one.task), self._run_id, state) for one in tasks],
        )

    def release(self, tasks: Iterable[PendingTask]) -> None:
        """Remove claims for tasks that were not created."""
        self._sql.executemany(
            "DELETE FROM memory.tasks WHERE fingerprint = ? AND state = ?",
            [(self._identify(one.phone, one.task), TaskState.UNKNOWN) for one in tasks],
        )

    def _find(self, phone: str, task: Task) -> KnownTask | None:
        found = self._sql.execute(
            "SELECT run_id, state, settles_at FROM memory.tasks WHERE fingerprint = ?",
            (self._identify(phone, task),),
        ).fetchone()
        if found is None:
            return None
        run_id, state, settles_at = found
        never = datetime.fromtimestamp(0).astimezone()
        return KnownTask(
            run_id, TaskState(state), datetime.fromisoformat(settles_at) if settles_at else never
        )

    def _identify(self, phone: str, task: Task) -> bytes:
        """Return the fingerprint of a task. Its due date counts as a moment, in whatever time zone it is written."""
        due = str(int(task.due.timestamp()))
        return fingerprint(self._salt, self._base_url, phone, task.type, due, task.note)


def find_doubt_end(known: Mapping[int, KnownTask]) -> datetime | None:
    """Return the time at which the last of the tasks in doubt can be told by the CRM's list, None without any."""
    in_doubt = [one.settles_at for one in known.values() if one.state is TaskState.UNKNOWN]
    return max(in_doubt, default=None)
