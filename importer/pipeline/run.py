"""The main flow of a run, on one screen: map, judge, fold, ask, send, report."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from importer.errors import NothingSentError, raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.models.status import RunState
from importer.pipeline.context import RunContext
from importer.pipeline.observer import Prompter
from importer.pipeline.prepare import prepare_run
from importer.pipeline.runs import (
    find_interrupted_run,
    find_unfinished_run,
    fingerprint_account,
    lock_run,
    make_run_id,
    now,
)
from importer.pipeline.send_and_report import send_and_report
from importer.reader.source import Sheet
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.settings import Settings, merge_run_settings


def check(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row and write the reports. The CRM is only read."""
    settings, credentials, observer = context.settings, context.credentials, context.observer
    if begun := find_interrupted_run(
        Path(settings.reports), sha256=sheet.sha256, account=fingerprint_account(credentials)
    ):
        observer.on_interrupted_run_found(begun)
    with prepare_run("check", sheet, context.replace(settings=_with_id(settings), prompter=None)) as journal:
        return _write_check(journal)


def run(sheet: Sheet, context: RunContext) -> Summary:
    """Judge every row, ask, then send the accepted ones: nothing leaves before every row was judged."""
    context = context.replace(settings=_with_id(context.settings))
    settings, credentials, observer = context.settings, context.credentials, context.observer
    account = fingerprint_account(credentials)
    _ = sheet.preview  # what is wrong with the file is told before a folder is made for its run
    reports = Path(settings.reports)
    with ExitStack() as holding:
        with raise_as_nothing_sent():
            holding.enter_context(
                lock_run(reports, settings.run_id or "", sha256=sheet.sha256, account=account)
            )
        if begun := find_unfinished_run(reports, sha256=sheet.sha256, account=account):
            observer.on_interrupted_run_found(begun)
        with prepare_run("run", sheet, context) as journal:
            if context.prompter is not None:
                _ask(journal, context.prompter)
            # A sheet of ours brings the options of its run: --no-create must not create when its rows are fed back.
            return send_and_report(
                journal, merge_run_settings(settings, journal.metadata.options), credentials, observer
            )


def _ask(journal: Journal, prompter: Prompter) -> None:
    """Show the check's summary, with its reports to look at, before the first write."""
    if not prompter.confirm_send(_write_check(journal)):
        raise NothingSentError("Nothing was sent.", f"The check's reports are in {journal.folder}.")


def _write_check(journal: Journal) -> Summary:
    with raise_as_nothing_sent():
        journal.end(RunEnd(state=RunState.CHECKED, finished_at=now().isoformat()))
        return write_reports(journal, journal.folder)


def _with_id(settings: Settings) -> Settings:
    return settings if settings.run_id else settings.replace(run_id=make_run_id(now()))
