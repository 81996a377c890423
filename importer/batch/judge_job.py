"""Judge one job of a batch, unless its run is on disk as it should be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from importer.batch.account_work import (
    JudgedJob,
    JudgeRequest,
    Link,
    LinkedObserver,
    raise_if_stopping,
)
from importer.batch.job_report import JobReport, build_report, build_unread_report, read_report
from importer.batch.judging import Judging, decide_judging
from importer.batch.manifest import Job
from importer.errors import (
    ImporterError,
    RunInterruptedError,
    UnreadableFileError,
    UsageError,
)
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import PeekedRun, peek_run
from importer.messages import batch_messages
from importer.pipeline.context import RunContext
from importer.pipeline.run import judge
from importer.pipeline.run_folder import discard_unsent_run
from importer.reader.source import make_open_options, open_file
from importer.report.report_writer import find_edited_tables
from importer.settings import get_inheritable


def judge_job(request: JudgeRequest, link: Link) -> JudgedJob:
    """Judge a job, unless its run is on disk as it should be. It needs neither a key nor the network.

    What is wrong with the file is in the report. Raises RunInterruptedError if the program stops.
    """
    raise_if_stopping(link)
    try:
        return _judge_if_needed(request, link)
    except RunInterruptedError:
        raise
    except ImporterError as error:
        return JudgedJob(_report_failure(request.job, str(error)), is_ready=False)


def _report_failure(job: Job, reason: str) -> JobReport:
    """Return the report of a job whose file cannot be judged now. What was sent of it counts all the same."""
    found = peek_run(job.folder)
    if found is None or not found.end.has_sent:
        return build_unread_report(job, reason)
    return msgspec.structs.replace(read_report(job, reason), exit_code=1)


def _judge_if_needed(request: JudgeRequest, link: Link) -> JudgedJob:
    job, opened = request.job, request.opened
    found = peek_run(job.folder)
    if found is not None and found.end.has_sent and not job.file.exists():
        return JudgedJob(
            read_report(job), is_ready=True
        )  # moved away: its journal has all that is left to send
    judging = decide_judging(
        found,
        sha256=_hash_file(job.file),
        account=opened.identity.key,
        options=get_inheritable(job.settings),
        titles=opened.titles,
    )
    match judging:
        case Judging.KEEP:
            return JudgedJob(read_report(job), is_ready=True)
        case Judging.REFUSE:
            reason = batch_messages.CHANGED_FILE.format(file=job.name, run_id=job.run_id)
            return JudgedJob(_report_failure(job, reason), is_ready=False)
        case Judging.JUDGE:
            _discard_unsent(job, found)
            return JudgedJob(_judge(request, link), is_ready=True)


def _judge(request: JudgeRequest, link: Link) -> JobReport:
    job, opened = request.job, request.opened
    context = RunContext(
        settings=job.settings,
        given_identity=opened.identity,
        titles=opened.titles,
        account=opened.state,
        state_dir=request.state_dir,
        observer=LinkedObserver(link),
    )
    with open_file(job.file, make_open_options(job.settings), request.range_places) as sheet:
        return build_report(job, judge(sheet, context))


def _discard_unsent(job: Job, found: PeekedRun | None) -> None:
    """Remove the run of an earlier check, which has sent nothing. Raises UsageError if somebody has edited its rows."""
    if found is None:
        return
    if edited := find_edited_tables(job.folder, found.metadata):
        raise UsageError(*batch_messages.EDITED_REPORT.format(file=job.name, path=job.folder / edited[0]))
    with Journal.open_unverified(job.folder) as journal:
        if rows := journal.edits.count_rows():
            raise UsageError(*batch_messages.format_edited_run(job.name, job.run_id, rows))
    discard_unsent_run(job.folder)


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFileError(
            *batch_messages.CANNOT_READ_FILE.format(path=path, reason=error.strerror)
        ) from None
