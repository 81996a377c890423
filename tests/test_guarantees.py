"""docs/guarantees.md names guards and tests that exist, and the code cites only names that are in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
SECTIONS = {
    part.partition("\n")[0]: part.partition("\n")[2]
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
}
CITATION = re.compile(r"docs/guarantees\.md[,:]?\s*\(?\"([^\"]+)\"")


@pytest.mark.parametrize("name", SECTIONS)
def test_guard_and_tests_exist(name):
    """Every guarantee names the file of its guard and the test that goes red without it."""
    guards, _, tests = SECTIONS[name].partition("- Test: ")
    guard_paths = re.findall(r"`(importer/[\w/]+\.py)`", guards)
    test_paths = re.findall(r"`(tests/[\w/]+\.py)`", tests)
    assert guard_paths
    assert test_paths
    assert [path for path in guard_paths + test_paths if not (ROOT / path).exists()] == []


def test_all_guarantees_hold():
    """A guarantee is not taken off the page by accident."""
    assert len(SECTIONS) == 29


def test_code_cites_guarantees_that_exist():
    """`docs/guarantees.md, "Conservation"` in a docstring or comment is a heading of the page."""
    cited = {
        (str(path.relative_to(ROOT)), name)
        for folder in ("importer", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__)
        for name in CITATION.findall(path.read_text("utf-8"))
    }
    assert {(path, name) for path, name in cited if name not in SECTIONS} == set()
