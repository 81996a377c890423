"""report.html: what happened, for people; one file that needs no network and runs nothing of the sheet's."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from html import unescape
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from importer.fields import get_field_label
from importer.issues import describe_issue, get_issue_title, is_blocking
from importer.journal.run_journal import Journal
from importer.models.delivery import ReportRow
from importer.models.mapping import NoticeKind
from importer.models.status import CHECK_MEANINGS, STATUS_MEANINGS, RunState
from importer.report.charts import AMBER, BLUE, COLOURS, RED, TEAL, bars_chart, outcome_chart, pace_chart
from importer.report.findings import Findings
from importer.report.next_steps import list_next_steps
from importer.report.summary import FAILED_CSV, FAILED_XLSX, RESULTS, SUMMARY, Summary
from importer.untrusted_text import sanitize

_SHOWN_VALUES = 50
_SHOWN_CELL = 200
_SHOWN_COLUMNS = 4
_NOTES = {
    FAILED_XLSX: " (rows to mend)",
    FAILED_CSV: " (rows to mend, as CSV)",
    RESULTS: " (every row)",
    SUMMARY: " (for programs)",
}
_STYLES = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)


def write_page(path: Path, journal: Journal, summary: Summary, findings: Findings) -> None:
    """Write the page. Raises OSError."""
    pages = Environment(
        loader=PackageLoader("importer.report", "."),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
    )
    pages.filters["plain"] = lambda value: sanitize(str(value))
    pages.filters["count"] = lambda value: f"{value:,}"
    pages.filters["span"] = _span
    html = pages.get_template("report.html").render(_content(journal, summary, findings))
    path.write_text(html, "utf-8")


def headline(summary: Summary) -> str:
    """What happened, in one sentence."""
    in_crm = summary.went_in
    left = summary.rows - in_crm
    name = Path(summary.file).name
    match summary.state:
        case RunState.CHECKED:
            rest = f" {left:,} cannot yet." if left else ""
            return f"{in_crm:,} of {summary.rows:,} rows of {name} can go in.{rest} Nothing was sent."
        case RunState.FINISHED if not left:
            return f"All {summary.rows:,} rows of {name} went in."
        case RunState.FINISHED:
            return f"{in_crm:,} of {summary.rows:,} rows of {name} went in. {left:,} did not."
        case _:
            return f"The run stopped early: {in_crm:,} of {summary.rows:,} rows of {name} went in so far. It can be resumed."


def _content(journal: Journal, summary: Summary, findings: Findings) -> dict[str, Any]:
    meanings = CHECK_MEANINGS if summary.state == RunState.CHECKED else STATUS_MEANINGS
    charts = _charts(journal, summary, findings, meanings)
    style, script = _part("report.css") + _status_colours(), _part("report.js")
    worn = [unescape(found) for chart in charts for found in _STYLES.findall(chart["svg"])]
    values = findings.values.most_common(_SHOWN_VALUES)
    indexes = _shown_columns(journal)
    return {
        "summary": summary,
        "name": Path(summary.file).name,
        "headline": headline(summary),
        "steps": list_next_steps(summary, journal.folder, journal.metadata.options),
        "notes": _NOTES,
        "policy": _policy([script], [style, *worn]),
        "style": style,
        "script": script,
        "counts": [(status, count, meanings[status]) for status, count in summary.counts.items() if count],
        "charts": charts,
        "values": [
            {"column": issue.column or get_field_label(issue.field), "value": issue.value, "said": _said(describe_issue(issue)), "rows": rows}
            for issue, rows in values
        ],
        "more_values": len(findings.values) - len(values),
        "columns": [
            {"header": c.header, "field": get_field_label(c.field), "reason": c.reason, "filled": c.fill_rate}
            for c in journal.metadata.mapping.columns
        ],
        "read": [notice.text for notice in journal.metadata.notices if notice.kind is not NoticeKind.IGNORED],
        "rows": [_row(outcome, indexes) for outcome in findings.rows],
        "headers": [journal.metadata.headers[index] for index in indexes],
        "not_in": findings.not_in,
    }  # fmt: skip


def _charts(
    journal: Journal, summary: Summary, findings: Findings, meanings: dict[str, str]
) -> list[dict[str, Any]]:
    """The charts that have something to show."""
    drawn = [("What became of the rows", outcome_chart(summary.counts, meanings))]
    if summary.requests:
        drawn.append(("Requests a second", pace_chart(journal.read_second_metrics())))
    for title, counts, colour in (
        ("Problems by kind", _titled(summary.problems), AMBER),
        ("Problems by column", findings.by_column, RED),
        ("Leads by stage", findings.stages, BLUE),
        ("Leads by group", findings.groups, TEAL),
    ):
        if counts:
            drawn.append((title, bars_chart(counts, colour, title)))
    return [{"title": title, "svg": svg, "key": title == "Requests a second"} for title, svg in drawn]


def _policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """What the page may do: run our script, wear our styles, and nothing else at all."""
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashes(parts: Iterable[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts)
    return " ".join(f"'sha256-{digest}'" for digest in dict.fromkeys(digests))


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _status_colours() -> str:
    return "".join(f".s-{status} {{ --c: {colour} }}\n" for status, colour in COLOURS.items())


def _titled(problems: dict[str, int]) -> Counter[str]:
    """Problems that keep rows out, by what people call them."""
    titled: Counter[str] = Counter()
    for code, count in problems.items():
        if is_blocking(code):
            titled[_said(get_issue_title(code))] += count
    return titled


def _shown_columns(journal: Journal) -> list[int]:
    """The columns worth showing beside a row's problems: its phone and its name."""
    wanted = ("customer_phone", "full_name", "first_name", "last_name", "business_name")
    return [c.index for c in journal.metadata.mapping.columns if c.field in wanted][:_SHOWN_COLUMNS]


def _row(outcome: ReportRow, indexes: list[int]) -> dict[str, Any]:
    return {
        "number": outcome.number,
        "status": outcome.status.value,
        "cells": [outcome.cells[index][:_SHOWN_CELL] for index in indexes],
        "problems": _problems(outcome),
    }


def _problems(outcome: ReportRow) -> list[dict[str, str]]:
    return [{"column": issue.column, "said": _said(describe_issue(issue))} for issue in outcome.issues]


def _said(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _span(seconds: float) -> str:
    """`9 s`, `4 min 10 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
    )
