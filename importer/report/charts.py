"""Draw the charts of the page with pygal, as SVG inside the page: no script, no network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from pygal.style import Style

from importer.journal.run_metadata import SecondMetrics
from importer.messages import format_count, report_messages
from importer.models.status import RowStatus

STATUS_COLOURS: dict[str, str] = {
    RowStatus.ACCEPTED: "#15803d",
    RowStatus.UNCHANGED: "#0e7490",
    RowStatus.DUPLICATE: "#64748b",
    RowStatus.INVALID: "#d97706",
    RowStatus.CONFLICT: "#b45309",
    RowStatus.REFUSED: "#dc2626",
    RowStatus.FAILED: "#991b1b",
    RowStatus.UNKNOWN: "#7c3aed",
    RowStatus.PENDING: "#94a3b8",
}
BLUE, TEAL, AMBER, RED = "#2563eb", "#0e7490", "#d97706", "#dc2626"
_WIDTH = 440
_MAX_BARS = 8
_MAX_POINTS = 60
_MAX_TIME_LABELS = 6
_MAX_LABEL = 30  # characters
# pygal adds the date, a script for tooltips, and the texts that these would show: `<!--Generated with pygal ...-->`,
# `<script>...</script>`, `<desc class="value">...</desc>`, `<g class="tooltip">...</g>`.
_UNWANTED = re.compile(
    r'<!--.*?-->|<script.*?</script>|<desc\b.*?</desc>|<g [^>]*class="tooltip".*?</g>', re.DOTALL
)


def draw_status_chart(counts: Mapping[str, int], meanings: Mapping[str, str]) -> str:
    """Draw a ring of the rows by status."""
    counts = {status: count for status, count in counts.items() if count}
    chart = pygal.Pie(
        inner_radius=0.62,
        legend_at_bottom=True,
        legend_at_bottom_columns=1,
        **_build_options([STATUS_COLOURS[status] for status in counts], height=220 + 26 * len(counts)),
    )
    for status, count in counts.items():
        chart.add(f"{format_count(count)} {meanings[status]}", count)
    return _render_svg(chart, report_messages.CHART_STATUS)


def draw_bar_chart(counts: Mapping[str, int], colour: str, name: str) -> str:
    """Draw horizontal bars, the largest first. Beyond eight, the rest is one bar."""
    bars = _select_bars(counts)
    # The number is part of the label, because it could not be read inside a short bar.
    labels = [f"{_shorten(label)}  {format_count(count)}" for label, count in bars]
    chart = pygal.HorizontalBar(
        show_legend=False,
        show_x_labels=False,
        show_x_guides=False,
        show_y_guides=False,
        range=(0, max((count for _, count in bars), default=1)),
        **_build_options([colour], height=24 + 34 * len(bars)),
    )
    chart.x_labels = labels[::-1]
    chart.add(report_messages.CHART_ROWS, [count for _, count in reversed(bars)])
    return _render_svg(chart, name)


def draw_rate_chart(metrics: Sequence[SecondMetrics]) -> str:
    """Draw the requests per second over time, with those that the CRM throttled."""
    points = _average_points(metrics)
    label_step = max(1, -(-len(points) // _MAX_TIME_LABELS))
    chart = pygal.StackedBar(
        show_legend=False,
        show_minor_x_labels=False,
        spacing=1 if len(points) > _MAX_POINTS // 2 else 6,
        y_labels=_compute_axis_labels(max((point.requests for point in points), default=1)),
        **_build_options([BLUE, AMBER], height=250),
    )
    chart.x_labels = [_format_clock(point.second) for point in points]
    chart.x_labels_major = [_format_clock(point.second) for point in points[::label_step]]
    chart.add(report_messages.WITHIN_LIMIT, [point.requests - point.throttled for point in points])
    chart.add(report_messages.THROTTLED, [point.throttled for point in points])
    return _render_svg(chart, report_messages.CHART_RATE)


def _select_bars(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the largest counts with their labels, then the sum of the rest."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    # A single other label takes no more room than "1 others" would.
    limit = len(ordered) if len(ordered) == _MAX_BARS + 1 else _MAX_BARS
    bars, rest = ordered[:limit], ordered[limit:]
    if rest:
        bars.append((report_messages.format_other_bars(len(rest)), sum(count for _, count in rest)))
    return bars


def _average_points(metrics: Sequence[SecondMetrics]) -> list[SecondMetrics]:
    """Return as many points as can be seen: each is the average of several seconds, a pause among them."""
    if not metrics:
        return []
    step = max(1, -(-(metrics[-1].second + 1) // _MAX_POINTS))
    sums: dict[int, list[int]] = {start: [0, 0] for start in range(0, metrics[-1].second + 1, step)}
    for second in metrics:
        total = sums[second.second - second.second % step]
        total[0] += second.requests
        total[1] += second.throttled
    return [
        SecondMetrics(start, round(requests / step), round(throttled / step), 0)
        for start, (requests, throttled) in sums.items()
    ]


def _compute_axis_labels(highest: int) -> list[int]:
    """Return about four round numbers up to the highest bar."""
    step = next(step for ten in range(9) for unit in (1, 2, 5) if (step := unit * 10**ten) * 5 > highest)
    return list(range(0, highest + step, step))


def _build_options(colours: list[str], *, height: int) -> dict[str, Any]:
    """Return the options that all charts share."""
    style = Style(
        background="transparent", plot_background="transparent", colors=tuple(colours), foreground="var(--dim)",
        foreground_strong="var(--ink)", foreground_subtle="var(--line)", opacity="1", opacity_hover="1",
        font_family="inherit", label_font_size=15, legend_font_size=15, major_label_font_size=15,
        transition="0s", guide_stroke_color="var(--line)", major_guide_stroke_color="var(--line)", guide_stroke_dasharray="0", major_guide_stroke_dasharray="0",
    )  # fmt: skip
    return {
        "style": style, "height": height, "width": _WIDTH, "js": (), "disable_xml_declaration": True,
        "margin": 4, "explicit_size": False, "truncate_legend": -1, "truncate_label": -1,
        "formatter": lambda value: format_count(round(value)), "print_values": False, "legend_box_size": 13,
    }  # fmt: skip


def _render_svg(chart: Any, name: str) -> str:
    """Return the chart as SVG. pygal gives each chart a random id; ours is made from the content, so it never changes."""
    content = repr((name, getattr(chart, "x_labels", None), chart.raw_series))
    chart.uuid = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:12]
    svg = _UNWANTED.sub("", chart.render(is_unicode=True))
    return svg.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)


def _format_clock(second: int) -> str:
    """Return a time since the start, such as `4:05` or `1:02:03`."""
    minutes = f"{second // 60 % 60:02}:{second % 60:02}"
    return f"{second // 3600}:{minutes}" if second >= 3600 else f"{second // 60}:{second % 60:02}"


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_LABEL else text[: _MAX_LABEL - 1] + "…"
