"""The pages name files that exist, docs/architecture.md draws diagrams that can be parsed, and decisions are whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
STATE = re.compile(r"^\s*(\w+|\[\*\]) --> (\w+|\[\*\])(?:: .+)?$")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(importer/[\w./]+)`", PAGE))))
def test_named_file_exists(path):
    """The answer to "where is it?" is a file of today."""
    assert (ROOT / path).exists()


@pytest.mark.parametrize("package", re.findall(r"^\| `([\w/]+/)` \|", PAGE, re.MULTILINE))
def test_named_package_exists(package):
    assert (ROOT / "importer" / package).is_dir()


def test_every_package_is_named():
    """A new package needs its line in the table of packages."""
    folders = {path.parent.relative_to(ROOT / "importer") for path in (ROOT / "importer").rglob("*.py")}
    named = {Path(package) for package in re.findall(r"^\| `([\w/]+)/` \|", PAGE, re.MULTILINE)}
    assert folders - named - {Path(), Path("loader"), Path("models")} == set()


def test_every_package_is_in_the_diagram_of_layers():
    """A reader sees what each package may import."""
    diagram = (
        PAGE.partition("## The packages and their layers")[2].partition("```mermaid")[2].partition("```")[0]
    )
    drawn = set(re.findall(r"\w+", " ".join(re.findall(r'\["(.*?)"\]', diagram))))
    packages = {path.parent.name for path in (ROOT / "importer").glob("*/__init__.py")}
    assert packages - drawn == set()


def test_state_diagrams_are_well_formed():
    """Each line of a state diagram is a transition, and every state can be left or is the end."""
    diagrams = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", PAGE, re.DOTALL)
    assert len(diagrams) >= 5
    for diagram in diagrams:
        transitions = [STATE.match(line) for line in diagram.splitlines() if line.strip()]
        assert all(transitions), diagram
        sources = {found[1] for found in transitions if found}
        targets = {found[2] for found in transitions if found}
        assert targets <= sources | {"[*]"}, diagram
        assert sources <= targets | {"[*]"}, diagram


PROSE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILES = {
    path.name
    for folder in ("importer", "tests", "benchmarks", "tools")
    for path in (ROOT / folder).rglob("*.*")
}


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_files_named_on_a_page_exist(page):
    """A page names the modules of today, with or without their folders."""
    named = re.findall(r"`(?:[\w./-]*/)?(\w+\.(?:py|sql))\b[^`]*`", page.read_text("utf-8"))
    assert set(named) - FILES == set()


DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_decision_is_whole(page):
    """A decision says when it was made, why, and what was weighed, and the list of decisions names it."""
    text = page.read_text("utf-8")
    assert re.search(r"^- Status: \w.*\n- Date: \d{4}-\d\d-\d\d", text, re.MULTILINE)
    parts = re.findall(r"^## (Context|Decision|Alternatives|Consequences)$", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Alternatives", "Consequences"]
    assert f"]({page.name})" in (page.parent / "README.md").read_text("utf-8")
