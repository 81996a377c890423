"""What became of one job of a batch, in the words of batch.json: its run's summary in short, or why it has no run.

And how far a batch takes its jobs.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, StrEnum, auto
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from importer.batch.manifest import Job
from importer.journal.run_metadata import PeekedRun, peek_run
from importer.models.status import RowStatus
from importer.pipeline.resume import rewrite_reports
from importer.report.summary import SUMMARY, Summary


class JobState(StrEnum):
    """The state of a job: that of its run, or that it has none."""

    NOT_CHECKED = "not_checked"  # its file or its account could not be opened
    CHECKED = "checked"  # every row has a verdict, and nothing was sent
    PLANNED = "planned"
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


class Goal(Enum):
    """How far a batch goes."""

    CHECK = auto()
    PLAN = auto()
    SEND = auto()


DONE_STATES = {
    Goal.CHECK: frozenset({JobState.CHECKED, JobState.PLANNED, JobState.FINISHED}),
    Goal.PLAN: frozenset({JobState.PLANNED, JobState.FINISHED}),
    Goal.SEND: frozenset({JobState.FINISHED}),
}
"""States of a job that leave nothing to do for a goal."""

RESUMABLE_JOBS = frozenset({JobState.STOPPED, JobState.INTERRUPTED})
"""States of jobs of which some rows may have been sent, and others not."""


class JobReport(msgspec.Struct, frozen=True, kw_only=True):
    """One line of batch.csv, and one entry of `jobs` in batch.json."""

    account: str
    file: Annotated[str, Meta(description="The path of the sheet, as the manifest has it.")]
    run_id: Annotated[str, Meta(description="The id of the run, and the name of its folder.")]
    folder: Annotated[
        str, Meta(description="The folder of the run, from that of batch.json; empty without a run.")
    ]
    state: Annotated[
        str,
        Meta(
            pattern=f"^({'|'.join(JobState)})$",
            description="`stopped` and `interrupted` jobs go on with the same command.",
        ),
    ]
    reason: Annotated[
        str, Meta(description="Why the job is not finished: one or two sentences, or empty.")
    ] = ""
    rows: Annotated[int, Meta(description="Data rows of the sheet.")] = 0
    counts: Annotated[
        dict[str, int], Meta(description="Rows by status, with all statuses; their sum is `rows`.")
    ] = {}
    went_in: Annotated[int, Meta(description="Rows that went in (after a check: that can go in).")] = 0
    to_fix: Annotated[int, Meta(description="Rows that must be fixed before they can go in.")] = 0
    undelivered: Annotated[
        int, Meta(description="Valid rows that failed because of the network or the CRM.")
    ] = 0
    requests: Annotated[int, Meta(description="Requests that sent or looked up a lead.")] = 0
    seconds: Annotated[float, Meta(description="Time spent on sending.")] = 0.0
    file_to_fix: Annotated[
        str, Meta(description="The report with the rows to fix; empty if there are none.")
    ] = ""
    exit_code: Annotated[int, Meta(description="The exit code that the run has by itself.")] = 2

    @property
    def is_sent(self) -> bool:
        """Whether the job was sent, at least in part."""
        return self.state in RESUMABLE_JOBS or self.state == JobState.FINISHED

    @property
    def skipped(self) -> int:
        """Rows that are not leads, such as test rows. They need no fixing. 0 while rows are still to be sent."""
        is_open = self.state in RESUMABLE_JOBS
        return 0 if is_open else self.rows - self.went_in - self.to_fix - self.undelivered

    @property
    def leads(self) -> int:
        """The leads that were sent, or that sending the job would send."""
        return self.counts.get(RowStatus.ACCEPTED.value, 0)


def build_report(job: Job, summary: Summary, reason: str = "") -> JobReport:
    """Return the report of a job with a run."""
    return JobReport(
        account=job.account,
        file=job.name,
        run_id=job.run_id,
        folder=f"{job.account}/{job.run_id}",
        state=summary.state,
        reason=reason or summary.reason,
        rows=summary.rows,
        counts=summary.counts,
        went_in=summary.went_in,
        to_fix=summary.to_fix,
        undelivered=summary.undelivered,
        requests=summary.requests,
        seconds=summary.seconds,
        file_to_fix=summary.file_to_fix if summary.to_fix else "",
        exit_code=summary.exit_code,
    )


def build_unread_report(job: Job, reason: str) -> JobReport:
    """Return the report of a job without a run, and why it has none."""
    counts = {status.value: 0 for status in RowStatus}
    return JobReport(
        account=job.account,
        file=job.name,
        run_id=job.run_id,
        folder="",
        state=JobState.NOT_CHECKED,
        reason=reason,
        counts=counts,
    )


def read_report(job: Job, reason: str = "") -> JobReport:
    """Return the report of a job as it is on disk. Raises DamagedJournalError, DiskWriteError."""
    found = peek_run(job.folder)
    if found is None:
        return build_unread_report(job, reason)
    return build_report(job, _read_summary(job.folder, found) or rewrite_reports(job.folder), reason)


def _read_summary(folder: Path, run: PeekedRun) -> Summary | None:
    """Return summary.json if it is that of the journal's present state, else None: the journal is the truth."""
    try:
        summary = msgspec.json.decode((folder / SUMMARY).read_bytes(), type=Summary)
    except (OSError, ValueError):
        return None
    is_present = (summary.state, summary.finished_at, summary.sha256) == (
        run.end.state.value,
        run.end.finished_at,
        run.metadata.sha256,
    )
    return summary if is_present else None


def sum_counts(reports: Iterable[JobReport]) -> dict[str, int]:
    """Return the rows of all jobs by status (guarantee "Conservation")."""
    totals = {status.value: 0 for status in RowStatus}
    for report in reports:
        for status, count in report.counts.items():
            totals[status] += count
    return totals
