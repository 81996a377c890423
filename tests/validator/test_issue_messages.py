"""The sentences about issues are complete, in plain words, and say what to do."""

import re

import pytest

from importer.fields import FIELDS
from importer.issue_codes import IssueCode
from importer.issues import ISSUE_CATALOGUE, Issue, Severity, describe_issue, format_issue
from importer.messages.issue_messages import ISSUE_TEXTS, SEE_DROPDOWNS, format_rows


@pytest.mark.parametrize("code", ISSUE_CATALOGUE)
def test_sentence_is_complete(code):
    """A sentence ends with a full stop, has nothing left to fill in, and uses no words of programmers."""
    said = describe_issue(Issue("lead_stage_name", code, "Status", "the value", "the hint"))
    assert said.rstrip("?").endswith((".", "hint", '"'))
    assert "{" not in said
    assert "  " not in said
    assert not re.search(
        r"\b(?:null|exception|parse|regex|string|invalid|payload|float)\b", said, re.IGNORECASE
    )


ACTIONS = re.compile(
    r"\b(?:Type|Fill|Format|Put|Keep|Check|Fix|Empty|Delete|Remove|Enable|Rename|Shorten|Open|Make|Plan|Run|run|import"
    r"|Did you mean)\b"
)


@pytest.mark.parametrize(
    "code", [code for code, kind in ISSUE_CATALOGUE.items() if kind.severity is Severity.ERROR]
)
def test_error_says_what_to_do(code):
    """A rejected row is no use to the user without the next step."""
    hint = SEE_DROPDOWNS if code in ("unknown", "disabled") else "x"
    assert ACTIONS.search(describe_issue(Issue("customer_phone", code, "Phone", "98450", hint))), (
        ISSUE_CATALOGUE[code].sentence
    )


@pytest.mark.parametrize(
    ("field", "label"),
    [("lead_stage_name", "stage"), ("lead_group_name", "group"), ("add_labels", "label"), ("add_products", "product"), ("source_type", "source type")],
)  # fmt: skip
def test_dropdown_list_has_its_name_in_a_sentence(field, label):
    """People say "stage", not lead_stage_name."""
    assert describe_issue(Issue(field, "ambiguous", "", "X")) == (
        f'your account has more than one {label} with the name "X". Rename one of them in the account.'
    )
    assert field in {known.name for known in FIELDS}


def test_long_value_is_shortened_after_its_place():
    """A sentence stays short even if the cell is long."""
    said = format_issue(14, Issue("city", "error_value", "City", "x" * 200))
    assert said.startswith("Row 14, City: ")
    assert len(said) < 160


def test_every_code_has_words():
    """A code without words would fail only when a row has that issue."""
    assert set(ISSUE_TEXTS) == set(IssueCode) == set(ISSUE_CATALOGUE)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["9"], "row 9"),
        (["9", "12"], "rows 9 and 12"),
        (["3", "4", "5"], "rows 3, 4 and 5"),
        (["3 of Pune", "4", "5", "6"], "rows 3 of Pune, 4 and 2 more"),
    ],
)
def test_long_list_of_rows_is_shortened(rows, words):
    """Only the first rows are named, with the number of the others."""
    assert format_rows(rows, max_named=2) == words
