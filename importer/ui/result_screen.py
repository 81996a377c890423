"""Screen 7: what became of the rows, its files, and what can be done next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from starlette.responses import FileResponse, Response

from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.messages import undo_messages
from importer.messages.report_messages import CHECK_MEANINGS, STATUS_MEANINGS
from importer.models.status import RESUMABLE, UNSENT, RowStatus, RunKind, RunState
from importer.pipeline.reports_folder import is_sending
from importer.pipeline.resume import refresh_reports
from importer.report.summary import FAILED_CSV, FAILED_XLSX, PAGE, REPORT_FILES, Summary
from importer.ui.run_pages import find_step, get_state_colour
from importer.ui.run_steps import start_check, start_resume, start_retry, start_undo, start_verify
from importer.ui.visit import PageNotFoundError, Visit, show, write

_MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
}
_REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Of a report in its frame: an origin of its own, without our cookie. Its own policy allows only its own script."""


class Offers(NamedTuple):
    """What can be done with a run now. Counts are rows."""

    resume: bool
    look_up: bool
    retry: int
    fix: int
    verify: bool
    undo: bool


def show_result(visit: Visit) -> Response:
    """Show the counts and the report of a run, whatever state it is in."""
    place = visit.workspace.find_place(visit.run_id)
    if place.running is not None or place.run is None:
        return visit.go_to_run()
    refresh_reports(visit.folder)
    with Journal.open_unverified(visit.folder) as journal:
        counts, end, metadata = journal.reports.count_by_status(), journal.run.end, journal.metadata
        keeps_way_back = not metadata.undone_by and not journal.plans.is_empty
    state, summary = _name_state(end, visit.folder), visit.workspace.read_summary(visit.run_id)
    meanings = _choose_meanings(metadata.kind, end.state)
    offers = _list_offers(state, counts, summary, keeps_way_back=keeps_way_back)
    return visit.render(
        "result.html",
        step=find_step(end),
        file=Path(metadata.file).name,
        crm=visit.name_crm(metadata.base_url),
        state=state,
        colour=get_state_colour(state),
        reason=end.reason,
        counts=[
            (status.value, counts[status], visit.t.translate(meanings[status]))
            for status in RowStatus
            if counts.get(status)
        ],
        total=sum(counts.values()),
        files=_list_files(visit.folder, summary),
        has_page=(visit.folder / PAGE).is_file(),
        offers=offers._replace(retry=0, fix=0) if metadata.kind is RunKind.UNDO else offers,
        is_undo=metadata.kind is RunKind.UNDO,
        undone_by=metadata.undone_by,
        parent=metadata.parent,
        has_preparation=place.preparation is not None and not end.has_sent,
    )


def _list_offers(
    state: RunState, counts: Mapping[RowStatus, int], summary: Summary | None, *, keeps_way_back: bool
) -> Offers:
    """Return what can be done with a run in this state. `keeps_way_back`: it knows what its leads were before."""
    is_finished = state is RunState.FINISHED
    has_leads = bool(counts.get(RowStatus.ACCEPTED))
    return Offers(
        resume=state in RESUMABLE and state is not RunState.RUNNING,
        look_up=state is RunState.CHECKED and has_leads,
        retry=summary.undelivered if summary and is_finished else 0,
        fix=summary.to_fix if summary else 0,
        verify=is_finished and has_leads,
        undo=is_finished and keeps_way_back,
    )


def _choose_meanings(kind: RunKind, state: RunState) -> Mapping[str, str]:
    """Return what each status means, in the words of the reports."""
    if kind is RunKind.UNDO:
        return undo_messages.PLAN_MEANINGS if state in UNSENT else undo_messages.STATUS_MEANINGS
    return CHECK_MEANINGS if state in UNSENT else STATUS_MEANINGS


def _name_state(end: RunEnd, folder: Path) -> RunState:
    """Return the state as the list of runs names it. A run that no process is sending was killed."""
    was_killed = end.state is RunState.RUNNING and not is_sending(folder)
    return RunState.INTERRUPTED if was_killed else end.state


def _list_files(folder: Path, summary: Summary | None) -> list[str]:
    """Return the reports that there are, but for the page, which is shown. Lists of failed rows may be empty."""
    names = [name for name in REPORT_FILES if name != PAGE and (folder / name).is_file()]
    has_failed = summary is None or summary.failed_rows > 0
    return [name for name in names if has_failed or name not in (FAILED_CSV, FAILED_XLSX)]


def send_file(visit: Visit) -> Response:
    """Send a report. Only the names of our reports can be asked for."""
    name = visit.path["name"]
    path = visit.folder / name
    if name not in REPORT_FILES or path.is_symlink() or not path.is_file():
        raise PageNotFoundError
    media_type = _MEDIA_TYPES[path.suffix]
    if name == PAGE:
        return FileResponse(path, media_type=media_type, headers={"content-security-policy": _REPORT_POLICY})
    return FileResponse(path, media_type=media_type, filename=f"{visit.run_id}-{name}")


def resume_run(visit: Visit) -> Response:
    """Finish a run that was stopped."""
    start_resume(visit.workspace, visit.run_id)
    return visit.redirect(f"/runs/{visit.run_id}")


def retry_run(visit: Visit) -> Response:
    """Send the rows again that did not go in."""
    return visit.redirect(f"/runs/{start_retry(visit.workspace, visit.run_id)}")


def fix_rows(visit: Visit) -> Response:
    """Check the failed rows of a run again, as a new one: its columns and options are known, so the rows are next."""
    path = visit.folder / FAILED_XLSX
    if not path.is_file():
        path = visit.folder / FAILED_CSV
    if not path.is_file():
        raise PageNotFoundError
    run_id = visit.workspace.make_run_id()
    is_practice = visit.workspace.is_practice_run(visit.run_id)
    preparation = visit.workspace.begin_preparation(path.name, path, run_id, is_practice=is_practice)
    preparation = preparation.change(is_settled=True)
    visit.workspace.preparations.save(preparation)
    start_check(visit.workspace, preparation)
    return visit.redirect(f"/runs/{run_id}")


def undo_run(visit: Visit) -> Response:
    """Plan what puts the leads of a run back to what they were. Nothing is sent before its plan was seen."""
    return visit.redirect(f"/runs/{start_undo(visit.workspace, visit.run_id)}")


def verify_run(visit: Visit) -> Response:
    """Read the leads of a run back."""
    start_verify(visit.workspace, visit.run_id)
    return visit.redirect(f"/runs/{visit.run_id}")


ROUTES = [
    show("/runs/{run_id}/report", show_result),
    show("/runs/{run_id}/files/{name}", send_file),
    write("/runs/{run_id}/resume", resume_run),
    write("/runs/{run_id}/retry", retry_run),
    write("/runs/{run_id}/fix", fix_rows),
    write("/runs/{run_id}/undo", undo_run),
    write("/runs/{run_id}/verify", verify_run),
]
