"""Every console example of README and docs is run against a sandbox, and must print what the page says.

A block fenced as `console` is a session: lines after `$ ` are commands, the lines below are what they print. All
blocks of a page are one session in one folder, which holds the samples. What differs from run to run (ids, times,
ports) counts as equal; a line `...` stands for any lines. `pytest tests/test_docs.py --write-examples` writes what
the commands print now into the pages: then read the diff.
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
PASSING = (
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}"), "20261125-101500-3fa2"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8765"),
    (re.compile(r"--port \d+"), "--port 8765"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?([+-]\d\d:\d\d)?"), "2026-11-25 10:15"),
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
def test_the_examples_of(page, crm, tmp_path, request):
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    session = Session(tmp_path, crm.base_url)
    text = page.read_text("utf-8")
    shown = BLOCK.sub(lambda block: session.replayed(block[1]), text)
    if request.config.getoption("--write-examples"):
        page.write_text(shown, "utf-8")
    assert settled(shown) == settled(text)


class Session:
    """A person at a terminal, in a folder of their own, with the sandbox's address and key set."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self._folder = folder
        self._run = ""
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        command = bin_folder / "importer"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m importer "$@"\n')
        command.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if name in INHERITED}
        path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
        self._environment = kept | {
            "PATH": path, "COLUMNS": "110", "SUPERFONE_API_KEY": KEY, "SUPERFONE_BASE_URL": base_url,
        }  # fmt: skip

    def replayed(self, block: str) -> str:
        """The block with what its commands print now."""
        return "".join(f"$ {command}\n{self._printed(command, was)}" for command, was in examples(block))

    def _printed(self, command: str, was: str) -> str:
        run = PASSING[0][0].search(command)
        line = command.replace(run[0], self._run) if run else command
        done = subprocess.run(
            line, shell=True, cwd=self._folder, env=self._environment, text=True, timeout=100,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        if made := PASSING[0][0].findall(done.stdout):
            self._run = made[-1]
        return was if agrees(was, done.stdout) else settled(done.stdout)


def examples(block: str) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with what the page says it prints."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield command, printed


def agrees(said: str, printed: str) -> bool:
    """Whether a page says rightly what was printed; `...` alone on a line is any lines."""
    parts = [re.escape(settled(part)) for part in re.split(r"^\.\.\.\n", said, flags=re.MULTILINE)]
    return re.fullmatch(".*".join(parts), settled(printed), re.DOTALL) is not None


def settled(text: str) -> str:
    """The text with one word for what differs from run to run."""
    for pattern, word in PASSING:
        text = pattern.sub(word, text)
    return text


@pytest.mark.parametrize(
    ("said", "printed", "right"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\nd\n", "a\nb\nc\n", False),
        ("run 20261125-101500-3fa2\n", "run 20270101-000000-ffff\n", True),
        ("49 went in\n", "50 went in\n", False),
    ],
)
def test_how_examples_are_compared(said, printed, right):
    """The check of the pages can fail."""
    assert agrees(said, printed) is right


@pytest.mark.parametrize(
    "page",
    [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_links_of_a_page_lead_somewhere(page):
    """A page, and where one is named, a heading on it; the network is not asked."""
    for link in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        if link.startswith(("http:", "https:")):
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name) if name else page
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def headings(page: Path) -> set[str]:
    """The anchors that a forge makes of a page's headings."""
    lines = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}
