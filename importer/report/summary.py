"""Build the summary of a run: `summary.json`, which `--json` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from importer.journal.run_metadata import VanishedLeads
from importer.messages import planning_messages, report_messages, task_messages
from importer.models.row_plan import FieldCount
from importer.models.status import RowStatus, RunKind, RunState, Verification

SCHEMA_VERSION = 1
RESULTS, FAILED_CSV, FAILED_XLSX = "results.csv", "failed_rows.csv", "failed_rows.xlsx"
SUMMARY, PAGE = "summary.json", "report.html"
CHANGES = "changes.csv"
REPORT_FILES = (RESULTS, FAILED_CSV, FAILED_XLSX, CHANGES, SUMMARY, PAGE)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A run in numbers: the contents of `summary.json`, which `--json` prints."""

    schema_version: Annotated[
        int, Meta(description="Increases when a key is removed or changes its meaning.")
    ]
    run_id: Annotated[str, Meta(description="The name of the run's folder.")]
    folder: Annotated[str, Meta(description="The folder of the reports, as an absolute path.")]
    command: Annotated[
        str, Meta(pattern="^(check|plan|run|undo)$", description="The command that started the run.")
    ]
    kind: Annotated[RunKind, Meta(description="`undo` puts the leads of another run back.")]
    parent: Annotated[
        str, Meta(description="The run whose rows this run retries, or whose leads it puts back, or empty.")
    ]
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
    edited: Annotated[
        int, Meta(description="Rows that a person changed or left out in importer, before they were sent.")
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
        is_mostly_nameless = self.nameless * 2 > leads and self.kind is RunKind.IMPORT
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
    known_leads: Annotated[
        int,
        Meta(
            description="After a check: leads that can go in and that importer sent before, as this computer remembers. Others may exist too."
        ),
    ] = 0
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

    tasks: Annotated[
        dict[str, int], Meta(description="Follow-up tasks by what became of them; empty without tasks.")
    ] = {}
    open_tasks: Annotated[
        int,
        Meta(
            description="Follow-up tasks that are still to be created for rows that went in (after a check: that can go in)."
        ),
    ] = 0
    tasks_by_day: Annotated[
        dict[str, int], Meta(description="Follow-up tasks by the day on which they are due, the first days.")
    ] = {}

    @property
    def existing_leads(self) -> str:
        """After a check, a sentence about leads that may exist in the CRM already, and how to see what would change. Else ""."""
        leads = self.counts[RowStatus.ACCEPTED]
        is_due = self.state == RunState.CHECKED and leads > 0 and not self.edited
        return report_messages.format_existing_leads(self.known_leads, leads) if is_due else ""

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
    def failure(self) -> str:
        """What a run of which rows went in did not reach, in words; "" if nothing: leads as sent, and their tasks."""
        missing = task_messages.format_open_tasks(self.open_tasks) if self.open_tasks else ""
        return self.verification_failure or missing

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
