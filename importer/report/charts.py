"""The page's charts, drawn by pygal as SVG that stands in the page itself: no script, no network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from importer.journal import Pace

COLOURS = {
    "accepted": "#16a34a", "duplicate": "#94a3b8", "invalid": "#f59e0b", "refused": "#ef4444",
    "failed": "#b91c1c", "unknown": "#8b5cf6", "pending": "#cbd5e1",
}  # fmt: skip
_MOST_BARS = 10
_MOST_POINTS = 120


def outcome_chart(counts: Mapping[str, int]) -> str:
    """One ring: rows by status."""
    pygal = _pygal()
    shown = {status: count for status, count in counts.items() if count}
    chart = pygal.Pie(
        inner_radius=0.6, **_common([COLOURS.get(status, "#64748b") for status in shown], height=300)
    )
    for status, count in shown.items():
        chart.add(f"{status} ({count:,})", count)
    return _svg(chart)


def bars_chart(counts: Mapping[str, int], colour: str) -> str:
    """Lying bars, the largest first; beyond ten the rest is one bar."""
    pygal = _pygal()
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    rest = sum(count for _, count in ordered[_MOST_BARS:])
    shown = ordered[:_MOST_BARS] + ([("all others", rest)] if rest else [])
    chart = pygal.HorizontalBar(
        show_legend=False, print_values=True, **_common([colour], height=70 + 34 * len(shown))
    )
    chart.x_labels = [_short(name) for name, _ in reversed(shown)]
    chart.add("rows", [count for _, count in reversed(shown)])
    return _svg(chart)


def pace_chart(pace: Sequence[Pace]) -> str:
    """Requests a second over time, with what the CRM throttled."""
    pygal = _pygal()
    points = _thinned(pace)
    chart = pygal.StackedBar(
        **_common(["#2563eb", "#f59e0b"], height=260), x_label_rotation=0, show_minor_x_labels=False
    )
    chart.x_labels = [_clock(point.second) for point in points]
    chart.x_labels_major = [_clock(point.second) for point in points[:: max(1, len(points) // 8)]]
    chart.add("requests a second", [point.requests - point.throttled for point in points])
    chart.add("throttled", [point.throttled for point in points])
    return _svg(chart)


def _thinned(pace: Sequence[Pace]) -> list[Pace]:
    """As many bars as can be seen: several seconds are averaged into one."""
    if not pace:
        return []
    step = max(1, -(-(pace[-1].second + 1) // _MOST_POINTS))
    bins: dict[int, list[int]] = {start: [0, 0] for start in range(0, pace[-1].second + 1, step)}
    for beat in pace:
        found = bins[beat.second - beat.second % step]
        found[0] += beat.requests
        found[1] += beat.throttled
    return [Pace(start, round(sent / step), round(late / step), 0) for start, (sent, late) in bins.items()]


def _common(colours: list[str], *, height: int) -> dict[str, Any]:
    from pygal.style import Style  # noqa: PLC0415 - see _pygal

    style = Style(
        background="transparent", plot_background="transparent", colors=tuple(colours), foreground="#475569",
        foreground_strong="#1f2937", foreground_subtle="#94a3b8", opacity="1", opacity_hover="1",
        font_family="system-ui, sans-serif", label_font_size=13, legend_font_size=13, value_font_size=13,
        major_label_font_size=13, transition="0s", value_colors=("#1f2937",) * 9,
    )  # fmt: skip
    return {
        "style": style, "height": height, "width": 640, "js": (), "disable_xml_declaration": True, "margin": 8,
        "explicit_size": False, "legend_at_bottom": True, "show_y_guides": False, "show_x_guides": False,
        "truncate_legend": -1, "truncate_label": -1,
    }  # fmt: skip


def _svg(chart: Any) -> str:
    # pygal names each chart by chance; by its content instead, the same run gives the same page again.
    chart.uuid = hashlib.sha256(
        repr((getattr(chart, "x_labels", None), chart.raw_series)).encode()
    ).hexdigest()[:12]
    drawn: str = chart.render(is_unicode=True)
    return drawn


def _clock(second: int) -> str:
    return (
        f"{second // 3600}:{second // 60 % 60:02}:{second % 60:02}"
        if second >= 3600
        else f"{second // 60}:{second % 60:02}"
    )


def _short(text: str, limit: int = 34) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _pygal() -> Any:
    import pygal  # noqa: PLC0415 - only a page needs it

    return pygal
