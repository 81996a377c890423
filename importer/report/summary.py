"""Build the summary of a run: `summary.json`, which `--json` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from importer.journal.run_journal import Journal
from importer.journal.run_metadata import VanishedLeads
from importer.journal.verification_log import VerificationEnd
from importer.messages import planning_messages, report_messages
from importer.models.delivery import ReportRow
from importer.models.mapping import NoticeKind, name_columns
from importer.models.row_plan import FieldCount
from importer.models.status import SHEET_COLUMN, WENT_IN, RowStatus, RunState, Verification
from importer.untrusted_text import format_path

SCHEMA_VERSION = 1
RESULTS, FAILED_CSV, FAILED_XLSX = "results.csv", "failed_rows.csv", "failed_rows.xlsx"
SUMMARY, PAGE = "summary.json", "report.html"
CHANGES = "changes.csv"
REPORT_FILES = (RESULTS, FAILED_CSV, FAILED_XLSX, CHANGES, SUMMARY, PAGE)

_UNDELIVERED = frozenset({RowStatus.FAILED, RowStatus.UNKNOWN})
_NOT_TO_FIX = frozenset({*_UNDELIVERED, RowStatus.PENDING})


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in numbers: the contents of `summary.json`, which `--json` prints."""

    schema_version: Annotated[
        int, Meta(description="Increases when a key is removed or changes its meaning.")
    ]
    run_id: Annotated[str, Meta(description="The name of the run's folder.")]
    folder: Annotated[str, Meta(description="The folder of the reports, as an absolute path.")]
    command: Annotated[
        str, Meta(pattern="^(check|plan|run)$", description="The command that started the run.")
    ]
    parent: Annotated[str, Meta(description="The run whose rows this run retries, or empty.")]
    file: Annotated[str, Meta(description="The path of the sheet as it was given; - is standard input.")]
    sha256: Annotated[str, Meta(description="SHA-256 of the bytes of the sheet.")]
    started_at: Annotated[str, Meta(description="ISO 8601 with the offset.")]
    finished_at: Annotated[
        str | None, Meta(description="ISO 8601 with the offset; null if the run was killed.")
    ]
    state: Annotated[
        str,
        Meta(
            pattern="^(finished|stopped|interrupted|checked|planned)$",
            description="`stopped` and `interrupted` runs can be resumed.",
        ),
    ]
    reason: Annotated[
        str, Meta(description="Why the run, or reading its leads back, stopped: one sentence, or empty.")
    ]
    rows: Annotated[int, Meta(description="Data rows of the sheet.")]
    counts: Annotated[
        dict[str, int], Meta(description="Rows by status, with all statuses; their sum is `rows`.")
    ]
    requests: Annotated[
        int,
        Meta(
            description="Requests that sent or looked up a lead, including those of earlier attempts to finish this run."
        ),
    ]
    retries: Annotated[int, Meta(description="Requests that were not the first one for their row.")]
    throttled: Annotated[int, Meta(description="Requests that were answered 429.")]
    seconds: Annotated[float, Meta(description="Time spent on sending.")]
    rate_reached: Annotated[float, Meta(description="The highest number of requests per second.")]
    columns: Annotated[
        dict[str, str],
        Meta(
            description="Header to field. An empty field: the column was left out. `Phone#2` is the second column called Phone."
        ),
    ]
    defaults: Annotated[
        dict[str, str], Meta(description="Field to the value that rows with an empty cell get.")
    ]
    problems: Annotated[
        dict[str, int], Meta(description="Number of issues by `field.code`, the most frequent first.")
    ]
    went_in: Annotated[
        int,
        Meta(
            description="Rows that went in (after a check: that can go in), with the duplicates of such a row."
        ),
    ]
    to_fix: Annotated[int, Meta(description="Rows that must be fixed before they can go in.")]
    undelivered: Annotated[
        int,
        Meta(
            description="Valid rows that failed because of the network or the CRM, with the duplicates of such a row."
        ),
    ]
    failed_rows: Annotated[int, Meta(description="Rows to fix or to send again: those in failed_rows.csv.")]
    workbook_rows: Annotated[int, Meta(description="Rows in failed_rows.xlsx, which cannot hold every row.")]
    warned_rows: Annotated[
        int, Meta(description="Accepted rows with a warning; see `_problems` in results.csv.")
    ]
    nameless: Annotated[
        int, Meta(description="Accepted rows with neither the name of a person nor that of a firm.")
    ]
    ignored: Annotated[
        list[str], Meta(description="Columns, sheets and lines that were not imported, in sentences.")
    ]
    files: Annotated[
        dict[str, str],
        Meta(
            description="Each report, and the name of its newest file, which differs if the last one was open or edited."
        ),
    ]
    exit_code: Annotated[int, Meta(description="The exit code of the last command of the run.")]

    @property
    def nameless_warning(self) -> str:
        """A sentence if most of the accepted rows have no name, so that nobody knows whom to call. Else ""."""
        leads = self.counts[RowStatus.ACCEPTED]
        is_mostly_nameless = self.nameless * 2 > leads
        return report_messages.format_nameless_leads(self.nameless, leads) if is_mostly_nameless else ""

    plan: Annotated[
        dict[str, int],
        Meta(description="Planned rows by what sending them would do; empty if the rows were not planned."),
    ] = {}
    fields: Annotated[
        list[FieldCount], Meta(description="What a plan does to each field, and on how many rows.")
    ] = []
    lookups: Annotated[
        dict[str, int],
        Meta(description="Phones to look up for a plan, and how many were answered; empty without a plan."),
    ] = {}
    vanished: Annotated[
        VanishedLeads | None,
        Meta(
            description="With `--changed`: the last run of a file of this name, and how many of its leads this sheet does not have."
        ),
    ] = None
    verified: Annotated[
        dict[str, int],
        Meta(description="Rows by what reading their leads back showed; empty if no lead was read back."),
    ] = {}

    @property
    def vanished_leads(self) -> str:
        """A sentence about leads that the sheet does not have any more, or ""."""
        found = self.vanished
        if found is None or not found.leads:
            return ""
        return report_messages.format_vanished_leads(
            found.leads, found.run_id, Path(found.file).name, found.started_at
        )

    @property
    def verification_failure(self) -> str:
        """How many leads the CRM does not show as they were sent, in words; "" if all that were read are fine."""
        failed = {
            outcome: count for outcome, count in self.verified.items() if Verification(outcome).is_failed
        }
        not_read = failed.pop(Verification.CANNOT_TELL, 0)
        return planning_messages.format_verification_failure(sum(failed.values()), not_read)

    @property
    def plannable_rows(self) -> int:
        """Rows that a plan can be about: those that were not rejected or merged. A sample plans only some of them."""
        statuses = (RowStatus.ACCEPTED, RowStatus.UNCHANGED, RowStatus.CONFLICT, RowStatus.FAILED)
        return sum(self.counts[status] for status in statuses)

    @property
    def file_to_fix(self) -> str:
        """The name of the file to fix: the workbook, unless it can hold none of the rows."""
        return self.files[FAILED_XLSX if self.workbook_rows else FAILED_CSV]


def format_schema() -> bytes:
    """Return the JSON Schema of summary.json, as docs/summary.schema.json publishes it."""
    schema: dict[str, Any] = msgspec.json.schema(Summary)
    parts = schema["$defs"]
    summary = parts.pop("Summary")
    summary["properties"]["schema_version"]["const"] = SCHEMA_VERSION
    counts = {status.value: {"type": "integer", "minimum": 0} for status in RowStatus}
    summary["properties"]["counts"] |= {
        "properties": counts,
        "required": list(counts),
        "additionalProperties": False,
    }
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "summary.json of an importer run",
    }
    return msgspec.json.format(msgspec.json.encode({**head, **summary, "$defs": parts}), indent=2) + b"\n"


class SummaryCounter:
    """Counts the rows for the summary while they are written."""

    def __init__(self) -> None:
        self.counts: dict[RowStatus, int] = dict.fromkeys(RowStatus, 0)
        self.problems: Counter[str] = Counter()
        self.went_in = 0
        self.to_fix = 0
        self.undelivered = 0
        self.failed_rows = 0
        self.workbook_rows = 0
        self.warned_rows = 0
        self.nameless = 0

    def add(self, row: ReportRow) -> None:
        """Count one row. A duplicate shares the fate of the row that it was merged into."""
        self.counts[row.status] += 1
        self.went_in += row.effective_status in WENT_IN
        self.undelivered += row.effective_status in _UNDELIVERED
        self.to_fix += row.is_retryable and row.effective_status not in _NOT_TO_FIX
        self.failed_rows += row.is_retryable
        self.warned_rows += row.status is RowStatus.ACCEPTED and bool(row.issues)
        for issue in row.issues:
            self.problems[issue.machine_code] += 1

    def add_accepted(self, rows: int) -> None:
        """Count accepted rows that have no issues."""
        self.counts[RowStatus.ACCEPTED] += rows
        self.went_in += rows


def build_summary(journal: Journal, counter: SummaryCounter, files: dict[str, str]) -> Summary:
    """Return the summary from the journal and the counts. `files` maps each report to the name of its file."""
    metadata, end, totals, counts = (
        journal.metadata,
        journal.run_end,
        journal.delivery.read_send_totals(),
        counter.counts,
    )
    state = RunState.INTERRUPTED if end.state is RunState.RUNNING else end.state
    exit_code = end.exit_code if end.exit_code is not None else compute_exit_code(state, counts)
    verified = {} if journal.verifications.is_empty else journal.verifications.count_outcomes()
    return Summary(
        schema_version=SCHEMA_VERSION,
        run_id=journal.run_id,
        folder=format_path(journal.folder.absolute()),
        command=metadata.command,
        parent=metadata.parent,
        file=metadata.file,
        sha256=metadata.sha256,
        started_at=metadata.started_at,
        finished_at=end.finished_at,
        state=state.value,
        reason=end.reason or journal.verifications.end.reason,
        rows=sum(counts.values()),
        counts={status.value: count for status, count in counts.items()},
        requests=totals.requests,
        retries=totals.retries,
        throttled=totals.throttled,
        seconds=totals.seconds,
        rate_reached=totals.rate_reached,
        columns=_list_columns(journal),
        defaults=journal.metadata.mapping.defaults,
        problems=dict(counter.problems.most_common()),
        went_in=counter.went_in,
        to_fix=counter.to_fix,
        undelivered=counter.undelivered,
        failed_rows=counter.failed_rows,
        workbook_rows=counter.workbook_rows,
        warned_rows=counter.warned_rows,
        nameless=counter.nameless,
        ignored=_list_ignored(journal),
        files=files,
        **_count_plan(journal),
        vanished=metadata.vanished,
        verified={outcome.value: count for outcome, count in verified.items()},
        exit_code=exit_code or compute_verification_code(verified, journal.verifications.end),
    )


def _count_plan(journal: Journal) -> dict[str, Any]:
    """Return the parts of the summary that only planned rows have."""
    phones, answered = journal.plans.count_phones()
    if not phones and journal.plans.is_empty:
        return {}
    return {
        "plan": {action.value: count for action, count in journal.plans.count_actions().items()},
        "fields": [FieldCount(*found) for found in journal.plans.count_effects()],
        "lookups": {"phones": phones, "answered": answered},
    }


def compute_exit_code(state: RunState, counts: dict[RowStatus, int]) -> int:
    """Return the exit code of a run: 0 if every row went in (or was merged into another row), else 1, 3 or 130."""
    match state:
        case RunState.INTERRUPTED:
            return 130
        case RunState.STOPPED:
            return 3
        case _:
            went_in = sum(counts[status] for status in (*WENT_IN, RowStatus.DUPLICATE))
            return 0 if sum(counts.values()) == went_in else 1


def compute_verification_code(verified: Mapping[Verification, int], end: VerificationEnd) -> int:
    """Return what reading the leads back means for the exit code: 1 if the CRM may lack something that was sent."""
    return end.exit_code or int(any(count for outcome, count in verified.items() if outcome.is_failed))


def _list_columns(journal: Journal) -> dict[str, str]:
    """Return header to field. The second of two equal headers is `Phone#2`."""
    columns = [column for column in journal.metadata.mapping.columns if column.header != SHEET_COLUMN]
    names = name_columns(column.header for column in columns)
    return {name: column.field for name, column in zip(names, columns, strict=True)}


def _list_ignored(journal: Journal) -> list[str]:
    """Return a sentence for each part of the file that was not imported. Columns without any cell are not named."""
    metadata = journal.metadata
    return [notice.text for notice in metadata.notices if notice.kind is NoticeKind.IGNORED] + [
        report_messages.COLUMN_LEFT_OUT.format(header=column.header, reason=column.reason)
        for column in metadata.mapping.columns
        if not column.field and column.fill_rate
    ]
