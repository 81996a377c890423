"""Every console example of README and docs runs against a sandbox, and prints what the page says.

A block fenced as `console` is a session: lines after `$ ` are commands, and the lines below are what they print. All
blocks of a page are one session in one folder with the samples. The runs of a page have the ids of RUN_IDS, in their order.
What else differs from run to run (times, ports) counts as equal. A line `...` matches any lines. `pytest tests/test_docs.py --write-examples` writes what the commands print now into
the pages: then read the diff.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import KEY

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if BLOCK.search(page.read_text())
]
RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
RUN_IDS = (
    "20261125-101500-3fa2", "20261125-102200-7c1d", "20261125-103100-9e04", "20261125-104400-b58e",
    "20261125-105300-d26f", "20261125-110700-4a90", "20261125-111800-e3c7", "20261125-112900-18fb",
)  # fmt: skip
CHANGING = (
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8765"),
    (re.compile(r"--port \d+"), "--port 8765"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d)?"), "2026-11-25 10:15"),
    (re.compile(r"\d{1,2} [A-Z][a-z]{2} 20\d\d, \d{1,2}:\d\d [ap]m"), "25 Nov 2026, 10:15 am"),
    (re.compile(r"\S*/samples/(?=event_signups)"), "samples/"),
    (re.compile(r'(?<="seconds": )[\d.]+|(?<="rate_reached": )[\d.]+'), "1.5"),
)
INHERITED = {
    "PATH",
    "HOME",
    "LANG",
    "SYSTEMROOT",
    "COVERAGE_PROCESS_CONFIG",
    "COV_CORE_SOURCE",
    "COV_CORE_CONFIG",
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_print_what_the_page_says(page, crm, tmp_path, request):
    """A reader who types the commands of a page sees what the page shows."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    session = Session(tmp_path, crm.base_url)
    text = page.read_text("utf-8")
    shown = BLOCK.sub(lambda block: session.replay(block[1]), text)
    if request.config.getoption("--write-examples"):
        page.write_text(shown, "utf-8")
    assert normalize(shown) == normalize(text)


class Session:
    """A terminal in its own folder, with the sandbox's address and key set."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self._folder = folder
        self._names = RunNames()
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        command = bin_folder / "importer"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m importer "$@"\n')
        command.chmod(0o755)
        inherited = {name: value for name, value in os.environ.items() if name in INHERITED}
        path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
        self._environment = inherited | {
            "PATH": path, "COLUMNS": "110", "SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": base_url,
        }  # fmt: skip

    def replay(self, block: str) -> str:
        """Return the block with what its commands print now."""
        return "".join(f"$ {command}\n{self._run(command, was)}" for command, was in split_examples(block))

    def _run(self, command: str, was: str) -> str:
        done = subprocess.run(
            self._names.to_real(command), shell=True, cwd=self._folder, env=self._environment, text=True, timeout=100,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        printed = self._names.to_shown(done.stdout)
        return was if matches(was, printed) else normalize(printed)


class RunNames:
    """The ids of the runs of a page: as they are, and as the page shows them, in the order in which they appear."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def to_shown(self, printed: str) -> str:
        """Return what was printed with the ids that the page shows."""
        for run_id in RUN_ID.findall(printed):
            if run_id not in self._shown:
                self._shown[run_id] = RUN_IDS[len(self._shown)]
        return RUN_ID.sub(lambda found: self._shown[found[0]], printed)

    def to_real(self, command: str) -> str:
        """Return a command of the page with the ids of the runs of this session."""
        real = {shown: run_id for run_id, shown in self._shown.items()}
        return RUN_ID.sub(lambda found: real.get(found[0], found[0]), command)


def split_examples(block: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a block, each with what the page says it prints."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def matches(shown: str, printed: str) -> bool:
    """Return whether a page shows what was printed. `...` alone on a line matches any lines."""
    parts = [re.escape(normalize(part)) for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE)]
    return re.fullmatch(".*".join(parts), normalize(printed), re.DOTALL) is not None


def normalize(text: str) -> str:
    """Return the text with one word for what differs from run to run."""
    for pattern, word in CHANGING:
        text = pattern.sub(word, text)
    return text


@pytest.mark.parametrize(
    ("shown", "printed", "right"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\nd\n", "a\nb\nc\n", False),
        ("at 2026-11-25 10:15\n", "at 2027-01-01 09:30:05\n", True),
        ("run 20261125-101500-3fa2\n", "run 20261125-102200-7c1d\n", False),
        ("49 went in\n", "50 went in\n", False),
    ],
)
def test_examples_are_compared(shown, printed, right):
    """The comparison can fail."""
    assert matches(shown, printed) is right


def test_each_run_of_a_page_has_an_id_of_its_own():
    """A reader sees which run a command is about, and the command is given the run's real id."""
    names = RunNames()
    assert names.to_shown("20270101-000000-ffff, 20270101-000001-0000") == f"{RUN_IDS[0]}, {RUN_IDS[1]}"
    assert names.to_shown("20270101-000000-ffff, 20270101-000009-9999") == f"{RUN_IDS[0]}, {RUN_IDS[2]}"
    assert names.to_real(f"importer undo {RUN_IDS[1]}") == "importer undo 20270101-000001-0000"
    assert names.to_real("importer undo 20200101-000000-aaaa") == "importer undo 20200101-000000-aaaa"


@pytest.mark.parametrize(
    "page",
    [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_of_a_page_exist(page):
    """A link names a page, or a heading on it. The network is not asked."""
    for link in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        if link.startswith(("http:", "https:")):
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name) if name else page
        assert target.exists(), link
        assert not heading or heading in find_anchors(target), link


def find_anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    lines = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}
