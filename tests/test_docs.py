"""Every console example of README and docs runs against a sandbox, and prints what the page says.

A block fenced as `console` is a session: lines after `$ ` are commands, and the lines below are what they print. All
blocks of a page are one session in one folder with the samples. What differs from run to run (ids, times, ports) counts as
equal. A line `...` matches any lines. `pytest tests/test_docs.py --write-examples` writes what the commands print now into
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
CHANGING = (
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}"), "20261125-101500-3fa2"),
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
        self._run_id = ""
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
        run = CHANGING[0][0].search(command)
        line = command.replace(run[0], self._run_id) if run else command
        done = subprocess.run(
            line, shell=True, cwd=self._folder, env=self._environment, text=True, timeout=100,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if made := CHANGING[0][0].findall(done.stdout):
            self._run_id = made[-1]
        return was if matches(was, done.stdout) else normalize(done.stdout)


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
        ("run 20261125-101500-3fa2\n", "run 20270101-000000-ffff\n", True),
        ("49 went in\n", "50 went in\n", False),
    ],
)
def test_examples_are_compared(shown, printed, right):
    """The comparison can fail."""
    assert matches(shown, printed) is right


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
