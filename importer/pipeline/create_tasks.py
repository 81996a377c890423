"""Create the follow-up tasks of the rows that went in: a second pass of the send loop, after all leads."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from importer.journal.run_journal import Journal
from importer.journal.task_journal import TaskJournal
from importer.models.task import OpenTasks
from importer.pipeline.context import RunContext
from importer.pipeline.local_sender import Sending, SendingObserver
from importer.pipeline.reports_folder import now
from importer.pipeline.task_options import parse_notify
from importer.sender.commit_writer import DeliveryJournal
from importer.sender.request_kinds import NewTasks, RequestKind
from importer.sender.send_loop import StopRequest
from importer.sender.task_requests import TaskSettings
from importer.settings import Settings

_MAX_PAUSE_S = 0.1  # between two looks for a signal


class BuildSending(Protocol):
    """Returns a pass over the rows of a source, with the options of the run."""

    def __call__(self, source: DeliveryJournal, kind: RequestKind[Any], total: int) -> Sending:
        """Return the pass."""


def create_tasks(
    journal: Journal,
    context: RunContext,
    get_stop_request: Callable[[], StopRequest],
    build_sending: BuildSending,
) -> bool:
    """Create the tasks that are open. Return False if a person stopped it."""
    settings = context.settings
    if journal.tasks.is_empty:
        return True
    if settings.task_for == "new":
        journal.tasks.remove_of_known_leads()
    metadata = journal.metadata
    source = TaskJournal(
        journal.file,
        journal.tasks,
        journal.delivery,
        run_id=metadata.run_id,
        base_url=metadata.base_url,
    )
    wait_s = _count_seconds_until(source.settle_known_tasks())
    tasks = journal.tasks.count_open()
    if not tasks:
        return True
    context.observer.on_tasks_begin(tasks, wait_s)
    wait_unless_stopped(wait_s, get_stop_request)
    observer = SendingObserver(
        on_progress=context.observer.on_task_progress, get_stop_request=get_stop_request
    )
    return context.sender.send(
        build_sending(source, NewTasks(build_task_settings(settings)), tasks), observer
    )


def build_task_settings(settings: Settings) -> TaskSettings:
    """Return how tasks are created, from the options."""
    return TaskSettings(
        open_tasks=OpenTasks(settings.open_tasks), timeout_s=settings.timeout, notify=parse_notify(settings)
    )


def wait_unless_stopped(wait_s: float, get_stop_request: Callable[[], StopRequest]) -> None:
    """Wait, at most until a person stops it."""
    until = time.monotonic() + wait_s
    while (left_s := until - time.monotonic()) > 0 and get_stop_request() is StopRequest.NO:
        time.sleep(min(left_s, _MAX_PAUSE_S))


def _count_seconds_until(moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (moment - now()).total_seconds())
