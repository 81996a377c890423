"""The page's charts, drawn by pygal as SVG that stands in the page itself: no script, no network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pygal
from pygal.style import Style

from importer.journal.run_metadata import SecondMetrics

COLOURS = {
    "accepted": "#15803d", "duplicate": "#64748b", "invalid": "#d97706", "refused": "#dc2626",
    "failed": "#991b1b", "unknown": "#7c3aed", "pending": "#94a3b8",
}  # fmt: skip
BLUE, TEAL, AMBER, RED = "#2563eb", "#0e7490", "#d97706", "#dc2626"
_WIDTH = 440
_MOST_BARS = 8
_MOST_POINTS = 60
_MOST_MARKS = 6  # marks of time below the pace
_LONGEST_LABEL = 30
# pygal puts in the day of the drawing, a script for tooltips, and what that would show.
_NOT_IN_A_PAGE = re.compile(
    r'<!--.*?-->|<script.*?</script>|<desc\b.*?</desc>|<g [^>]*class="tooltip".*?</g>', re.DOTALL
)


def outcome_chart(counts: Mapping[str, int], meanings: Mapping[str, str]) -> str:
    """One ring: rows by status."""
    shown = {status: count for status, count in counts.items() if count}
    chart = pygal.Pie(
        inner_radius=0.62,
        legend_at_bottom=True,
        legend_at_bottom_columns=1,
        **_common([COLOURS[status] for status in shown], height=220 + 26 * len(shown)),
    )
    for status, count in shown.items():
        chart.add(f"{count:,} {meanings[status]}", count)
    return _svg(chart, "Rows by what became of them")


def bars_chart(counts: Mapping[str, int], colour: str, name: str) -> str:
    """Lying bars, the largest first; beyond eight the rest is one bar."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    most = len(ordered) if len(ordered) == _MOST_BARS + 1 else _MOST_BARS  # a single other has its own name
    shown, rest = ordered[:most], ordered[most:]
    if rest:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest)))
    # The number stands behind the name: inside a short bar it could not be read.
    labels = [f"{_short(label)}  {count:,}" for label, count in shown]
    chart = pygal.HorizontalBar(
        show_legend=False,
        show_x_labels=False,
        show_x_guides=False,
        show_y_guides=False,
        range=(0, max((count for _, count in shown), default=1)),
        **_common([colour], height=24 + 34 * len(shown)),
    )
    chart.x_labels = labels[::-1]
    chart.add("rows", [count for _, count in reversed(shown)])
    return _svg(chart, name)


def pace_chart(pace: Sequence[SecondMetrics]) -> str:
    """Requests a second over time, with what the CRM throttled."""
    points = _thinned(pace)
    every = max(1, -(-len(points) // _MOST_MARKS))
    chart = pygal.StackedBar(
        show_legend=False,
        show_minor_x_labels=False,
        spacing=1 if len(points) > _MOST_POINTS // 2 else 6,
        y_labels=_marks(max((point.requests for point in points), default=1)),
        **_common([BLUE, AMBER], height=250),
    )
    chart.x_labels = [_clock(point.second) for point in points]
    chart.x_labels_major = [_clock(point.second) for point in points[::every]]
    chart.add("taken", [point.requests - point.throttled for point in points])
    chart.add("throttled by the CRM", [point.throttled for point in points])
    return _svg(chart, "Requests a second")


def _thinned(pace: Sequence[SecondMetrics]) -> list[SecondMetrics]:
    """As many bars as can be seen: several seconds are averaged into one."""
    if not pace:
        return []
    step = max(1, -(-(pace[-1].second + 1) // _MOST_POINTS))
    bins: dict[int, list[int]] = {start: [0, 0] for start in range(0, pace[-1].second + 1, step)}
    for beat in pace:
        found = bins[beat.second - beat.second % step]
        found[0] += beat.requests
        found[1] += beat.throttled
    return [
        SecondMetrics(start, round(sent / step), round(late / step), 0)
        for start, (sent, late) in bins.items()
    ]


def _marks(most: int) -> list[int]:
    """Round numbers up to the highest bar, some four of them."""
    step = next(step for ten in range(9) for unit in (1, 2, 5) if (step := unit * 10**ten) * 5 > most)
    return list(range(0, most + step, step))


def _common(colours: list[str], *, height: int) -> dict[str, Any]:
    style = Style(
        background="transparent", plot_background="transparent", colors=tuple(colours), foreground="#334155",
        foreground_strong="#334155", foreground_subtle="#e2e8f0", opacity="1", opacity_hover="1",
        font_family="inherit", label_font_size=15, legend_font_size=15, major_label_font_size=15,
        transition="0s", guide_stroke_color="#e2e8f0", major_guide_stroke_color="#e2e8f0", guide_stroke_dasharray="0", major_guide_stroke_dasharray="0",
    )  # fmt: skip
    return {
        "style": style, "height": height, "width": _WIDTH, "js": (), "disable_xml_declaration": True,
        "margin": 4, "explicit_size": False, "truncate_legend": -1, "truncate_label": -1,
        "formatter": lambda value: f"{value:,.0f}", "print_values": False, "legend_box_size": 13,
    }  # fmt: skip


def _svg(chart: Any, name: str) -> str:
    # pygal names each chart by chance; by its content instead, the same run gives the same page again.
    content = repr((name, getattr(chart, "x_labels", None), chart.raw_series))
    chart.uuid = hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:12]
    drawn = _NOT_IN_A_PAGE.sub("", chart.render(is_unicode=True))
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{name}" ', 1)


def _clock(second: int) -> str:
    return (
        f"{second // 3600}:{second // 60 % 60:02}:{second % 60:02}"
        if second >= 3600
        else f"{second // 60}:{second % 60:02}"
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"
