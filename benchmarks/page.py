"""Write docs/performance.md and its charts from the figures of a benchmark run."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path
from typing import Any

Figures = dict[str, Any]

_FINDINGS = Path(__file__).parent / "findings.md"


def write_page(figures: Figures, docs: Path) -> None:
    """Write the page without the sections that were not run."""
    parts = [_HEAD.format(machine=_machine(figures))]
    parts += [part(figures) for name, part in _PARTS.items() if name in figures]
    parts.insert(1, _goals(figures))
    if _FINDINGS.exists():
        parts.append(_FINDINGS.read_text("utf-8"))
    (docs / "performance.md").write_text("\n".join(parts).rstrip() + "\n", "utf-8")
    if "growth" in figures:
        _growth_chart(figures["growth"], docs / "performance-growth.svg")
    if "sending" in figures:
        _bars(figures["sending"], docs / "performance-sending.svg", "rows sent a second")


_HEAD = """# Speed and memory

<!-- Written by `make bench` (benchmarks/page.py); the text at the end is in benchmarks/findings.md. -->

```
make bench                                  # everything, with a table and the charts of this page
.venv/bin/python -m benchmarks --quick      # smaller sheets, fewer repeats
.venv/bin/python -m benchmarks --only sending
```

{machine}

The tools in one table take turns, so that other work on the machine affects all of them alike. Each figure is the median of its repeats. **By CPU** counts the processor
time of a tool and its children, which is what a quiet machine would show. **By the clock** includes waiting for other work on the machine.

The sheet has twelve columns of invented leads: mixed Indian phones, e-mails, stages, labels, lakh amounts and notes. Three rows in a hundred are faulty. importer is
installed in an environment of its own, as users have it.
"""


def _machine(figures: Figures) -> str:
    quick = " This was a **quick** run: smaller sheets, fewer repeats." if figures.get("quick") else ""
    load = figures.get("load")
    shared = f" Load average at the end of the run: {load[0]:.1f}." if load else ""
    return (
        f"Measured with Python {platform.python_version()} and SQLite {sqlite3.sqlite_version} on {os.cpu_count()} cores of "
        f"{_processor()}.{shared}{quick}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


# --- the goals


def _goals(figures: Figures) -> str:
    lines = ["## The goals", "", "| what | goal | by the clock | by CPU |", "|---|---|---|---|"]
    lines += [f"| {what} | {goal} | {clock} | {cpu} |" for what, goal, clock, cpu in _goal_rows(figures)]
    return "\n".join([*lines, ""])


def _goal_rows(f: Figures) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    if c := f.get("checking"):
        floor, one, two, pandas = (c[n] for n in ("csv.reader alone", "importer check, one core", "importer check, two cores", "pandas script"))  # fmt: skip
        rows += [
            ("`check` of a CSV compared with bare `csv.reader`, one core", "0.10", *_ratio(one, floor, 3)),
            ("the same on two cores", "more", *_ratio(two, floor, 3)),
            ("`check` compared with the pandas script", "10 x", *_ratio(two, pandas, 1, " x")),
        ]
    if w := f.get("workbook"):
        floor, two = w["python-calamine alone"], w["importer check, two cores"]
        rows.append(
            ("`check` of a workbook compared with python-calamine alone", "0.4", *_ratio(two, floor, 2))
        )
    rows += _memory_rows({**f.get("growth", {}), **f.get("books", {})})
    if s := f.get("sending"):
        ours = s["importer run"]
        goals = {"httpx + Semaphore(50)": "8 x"}
        rows += [
            (f"`run` compared with {name}", goals.get(name, "3 x"), *_ratio(ours, other, 1, " x"))
            for name, other in s.items()
            if other is not ours
        ]
    if latency := f.get("latency"):
        rows.append(
            (
                "`run` with 30 ms a request and 50 at once, share of 50 / 30 ms",
                "0.95",
                f"{latency['rate'] / latency['possible']:.3f}",
                "-",
            )
        )
    rows += _planning_rows(f)
    if r := f.get("resuming"):
        rows.append(
            (
                f"`resume` of {r['rows']:,} rows with nine in ten sent, until the first request",
                "2 s",
                f"{r['seconds']:.1f} s",
                "-",
            )
        )
    if e := f.get("editing", {}).get("200000"):
        slowest = max(value for name, value in e.items() if name not in ("rows", "opened_s", "one edit"))
        rows += [
            ("a page or a filter of 200,000 rows in `importer ui`", "100 ms", "-", f"{slowest:.0f} ms"),
            ("an edit of one of 200,000 rows, judged", "50 ms", "-", f"{e['one edit']:.0f} ms"),
        ]
    if b := f.get("batch"):
        files, many = b["files"], b["accounts"]
        rows += [
            (f"`batch` of {files['files']} small files of one account compared with single runs", "3 x", f"{files['ratio']:.1f} x", "-"),
            (f"`batch` of {many['accounts']} accounts, share of what their limits and the CPU allow", "0.9", f"{many['share_of_possible']:.2f}", "-"),
        ]  # fmt: skip
    if start := f.get("starting"):
        rows += [
            ("`importer --help`", "120 ms of CPU", "-", f"{start['importer --help']['cpu_ms']:.0f} ms"),
            (
                "`importer dropdowns`",
                "400 ms of CPU",
                "-",
                f"{start['importer dropdowns']['cpu_ms']:.0f} ms",
            ),
        ]
    return rows


def _planning_rows(f: Figures) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    if p := f.get("planning"):
        what = f"requests a second of `plan` of {p['rows']:,} phones compared with `run`"
        rows.append((what, "0.8", *_ratio(p["plan"], p["run"], 2)))
    if u := f.get("unchanged"):
        what = f"`apply` of {u['rows']:,} rows that the CRM has already, which sends nothing"
        rows.append((what, "2 s", f"{u['seconds']:.1f} s", f"{u['cpu_s']:.1f} s"))
    if m := f.get("plan_memory"):
        more = m["plan"]["peak_mb"] - m["check"]["peak_mb"]
        rows.append(
            (
                f"peak memory of `plan` of {m['rows']:,} rows, more than `check`",
                "50 MB",
                f"{more:+.0f} MB",
                "-",
            )
        )
    return rows


def _ratio(ours: Figures, other: Figures, digits: int, unit: str = "") -> tuple[str, str]:
    return (
        f"{ours['rate'] / other['rate']:.{digits}f}{unit}",
        f"{ours['rate_cpu'] / other['rate_cpu']:.{digits}f}{unit}",
    )


def _memory_rows(growth: Figures) -> list[tuple[str, str, str, str]]:
    rows: list[tuple[str, str, str, str]] = []
    million, less = growth.get("csv 1000000"), growth.get("csv 100000")
    if million and less:
        rows.append(
            (
                "peak memory of a 1,000,000-row CSV, children included",
                "150 MB",
                f"{million['peak_mb']:.0f} MB",
                "-",
            )
        )
        rows.append(
            (
                "more than for 100,000 rows",
                "within 20 MB",
                f"{million['peak_mb'] - less['peak_mb']:+.0f} MB",
                "-",
            )
        )
    if book := growth.get("xlsx 1000000"):
        rows.append(("peak memory of a 1,000,000-row workbook", "350 MB", f"{book['peak_mb']:.0f} MB", "-"))
    return rows


# --- the sections


def _rates(title: str, said: str) -> Any:
    def part(name: str, figures: Figures) -> str:
        lines = [
            f"## {title}",
            "",
            said,
            "",
            "| | rows | seconds | CPU seconds | rows/s | rows/s of CPU |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        lines += [
            f"| {who} | {x['rows']:,} | {x['seconds']:.2f} | {x['cpu_s']:.2f} | {x['rate']:,.0f} | {x['rate_cpu']:,.0f} |"
            for who, x in figures[name].items()
        ]
        return "\n".join([*lines, ""])

    return part


def _growth(figures: Figures) -> str:
    lines = [
        "## Growth", "",
        "![Time and memory of `check` by the number of rows](performance-growth.svg)", "",
        "| `check` of | seconds | CPU seconds | microseconds of CPU a row | peak memory |", "|---|--:|--:|--:|--:|",
    ]  # fmt: skip
    lines += [
        f"| {x['rows']:,} rows, {name.split()[0]} | {x['seconds']:.1f} | {x['cpu_s']:.1f} | {x['cpu_s'] / x['rows'] * 1e6:.0f} | {x['peak_mb']:.0f} MB |"
        for name, x in {**figures["growth"], **figures.get("books", {})}.items()
    ]
    said = (
        "Memory is the peak of the sum of PSS over the process tree (`/proc/PID/smaps_rollup`), read twenty times a second. "
        "A page that two processes share is counted once."
    )
    return "\n".join([*lines, "", said, ""])


def _stages(figures: Figures) -> str:
    found = figures["stages"]
    lines = [
        "## What a sent row costs", "",
        "CPU of one core. Each stage runs alone, with the real code (`benchmarks/stages.py`).", "",
        "| stage | microseconds a row |", "|---|--:|",
    ]  # fmt: skip
    lines += [f"| {name} | {spent:.0f} |" for name, spent in found.items()]
    return "\n".join([*lines, f"| **sum** | **{sum(found.values()):.0f}** |", ""])


def _editing(figures: Figures) -> str:
    found = figures["editing"]
    names = [name for name in next(iter(found.values())) if name not in ("rows", "opened_s")]
    lines = [
        "## Editing rows", "",
        ("What `importer ui` does for one page of 200 rows, and for one edit, which is judged with the rows that share its phone. CPU of the best of "
        "several requests, in milliseconds (`benchmarks/editing.py`). A text is sought in at most 200,000 rows a request."), "",
        "| |" + "".join(f" {x['rows']:,} rows |" for x in found.values()), "|---|" + "--:|" * len(found),
    ]  # fmt: skip
    lines += [f"| {name} |" + "".join(f" {x[name]:.1f} |" for x in found.values()) for name in names]
    opened = "".join(f" {x['opened_s'] * 1000:.0f} |" for x in found.values())
    return "\n".join([*lines, f"| opening the run, once |{opened}", ""])


def _batch(figures: Figures) -> str:
    files, many = figures["batch"]["files"], figures["batch"]["accounts"]
    cpu_ms = (many["client_cpu_s"] / many["rows"]) * 1000
    return (
        "## Many accounts\n\n"
        f"{files['files']} files of {files['rows']} rows for one account whose limit is {files['limit']} requests a second took {files['single_s']:.0f} s "
        f"as single runs and {files['batch_s']:.0f} s as a batch. Each single run begins slowly and starts a program. In a batch the files share what was learnt "
        "about the limit.\n\n"
        f"{many['accounts']} accounts with {many['rows'] // many['accounts']} rows each, at {many['limit']} requests a second each, took {many['seconds']:.1f} s from the first "
        f"request to the last. The limits alone allow {many['limits_s']:.1f} s. The two cores, which also run the practice CRM of all accounts, need at least "
        f"{many['cpu_s']:.1f} s: {many['client_cpu_s']:.0f} CPU seconds of importer with its reports ({cpu_ms:.1f} ms a row), and {many['server_cpu_s']:.0f} of the practice CRM.\n"
    )


def _phones(figures: Figures) -> str:
    x = figures["phones"]
    return (
        "## The fast path of phones\n\n"
        f"`benchmarks/phones.py` reads {x['texts']:,} random texts. The fast path took {x['taken']:,} of them, and phonenumbers agreed "
        f"on each ({x['differ']} differ). A text took {x['fast_us']:.1f} microseconds instead of {x['library_us']:.1f}. All other texts "
        "go to the library.\n"
    )


_PARTS: dict[str, Any] = {
    "checking": lambda f: _rates("Checking a CSV", "The reports are included. The pandas script makes the same checks and tables. It gets fewer rows, because it would take too long.")("checking", f),
    "workbook": lambda f: _rates("Checking a workbook", "python-calamine alone reads the cells and does nothing more.")("workbook", f),
    "sending": lambda f: _rates("Sending", "The rows go to a loopback server on one core (`benchmarks/server.py`); the tool runs on the other. Every row must arrive. `importer run` judges every row, keeps a durable journal and writes its reports. The others only send.\n\n![Rows sent a second](performance-sending.svg)")("sending", f),
    "stages": _stages,
    "growth": _growth,
    "editing": _editing,
    "batch": _batch,
    "phones": _phones,
}  # fmt: skip


# --- charts


def _style() -> Any:
    from pygal.style import Style

    return Style(
        background="white", plot_background="white", colors=("#2563eb", "#f59e0b", "#16a34a", "#dc2626"),
        foreground="#475569", foreground_strong="#1f2937", foreground_subtle="#94a3b8", transition="0s",
        font_family="system-ui, sans-serif", label_font_size=13, legend_font_size=14, title_font_size=16,
        major_label_font_size=13, value_font_size=13, value_colors=("#1f2937",) * 4,
    )  # fmt: skip


def _growth_chart(growth: Figures, path: Path) -> None:
    import pygal

    points = [x for name, x in growth.items() if name.startswith("csv")]
    chart = pygal.XY(
        style=_style(), width=820, height=420, js=(), title="check of a CSV: time and memory by rows", legend_at_bottom=True,
        x_title="rows", include_x_axis=True, dots_size=4, show_x_guides=False,
        x_value_formatter=lambda rows: f"{rows:,.0f}", range=(0, max(x["seconds"] for x in points)), secondary_range=(0, 200),
    )  # fmt: skip
    chart.add("seconds (left)", [(x["rows"], x["seconds"]) for x in points])
    chart.add("peak memory, MB (right)", [(x["rows"], x["peak_mb"]) for x in points], secondary=True)
    _save(chart, path)


def _bars(found: Figures, path: Path, title: str) -> None:
    import pygal

    chart = pygal.HorizontalBar(
        style=_style(), width=820, height=110 + 50 * len(found), js=(), title=title, show_legend=False, print_values=True,
        value_formatter=lambda rate: f"{rate:,.0f}",
    )  # fmt: skip
    ordered = sorted(found.items(), key=lambda item: item[1]["rate"])
    chart.x_labels = [name for name, _ in ordered]
    chart.add("rows a second", [x["rate"] for _, x in ordered])
    _save(chart, path)


def _save(chart: Any, path: Path) -> None:
    chart.uuid = path.stem  # pygal would name it by chance
    path.write_text(chart.render(is_unicode=True) + "\n", "utf-8")
