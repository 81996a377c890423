"""Write report.html: what happened, for people, in one file that needs no network and runs nothing from the sheet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from html import unescape
from pathlib import Path
from typing import Any

import msgspec

from importer.fields import get_field_label
from importer.issues import (
    Issue,
    IssueCode,
    Severity,
    describe_issue,
    format_machine_code,
    get_issue_title,
    is_blocking,
)
from importer.journal.run_journal import Journal
from importer.messages import planning_messages, report_messages, task_messages, undo_messages
from importer.messages.report_messages import CHECK_MEANINGS, STATUS_MEANINGS
from importer.messages.task_messages import format_day
from importer.models.delivery import ReportRow
from importer.models.mapping import NoticeKind
from importer.models.status import UNSENT, RowStatus, RunKind
from importer.report.change_texts import ChangeSamples, list_field_counts
from importer.report.charts import (
    AMBER,
    BLUE,
    RED,
    TEAL,
    draw_bar_chart,
    draw_rate_chart,
    draw_status_chart,
)
from importer.report.html_page import build_policy, read_part, read_style, render_page
from importer.report.next_steps import list_next_steps
from importer.report.summary import Summary

MAX_LISTED_ROWS = 1_000
_MAX_COUNTED_VALUES = 5_000  # distinct unknown values that are counted
_MAX_SHOWN_VALUES = 50
_MAX_CELL = 200  # characters
_MAX_COLUMNS = 4
_SHOWN_FIELDS = ("customer_phone", "full_name", "first_name", "last_name", "business_name")
_STYLE_ELEMENT = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
_VALUE_CODES = frozenset(
    {
        IssueCode.UNKNOWN,
        IssueCode.DISABLED,
        IssueCode.AMBIGUOUS,
        IssueCode.LEFT_OUT_UNKNOWN,
        IssueCode.LEFT_OUT_DISABLED,
        IssueCode.LEFT_OUT_AMBIGUOUS,
    }
)
"""Codes about a dropdown value that does not exist in the account, or not as one of its active values."""


class _CountedFields(msgspec.Struct, gc=False):
    """The part of a request's body that is counted; the rest of it is skipped."""

    lead_stage_name: str | None = None
    lead_group_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    business_name: str | None = None


_parse_counted_fields = msgspec.json.Decoder(_CountedFields).decode


class Findings:
    """What the page shows beside the counts: a bounded amount, however long the sheet is."""

    def __init__(self) -> None:
        self.listed_rows: list[ReportRow] = []
        self.failed_count = 0
        self.nameless = 0
        self.unknown_values: Counter[Issue] = Counter()
        self.problems_by_column: Counter[str] = Counter()
        self.leads_by_stage: Counter[str] = Counter()
        self.leads_by_group: Counter[str] = Counter()
        self.change_samples = ChangeSamples()

    def add(self, row: ReportRow) -> None:
        """Add one row. Rows that were not tried and have no issue are not listed: there may be thousands."""
        self.change_samples.add(row)
        if row.status is RowStatus.ACCEPTED:
            assert row.body is not None
            self.add_accepted([row.body])
        elif row.status not in (RowStatus.DUPLICATE, RowStatus.UNCHANGED) and (
            row.issues or row.status is not RowStatus.PENDING
        ):
            self.failed_count += 1
            if len(self.listed_rows) < MAX_LISTED_ROWS:
                self.listed_rows.append(row)
        for issue in row.issues:
            self._add_issue(issue)

    def add_accepted(self, bodies: Iterable[str]) -> None:
        """Count the stages, the groups and the missing names of accepted rows, from the JSON bodies of their requests."""
        leads = list(map(_parse_counted_fields, bodies))
        self.nameless += sum(not (lead.first_name or lead.last_name or lead.business_name) for lead in leads)
        self.leads_by_stage.update(filter(None, [lead.lead_stage_name for lead in leads]))
        self.leads_by_group.update(filter(None, [lead.lead_group_name for lead in leads]))

    def _add_issue(self, issue: Issue) -> None:
        if issue.column and issue.severity is not Severity.WARNING:
            self.problems_by_column[issue.column] += 1
        if issue.code in _VALUE_CODES and (
            issue in self.unknown_values or len(self.unknown_values) < _MAX_COUNTED_VALUES
        ):
            self.unknown_values[issue] += 1


class _Chart(msgspec.Struct, frozen=True):
    """A chart of the page; `has_legend` says that the template adds the legend of throttled requests."""

    title: str
    svg: str
    has_legend: bool = False


def write_page(path: Path, journal: Journal, summary: Summary, findings: Findings) -> None:
    """Write the page. Raises OSError."""
    html = render_page("importer.report", "report.html", _build_context(journal, summary, findings))
    path.write_text(html, "utf-8")


def format_headline(summary: Summary) -> str:
    """Return in one line what happened."""
    if summary.kind is RunKind.UNDO:
        return undo_messages.format_headline(
            summary.parent,
            rows=summary.rows,
            went_in=summary.went_in,
            state=summary.state,
            verification_failure=summary.verification_failure,
        )
    return report_messages.format_headline(
        Path(summary.file).name,
        rows=summary.rows,
        went_in=summary.went_in,
        state=summary.state,
        failure=summary.failure,
    )


def _build_context(journal: Journal, summary: Summary, findings: Findings) -> dict[str, Any]:
    """Return the variables of the template. All its texts come from `texts`."""
    is_check = summary.state in UNSENT
    is_undo = summary.kind is RunKind.UNDO
    meanings = _choose_meanings(summary)
    charts = _draw_charts(journal, summary, findings, meanings)
    style, script = read_style(), read_part("report.js")
    chart_styles = [unescape(found) for chart in charts for found in _STYLE_ELEMENT.findall(chart.svg)]
    values = findings.unknown_values.most_common(_MAX_SHOWN_VALUES)
    indexes = _select_columns(journal)
    return {
        "texts": report_messages,
        "plans": planning_messages,
        "undos": undo_messages,
        "is_undo": is_undo,
        "plan": [(action, count) for action, count in summary.plan.items() if count],
        "fields": _describe_fields(summary, findings),
        "verified": [(outcome, count) for outcome, count in summary.verified.items() if count],
        "task_texts": task_messages,
        "tasks": [(state, count) for state, count in summary.tasks.items() if count],
        "task_days": [(format_day(day), n) for day, n in summary.tasks_by_day.items()],
        "summary": summary,
        "is_check": is_check,
        "name": Path(summary.file).name,
        "headline": format_headline(summary),
        "nameless": summary.nameless_warning,
        "steps": list_next_steps(summary, journal.folder, journal.metadata.options),
        "policy": build_policy([script], [style, *chart_styles]),
        "style": style,
        "script": script,
        "counts": [(status, count, meanings[status]) for status, count in summary.counts.items() if count],
        "charts": charts,
        "other_names": summary.problems.get(format_machine_code("row", IssueCode.OTHER_NAME), 0),
        "values": [_describe_value(issue, rows) for issue, rows in values],
        "more_values": len(findings.unknown_values) - len(values),
        "columns": [
            {"header": c.header, "field": get_field_label(c.field), "reason": c.reason, "fill_rate": c.fill_rate}
            for c in journal.metadata.mapping.columns
        ],
        "notices": [notice.text for notice in journal.metadata.notices if notice.kind is not NoticeKind.IGNORED],
        "rows": [_describe_row(row, indexes) for row in findings.listed_rows],
        "headers": [journal.metadata.headers[index] for index in indexes],
        "failed_count": findings.failed_count,
    }  # fmt: skip


def _choose_meanings(summary: Summary) -> dict[str, str]:
    """Return what each status of a row means."""
    is_check = summary.state in UNSENT
    if summary.kind is RunKind.UNDO:
        return undo_messages.PLAN_MEANINGS if is_check else undo_messages.STATUS_MEANINGS
    return CHECK_MEANINGS if is_check else STATUS_MEANINGS


def _describe_fields(summary: Summary, findings: Findings) -> list[dict[str, Any]]:
    """Return what a plan does to each field of known leads, with samples of what it replaces."""
    samples = findings.change_samples.by_field
    is_undo = summary.kind is RunKind.UNDO
    words = undo_messages.EFFECT_WORDS if is_undo else planning_messages.EFFECT_WORDS
    return [
        {"label": get_field_label(field), "effects": effects, "examples": samples.get(field, [])}
        for field, effects in list_field_counts(summary.fields, words).items()
    ]


def _draw_charts(
    journal: Journal, summary: Summary, findings: Findings, meanings: dict[str, str]
) -> list[_Chart]:
    """Return the charts that have something to show."""
    is_undo = summary.kind is RunKind.UNDO
    title = undo_messages.CHART_STATUS if is_undo else report_messages.CHART_STATUS
    charts = [_Chart(title, draw_status_chart(summary.counts, meanings))]
    if summary.requests:
        svg = draw_rate_chart(journal.read_second_metrics())
        charts.append(_Chart(report_messages.CHART_RATE, svg, has_legend=True))
    for title, counts, colour in (
        (report_messages.CHART_PROBLEMS, _count_by_title(summary.problems), AMBER),
        (report_messages.CHART_COLUMNS, findings.problems_by_column, RED),
        (report_messages.CHART_STAGES, {} if is_undo else findings.leads_by_stage, BLUE),
        (report_messages.CHART_GROUPS, {} if is_undo else findings.leads_by_group, TEAL),
    ):
        if counts:
            charts.append(_Chart(title, draw_bar_chart(counts, colour, title)))
    return charts


def _count_by_title(problems: dict[str, int]) -> Counter[str]:
    """Return the counts of problems that keep rows out, by their titles."""
    counts: Counter[str] = Counter()
    for code, count in problems.items():
        if is_blocking(code):
            counts[_capitalize(get_issue_title(code))] += count
    return counts


def _select_columns(journal: Journal) -> list[int]:
    """Return the indexes of the columns that identify a row: its phone and its name."""
    columns = journal.metadata.mapping.columns
    return [column.index for column in columns if column.field in _SHOWN_FIELDS][:_MAX_COLUMNS]


def _describe_value(issue: Issue, rows: int) -> dict[str, Any]:
    return {
        "column": issue.column or get_field_label(issue.field),
        "value": issue.value,
        "advice": _capitalize(describe_issue(issue)),
        "rows": rows,
    }


def _describe_row(row: ReportRow, indexes: list[int]) -> dict[str, Any]:
    return {
        "number": row.name,
        "status": row.status.value,
        "cells": [row.cells[index][:_MAX_CELL] for index in indexes],
        "problems": [
            {"column": issue.column, "text": _capitalize(describe_issue(issue))} for issue in row.issues
        ],
    }


def _capitalize(sentence: str) -> str:
    """Return the sentence with a capital first letter, and the rest as it is."""
    return sentence[:1].upper() + sentence[1:]
