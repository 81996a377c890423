"""docs/cells.md says what the code does with a cell."""

import pytest

from tests.docs_cells import KINDS, LINE, PAGE, describe_cell


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
        found = LINE.fullmatch(line)
        assert found, (number, line)
        assert found[2] == describe_cell(kind, found[1].replace("\\|", "|")), (number, line)
