"""Screen 6: a step while it works, by server-sent events. Each event is the whole state, so none can be missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from importer.ui.run_task import Phase, RunTask, Snapshot, TaskKind
from importer.ui.texts import Texts
from importer.ui.visit import Visit, show, write

_POLL_S = 0.25
_HEARTBEAT_S = 15.0
_STEPS = {TaskKind.CHECK: "values", TaskKind.LOOK_UP: "plan"}


class ShownProgress(msgspec.Struct, frozen=True):
    """What the page shows: sentences, the share that is done (-1 where it is not known), and where to go when it is over."""

    title: str
    line: str
    wait: str
    share: float
    next: str = ""


def show_progress(visit: Visit) -> Response:
    """Show what the run's thread does, or go to where the run is."""
    place = visit.workspace.find_place(visit.run_id)
    task = place.running
    if task is None or task.prompter.question:
        return visit.go_to_run()
    return visit.render(
        "progress.html",
        step=_STEPS.get(task.kind, "send"),
        progress=describe(visit.t, task.observer.snapshot),
        snapshot=task.observer.snapshot,
        can_stop=not task.observer.snapshot.is_stopping,
        is_check=task.kind is TaskKind.CHECK,
    )


async def stream_events(request: Request) -> Response:
    """Send the state of the run's task whenever it has changed, until it is over or asks something."""
    visit = Visit(request)
    task = visit.workspace.tasks.find(visit.run_id)
    next_page = visit.url(f"/runs/{visit.run_id}")
    headers = {"x-accel-buffering": "no"}
    return StreamingResponse(
        _list_events(visit.t, task, next_page), media_type="text/event-stream", headers=headers
    )


async def _list_events(t: Texts, task: RunTask | None, next_page: str) -> AsyncIterator[bytes]:
    last, quiet_s = b"", 0.0
    while True:
        is_over = task is None or not task.is_running or task.prompter.question is not None
        snapshot = Snapshot(kind=TaskKind.CHECK, phase=Phase.OVER) if task is None else task.observer.snapshot
        shown = msgspec.structs.replace(describe(t, snapshot), next=next_page if is_over else "")
        event = b"data: " + msgspec.json.encode(shown) + b"\n\n"
        if event != last:
            last, quiet_s = event, 0.0
            yield event
        elif quiet_s >= _HEARTBEAT_S:
            quiet_s = 0.0
            yield b":\n\n"
        if is_over:
            return
        await asyncio.sleep(_POLL_S)
        quiet_s += _POLL_S


def describe(t: Texts, snapshot: Snapshot) -> ShownProgress:
    """Return the sentences about a snapshot."""
    parts = []
    if snapshot.total:
        parts.append(t("progress.of", done=snapshot.done, total=snapshot.total))
    elif snapshot.done:
        parts.append(t.count("progress.rows", snapshot.done))
    if snapshot.rows_per_s >= 0.1:
        parts.append(
            t("progress.rate", rate=f"{snapshot.rows_per_s:.{1 if snapshot.rows_per_s < 10 else 0}f}")
        )
    if snapshot.not_accepted:
        parts.append(t.count("progress.failed", snapshot.not_accepted))
    if snapshot.left_s > 0:
        parts.append(t("progress.left", duration=t.format_duration(snapshot.left_s)))
    title = t(f"progress.{'stopping' if snapshot.is_stopping else snapshot.phase}")
    wait = (
        t("progress.wait", duration=t.format_duration(snapshot.waiting_s)) if snapshot.waiting_s >= 1 else ""
    )
    share = round(snapshot.done / snapshot.total, 4) if snapshot.total else -1.0
    return ShownProgress(title, ", ".join(parts), wait, share)


def stop_task(visit: Visit) -> Response:
    """Stop as one Ctrl-C does: requests under way are finished, and the person can continue the run."""
    task = visit.workspace.tasks.find(visit.run_id)
    if task is not None and task.is_running:
        task.hold()
    return visit.redirect(f"/runs/{visit.run_id}")


ROUTES = [
    show("/runs/{run_id}/progress", show_progress),
    Route("/runs/{run_id}/events", stream_events, methods=["GET"]),
    write("/runs/{run_id}/stop", stop_task),
]
