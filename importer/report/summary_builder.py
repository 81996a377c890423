"""Count the rows of a run while its reports are written, and build its summary from the counts and the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from importer.journal.run_journal import Journal
from importer.journal.verification_log import VerificationEnd
from importer.messages import report_messages
from importer.models.delivery import ReportRow
from importer.models.mapping import NoticeKind, name_columns
from importer.models.row_plan import FieldCount
from importer.models.status import SHEET_COLUMN, WENT_IN, RowStatus, RunKind, RunState, Verification
from importer.models.task import TaskState
from importer.report.summary import SCHEMA_VERSION, Summary
from importer.untrusted_text import format_path

_UNDELIVERED = frozenset({RowStatus.FAILED, RowStatus.UNKNOWN})
_NOT_TO_FIX = frozenset({*_UNDELIVERED, *WENT_IN, RowStatus.PENDING})
_MAX_DAYS = 60  # of the tasks by day: two months are a page


class SummaryCounter:
    """Counts the rows for the summary while they are written.

    No row of an undo is to be fixed or sent again as a row of a sheet: another undo puts back what is left.
    """

    def __init__(self, kind: RunKind = RunKind.IMPORT) -> None:
        self._kind = kind
        self.counts: dict[RowStatus, int] = dict.fromkeys(RowStatus, 0)
        self.problems: Counter[str] = Counter()
        self.went_in = 0
        self.to_fix = 0
        self.undelivered = 0
        self.failed_rows = 0
        self.workbook_rows = 0
        self.warned_rows = 0
        self.nameless = 0
        self.tasks: dict[TaskState, int] = dict.fromkeys(TaskState, 0)
        self.open_tasks = 0

    def add(self, row: ReportRow) -> None:
        """Count one row. A duplicate shares the fate of the row that it was merged into."""
        self.counts[row.status] += 1
        self.went_in += row.effective_status in WENT_IN
        self.undelivered += row.effective_status in _UNDELIVERED
        is_failed = self.is_failed_row(row)
        self.to_fix += is_failed and row.effective_status not in _NOT_TO_FIX
        self.failed_rows += is_failed
        if row.task is not None:
            self.tasks[row.task] += 1
            self.open_tasks += row.task.is_missing and row.status in WENT_IN
        self.warned_rows += row.status is RowStatus.ACCEPTED and bool(row.issues)
        for issue in row.issues:
            self.problems[issue.machine_code] += 1

    def is_failed_row(self, row: ReportRow) -> bool:
        """Return whether a row belongs into failed_rows."""
        return row.is_retryable and self._kind is RunKind.IMPORT

    def add_unchanged(self, rows: int) -> None:
        """Count rows that the CRM has already, and that have no issues."""
        self.counts[RowStatus.UNCHANGED] += rows
        self.went_in += rows

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
        kind=metadata.kind,
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
        edited=journal.edits.count_rows(),
        ignored=_list_ignored(journal),
        files=files,
        **_count_plan(journal),
        vanished=metadata.vanished,
        known_leads=metadata.known_leads,
        verified={outcome.value: count for outcome, count in verified.items()},
        **_count_tasks(journal, counter),
        exit_code=exit_code
        or compute_verification_code(verified, journal.verifications.end)
        or (compute_task_code(counter.tasks) if state is RunState.FINISHED else 0),
    )


def _count_tasks(journal: Journal, counter: SummaryCounter) -> dict[str, Any]:
    """Return the parts of the summary that only a run with tasks has."""
    if journal.tasks.is_empty:
        return {}
    return {
        "tasks": {state.value: count for state, count in counter.tasks.items()},
        "open_tasks": counter.open_tasks,
        "tasks_by_day": dict(journal.tasks.count_days(_MAX_DAYS)),
    }


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


def compute_task_code(tasks: Mapping[TaskState, int]) -> int:
    """Return what became of the tasks of a finished run as an exit code: 1 if a lead may be without its task."""
    return int(any(count for state, count in tasks.items() if state.is_missing))


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
