"""The main flow of a run, on one screen: map, judge, fold, ask, send, report."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from importer.access import Access
from importer.errors import NothingSent, before_the_first_write
from importer.journal import Journal, RunEnd
from importer.models import RunState
from importer.pipeline.runs import (
    account_of,
    cut_off_run,
    held,
    new_run_id,
    now,
    unfinished_run,
)
from importer.pipeline.sending import send_and_report
from importer.pipeline.stage import stage
from importer.pipeline.watch import Watch
from importer.report import Summary, write_reports
from importer.settings import Settings, with_run_settings
from importer.staging import Sheet


def check(sheet: Sheet, settings: Settings, access: Access, watch: Watch) -> Summary:
    """Judge every row and write the reports. The CRM is only read."""
    if begun := cut_off_run(Path(settings.reports), sha256=sheet.sha256, account=account_of(access)):
        watch.begun_before(begun)
    with stage("check", _with_id(settings), sheet, access, watch) as journal:
        return _write_check(journal)


def run(sheet: Sheet, settings: Settings, access: Access, watch: Watch, *, parent: str = "") -> Summary:
    """Judge every row, ask, then send the accepted ones: nothing leaves before every row was judged."""
    settings = _with_id(settings)
    account = account_of(access)
    _ = sheet.opened  # what is wrong with the file is told before a folder is made for its run
    reports = Path(settings.reports)
    with ExitStack() as holding:
        with before_the_first_write():
            holding.enter_context(held(reports, settings.run_id or "", sha256=sheet.sha256, account=account))
        if begun := unfinished_run(reports, sha256=sheet.sha256, account=account):
            watch.begun_before(begun)
        with stage("run", settings, sheet, access, watch, parent=parent) as journal:
            if watch.asks:
                _ask(journal, watch)
            # A sheet of ours brings the options of its run: --no-create must not create when its rows are fed back.
            return send_and_report(
                journal, with_run_settings(settings, journal.header.options), access, watch
            )


def _ask(journal: Journal, watch: Watch) -> None:
    """Show the check's summary, with its reports to look at, before the first write."""
    if not watch.confirm(_write_check(journal)):
        raise NothingSent("Nothing was sent.", f"The check's reports are in {journal.folder}.")


def _write_check(journal: Journal) -> Summary:
    with before_the_first_write():
        journal.end(RunEnd(state=RunState.CHECKED, finished_at=now().isoformat()))
        return write_reports(journal, journal.folder)


def _with_id(settings: Settings) -> Settings:
    return settings if settings.run_id else settings.replaced(run_id=new_run_id(now()))
