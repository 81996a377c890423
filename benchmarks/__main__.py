"""Compare importer with other tools (`make bench`) and write docs/performance.md.

Every figure is the median of repeats. The tools of a table take turns, so that other work on the machine affects all of them
alike. `--quick` uses smaller sheets and fewer repeats. `--only NAME` runs one section; its figures replace those in
build/bench/figures.json, and the page is written again from there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import measure, sheets
from benchmarks.measure import Cost
from benchmarks.page import write_page
from importer.state.state_folder import STATE_DIR_VARIABLE

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "bench"
FIGURES = BUILD / "figures.json"
RIVALS = Path(__file__).parent / "rivals"
RIVAL_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
IMPORTER = ROOT / ".venv-user" / "bin" / "importer"
READ_IN_ORDER = """
import sys
from importer.cli.main import main
from importer.reader import parallel_client
parallel_client.count_readers = lambda: 1
sys.exit(main())
"""
CLIENT, SERVER = 0, 1  # cores

Figures = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sheets, fewer repeats: a few minutes")
    parser.add_argument("--repeats", type=int, help="of each tool (the default is 3, with --quick 1)")
    parser.add_argument("--only", choices=list(SECTIONS), action="append", help="only this section")
    chosen = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    os.environ[STATE_DIR_VARIABLE] = str((BUILD / "state").absolute())  # not the user's own
    figures: Figures = json.loads(FIGURES.read_text()) if FIGURES.exists() and chosen.only else {}
    figures["quick"] = chosen.quick
    for name in chosen.only or SECTIONS:
        began = time.perf_counter()
        print(f"{name} ...", flush=True)
        figures[name] = SECTIONS[name](
            quick=chosen.quick, repeats=chosen.repeats or (1 if chosen.quick else 3)
        )
        print(f"{name}: {json.dumps(figures[name])}  ({time.perf_counter() - began:.0f} s)", flush=True)
        figures["load"] = os.getloadavg()
        FIGURES.write_text(json.dumps(figures, indent=1))
    write_page(figures, ROOT / "docs")


# --- checking


def checking(*, quick: bool, repeats: int) -> Figures:
    """Compare `check` of a CSV with csv.reader alone and the pandas script."""
    rows, few = (100_000, 10_000) if quick else (1_000_000, 50_000)
    big, small = csv_sheet(rows), csv_sheet(few)
    with server() as url:
        contenders: dict[str, tuple[int, Callable[[], Cost]]] = {
            "csv.reader alone": (rows, lambda: measure.run([sys.executable, RIVALS / "bare_csv.py", big], cores={CLIENT})),
            "importer check, one core": (rows, lambda: check(big, url, cores={CLIENT})),
            "importer check, two cores": (rows, lambda: check(big, url)),
            "the same, read in order": (rows, lambda: check(big, url, program=[IMPORTER.parent / "python", "-c", READ_IN_ORDER])),
            "pandas script": (few, lambda: pandas_check(small, url)),
        }  # fmt: skip
        return rates(contenders, repeats=repeats)


def workbook(*, quick: bool, repeats: int) -> Figures:
    """Compare `check` of a workbook with python-calamine alone."""
    rows = 20_000 if quick else 100_000
    book = xlsx_sheet(rows)
    with server() as url:
        contenders: dict[str, tuple[int, Callable[[], Cost]]] = {
            "python-calamine alone": (rows, lambda: measure.run([sys.executable, RIVALS / "bare_calamine.py", book], cores={CLIENT})),
            "importer check, one core": (rows, lambda: check(book, url, cores={CLIENT})),
            "importer check, two cores": (rows, lambda: check(book, url)),
        }  # fmt: skip
        return rates(contenders, repeats=repeats)


def growth(*, quick: bool, repeats: int) -> Figures:
    """Measure time and peak memory of `check` of a CSV by the number of rows."""
    with server() as url:
        return {
            f"csv {rows}": peak(csv_sheet(rows), rows, url)
            for rows in ((10_000, 100_000) if quick else (10_000, 100_000, 1_000_000))
        }


def books(*, quick: bool, repeats: int) -> Figures:
    """Measure time and peak memory of `check` of a workbook; the largest is streamed."""
    with server() as url:
        return {
            f"xlsx {rows}": peak(xlsx_sheet(rows), rows, url)
            for rows in ((20_000,) if quick else (100_000, 1_000_000))
        }


def peak(sheet: Path, rows: int, url: str) -> Figures:
    cost = check(sheet, url, memory=True)
    return {"rows": rows, "seconds": cost.wall_s, "cpu_s": cost.cpu_s, "peak_mb": cost.peak_mb}


# --- sending


def sending(*, quick: bool, repeats: int) -> Figures:
    """Compare `run` at full speed with other tools, each against a server that has just started."""
    rows = 3_000 if quick else 20_000
    sheet = csv_sheet(rows, clean=True)

    def rival(name: str) -> Callable[[], Cost]:
        def once() -> Cost:
            with server(core=SERVER) as url:
                cost = measure.run(
                    [installed(RIVAL_PYTHON), RIVALS / f"{name}.py", sheet, url], cores={CLIENT}
                )
                expect(url, rows)
            return cost

        return once

    def ours() -> Cost:
        with server(core=SERVER) as url:
            cost = run(sheet, url, cores={CLIENT})
            expect(url, rows)
        return cost

    contenders = {
        "importer run": (rows, ours),
        "httpx + Semaphore(50)": (rows, rival("httpx_semaphore")),
        "requests, 32 threads": (rows, rival("requests_threads")),
        "dlt, custom destination": (rows, rival("dlt_destination")),
        "Singer target (singer-sdk)": (rows, rival("singer_target")),
    }
    return rates(contenders, repeats=repeats)


def latency(*, quick: bool, repeats: int) -> Figures:
    """Measure `run` where 30 ms a request and 50 at once allow no more than 50 / 30 ms."""
    rows = 5_000 if quick else 20_000
    took: list[float] = []
    for _ in range(repeats):
        with server("--latency", "0.03", core=SERVER) as url:
            run(csv_sheet(rows, clean=True), url, cores={CLIENT})
        took.append(read_summary()["seconds"])
    seconds = statistics.median(took)
    return {
        "rows": rows,
        "seconds": seconds,
        "rate": rows / seconds,
        "possible": 50 / 0.03,
    }


def stages(*, quick: bool, repeats: int) -> Figures:
    """Measure the CPU of a sent row by stage, in microseconds."""
    sheet = csv_sheet(2_000 if quick else 20_000, clean=True)
    with server(core=SERVER) as url:
        shutil.rmtree(BUILD / "stages", ignore_errors=True)
        command = [
            "taskset",
            "-c",
            str(CLIENT),
            sys.executable,
            "-m",
            "benchmarks.stages",
            sheet,
            url,
            BUILD / "stages",
        ]
        printed = subprocess.run([*map(str, command)], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return json.loads(printed.stdout)


# --- planning


def planning(*, quick: bool, repeats: int) -> Figures:
    """Compare the requests a second of `plan`, one for each phone, with those of `run`: they take turns."""
    rows = 3_000 if quick else 20_000
    sheet = csv_sheet(rows, clean=True)
    rates_of: dict[str, list[tuple[float, float]]] = {"run": [], "plan": []}
    for _ in range(repeats):
        for command, more in (("run", ("--yes",)), ("plan", ())):
            with server(core=SERVER) as url:
                cost = run_importer(command, sheet, url, "--rate", "100000", *more, cores={CLIENT})
            summary = read_summary()
            rates_of[command].append(
                (summary["requests"] / summary["seconds"], summary["requests"] / cost.cpu_s)
            )
    medians = {
        command: [statistics.median(figures) for figures in zip(*found, strict=True)]
        for command, found in rates_of.items()
    }
    return {
        "rows": rows,
        **{name: {"rate": clock, "rate_cpu": cpu} for name, (clock, cpu) in medians.items()},
    }


def unchanged(*, quick: bool, repeats: int) -> Figures:
    """Measure `apply` of a plan in which the CRM has every row already: the sheet was sent before."""
    rows = 10_000 if quick else 100_000
    with server("--keep") as url:
        run(csv_sheet(rows, clean=True), url)
        run_importer("plan", csv_sheet(rows, clean=True), url, "--rate", "100000")
        expect(url, rows)
        words = [installed(IMPORTER), "apply", "run", "-q", "--yes", "--reports", BUILD / "reports"]
        cost = with_access(url, lambda: measure.run(words))
        expect(url, rows)
    found = read_summary()["counts"]
    if found["unchanged"] != rows:
        sys.exit(f"not all of {rows} rows are unchanged: {found}")
    return {"rows": rows, "seconds": cost.wall_s, "cpu_s": cost.cpu_s}


def plan_memory(*, quick: bool, repeats: int) -> Figures:
    """Measure the peak memory of `plan` and of `check` over one sheet."""
    rows = 20_000 if quick else 1_000_000
    sheet = csv_sheet(rows)
    with server() as url:
        costs = {
            "check": check(sheet, url, memory=True),
            "plan": run_importer("plan", sheet, url, "--rate", "100000", memory=True),
        }
    return {
        "rows": rows,
        **{name: {"peak_mb": cost.peak_mb, "cpu_s": cost.cpu_s} for name, cost in costs.items()},
    }


def read_summary() -> Figures:
    return json.loads((BUILD / "reports" / "run" / "summary.json").read_text())


# --- starting


def starting(*, quick: bool, repeats: int) -> Figures:
    """Measure the CPU of `--help` and of `dropdowns`, in milliseconds."""
    with server() as url:
        contenders = {
            "importer --help": (1, lambda: measure.run([installed(IMPORTER), "--help"])),
            "importer dropdowns": (
                1,
                lambda: with_access(url, lambda: measure.run([installed(IMPORTER), "dropdowns"])),
            ),
        }
        found = rates(contenders, repeats=3 * repeats)
    return {name: {"cpu_ms": figure["cpu_s"] * 1000} for name, figure in found.items()}


def resuming(*, quick: bool, repeats: int) -> Figures:
    """Measure the seconds from `importer resume` to its first request, with nine rows in ten sent."""
    from benchmarks.resuming import measure_seconds_to_first_request

    rows = 100_000 if quick else 1_000_000
    shutil.rmtree(BUILD / "resume", ignore_errors=True)
    with server() as url:
        passed = with_access(
            url,
            lambda: measure_seconds_to_first_request(
                installed(IMPORTER), csv_sheet(rows, clean=True), url, BUILD / "resume"
            ),
        )
    shutil.rmtree(BUILD / "resume", ignore_errors=True)
    return {"rows": rows, "seconds": passed}


def editing(*, quick: bool, repeats: int) -> Figures:
    """Measure pages, filters and edits of a checked run, by its number of rows."""
    from benchmarks.editing import measure_editing

    found = {}
    with server() as url:
        for rows in (20_000,) if quick else (20_000, 200_000, 1_000_000):
            check(csv_sheet(rows), url)
            found[str(rows)] = measure_editing(BUILD / "reports" / "run", url)
    return found


def phones(*, quick: bool, repeats: int) -> Figures:
    """Compare the fast path of Indian mobiles with phonenumbers over random texts: they must agree on each."""
    from benchmarks.phones import compare

    return compare(100_000 if quick else 1_000_000)


def batch(*, quick: bool, repeats: int) -> Figures:
    """Measure a batch: small files of one account beside single runs, and many accounts at once."""
    from benchmarks.many_accounts import measure_many_accounts, measure_small_files

    importer, folder = installed(IMPORTER), BUILD / "batch"
    return {
        "files": measure_small_files(importer, folder, files=10 if quick else 50, limit=100),
        "accounts": measure_many_accounts(importer, folder, count=40 if quick else 200, rows=100, limit=20),
    }


SECTIONS: dict[str, Callable[..., Figures]] = {
    "starting": starting,
    "checking": checking,
    "workbook": workbook,
    "sending": sending,
    "latency": latency,
    "planning": planning,
    "unchanged": unchanged,
    "plan_memory": plan_memory,
    "stages": stages,
    "resuming": resuming,
    "growth": growth,
    "books": books,
    "editing": editing,
    "batch": batch,
    "phones": phones,
}


# --- what the sections share


def rates(contenders: dict[str, tuple[int, Callable[[], Cost]]], *, repeats: int) -> Figures:
    """Return the rows a second of each tool, by wall time and by CPU: medians of repeats that take turns."""
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, (_, once) in contenders.items():
            costs[name].append(once())
    found = {}
    for name, (rows, _) in contenders.items():
        cost = measure.median(costs[name])
        found[name] = {
            "rows": rows, "seconds": cost.wall_s, "cpu_s": cost.cpu_s, "rate": rows / cost.wall_s, "rate_cpu": rows / cost.cpu_s,
        }  # fmt: skip
    return found


def check(sheet: Path, url: str, **how: Any) -> Cost:
    return run_importer("check", sheet, url, **how)


def run(sheet: Path, url: str, *, cores: set[int] | None = None) -> Cost:
    return run_importer("run", sheet, url, "--yes", "--rate", "100000", cores=cores)


def run_importer(
    command: str, sheet: Path, url: str, *more: str, program: Sequence[object] = (IMPORTER,), **how: Any
) -> Cost:
    shutil.rmtree(BUILD / "reports", ignore_errors=True)
    installed(IMPORTER)
    words = [
        *program,
        command,
        sheet,
        "-q",
        "--reports",
        BUILD / "reports",
        "--run-id",
        "run",
        *more,
    ]
    return with_access(url, lambda: measure.run(words, **how))


def with_access(url: str, work: Callable[[], Any]) -> Any:
    os.environ |= {"SUPERFONE_BASE_URL": url, "SUPERFONE_API_KEY": "k"}
    return work()


def pandas_check(sheet: Path, url: str) -> Cost:
    folder = BUILD / "pandas"
    folder.mkdir(exist_ok=True)
    return measure.run(
        [installed(RIVAL_PYTHON), RIVALS / "pandas_check.py", sheet, url, folder], cores={CLIENT}
    )


def installed(command: Path) -> Path:
    if not command.exists():
        sys.exit(f"{command} is not there: use make bench, which installs all that is compared.")
    return command


@contextmanager
def server(*options: str, core: int | None = None) -> Iterator[str]:
    """Start the fast loopback server, on the core that is named, and yield its address."""
    pinned = ["--core", str(core)] if core is not None else []
    command = [sys.executable, str(Path(__file__).parent / "server.py"), *options, *pinned]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().removeprefix("LISTENING ").strip()
        finally:
            process.kill()


def expect(url: str, rows: int) -> None:
    """End the program unless every lead has arrived."""
    with urllib.request.urlopen(f"{url}/count") as answer:
        came = int(answer.read())
    if came != rows:
        sys.exit(f"{came} leads arrived instead of {rows}")


def csv_sheet(rows: int, *, clean: bool = False) -> Path:
    path = BUILD / f"{'clean' if clean else 'leads'}-{rows}.csv"
    return path if path.exists() else sheets.write_csv(path, rows, clean=clean)


def xlsx_sheet(rows: int) -> Path:
    path = BUILD / f"leads-{rows}.xlsx"
    return path if path.exists() else sheets.write_xlsx(path, rows)


if __name__ == "__main__":
    main()
