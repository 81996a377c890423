"""Import every sample with two checkouts and compare all that they write, cell by cell.

Usage: python tools/compare_outputs.py OLD NEW [--old-python P] [--new-python P] [--only NAME] [--keep FOLDER] [--all]

OLD and NEW are checkouts, P the Python of a venv with their dependencies (by default CHECKOUT/.venv/bin/python). Each sample
is imported by both, with the same run id, in the same folder, against a new sandbox of NEW on the same port. Compared are
results.csv, failed_rows.csv, failed_rows.xlsx, summary.json without times, the texts of report.html, what the commands print,
their exit codes, and the leads in the sandbox. A difference in a text for people is a changed sentence; every other difference
is a changed value. The exit code is 1 if a value changed.
"""

from __future__ import annotations

import argparse
import csv
import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import openpyxl

KEY = "sandbox-key"
TEXT_COLUMNS = frozenset({"_problems"})
TEXT_KEYS = frozenset({"reason", "ignored", "notices", "advice", "message"})
TIME_KEYS = frozenset({"seconds", "rate_reached", "started_at", "finished_at"})
LEAD_TIMES = frozenset({"created_at", "updated_at"})
PASSING = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d)?"), "TIME"),
    (re.compile(r"\b\d\d? \w{3} \d{4}(, \d\d?:\d\d( [ap]m)?)?"), "TIME"),
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}"), "RUN-ID"),
    (re.compile(r"\b[\d.]+ (s|seconds|rows/s|requests a second|a second|per second|/s)\b"), "SPEED"),
    (re.compile(r"sha256-[\w+/=]+"), "HASH"),
)


class Version(NamedTuple):
    """A checkout and the Python that runs it."""

    name: str
    checkout: Path
    python: Path

    def build_command(self, *arguments: object) -> list[str]:
        """Return the command line that runs importer from this checkout."""
        return [str(self.python), "-m", "importer", *map(str, arguments)]

    def build_environment(self, state: Path, base_url: str = "") -> dict[str, str]:
        """Return the environment in which this checkout's package is found first, with a memory of its own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPERFONE_")}
        access = {"SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": base_url} if base_url else {}
        return {
            **inherited,
            **access,
            "PYTHONPATH": str(self.checkout),
            "IMPORTER_STATE_DIR": str(state),
            "COLUMNS": "110",
            "NO_COLOR": "1",
        }


class Difference(NamedTuple):
    """One place where the outputs differ. `is_text` says that only a sentence for people changed."""

    place: str
    old: str
    new: str
    is_text: bool


# --- running


def import_sample(
    version: Version, sandbox: Version, sample: Path, work: Path, port: int
) -> dict[str, object]:
    """Check, run and retry one sample in an empty folder. Return everything that was written and printed."""
    state = work.with_name("state")  # a note that the other version sent would not be sent again
    for folder in (work, state):
        shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    shutil.copy(sample, work / sample.name)
    found: dict[str, object] = {}
    with start_sandbox(sandbox, port, state) as base_url:
        for name, arguments in (
            ("columns", ["columns", sample.name, "--json"]),
            ("check", ["check", sample.name, "--run-id", "check"]),
            ("run", ["run", sample.name, "--run-id", "run", "--yes", "--rate", 500, "--concurrency", 1]),
            ("again", ["run", sample.name, "--run-id", "again", "--yes", "--rate", 500, "--concurrency", 1]),
            ("fixed", ["run", "reports/run/failed_rows.xlsx", "--run-id", "fixed", "--yes", "--rate", 500]),
            ("retry", ["retry", "run", "--run-id", "retry", "--yes", "--rate", 500, "--concurrency", 1]),
            ("report", ["report", "run"]),
            ("runs", ["runs", "--json"]),
        ):
            ended = subprocess.run(
                version.build_command(*arguments), cwd=work, env=version.build_environment(state, base_url),
                capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
            )  # fmt: skip
            found[f"{name}: exit code"] = ended.returncode
            found[f"{name}: stdout"] = ended.stdout
            found[f"{name}: stderr"] = ended.stderr
        with urllib.request.urlopen(base_url.replace("/superfone", "/_sandbox/leads")) as answer:  # noqa: S310
            found["leads"] = json.load(answer)
    for folder in sorted((work / "reports").glob("*/")):
        found |= {
            f"{folder.name}/{name}": read(folder / name)
            for name, read in READERS.items()
            if (folder / name).exists()
        }
    found["files"] = sorted(
        path.relative_to(work).as_posix()
        for path in work.rglob("*")
        if path.is_file() and ".locks" not in path.parts
    )
    return found


@contextmanager
def start_sandbox(version: Version, port: int, state: Path) -> Iterator[str]:
    """Start a sandbox on a port and yield its address."""
    command = version.build_command("sandbox", "--port", port)
    environment = version.build_environment(state)
    with subprocess.Popen(
        command, cwd="/", env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("LISTENING "):
                sys.exit(f"The sandbox of {version.checkout} did not start.")
            yield line.removeprefix("LISTENING ").strip()
        finally:
            process.terminate()


def find_free_port() -> int:
    """Return a port that no program uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- reading


def read_csv(path: Path) -> object:
    """Read a report as rows of cells, with its bytes that are not cells."""
    raw = path.read_bytes()
    rows = list(csv.reader(raw.decode("utf-8-sig").splitlines(keepends=True)))
    return {"bom": raw.startswith(b"\xef\xbb\xbf"), "crlf": raw.count(b"\r\n"), "table": rows}


def read_workbook(path: Path) -> object:
    """Read every sheet of a workbook: cells, comments, and lists to choose from."""
    book = openpyxl.load_workbook(path)
    return {
        str(number): {
            "title": sheet.title,
            "table": [[str(cell.value or "") for cell in row] for row in sheet.iter_rows()],
            "comments": {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment},
            "filled": [cell.coordinate for row in sheet.iter_rows(min_row=2) for cell in row if cell.fill.fgColor.rgb != "00000000"],
            "lists": sorted(str(rule.sqref) for rule in sheet.data_validations.dataValidation),
        }
        for number, sheet in enumerate(book)
    }  # fmt: skip


def read_json(path: Path) -> object:
    """Read a JSON file."""
    return json.loads(path.read_text("utf-8"))


def read_page(path: Path) -> object:
    """Read the texts of a page, one line each."""
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    lines = html.unescape(re.sub(r"<[^>]*>", "\n", text)).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


READERS = {
    "results.csv": read_csv,
    "failed_rows.csv": read_csv,
    "failed_rows.xlsx": read_workbook,
    "summary.json": read_json,
    "report.html": read_page,
}


# --- comparing


def compare(old: object, new: object, place: str, *, is_text: bool = False) -> Iterator[Difference]:
    """Yield every difference between two outputs."""
    match old, new:
        case dict(), dict():
            # The workbook that is imported again has the time of its making in it, so its hash changes each time.
            skipped = TIME_KEYS | LEAD_TIMES | ({"sha256"} if place == "fixed/summary.json" else set())
            for key in sorted({*old, *new} - skipped, key=str):
                inner = is_text or key in TEXT_KEYS or key in ("comments", "title") or is_printed(str(key))
                yield from compare(old.get(key), new.get(key), f"{place} {key}".strip(), is_text=inner)
        case list(), list() if is_table(old) and is_table(new):
            yield from compare_tables(old, new, place)
        case list(), list() if len(old) == len(new):
            for at, (one, other) in enumerate(zip(old, new, strict=True)):
                yield from compare(one, other, f"{place}[{at}]", is_text=is_text)
        case str(), str() if is_text:
            yield from compare_texts(old, new, place)
        case _ if normalize(old) != normalize(new):
            yield Difference(place, str(old), str(new), is_text)


def is_printed(key: str) -> bool:
    """Return whether an output is text for people: a page, or what a command printed."""
    return key.endswith(("report.html", ": stdout", ": stderr"))


def is_table(value: object) -> bool:
    """Return whether a value is rows of cells with the columns of a report."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], list) and "_row" in value[0]


def compare_tables(old: list[list[str]], new: list[list[str]], place: str) -> Iterator[Difference]:
    """Compare two tables cell by cell; the header says which columns are texts."""
    if len(old) != len(new) or old[0] != new[0]:
        yield Difference(place, f"{len(old)} rows, {old[0]}", f"{len(new)} rows, {new[0]}", is_text=False)
        return
    for number, (row, other) in enumerate(zip(old, new, strict=True), 1):
        for header, one, two in zip(old[0], row, other, strict=True):
            if header in TEXT_COLUMNS:
                yield from compare_texts(
                    one.replace(" | ", "\n"), two.replace(" | ", "\n"), f"{place} row {number} {header}"
                )
            elif normalize(one) != normalize(two):
                yield Difference(f"{place} row {number} {header}", one, two, is_text=False)


def compare_texts(old: str, new: str, place: str) -> Iterator[Difference]:
    """Compare two texts line by line. Their numbers must be the same, in any order."""
    if normalize(old) == normalize(new):
        return
    if old.startswith("{") and new.startswith("{"):
        yield from compare(json.loads(old), json.loads(new), place)
        return
    lines, others = normalize(old).splitlines(), normalize(new).splitlines()
    if len(lines) == len(others):
        pairs = zip(lines, others, strict=True)
        yield from (Difference(place, one, two, is_text=True) for one, two in pairs if one != two)
    else:
        gone, come = Counter(lines) - Counter(others), Counter(others) - Counter(lines)
        yield Difference(place, "\n".join(gone.elements()), "\n".join(come.elements()), is_text=True)


def normalize(value: object) -> str:
    """Return a value as text, with one word for what differs from run to run."""
    text = (
        value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    )
    for pattern, word in PASSING:
        text = pattern.sub(word, text)
    return text


# --- printing


def print_differences(differences: dict[str, list[Difference]], *, show_all: bool) -> int:
    """Print every changed value, and each changed sentence once. Return how many values changed."""
    values = [
        (name, found) for name, all_found in differences.items() for found in all_found if not found.is_text
    ]
    sentences = Counter(
        (found.old, found.new) for all_found in differences.values() for found in all_found if found.is_text
    )
    print(
        f"\n{len(differences)} samples, {len(values)} changed values, {len(sentences)} different changed texts\n"
    )
    for name, found in values if show_all else values[:100]:
        print(f"VALUE {name}: {found.place}\n  old: {found.old[:500]}\n  new: {found.new[:500]}")
    for (old, new), count in sentences.most_common(None if show_all else 200):
        print(f"TEXT, {count} times\n  old: {old}\n  new: {new}")
    return len(values)


def main() -> int:
    """Import the samples with both versions and print what differs."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("old", type=Path)
    options.add_argument("new", type=Path)
    options.add_argument("--old-python", type=Path, help="Python for OLD")
    options.add_argument("--new-python", type=Path, help="Python for NEW")
    options.add_argument("--only", help="only samples whose name contains this")
    options.add_argument("--keep", type=Path, help="save what was found as JSON in this folder")
    options.add_argument("--all", action="store_true", help="print every difference")
    chosen = options.parse_args()
    old, new = (
        Version(name, checkout.resolve(), python or checkout.resolve() / ".venv" / "bin" / "python")
        for name, checkout, python in (
            ("old", chosen.old, chosen.old_python), ("new", chosen.new, chosen.new_python),
        )
    )  # fmt: skip
    samples = [
        path
        for path in sorted((new.checkout / "samples").iterdir())
        if path.suffix not in {".py", ".md"} and (chosen.only or "") in path.name
    ]
    differences: dict[str, list[Difference]] = {}
    port = find_free_port()
    with tempfile.TemporaryDirectory() as folder:
        for sample in samples:
            outputs = {
                version.name: import_sample(version, new, sample, Path(folder) / "work", port)
                for version in (old, new)
            }
            differences[sample.name] = list(compare(outputs["old"], outputs["new"], ""))
            values = sum(not found.is_text for found in differences[sample.name])
            print(
                f"{sample.name}: {values} changed values, {len(differences[sample.name]) - values} changed texts",
                flush=True,
            )
            if chosen.keep:
                chosen.keep.mkdir(parents=True, exist_ok=True)
                text = json.dumps(outputs, indent=1, ensure_ascii=False, default=str)
                (chosen.keep / f"{sample.name}.json").write_text(text, "utf-8")
    return 1 if print_differences(differences, show_all=chosen.all) else 0


if __name__ == "__main__":
    sys.exit(main())
