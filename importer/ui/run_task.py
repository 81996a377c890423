"""Runs a step of an import in a thread of its own, and keeps what a page needs to show it.

What is shown is one snapshot, replaced whole. So a browser that connects again gets all there is to know with the first
event. Closing a tab stops nothing: the thread does not know that there are browsers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeAlias

import msgspec

from importer.errors import ImporterError, RunInterruptedError
from importer.journal.run_metadata import RunMetadata
from importer.messages import ui_messages
from importer.models.mapping import Notice
from importer.pipeline.context import RunObserver
from importer.report.summary import Summary
from importer.sender.eta import EtaEstimator
from importer.sender.send_loop import Progress, StopRequest
from importer.ui.web_prompter import WebPrompter

_logger = logging.getLogger(__name__)


class TaskKind(StrEnum):
    """What a thread does for a run."""

    CHECK = "check"
    LOOK_UP = "look_up"
    SEND = "send"
    VERIFY = "verify"


class Phase(StrEnum):
    """Where a task is, in the words of its progress page."""

    STARTING = "starting"
    WAITING_FOR_LISTS = "waiting_for_lists"
    JUDGING = "judging"
    FINISHING_CHECK = "finishing_check"
    LOOKING_UP = "looking_up"
    SENDING = "sending"
    CREATING_TASKS = "creating_tasks"
    OVER = "over"


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a page shows of a task. `total` is 0 where it is not known, `left_s` is -1."""

    kind: TaskKind
    phase: Phase = Phase.STARTING
    done: int = 0
    total: int = 0
    not_accepted: int = 0
    rows_per_s: float = 0.0
    waiting_s: float = 0.0
    left_s: float = -1.0
    is_stopping: bool = False


class TaskObserver(RunObserver):
    """Writes the events of a run into its snapshot. A stop that was asked for ends the check at its next event."""

    def __init__(self, kind: TaskKind, clock: Callable[[], float] = time.monotonic) -> None:
        self.snapshot = Snapshot(kind=kind)
        self.is_stop_requested = False
        self._clock = clock
        self._eta = EtaEstimator()

    def set(self, **values: object) -> None:
        """Replace a part of the snapshot."""
        self.snapshot = msgspec.structs.replace(self.snapshot, **values)

    def on_wait(self, seconds: float) -> None:
        """Show that the CRM asks to wait before it gives its lists."""
        self._end_if_asked()
        self.set(phase=Phase.WAITING_FOR_LISTS, waiting_s=seconds)

    def on_worker_wait(self, seconds: float) -> None:
        """Show that a worker of a batch may still send to the account."""
        self._end_if_asked()
        self.set(waiting_s=seconds)

    def on_mapping_decided(self, metadata: RunMetadata) -> None:
        """Show that the rows are being judged."""
        del metadata
        self._end_if_asked()
        self.set(phase=Phase.JUDGING, done=0, total=0, waiting_s=0.0)

    def on_rows_judged(self, rows: int) -> None:
        """Count the rows that were judged."""
        self._end_if_asked()
        self.set(phase=Phase.JUDGING, done=rows)

    def on_notices(self, notices: Sequence[Notice]) -> None:
        """Show that all rows were read; the journal keeps the notices for the report."""
        del notices
        self.set(phase=Phase.FINISHING_CHECK)

    def on_look_ups_begin(self, phones: int) -> None:
        """Show how many leads are looked up."""
        self.set(phase=Phase.LOOKING_UP, done=0, total=phones)

    def on_look_up_progress(self, progress: Progress) -> None:
        """Show how the look-ups progress."""
        self._show(Phase.LOOKING_UP, progress)

    def on_progress(self, progress: Progress) -> None:
        """Show how the sending progresses."""
        self._show(Phase.SENDING, progress)

    def on_tasks_begin(self, tasks: int, wait_s: float) -> None:
        """Show how many tasks are created, and how long that has to wait for those of an earlier run."""
        self.set(
            phase=Phase.CREATING_TASKS, done=0, total=tasks, not_accepted=0, waiting_s=wait_s, left_s=-1.0
        )

    def on_task_progress(self, progress: Progress) -> None:
        """Show how the creation of tasks progresses."""
        self._show(Phase.CREATING_TASKS, progress)

    def _show(self, phase: Phase, progress: Progress) -> None:
        if self.snapshot.phase is not phase:
            self._eta = EtaEstimator()
        self._eta.update(self._clock(), progress.done, progress.waiting_s)
        left_s = self._eta.estimate_left_s(progress.total - progress.done, progress.waiting_s)
        self.set(
            phase=phase,
            done=progress.done,
            total=progress.total,
            not_accepted=progress.not_accepted,
            rows_per_s=round(self._eta.rows_per_s, 1),
            waiting_s=round(progress.waiting_s, 1),
            left_s=-1.0 if left_s is None else round(left_s, 1),
        )

    def _end_if_asked(self) -> None:
        if self.is_stop_requested:
            raise RunInterruptedError(*ui_messages.CHECK_STOPPED)


class RunTask:
    """One thread that works for one run. `failure` is why it ended without a result."""

    def __init__(self, run_id: str, kind: TaskKind) -> None:
        self.run_id = run_id
        self.kind = kind
        self.observer = TaskObserver(kind)
        self.prompter = WebPrompter()
        self.summary: Summary | None = None
        self.failure: ImporterError | None = None
        self.stop_request = StopRequest.NO
        self.is_held = False
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether the thread has not ended."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def sends(self) -> bool:
        """Whether it asks the CRM for something that a restart would have to continue."""
        return self.kind is not TaskKind.CHECK

    def start(self, work: Work) -> None:
        """Call `work` in a thread. What it raises becomes `failure`."""
        self._thread = threading.Thread(
            target=self._run, args=(work,), name=f"run {self.run_id}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Ask it to stop: requests under way are finished, as after one Ctrl-C. A check ends at its next row or question."""
        self.stop_request = StopRequest.DRAIN
        self.observer.set(is_stopping=True)
        if self.kind is TaskKind.CHECK:
            self.observer.is_stop_requested = True
            self.prompter.cancel()

    def hold(self) -> None:
        """Stop it because a person has pressed Stop: then only a person continues it."""
        self.is_held = True
        self.stop()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self, work: Work) -> None:
        try:
            self.summary = work(self)
        except ImporterError as error:
            self.failure = error
        except Exception as error:
            _logger.exception("Run %s", self.run_id)
            kind = type(error).__name__
            notes = " ".join(getattr(error, "__notes__", []))
            message, advice = ui_messages.INTERNAL_ERROR.format(kind=kind)
            self.failure = ImporterError(message, f"{notes} {advice}".strip())
        finally:
            self.observer.set(phase=Phase.OVER)


Work: TypeAlias = Callable[[RunTask], Summary | None]
"""What a task does. It gets the task, for the observer and the prompter of the run."""


class Tasks:
    """The tasks of this process, the last one of each run."""

    def __init__(self) -> None:
        self._tasks: dict[str, RunTask] = {}
        self._lock = threading.Lock()

    def find(self, run_id: str) -> RunTask | None:
        """Return the last task of a run, running or over."""
        return self._tasks.get(run_id)

    def start(self, run_id: str, kind: TaskKind, work: Work) -> bool:
        """Start a task. Return False, and start nothing, while the run has one: two clicks are one run."""
        with self._lock:
            known = self._tasks.get(run_id)
            if known is not None and known.is_running:
                return False
            task = self._tasks[run_id] = RunTask(run_id, kind)
            task.start(work)
        return True

    def list_running(self) -> list[RunTask]:
        """Return the tasks that have not ended."""
        return [task for task in self._tasks.values() if task.is_running]

    @property
    def is_working(self) -> bool:
        """Whether a task has something to do. One that waits for an answer can begin again later."""
        return any(task.prompter.question is None for task in self.list_running())

    def stop_all(self) -> list[RunTask]:
        """Ask all tasks to stop. Return them."""
        running = self.list_running()
        for task in running:
            task.stop()
        return running
