"""What goes on from an earlier run: resume it, retry its rows, write its reports again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from importer.command_hints import format_send_command
from importer.credentials import Credentials, is_loopback, normalize_base_url
from importer.errors import DamagedJournalError, RunStoppedError, UsageError
from importer.issues import Issue, IssueCode, Severity, select_reader_issues
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata
from importer.models.delivery import NOTE_BREAK, DeliveryResult, PendingRow
from importer.models.mapping import AccountTitles, get_active_titles
from importer.models.row import NewVerdict, Payload, SourceRow
from importer.models.status import RowStatus, RunState
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.context import RunContext
from importer.pipeline.run import run
from importer.pipeline.runs import find_run, fingerprint_account, lock_run
from importer.pipeline.send_and_report import send_and_report, stop_and_report
from importer.reader.source import InMemoryReader, Sheet
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.settings import UnknownPolicy, merge_run_settings
from importer.validator.judge import TitleRecheck


def resume(name: str, context: RunContext) -> Summary:
    """Finish an interrupted or stopped run, from its journal. Of a finished one the reports are written again."""
    settings, credentials, observer = context.settings, context.credentials, context.observer
    with Journal.open(find_run(Path(settings.reports), name)) as journal:
        header = journal.metadata
        _check_address(header.base_url, credentials)
        match journal.run_end.state:
            case RunState.FINISHED:
                return write_reports(journal, journal.folder)  # it may have been killed while it wrote them
            case RunState.CHECKED:
                raise _only_checked(name, journal)
            case RunState.STAGING:
                raise DamagedJournalError(
                    f"Run {name} ended before anything was sent.", f"Start it again: {_command(journal)}"
                )
            case RunState.RUNNING | RunState.STOPPED | RunState.INTERRUPTED:
                settings = merge_run_settings(settings, header.options)
                with lock_run(
                    journal.folder.parent, journal.run_id, sha256=header.sha256, account=header.account
                ):
                    try:
                        titles = fetch_account_titles(credentials, settings, observer.on_wait)
                    except RunStoppedError as error:
                        return stop_and_report(journal, error)
                    _check_account(header, credentials, titles)
                    journal.begin_sending()
                    _judge_gone_titles(journal, titles, settings.unknown)
                    return send_and_report(journal, settings, credentials, observer)


def retry(name: str, context: RunContext) -> Summary | None:
    """A new run over the rows of a run that did not go in, beside it; None where no row could go in by that.

    A run id of the settings file is that of the file's own run: the new one has its own.
    """
    settings, credentials = context.settings, context.credentials
    with Journal.open(find_run(Path(settings.reports), name)) as journal:
        settings = settings.replace(reports=str(journal.folder.parent), run_id=None)
        header = journal.metadata
        _check_address(header.base_url, credentials)
        if journal.run_end.state is RunState.CHECKED:
            raise _only_checked(name, journal)
        reader = InMemoryReader(header.headers, _rows_to_retry(journal), header.notices)
        if not reader.preview.sample:
            return None
        settings = merge_run_settings(settings, header.options, but=frozenset({"limit"}))
        sheet = Sheet(reader, file=header.file, sha256=header.sha256, origin=header)
        return run(sheet, context.replace(settings=settings, parent=journal.run_id))


def _only_checked(name: str, journal: Journal) -> UsageError:
    return UsageError(f"Run {name} was only checked.", f"Send it with: {_command(journal)}")


def _command(journal: Journal) -> str:
    return format_send_command(journal.metadata.file, journal.metadata.options, journal.folder.parent)


def rewrite_reports(folder: Path) -> Summary:
    """Write the reports of the run in `folder` again from its journal."""
    with Journal.open(folder) as journal:
        return write_reports(journal, journal.folder)


def _rows_to_retry(journal: Journal) -> Iterator[SourceRow]:
    """The rows as they were typed, with what their own cells do not tell again.

    Who was kept out for a number that somebody else went in with is alone now: sent, he would take that lead's place.
    """
    for outcome in journal.read_report_rows():
        if outcome.is_retryable:
            shortened = [issue for issue in outcome.issues if issue.code == IssueCode.SHORTENED]
            yield SourceRow(
                outcome.number, outcome.cells, (*select_reader_issues(outcome.issues), *shortened)
            )


def _judge_gone_titles(journal: Journal, titles: AccountTitles, unknown: UnknownPolicy) -> None:
    """Judge waiting rows anew whose stage, group, label or product has gone since, or has another spelling now."""
    then = {dropdown: set(found) for dropdown, found in journal.metadata.titles.items()}
    now = get_active_titles(titles)
    if all(found.issubset(now.get(dropdown, ())) for dropdown, found in then.items()):
        return
    recheck = TitleRecheck(titles, unknown=unknown)
    after = -1
    while rows := journal.pending(after, 1000):
        after = rows[-1].number
        judged = ((row, *recheck.check(row.payload)) for row in rows)
        gone = [(row, payload, issues) for row, payload, issues in judged if issues or payload != row.payload]
        earlier = journal.read_issues([row.number for row, _, _ in gone])
        unsure = [
            _still_unsure(row, issues)
            for row, _, issues in gone
            if row.may_have_arrived and not _may_go(issues)
        ]
        journal.update_verdicts(
            _rejudged(row, payload, issues, earlier[row.number])
            for row, payload, issues in gone
            if _may_go(issues) or not row.may_have_arrived
        )
        journal.record(results=unsure)


def _may_go(issues: tuple[Issue, ...]) -> bool:
    """Whether the row goes on, without the values that have gone."""
    return all(issue.severity is Severity.WARNING for issue in issues)


def _rejudged(
    row: PendingRow, payload: Payload, issues: tuple[Issue, ...], earlier: tuple[Issue, ...]
) -> NewVerdict:
    if not _may_go(issues):
        return NewVerdict(row.number, RowStatus.INVALID, None, (*earlier, *issues))
    notes = {"customer_note": NOTE_BREAK.join(row.notes)} if row.notes else {}
    return NewVerdict(row.number, RowStatus.ACCEPTED, {**payload, **notes}, (*earlier, *issues))


def _still_unsure(row: PendingRow, issues: tuple[Issue, ...]) -> DeliveryResult:
    """A row that may have gone in before the run was killed, and cannot be sent again to make sure."""
    unsure = Issue("row", IssueCode.UNSURE, "", "the run was killed")
    return DeliveryResult(
        number=row.number,
        status=RowStatus.UNKNOWN,
        attempts=1,
        http_status=None,
        note=row.note_state,
        issues=(unsure, *issues),
    )


def _check_address(base_url: str, credentials: Credentials) -> None:
    """The run's own address is the one that is set now; early versions kept it as it was typed."""
    if credentials.base_url not in (base_url, normalize_base_url(base_url)):
        place = urlsplit(normalize_base_url(base_url))
        sandbox = f" A sandbox has it again with: importer sandbox --port {place.port}"
        raise UsageError(
            f"The run was for {base_url}, but the address set now is {credentials.base_url}.",
            "Set SUPERFONE_BASE_URL to the run's own address."
            + sandbox * bool(place.port and is_loopback(place.hostname or "")),
        )


def _check_account(header: RunMetadata, credentials: Credentials, titles: AccountTitles) -> None:
    """A new key of the run's account may go on; one that opens another account must not, as far as lists can tell."""
    if header.account == fingerprint_account(credentials):
        return
    then = {(dropdown, title) for dropdown, found in header.titles.items() for title in found}
    now = {(dropdown.value, title.title) for dropdown, found in titles.items() for title in found}
    if len(then & now) < len(then) / 2:
        raise UsageError(
            f"The API key set now seems to open another account than the run's: of its {len(then)} titles "
            f"{len(then & now)} are there.",
            "Set the key of the run's own account; to send the sheet to this one, run the file.",
        )
