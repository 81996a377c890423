"""Read the leads back that a run sent, and compare them with what was sent. The CRM is only read."""

from __future__ import annotations

from importer.command_hints import format_run_command
from importer.journal.created_tasks import TaskCheckJournal
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd
from importer.journal.verification_log import VerificationEnd, VerificationJournal
from importer.messages import planning_messages
from importer.models.status import RunKind, RunState
from importer.pipeline.context import RunContext
from importer.pipeline.send_and_report import read_leads, send_and_report
from importer.planner.plan_rules import map_title_ids
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from importer.sender.request_kinds import TaskChecks


def send_and_verify(journal: Journal, context: RunContext) -> Summary:
    """Send what is pending. With `--verify`, read the leads back once all of it was sent."""
    summary = send_and_report(journal, context)
    if not context.settings.verify or journal.run.end.state is not RunState.FINISHED:
        return summary
    return verify_rows(journal, context)


def verify_rows(journal: Journal, context: RunContext) -> Summary:
    """Read back the rows that the CRM took, and write the reports. The account's memory must be open."""
    settings, log = context.settings, journal.verifications
    log.begin(None if settings.sample == "all" else int(settings.sample))
    if total := log.count_open():
        source = VerificationJournal(
            journal.file,
            log,
            journal.delivery,
            run_id=journal.metadata.run_id,
            titles=map_title_ids(context.titles),
            is_exact=journal.metadata.kind is RunKind.UNDO,
        )
        end = read_leads(journal, source, total, context, wait_s=settings.wait)
        if end.state is not RunState.FINISHED:
            log.write_end(_describe_end(journal, end))
            return write_reports(journal, journal.folder)
    _read_tasks(journal, context)
    return write_reports(journal, journal.folder)


def _read_tasks(journal: Journal, context: RunContext) -> None:
    """Read back the tasks that the run created: also those in doubt, which are settled by that."""
    is_sample = context.settings.sample != "all"
    if total := journal.tasks.count_sent(is_sample=is_sample):
        source = TaskCheckJournal(journal.file, journal.tasks, is_sample=is_sample)
        end = read_leads(journal, source, total, context, kind=TaskChecks())
        if end.state is not RunState.FINISHED:
            journal.verifications.write_end(_describe_end(journal, end))


def _describe_end(journal: Journal, end: RunEnd) -> VerificationEnd:
    """Return why leads were left unread, with the command that reads them."""
    command = format_run_command("verify", journal.folder)
    reason = planning_messages.NOT_ALL_READ_BACK.format(reason=end.reason, command=command)
    return VerificationEnd(reason, end.exit_code or 0)
