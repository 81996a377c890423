"""The sentences of the catalogue: plain, whole, and ending in what to do."""

import re

import pytest

from importer.fields import FIELDS
from importer.issues import ISSUE_CATALOGUE, Issue, Severity, describe_issue, format_issue


@pytest.mark.parametrize("code", ISSUE_CATALOGUE)
def test_every_sentence_is_whole(code):
    """One or more sentences with a full stop, nothing left to fill in, no words of programmers."""
    said = describe_issue(Issue("lead_stage_name", code, "Status", "the value", "the hint"))
    assert said.rstrip("?").endswith((".", "hint", '"'))
    assert "{" not in said
    assert "  " not in said
    assert not re.search(
        r"\b(?:null|exception|parse|regex|string|invalid|payload|float)\b", said, re.IGNORECASE
    )


ACTIONS = re.compile(
    r"\b(?:Type|Fill|Format|Put|Keep|Check|Mend|Empty|Enable|Feed|Rename|Shorten|Open|Run|Choose|Did you mean|options lists)\b"
)


@pytest.mark.parametrize(
    "code", [code for code, kind in ISSUE_CATALOGUE.items() if kind.severity is Severity.ERROR]
)
def test_what_keeps_a_row_out_says_what_to_do(code):
    hint = " importer dropdowns lists what there is." if code in ("unknown", "disabled") else "x"
    assert ACTIONS.search(describe_issue(Issue("customer_phone", code, "Phone", "98450", hint))), (
        ISSUE_CATALOGUE[code].sentence
    )


@pytest.mark.parametrize(
    ("field", "label"),
    [("lead_stage_name", "stage"), ("lead_group_name", "group"), ("add_labels", "label"), ("add_products", "product"), ("source_type", "source type")],
)  # fmt: skip
def test_a_dropdown_is_called_by_its_name(field, label):
    assert describe_issue(Issue(field, "unknown", "", "X")) == f'the account has no {label} "X".'
    assert field in {known.name for known in FIELDS}


def test_a_place_and_a_long_value_are_shown_short():
    said = format_issue(14, Issue("city", "error_value", "City", "x" * 200))
    assert said.startswith("Row 14, City: ")
    assert len(said) < 160
