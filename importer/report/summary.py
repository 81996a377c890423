"""The run in numbers: `summary.json`, and what `--json` prints."""

from __future__ import annotations

from collections import Counter

import msgspec

from importer.journal import Journal
from importer.models import RowOutcome, RunState, Status

SCHEMA_VERSION = 1


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The object of INTERFACE.md, and a few keys more.

    Those are `schema_version`, `command`, `parent`, `reason`, `ignored` and `failed_rows`, the number of rows
    that are worth mending or sending again.
    Times are ISO 8601 with their offset; `seconds` is time spent sending, `rate_reached` requests a second;
    `problems` counts issues by `field.code`, `columns` is header to field ("" is left out).
    """

    schema_version: int
    run_id: str
    command: str
    parent: str
    file: str
    sha256: str
    started_at: str
    finished_at: str | None
    state: str
    reason: str
    rows: int
    counts: dict[str, int]
    requests: int
    retries: int
    throttled: int
    seconds: float
    rate_reached: float
    columns: dict[str, str]
    problems: dict[str, int]
    failed_rows: int
    ignored: list[str]
    exit_code: int


def summarise(journal: Journal) -> Summary:
    """The summary of a run as it stands."""
    tally = Tally()
    for outcome in journal.outcomes():
        tally.add(outcome)
    return summary_of(journal, tally)


class Tally:
    """What is counted while the rows pass."""

    def __init__(self) -> None:
        self.problems: Counter[str] = Counter()
        self.failed_rows = 0

    def add(self, outcome: RowOutcome) -> None:
        """Count one row."""
        self.failed_rows += outcome.goes_again
        for issue in outcome.issues:
            self.problems[issue.machine_code] += 1


def summary_of(journal: Journal, tally: Tally) -> Summary:
    """The summary, with what was counted on the way."""
    header, end, traffic, counts = journal.header, journal.ended, journal.traffic, journal.counts()
    state = RunState.INTERRUPTED if end.state is RunState.RUNNING else end.state
    return Summary(
        schema_version=SCHEMA_VERSION,
        run_id=header.run_id,
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
        failed_rows=tally.failed_rows,
        ignored=_ignored(journal),
        exit_code=end.exit_code if end.exit_code is not None else exit_code_of(state, counts),
    )


def exit_code_of(state: RunState, counts: dict[Status, int]) -> int:
    """0 when every row went in (a duplicate goes in with the row it was folded into), else 1; 130 when interrupted."""
    if state is RunState.INTERRUPTED:
        return 130
    if state is RunState.STOPPED:
        return 3
    return 0 if sum(counts.values()) == counts[Status.ACCEPTED] + counts[Status.DUPLICATE] else 1


def _columns(journal: Journal) -> dict[str, str]:
    """Header to field; the second of two equal headers is `Phone#2`."""
    columns: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for column in journal.header.mapping.columns:
        seen[column.header] += 1
        name = column.header if seen[column.header] == 1 else f"{column.header}#{seen[column.header]}"
        columns[name] = column.field
    return columns


def _ignored(journal: Journal) -> list[str]:
    notices = [notice.text for notice in journal.header.notices if notice.kind == "ignored"]
    left_out = [column for column in journal.header.mapping.columns if not column.field and column.filled]
    return notices + [f'Column "{column.header}" was left out: {column.reason}.' for column in left_out]
