"""docs/glossary.md names what exists: every name in its column *In code* is in the package."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "importer"
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| `([^`|]+)` \| ([^|]+) \|$", re.MULTILINE)
ENTRIES = ROW.findall((ROOT / "docs" / "glossary.md").read_text("utf-8"))


@pytest.fixture(scope="module")
def names():
    """Return the names of the package: modules, classes, functions, fields, parameters, and SQL columns."""
    found = {path.stem for path in PACKAGE.rglob("*.py")} | {path.name for path in PACKAGE.iterdir()}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found.add(name)
                case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                    found.add(name)
    return found | set(re.findall(r"\w+", (PACKAGE / "journal" / "schema.sql").read_text("utf-8")))


@pytest.mark.parametrize(("term", "code_name"), [(entry[0], entry[2]) for entry in ENTRIES])
def test_name_in_code_exists(term, code_name, names):
    """A renamed class or module is renamed in the glossary too."""
    assert code_name in names, term


def test_every_row_has_a_term_a_meaning_and_a_name():
    """No table row is missed by the pattern, and no term or name is explained twice."""
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| Term")]
    assert len(rows) == len(ENTRIES) > 40
    for column in (0, 2):
        repeated = [name for name, count in Counter(entry[column] for entry in ENTRIES).items() if count > 1]
        assert repeated == []


def test_words_to_avoid_are_not_terms():
    """A word that one line asks not to write is not the term of another line."""
    terms = {entry[0] for entry in ENTRIES}
    avoided = {word.strip() for entry in ENTRIES for word in entry[3].split(",")}
    assert terms & avoided == set()
