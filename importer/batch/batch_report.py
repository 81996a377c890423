"""Write batch.json, batch.csv and batch.html: what went in by account, what needs attention, and the way to each run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from importer.atomic_file import open_staging_dir, publish_file
from importer.batch.batch_summary import BatchSummary
from importer.batch.job_report import Goal, JobReport, JobState
from importer.csv_injection import escape_formula, format_csv_record
from importer.messages import batch_messages, format_time
from importer.messages.report_messages import CHECK_MEANINGS, STATUS_MEANINGS
from importer.models.status import RowStatus
from importer.report.html_page import build_policy, read_style, render_page
from importer.report.summary import PAGE
from importer.state.disk_errors import translate_write_errors
from importer.untrusted_text import format_path

BATCH_JSON, BATCH_CSV, BATCH_PAGE = "batch.json", "batch.csv", "batch.html"
_COLUMNS = ("account", "file", "state", "rows", "went_in", "to_fix", "undelivered")
_MORE_COLUMNS = ("requests", "seconds", "reason", "run_id", "folder", "file_to_fix")


def write_batch_reports(reports: Path, summary: BatchSummary) -> None:
    """Write the three files; each is published when it is complete. Raises DiskWriteError."""
    with translate_write_errors(reports), open_staging_dir(reports) as staging_dir:
        text = msgspec.json.format(msgspec.json.encode(summary), indent=2) + b"\n"
        (staging_dir / BATCH_JSON).write_bytes(text)
        (staging_dir / BATCH_CSV).write_text("".join(_format_lines(summary)), "utf-8-sig", newline="")
        page = render_page("importer.batch", BATCH_PAGE, _build_context(summary))
        (staging_dir / BATCH_PAGE).write_text(page, "utf-8")
        for name in (BATCH_CSV, BATCH_PAGE, BATCH_JSON):
            publish_file(staging_dir / name, reports / name)


def _format_lines(summary: BatchSummary) -> Iterator[str]:
    """Yield the lines of batch.csv: one for each job."""
    statuses = [status.value for status in RowStatus]
    yield format_csv_record((*_COLUMNS, *statuses, *_MORE_COLUMNS))
    for job in summary.jobs:
        cells = {
            name: escape_formula(cell) if isinstance(cell, str) else cell
            for name, cell in msgspec.structs.asdict(job).items()
        }
        counts = [job.counts[status] for status in statuses]
        yield format_csv_record(
            (*(cells[name] for name in _COLUMNS), *counts, *(cells[name] for name in _MORE_COLUMNS))
        )


def _build_context(summary: BatchSummary) -> dict[str, Any]:
    """Return the variables of the template."""
    style = read_style()
    meanings = STATUS_MEANINGS if summary.is_sent else CHECK_MEANINGS
    return {
        "texts": batch_messages,
        "summary": summary,
        "headline": format_batch_headline(summary),
        "started": format_time(datetime.fromisoformat(summary.started_at)),
        "policy": build_policy([], [style]),
        "style": style,
        "counts": [(status, count, meanings[status]) for status, count in summary.counts.items() if count],
        "is_continued": summary.exit_code in (3, 130),
        "attention": [_describe_job(job) for job in list_urgent_jobs(summary)],
        "jobs": [_describe_job(job) for job in summary.jobs],
    }


def format_batch_headline(summary: BatchSummary) -> str:
    """Return in one line what happened."""
    return batch_messages.format_headline(
        rows=summary.rows,
        went_in=summary.went_in,
        can_go_in=summary.can_go_in,
        to_fix=summary.to_fix,
        skipped=summary.skipped,
        jobs=len(summary.jobs),
        accounts=len(summary.accounts),
        is_sent=summary.is_sent,
    )


def format_last_line(summary: BatchSummary, goal: Goal) -> str:
    """Return the sentence that says how the batch ended, and what to do now."""
    if goal is Goal.SEND and summary.exit_code == 1:
        return batch_messages.format_not_all_in(
            is_failed=bool(summary.to_fix or summary.undelivered),
            is_unread=any(job.state == JobState.NOT_CHECKED for job in summary.jobs),
        )
    return batch_messages.LAST_LINES[goal.name][summary.exit_code]


def list_problems(summary: BatchSummary, reports: Path) -> list[str]:
    """Return a line for each account and each file that needs a person."""
    failed = {account.name: account.reason for account in summary.accounts if account.is_failed}
    lines = [batch_messages.ACCOUNT_PROBLEM.format(account=name, reason=why) for name, why in failed.items()]
    return lines + [
        batch_messages.format_job_problem(
            job.account,
            job.file,
            job.reason,
            to_fix=job.to_fix,
            path_to_fix=format_path(reports / job.folder / job.file_to_fix),
            undelivered=job.undelivered,
        )
        for job in list_urgent_jobs(summary)
        if job.account not in failed
    ]


def list_urgent_jobs(summary: BatchSummary) -> list[JobReport]:
    """Return the jobs that need a person: first those that have stopped, then those with rows to fix."""
    jobs = [
        job
        for job in summary.jobs
        if job.reason or job.to_fix or job.undelivered or job.state == JobState.NOT_CHECKED
    ]
    return sorted(jobs, key=lambda job: not job.reason)


def _describe_job(job: JobReport) -> dict[str, Any]:
    """Return a job for the page, with links into the folder of its run."""
    folder = quote(job.folder)
    return {
        "job": job,
        "state": batch_messages.JOB_STATES[job.state],
        "report": f"{folder}/{PAGE}" if job.folder else "",
        "file_to_fix": f"{folder}/{quote(job.file_to_fix)}" if job.file_to_fix else "",
    }
