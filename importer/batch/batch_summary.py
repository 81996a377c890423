"""batch.json: what became of all jobs of a batch, in numbers. Its schema is published in docs/batch.schema.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from importer.batch.job_report import DONE_STATES, Goal, JobReport, JobState, sum_counts
from importer.untrusted_text import format_path

SCHEMA_VERSION = 1
_INTERRUPTED_CODE = 130
_WentIn: TypeAlias = Annotated[
    int,
    Meta(
        description="Rows that went in. As long as no job of the batch was sent: that can go in, after its check."
    ),
]


class AccountSummary(msgspec.Struct, frozen=True, kw_only=True):
    """All jobs of one account."""

    name: str
    reason: Annotated[
        str, Meta(description="Why the account could not be opened, or why it has stopped; or empty.")
    ]
    is_failed: Annotated[
        bool, Meta(description="Whether the account could not be opened: its key, or its lists.")
    ]
    jobs: Annotated[int, Meta(description="Jobs of the account.")]
    finished: Annotated[int, Meta(description="Jobs whose rows were all sent, or tried.")]
    rows: Annotated[int, Meta(description="Data rows of all its sheets.")]
    went_in: _WentIn
    to_fix: Annotated[int, Meta(description="Rows that must be fixed before they can go in.")]
    undelivered: Annotated[int, Meta(description="Valid rows that failed because of the network or the CRM.")]


class BatchSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of batch.json. `--json` prints it."""

    schema_version: int = SCHEMA_VERSION
    manifest: Annotated[str, Meta(description="The path of the manifest as it was given.")]
    started_at: Annotated[str, Meta(description="ISO 8601 with the offset: when this command began.")]
    finished_at: Annotated[str, Meta(description="ISO 8601 with the offset.")]
    rows: Annotated[int, Meta(description="Data rows of all sheets.")]
    counts: Annotated[
        dict[str, int], Meta(description="Rows by status, with all statuses; their sum is `rows`.")
    ]
    went_in: _WentIn
    to_fix: Annotated[int, Meta(description="Rows that must be fixed before they can go in.")]
    undelivered: Annotated[int, Meta(description="Valid rows that failed because of the network or the CRM.")]
    requests: Annotated[int, Meta(description="Requests that sent or looked up a lead.")]
    accounts: Annotated[list[AccountSummary], Meta(description="The accounts, in the order of the manifest.")]
    jobs: Annotated[list[JobReport], Meta(description="The jobs, in the order of the manifest.")]
    exit_code: Annotated[int, Meta(description="The exit code of the command.")]

    @property
    def is_sent(self) -> bool:
        """Whether any job was sent, at least in part."""
        return has_sent(self.jobs)

    @property
    def can_go_in(self) -> int:
        """Rows that can go in beside those that did; 0 as long as nothing was sent, when `went_in` counts them."""
        return sum(job.went_in for job in self.jobs if not job.is_sent) if self.is_sent else 0

    @property
    def skipped(self) -> int:
        """Rows that are not leads."""
        return sum(job.skipped for job in self.jobs)


def build_batch_summary(
    manifest: Path,
    jobs: Sequence[JobReport],
    *,
    goal: Goal,
    failed_accounts: Mapping[str, str],
    started: datetime,
    finished: datetime,
    is_interrupted: bool,
) -> BatchSummary:
    """Return the summary. `failed_accounts` are those that could not be opened, and why."""
    return BatchSummary(
        manifest=format_path(manifest),
        started_at=started.isoformat(),
        finished_at=finished.isoformat(),
        rows=sum(job.rows for job in jobs),
        counts=sum_counts(jobs),
        went_in=_count_went_in(jobs, is_sent=has_sent(jobs)),
        to_fix=sum(job.to_fix for job in jobs),
        undelivered=sum(job.undelivered for job in jobs),
        requests=sum(job.requests for job in jobs),
        accounts=_summarize_accounts(jobs, failed_accounts),
        jobs=list(jobs),
        exit_code=compute_batch_code(
            jobs, goal, has_failed_accounts=bool(failed_accounts), is_interrupted=is_interrupted
        ),
    )


def _summarize_accounts(jobs: Sequence[JobReport], failed: Mapping[str, str]) -> list[AccountSummary]:
    by_account: dict[str, list[JobReport]] = {}
    is_sent = has_sent(jobs)
    for job in jobs:
        by_account.setdefault(job.account, []).append(job)
    return [
        AccountSummary(
            name=name,
            reason=failed.get(name) or next((job.reason for job in own if job.reason), ""),
            is_failed=name in failed,
            jobs=len(own),
            finished=sum(job.state == JobState.FINISHED for job in own),
            rows=sum(job.rows for job in own),
            went_in=_count_went_in(own, is_sent=is_sent),
            to_fix=sum(job.to_fix for job in own),
            undelivered=sum(job.undelivered for job in own),
        )
        for name, own in by_account.items()
    ]


def _count_went_in(jobs: Sequence[JobReport], *, is_sent: bool) -> int:
    """Return the rows that went in, or if the batch has sent nothing yet those that can go in."""
    return sum(job.went_in for job in jobs if job.is_sent or not is_sent)


def compute_batch_code(
    jobs: Sequence[JobReport], goal: Goal, *, has_failed_accounts: bool, is_interrupted: bool
) -> int:
    """Return the exit code: 0 all in, 1 some rows or files not, 2 nothing sent, 3 stopped and to be continued, 130.

    Of a check it says what can go in, and 2 is a check of nothing. An account that failed is left for the next call, but
    a check continues nothing.
    """
    states = {JobState(job.state) for job in jobs}
    if is_interrupted:
        return _INTERRUPTED_CODE
    if states == {JobState.NOT_CHECKED} or (goal is Goal.SEND and not has_sent(jobs)):
        return 2
    is_left = states - DONE_STATES[goal] - {JobState.NOT_CHECKED}
    if is_left or (has_failed_accounts and goal is not Goal.CHECK):
        return 3
    return int(has_failed_accounts or any(job.exit_code for job in jobs))


def has_sent(jobs: Sequence[JobReport]) -> bool:
    """Return whether any job was sent, at least in part."""
    return any(job.is_sent for job in jobs)


def format_batch_schema() -> bytes:
    """Return the JSON Schema of batch.json, as docs/batch.schema.json publishes it."""
    schema: dict[str, Any] = msgspec.json.schema(BatchSummary)
    definitions = schema.pop("$defs")
    batch = definitions.pop("BatchSummary")
    batch["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "batch.json of importer batch",
    }
    return msgspec.json.format(msgspec.json.encode({**head, **batch, "$defs": definitions}), indent=2) + b"\n"
