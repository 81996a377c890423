"""Judging needs the account's lists and its name, and neither its key nor the network."""

from __future__ import annotations

import pytest

from importer.credentials import Credentials, Secret
from importer.fields import Dropdown
from importer.models.mapping import Title
from importer.models.row import SourceRow
from importer.pipeline import account_lists
from importer.pipeline.context import RunContext
from importer.pipeline.run import judge
from importer.reader.source import InMemoryReader, Sheet
from importer.settings import resolve_settings
from importer.state.account_identity import identify_account
from importer.state.state_folder import find_account
from tests.support import KEY, read_csv

CREDENTIALS = Credentials("https://crm.example", Secret(KEY))
TITLES = {Dropdown.STAGE: (Title("New"),), Dropdown.SOURCE_TYPE: ()}


@pytest.fixture
def context(tmp_path, state_dir, monkeypatch):
    """Return the surroundings of a run without a key. A look at the network fails the test."""
    monkeypatch.setattr(account_lists, "open_client", None)
    return RunContext(
        settings=resolve_settings({"reports": str(tmp_path / "reports"), "run_id": "first"}),
        given_identity=identify_account(CREDENTIALS),
        titles=TITLES,
        account=find_account(state_dir, identify_account(CREDENTIALS), TITLES),
    )


def make_sheet(*rows):
    found = [SourceRow(number, cells) for number, cells in enumerate(rows, 2)]
    return Sheet(InMemoryReader(("Phone", "Stage"), found), file="x.csv", sha256="0" * 64)


def test_rows_are_judged_without_a_key(context, tmp_path):
    """The journal knows the account by its fingerprint, and every row has its verdict."""
    summary = judge(make_sheet(("9845010001", "New"), ("9845010002", "Old"), ("12", "New")), context)
    assert (summary.state, summary.command, summary.rows) == ("checked", "run", 3)
    rows = read_csv(tmp_path / "reports" / "first" / "results.csv")
    assert [row["_status"] for row in rows] == ["accepted", "invalid", "invalid"]


def test_what_talks_to_the_crm_asks_for_the_key(context):
    """A context without credentials cannot send by mistake."""
    with pytest.raises(AssertionError, match="only judging"):
        context.require_credentials()


def test_identity_is_that_of_the_key(context):
    """A run that was judged without the key is found again by the key."""
    with_key = context.replace(credentials=CREDENTIALS, given_identity=None)
    assert with_key.identity == context.identity
    assert KEY not in repr(context)
