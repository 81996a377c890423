"""docs/cells.md describes what the real functions do."""

import re
from pathlib import Path

import pytest

from tests.docs_cells import describe_reading

PAGE = Path(__file__).parents[2] / "docs" / "cells.md"
KINDS = {
    "Phones": "phone",
    "Dial codes in a column of their own": "dial",
    "Amounts": "money",
    "E-mail addresses": "email",
    "Full names": "name",
    "Lists (labels, products)": "list",
    "Latitude": "latitude",
    "Any other text": "text",
}
LINE = re.compile(r"\| `((?:[^`|]|\\\|)*)` \| (.*) \|")


def read_tables():
    kind = ""
    for number, line in enumerate(PAGE.read_text("utf-8").splitlines(), 1):
        if line.startswith("## "):
            kind = KINDS[line.removeprefix("## ")]
        elif line.startswith("| `"):
            yield number, kind, line


@pytest.mark.parametrize("kind", KINDS.values())
def test_page_describes_every_cell_correctly(kind):
    """Each line of the page shows what the code really does."""
    lines = [(number, line) for number, its, line in read_tables() if its == kind]
    assert len(lines) > 5
    for number, line in lines:
        match = LINE.fullmatch(line)
        assert match, (number, line)
        assert match[2] == describe_reading(kind, match[1].replace("\\|", "|")), (number, line)
