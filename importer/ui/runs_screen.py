"""Screen 0: the runs and preparations, a new sheet, and the account that it goes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from importer.errors import DiskWriteError, ImporterError, UnreadableFileError, UsageError
from importer.messages import format_count, format_time, ui_messages
from importer.messages.report_messages import CHECK_MEANINGS, STATUS_MEANINGS
from importer.models.status import UNSENT, RowStatus, RunKind
from importer.pipeline.preparations import MAX_UPLOAD_BYTES, open_upload
from importer.pipeline.reports_folder import RunLine, list_runs
from importer.ui.request_guard import LAUNCH_PATH
from importer.ui.run_pages import get_state_colour
from importer.ui.run_task import TaskKind
from importer.ui.texts import LANGUAGES, Texts
from importer.ui.upload_form import UploadForm
from importer.ui.visit import TOKEN_FIELD, Visit, has_token, show, write

_PASTED_NAME = "pasted table.csv"


class ListedRun(NamedTuple):
    """One line of the list: a run, or a sheet on its way to one."""

    run_id: str
    file: str
    started: str
    state: str
    counts: str
    path: str
    sort_key: float
    colour: str = ""
    damage: str = ""
    is_preparation: bool = False


def show_runs(visit: Visit) -> Response:
    """Show everything in the reports folder, the newest first."""
    accounts = visit.workspace.accounts
    if accounts.is_practice:
        accounts.practice.start()
    missing_key = None if accounts.is_practice else accounts.missing_key
    crm = ""
    if not accounts.is_practice and missing_key is None:
        crm = urlsplit(accounts.find(is_practice=False).base_url).netloc
    return visit.render(
        "runs.html",
        runs=sorted([*_list_runs(visit), *_list_preparations(visit)], key=lambda run: -run.sort_key),
        missing_key=missing_key,
        crm=crm,
        practice_url=accounts.practice.page_url,
        reports=str(visit.workspace.reports),
    )


def _list_runs(visit: Visit) -> list[ListedRun]:
    return [_describe_run(visit, line) for line in list_runs(visit.workspace.reports)]


def _describe_run(visit: Visit, line: RunLine) -> ListedRun:
    name = Path(line.file).name
    task = visit.workspace.tasks.find(line.run_id)
    state = "running" if task is not None and task.is_running else line.state
    return ListedRun(
        run_id=line.run_id,
        file=visit.t("report.undo_of", file=name) if line.kind is RunKind.UNDO else name,
        started=format_time(line.started) if line.started else "",
        state=visit.t(f"states.{state}") if state else "",
        counts=_format_counts(line, visit.t),
        path="" if line.damage else f"/runs/{line.run_id}",
        sort_key=line.started.timestamp() if line.started else 0.0,
        colour=get_state_colour(state),
        damage=line.damage,
    )


def _format_counts(line: RunLine, t: Texts) -> str:
    """Return `2 accepted, 1 to fix` in the words of the reports."""
    words = CHECK_MEANINGS if line.state in UNSENT else STATUS_MEANINGS
    counts = [(words[status], line.counts.get(status, 0)) for status in RowStatus if status in words]
    return ", ".join(f"{format_count(count)} {t.translate(word)}" for word, count in counts if count)


def _list_preparations(visit: Visit) -> list[ListedRun]:
    found = []
    for preparation in visit.workspace.preparations.list_all():
        place = visit.workspace.find_place(preparation.run_id)
        if place.run is None:
            kind = place.running.kind if place.running else None
            state = "checking" if kind is TaskKind.CHECK else "preparation"
            found.append(
                ListedRun(
                    run_id=preparation.run_id,
                    file=preparation.file,
                    started=format_time(preparation.started),
                    state=visit.t(f"states.{state}"),
                    counts="",
                    path=f"/runs/{preparation.run_id}",
                    sort_key=preparation.started.timestamp(),
                    is_preparation=True,
                )
            )
    return found


def show_run(visit: Visit) -> Response:
    """Go to the page that a run is at."""
    return visit.go_to_run()


def discard_preparation(visit: Visit) -> Response:
    """Remove a preparation and the copy of its sheet."""
    visit.workspace.stop_check(visit.run_id)
    visit.workspace.preparations.remove(visit.run_id)
    return visit.redirect("/")


# --- a new sheet


async def upload(request: Request) -> Response:
    """Begin a preparation with the file that our script sends as it is."""
    visit = Visit(request)
    if not has_token(visit):
        return visit.show_error(UsageError(*ui_messages.FORM_EXPIRED), HTTPStatus.FORBIDDEN)
    try:
        run_id = await _receive(visit, request.query_params.get("name", ""), request.stream())
    except ImporterError as error:
        return _refuse_upload(visit, error)
    return visit.to_json({"url": visit.url(f"/runs/{run_id}")})


async def upload_by_form(request: Request) -> Response:
    """Do the same with the form of a browser that runs no script. Nothing is written before its token was seen."""
    visit = Visit(request)
    try:
        form = UploadForm(request.headers.get("content-type", ""), request.stream())
        await form.read_head()
        if not visit.session.has_token(form.fields.get(TOKEN_FIELD, "")):
            return visit.show_error(UsageError(*ui_messages.FORM_EXPIRED), HTTPStatus.FORBIDDEN)
        run_id = await _receive(visit, form.file_name, form.read_file())
    except ImporterError as error:
        return _refuse_upload(visit, error)
    return visit.redirect(f"/runs/{run_id}")


async def _receive(visit: Visit, name: str, chunks: AsyncIterator[bytes]) -> str:
    """Write the bytes of a file as they come, and begin a preparation with it. Return its run id."""
    preparations, run_id = visit.workspace.preparations, visit.workspace.make_run_id()
    try:
        path = await run_in_threadpool(preparations.make_upload_path, run_id, name)
        with open_upload(path, max_bytes=MAX_UPLOAD_BYTES) as file:
            async for chunk in chunks:
                file.write(chunk)
        _require_content(file.size)
        await run_in_threadpool(visit.workspace.begin_preparation, path.name, path, run_id)
    except ImporterError:
        await run_in_threadpool(preparations.remove, run_id)
        raise
    return run_id


def _refuse_upload(visit: Visit, error: ImporterError) -> Response:
    is_full = isinstance(error, DiskWriteError)
    return visit.show_error(error, HTTPStatus.INSUFFICIENT_STORAGE if is_full else HTTPStatus.BAD_REQUEST)


def _require_content(size: int) -> None:
    if not size:
        raise UnreadableFileError(*ui_messages.UPLOAD_EMPTY)


def paste_table(visit: Visit) -> Response:
    """Begin a preparation with rows that were copied in a spreadsheet."""
    text = visit.form.get("table")
    _require_content(len(text.strip()))
    run_id = visit.workspace.make_run_id()
    path = visit.workspace.preparations.make_upload_path(run_id, _PASTED_NAME)
    with open_upload(path, max_bytes=MAX_UPLOAD_BYTES) as file:
        file.write(text.replace("\r\n", "\n").encode())
    visit.workspace.begin_preparation(path.name, path, run_id)
    return visit.redirect(f"/runs/{run_id}")


# --- the account, the language, another browser


def set_key(visit: Visit) -> Response:
    """Keep a key in memory until the command ends."""
    visit.workspace.accounts.set_key(visit.form.get("key").strip())
    return visit.redirect("/")


def set_practice(visit: Visit) -> Response:
    """Import new sheets into the practice CRM, or into the account again."""
    visit.workspace.accounts.is_practice = visit.form.get("practice") == "on"
    return visit.redirect("/")


def set_language(visit: Visit) -> Response:
    """Show the pages of this browser in another language."""
    if (language := visit.form.get("language")) in LANGUAGES:
        visit.session.language = language
    return visit.redirect("/")


def make_link(visit: Visit) -> Response:
    """Show an address that opens the page in another browser of this computer, once and soon."""
    code = visit.make_launch_code()
    address = f"http://{visit.headers['host']}{LAUNCH_PATH}{code}"
    return visit.render("link.html", address=address)


ROUTES = [
    show("/", show_runs),
    show("/runs/{run_id}", show_run),
    write("/runs/{run_id}/discard", discard_preparation),
    Route("/upload", upload, methods=["PUT"]),
    Route("/upload", upload_by_form, methods=["POST"]),
    write("/paste", paste_table),
    write("/key", set_key),
    write("/practice", set_practice),
    write("/language", set_language),
    write("/link", make_link),
]
