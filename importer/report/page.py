"""report.html: what happened, for people; one file that needs no network and runs nothing of the sheet's."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from importer.fields import BY_NAME
from importer.guard import printable
from importer.issues import CATALOGUE, sentence, text
from importer.journal import Journal
from importer.models import RowOutcome, RunState, Status
from importer.report.charts import COLOURS, bars_chart, outcome_chart, pace_chart
from importer.report.gather import MOST_ROWS, Findings
from importer.report.summary import Summary

_SHOWN_VALUES = 50
_SHOWN_CELL = 200
_MEANING = {
    "accepted": "went in",
    "invalid": "refused here, before anything was sent",
    "refused": "refused by the CRM",
    "failed": "could not be delivered",
    "unknown": "may have gone in; the answer was lost",
    "duplicate": "folded into another row with the same phone",
    "pending": "not tried yet",
}
_SCRIPT = """
const box = document.getElementById("search");
if (box) box.addEventListener("input", () => {
  const wanted = box.value.toLowerCase();
  for (const row of document.querySelectorAll("#rows tbody tr"))
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
});
"""


def write_page(path: Path, journal: Journal, summary: Summary, findings: Findings) -> None:
    """Write the page. Raises OSError."""
    from jinja2 import Environment, PackageLoader, select_autoescape  # noqa: PLC0415 - only a page needs it

    pages = Environment(
        loader=PackageLoader("importer.report", "."), autoescape=select_autoescape(default=True)
    )
    pages.filters["plain"] = lambda value: printable(str(value))
    html = pages.get_template("report.html").render(_content(journal, summary, findings))
    path.write_text(html, "utf-8", errors="replace")


def headline(summary: Summary) -> str:
    """What happened, in one sentence."""
    in_crm = summary.counts["accepted"] + summary.counts["duplicate"]
    left = summary.rows - in_crm
    name = Path(summary.file).name
    match summary.state:
        case RunState.CHECKED:
            rest = f" {left:,} need mending." if left else ""
            return f"{in_crm:,} of {summary.rows:,} rows of {name} can go in.{rest} Nothing was sent."
        case RunState.FINISHED if not left:
            return f"All {summary.rows:,} rows of {name} went in."
        case RunState.FINISHED:
            return f"{in_crm:,} of {summary.rows:,} rows of {name} went in. {left:,} did not."
        case _:
            return f"The run stopped early: {in_crm:,} of {summary.rows:,} rows of {name} went in so far. It can be resumed."


def _content(journal: Journal, summary: Summary, findings: Findings) -> dict[str, Any]:
    pace = journal.pace()
    return {
        "summary": summary,
        "headline": headline(summary),
        "csp": _policy(),
        "script": _SCRIPT,
        "counts": [
            (s, summary.counts[s], _meaning(s, summary), COLOURS[s])
            for s in summary.counts
            if summary.counts[s]
        ],
        "outcome_chart": outcome_chart(summary.counts),
        "problems_chart": bars_chart(_titled(summary.problems), "#f59e0b") if summary.problems else "",
        "columns_chart": bars_chart(findings.by_column, "#ef4444") if findings.by_column else "",
        "pace_chart": pace_chart(pace) if summary.requests else "",
        "stages_chart": bars_chart(findings.stages, "#2563eb") if findings.stages else "",
        "groups_chart": bars_chart(findings.groups, "#0891b2") if findings.groups else "",
        "values": [
            {
                "column": issue.column or _label(issue.field),
                "value": issue.value,
                "said": text(issue),
                "rows": rows,
            }
            for issue, rows in findings.values.most_common(_SHOWN_VALUES)
        ],
        "columns": [
            {
                "header": column.header,
                "field": _label(column.field),
                "reason": column.reason,
                "filled": column.filled,
            }
            for column in journal.header.mapping.columns
        ],
        "read": [notice.text for notice in journal.header.notices if notice.kind != "ignored"],
        "rows": [_row(outcome) for outcome in findings.rows],
        "headers": _shown_headers(journal),
        "not_in": findings.not_in,
        "most_rows": MOST_ROWS,
        "cell_indexes": _shown_indexes(journal),
    }


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def _meaning(status: str, summary: Summary) -> str:
    checked = status == Status.ACCEPTED and summary.state == RunState.CHECKED
    return "can go in" if checked else _MEANING[status]


def _titled(problems: dict[str, int]) -> dict[str, int]:
    """Problems by what people call them."""
    titled: dict[str, int] = {}
    for code, count in problems.items():
        field, _, name = code.rpartition(".")
        title = CATALOGUE[name].title
        label = title if field == "row" else f"{_label(field)}: {title}"
        titled[label] = titled.get(label, 0) + count
    return titled


def _label(field: str) -> str:
    found = BY_NAME.get(field)
    return found.label if found else field


def _shown_indexes(journal: Journal) -> list[int]:
    """The columns worth showing beside a row's problems: its phone, its name, and those with faults."""
    wanted = ("customer_phone", "full_name", "first_name", "last_name", "business_name")
    return [column.index for column in journal.header.mapping.columns if column.field in wanted][:4]


def _shown_headers(journal: Journal) -> list[str]:
    return [journal.header.headers[index] for index in _shown_indexes(journal)]


def _row(outcome: RowOutcome) -> dict[str, Any]:
    return {
        "number": outcome.number,
        "status": outcome.status.value,
        "cells": [cell[:_SHOWN_CELL] for cell in outcome.cells],
        "problems": [sentence(outcome.number, issue) for issue in outcome.issues],
    }
