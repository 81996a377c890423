"""The run in numbers: `summary.json`, and what `--json` prints."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import msgspec
from msgspec import Meta

from importer.journal.run_journal import Journal
from importer.models.delivery import ReportRow
from importer.models.mapping import NoticeKind
from importer.models.status import RowStatus, RunState

SCHEMA_VERSION = 1
RESULTS, FAILED_CSV, FAILED_XLSX = "results.csv", "failed_rows.csv", "failed_rows.xlsx"
SUMMARY, PAGE = "summary.json", "report.html"


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in numbers: what `summary.json` holds and `--json` prints."""

    schema_version: Annotated[int, Meta(description="Grows when a key changes its meaning or goes.")]
    run_id: Annotated[str, Meta(description="The name of the run's folder.")]
    command: Annotated[str, Meta(pattern="^(check|run)$", description="What began the run.")]
    parent: Annotated[str, Meta(description="The run whose rows this one retries, or empty.")]
    file: Annotated[str, Meta(description="The sheet's path as it was given; - is standard input.")]
    sha256: Annotated[str, Meta(description="Of the sheet's bytes.")]
    started_at: Annotated[str, Meta(description="ISO 8601 with the offset.")]
    finished_at: Annotated[str | None, Meta(description="ISO 8601 with the offset; null if it was killed.")]
    state: Annotated[
        str,
        Meta(
            pattern="^(finished|stopped|interrupted|checked)$",
            description="A stopped or interrupted run can be resumed.",
        ),
    ]
    reason: Annotated[str, Meta(description="What stopped the run, in one sentence, or empty.")]
    rows: Annotated[int, Meta(description="Data rows of the sheet.")]
    counts: Annotated[dict[str, int], Meta(description="Rows by status, all seven; their sum is `rows`.")]
    requests: Annotated[int, Meta(description="Requests that carried a lead, resumes added up.")]
    retries: Annotated[int, Meta(description="Those of them that were not a row's first.")]
    throttled: Annotated[int, Meta(description="Those that were answered 429.")]
    seconds: Annotated[float, Meta(description="Time spent sending.")]
    rate_reached: Annotated[float, Meta(description="Requests a second, at the best.")]
    columns: Annotated[
        dict[str, str],
        Meta(description="Header to field; an empty field is left out; `Phone#2` is the second Phone."),
    ]
    problems: Annotated[dict[str, int], Meta(description="Issues by `field.code`, the commonest first.")]
    went_in: Annotated[
        int,
        Meta(
            description="Rows that went in, after a check that can: duplicates with the row that they are in."
        ),
    ]
    to_fix: Annotated[int, Meta(description="Rows that must be changed before they can go in.")]
    undelivered: Annotated[
        int,
        Meta(description="Sound rows that the network or the CRM let down, duplicates of such a row too."),
    ]
    failed_rows: Annotated[int, Meta(description="Rows worth mending or sending again: in failed_rows.csv.")]
    workbook_rows: Annotated[int, Meta(description="Those of them that failed_rows.xlsx can hold.")]
    warned_rows: Annotated[
        int, Meta(description="Accepted rows with a warning: in `_problems` of results.csv.")
    ]
    ignored: Annotated[list[str], Meta(description="Columns, sheets and lines that were left aside.")]
    files: Annotated[
        dict[str, str],
        Meta(description="Each report's name, and the name it has if the last was open elsewhere."),
    ]
    exit_code: Annotated[int, Meta(description="Of the command that the run ended with.")]

    @property
    def file_to_fix(self) -> str:
        """The name of the file to mend: the workbook, unless it can hold none of the rows."""
        return self.files[FAILED_XLSX if self.workbook_rows else FAILED_CSV]


class Tally:
    """What is counted while the rows pass."""

    def __init__(self) -> None:
        self.counts: dict[RowStatus, int] = dict.fromkeys(RowStatus, 0)
        self.problems: Counter[str] = Counter()
        self.went_in = self.to_fix = self.undelivered = 0
        self.failed_rows = 0
        self.workbook_rows = 0
        self.warned_rows = 0

    def add(self, outcome: ReportRow) -> None:
        """Count one row."""
        self.counts[outcome.status] += 1
        self.went_in += outcome.effective_status is RowStatus.ACCEPTED
        self.undelivered += outcome.effective_status in _UNDELIVERED
        self.to_fix += outcome.is_retryable and outcome.effective_status not in {
            *_UNDELIVERED,
            RowStatus.PENDING,
        }
        self.failed_rows += outcome.is_retryable
        self.warned_rows += outcome.status is RowStatus.ACCEPTED and bool(outcome.issues)
        for issue in outcome.issues:
            self.problems[issue.machine_code] += 1

    def add_plain(self, rows: int) -> None:
        """Count rows that went in, or can, and of which nothing is to be said."""
        self.counts[RowStatus.ACCEPTED] += rows
        self.went_in += rows


_UNDELIVERED = frozenset({RowStatus.FAILED, RowStatus.UNKNOWN})


def build_summary(journal: Journal, tally: Tally, files: dict[str, str]) -> Summary:
    """The summary, with what was counted on the way."""
    header, end, traffic, counts = journal.metadata, journal.run_end, journal.send_totals, tally.counts
    state = RunState.INTERRUPTED if end.state is RunState.RUNNING else end.state
    return Summary(
        schema_version=SCHEMA_VERSION,
        run_id=journal.run_id,
        command=header.command,
        parent=header.parent,
        file=header.file,
        sha256=header.sha256,
        started_at=header.started_at,
        finished_at=end.finished_at,
        state=state.value,
        reason=end.reason,
        rows=sum(counts.values()),
        counts={status.value: count for status, count in counts.items()},
        requests=traffic.requests,
        retries=traffic.retries,
        throttled=traffic.throttled,
        seconds=traffic.seconds,
        rate_reached=traffic.rate_reached,
        columns=_columns(journal),
        problems=dict(tally.problems.most_common()),
        went_in=tally.went_in,
        to_fix=tally.to_fix,
        undelivered=tally.undelivered,
        failed_rows=tally.failed_rows,
        workbook_rows=tally.workbook_rows,
        warned_rows=tally.warned_rows,
        ignored=_ignored(journal),
        files=files,
        exit_code=end.exit_code if end.exit_code is not None else compute_exit_code(state, counts),
    )


def compute_exit_code(state: RunState, counts: dict[RowStatus, int]) -> int:
    """0 when every row went in (a duplicate goes in with the row it was folded into), else 1; 130 when interrupted."""
    if state is RunState.INTERRUPTED:
        return 130
    if state is RunState.STOPPED:
        return 3
    return 0 if sum(counts.values()) == counts[RowStatus.ACCEPTED] + counts[RowStatus.DUPLICATE] else 1


def _columns(journal: Journal) -> dict[str, str]:
    """Header to field; the second of two equal headers is `Phone#2`."""
    columns: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for column in journal.metadata.mapping.columns:
        seen[column.header] += 1
        name = column.header if seen[column.header] == 1 else f"{column.header}#{seen[column.header]}"
        columns[name] = column.field
    return columns


def _ignored(journal: Journal) -> list[str]:
    notices = [notice.text for notice in journal.metadata.notices if notice.kind is NoticeKind.IGNORED]
    left_out = [
        column for column in journal.metadata.mapping.columns if not column.field and column.fill_rate
    ]
    return notices + [f'Column "{column.header}" was left out: {column.reason}.' for column in left_out]
