"""Create the follow-up tasks of the rows that went in: a second pass of the send loop, after all leads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

from importer.journal.run_journal import Journal
from importer.journal.task_journal import TaskJournal
from importer.models.task import OpenTasks
from importer.pipeline.context import RunContext
from importer.pipeline.reports_folder import now
from importer.pipeline.task_options import parse_notify
from importer.sender.client import Client
from importer.sender.send_loop import SendSettings, StopRequest, send
from importer.sender.task_requests import TaskRequests, TaskSettings
from importer.settings import Settings

_MAX_PAUSE_S = 0.1  # between two looks for a signal


async def create_tasks(
    journal: Journal,
    client: Client,
    context: RunContext,
    send_settings: SendSettings,
    get_stop_request: Callable[[], StopRequest],
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
    await wait_unless_stopped(wait_s, get_stop_request)
    return await send(
        source,
        client,
        send_settings,
        total=tasks,
        on_progress=context.observer.on_task_progress,
        get_stop_request=get_stop_request,
        make_requests=lambda writer: TaskRequests(source, build_task_settings(settings), writer=writer),
    )


def build_task_settings(settings: Settings) -> TaskSettings:
    """Return how tasks are created, from the options."""
    return TaskSettings(
        open_tasks=OpenTasks(settings.open_tasks), timeout_s=settings.timeout, notify=parse_notify(settings)
    )


async def wait_unless_stopped(wait_s: float, get_stop_request: Callable[[], StopRequest]) -> None:
    """Wait, at most until a person stops it."""
    until = time.monotonic() + wait_s
    while (  # noqa: ASYNC110 - a signal handler sets no event of asyncio
        left_s := until - time.monotonic()
    ) > 0 and get_stop_request() is StopRequest.NO:
        await asyncio.sleep(min(left_s, _MAX_PAUSE_S))


def _count_seconds_until(moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (moment - now()).total_seconds())
