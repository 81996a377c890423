"""What goes on from an earlier run: resume it, retry its rows, write its reports again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from importer.access import Access, checked_base_url, is_loopback
from importer.commandline import command_to_send
from importer.errors import DamagedJournal, RunStopped, UsageError
from importer.issues import Issue, Severity, faults_of_reader
from importer.journal import Journal, RunHeader
from importer.models import (
    NOTE_BREAK,
    AccountTitles,
    Payload,
    PendingRow,
    Rejudged,
    RowResult,
    RunState,
    SourceRow,
    Status,
    active_titles,
)
from importer.pipeline.asking import fetch_titles
from importer.pipeline.flow import run
from importer.pipeline.runs import account_of, find_run, held
from importer.pipeline.sending import send_and_report, stop_and_report
from importer.pipeline.watch import Watch
from importer.report import Summary, write_reports
from importer.settings import Settings, Unknown, with_run_settings
from importer.staging import RowsReader, Sheet
from importer.validator import compile_gone


def resume(name: str, settings: Settings, access: Access, watch: Watch) -> Summary:
    """Finish an interrupted or stopped run, from its journal. Of a finished one the reports are written again."""
    with Journal.open(find_run(Path(settings.reports), name)) as journal:
        header = journal.header
        _check_address(header.base_url, access)
        match journal.ended.state:
            case RunState.FINISHED:
                return write_reports(journal, journal.folder)  # it may have been killed while it wrote them
            case RunState.CHECKED:
                raise _only_checked(name, journal)
            case RunState.STAGING:
                raise DamagedJournal(
                    f"Run {name} ended before anything was sent.", f"Start it again: {_command(journal)}"
                )
            case RunState.RUNNING | RunState.STOPPED | RunState.INTERRUPTED:
                settings = with_run_settings(settings, header.options)
                with held(
                    journal.folder.parent, journal.run_id, sha256=header.sha256, account=header.account
                ):
                    try:
                        titles = fetch_titles(access, settings, watch.waiting)
                    except RunStopped as error:
                        return stop_and_report(journal, error)
                    _check_account(header, access, titles)
                    journal.begin_sending()
                    _judge_gone_titles(journal, titles, settings.unknown)
                    return send_and_report(journal, settings, access, watch)


def retry(name: str, settings: Settings, access: Access, watch: Watch) -> Summary | None:
    """A new run over the rows of a run that did not go in, beside it; None where no row could go in by that.

    A run id of the settings file is that of the file's own run: the new one has its own.
    """
    with Journal.open(find_run(Path(settings.reports), name)) as journal:
        settings = settings.replaced(reports=str(journal.folder.parent), run_id=None)
        header = journal.header
        _check_address(header.base_url, access)
        if journal.ended.state is RunState.CHECKED:
            raise _only_checked(name, journal)
        reader = RowsReader(header.headers, _rows_to_retry(journal), header.notices)
        if not reader.opened.sample:
            return None
        settings = with_run_settings(settings, header.options, but=frozenset({"limit"}))
        sheet = Sheet(reader, file=header.file, sha256=header.sha256, origin=header)
        return run(sheet, settings, access, watch, parent=journal.run_id)


def _only_checked(name: str, journal: Journal) -> UsageError:
    return UsageError(f"Run {name} was only checked.", f"Send it with: {_command(journal)}")


def _command(journal: Journal) -> str:
    return command_to_send(journal.header.file, journal.header.options, journal.folder.parent)


def write_again(folder: Path) -> Summary:
    """Write the reports of the run in `folder` again from its journal."""
    with Journal.open(folder) as journal:
        return write_reports(journal, journal.folder)


def _rows_to_retry(journal: Journal) -> Iterator[SourceRow]:
    """The rows as they were typed, with what their own cells do not tell again.

    Who was kept out for a number that somebody else went in with is alone now: sent, he would take that lead's place.
    """
    for outcome in journal.outcomes():
        if outcome.goes_again:
            shortened = [issue for issue in outcome.issues if issue.code == "shortened"]
            yield SourceRow(outcome.number, outcome.cells, (*faults_of_reader(outcome.issues), *shortened))


def _judge_gone_titles(journal: Journal, titles: AccountTitles, unknown: Unknown) -> None:
    """Judge waiting rows anew whose stage, group, label or product has gone since, or has another spelling now."""
    then = {dropdown: set(found) for dropdown, found in journal.header.titles.items()}
    now = active_titles(titles)
    if all(found.issubset(now.get(dropdown, ())) for dropdown, found in then.items()):
        return
    judge = compile_gone(titles, unknown=unknown)
    after = -1
    while rows := journal.pending(after, 1000):
        after = rows[-1].number
        judged = ((row, *judge(row.payload)) for row in rows)
        gone = [(row, payload, issues) for row, payload, issues in judged if issues or payload != row.payload]
        earlier = journal.issues_of([row.number for row, _, _ in gone])
        unsure = [
            _still_unsure(row, issues) for row, _, issues in gone if row.in_doubt and not _may_go(issues)
        ]
        journal.rejudge(
            _rejudged(row, payload, issues, earlier[row.number])
            for row, payload, issues in gone
            if _may_go(issues) or not row.in_doubt
        )
        journal.record(results=unsure)


def _may_go(issues: tuple[Issue, ...]) -> bool:
    """Whether the row goes on, without the values that have gone."""
    return all(issue.severity is Severity.WARNING for issue in issues)


def _rejudged(
    row: PendingRow, payload: Payload, issues: tuple[Issue, ...], earlier: tuple[Issue, ...]
) -> Rejudged:
    if not _may_go(issues):
        return Rejudged(row.number, Status.INVALID, None, (*earlier, *issues))
    notes = {"customer_note": NOTE_BREAK.join(row.notes)} if row.notes else {}
    return Rejudged(row.number, Status.ACCEPTED, {**payload, **notes}, (*earlier, *issues))


def _still_unsure(row: PendingRow, issues: tuple[Issue, ...]) -> RowResult:
    """A row that may have gone in before the run was killed, and cannot be sent again to make sure."""
    unsure = Issue("row", "unsure", "", "the run was killed")
    return RowResult(
        number=row.number,
        status=Status.UNKNOWN,
        attempts=1,
        http_status=None,
        note=row.note_state,
        issues=(unsure, *issues),
    )


def _check_address(base_url: str, access: Access) -> None:
    """The run's own address is the one that is set now; early versions kept it as it was typed."""
    if access.base_url not in (base_url, checked_base_url(base_url)):
        place = urlsplit(checked_base_url(base_url))
        sandbox = f" A sandbox has it again with: importer sandbox --port {place.port}"
        raise UsageError(
            f"The run was for {base_url}, but the address set now is {access.base_url}.",
            "Set SUPERFONE_BASE_URL to the run's own address."
            + sandbox * bool(place.port and is_loopback(place.hostname or "")),
        )


def _check_account(header: RunHeader, access: Access, titles: AccountTitles) -> None:
    """A new key of the run's account may go on; one that opens another account must not, as far as lists can tell."""
    if header.account == account_of(access):
        return
    then = {(dropdown, title) for dropdown, found in header.titles.items() for title in found}
    now = {(dropdown.value, title.title) for dropdown, found in titles.items() for title in found}
    if len(then & now) < len(then) / 2:
        raise UsageError(
            f"The API key set now seems to open another account than the run's: of its {len(then)} titles "
            f"{len(then & now)} are there.",
            "Set the key of the run's own account; to send the sheet to this one, run the file.",
        )
