"""A sheet with a header and no rows: told apart from a broken one, and with --allow-empty a run like any other."""

import json

import pytest

import importer as library
from importer import errors
from tests.support import read_csv, write_csv

QUIET_DAY = [["Phone", "Name", "Stage"]]


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "leads.csv", QUIET_DAY)


@pytest.mark.parametrize("command", [["check"], ["run", "--yes"]])
def test_sheet_without_rows_is_refused(importer, sheet, command):
    """Nothing was sent, and the sentence names the option for a sheet that may be empty."""
    ended = importer(*command, sheet)
    assert ended.code == 2
    assert "leads.csv has a header and no rows below it." in ended.err
    assert "--allow-empty" in ended.err
    assert ended.folder is None


def test_error_of_empty_sheet_is_its_own(importer, sheet):
    """A script tells a quiet day from a broken export."""
    with pytest.raises(errors.EmptySheetError, match="no rows"):
        library.check_file(sheet)
    assert not issubclass(errors.EmptySheetError, errors.UnreadableFileError)


@pytest.mark.parametrize(
    ("command", "state"), [(["check"], "checked"), (["run", "--yes"], "finished")], ids=["check", "run"]
)
def test_allowed_empty_sheet_ends_with_0(importer, crm, sheet, command, state):
    """It writes the reports of any other run, and its last line does not say that all rows went in."""
    ended = importer(*command, sheet, "--allow-empty")
    assert ended.code == 0
    assert (ended.summary["state"], ended.summary["rows"], ended.summary["exit_code"]) == (state, 0, 0)
    assert set(ended.summary["counts"].values()) == {0}
    assert ended.results == ended.failed == []
    assert read_csv(ended.folder / "results.csv") == []
    page = (ended.folder / "report.html").read_text("utf-8")
    assert "leads.csv has a header and no rows. Nothing was sent." in page
    assert ended.err.splitlines()[-1].startswith("The sheet has a header and no rows, so nothing was sent.")
    assert crm.sandbox.store.ledger() == []


def test_nobody_is_asked_about_an_empty_sheet(importer, sheet, monkeypatch):
    """There is no row to send, and there are no cells to show in a question about columns."""
    monkeypatch.setattr("importer.cli.run_commands.is_interactive", lambda: True)
    monkeypatch.setattr("importer.cli.prompts.confirm", lambda *_: pytest.fail("a question"))
    monkeypatch.setattr("importer.cli.prompts.ask_phone_column", lambda *_: pytest.fail("a question"))
    assert importer("run", sheet, "--allow-empty").code == 0
    unknown = write_csv(importer.folder / "unknown.csv", [["Ref", "Whom to call"]])
    assert importer("run", unknown, "--allow-empty").code == 0


def test_empty_sheet_needs_no_known_header(importer):
    """On other days the phones are found by their cells: a quiet day must not end with another code."""
    rows = [["Ref", "Whom to call"], ["A", "9845010001"], ["B", "9845010002"]]
    busy = write_csv(importer.folder / "busy.csv", rows)
    quiet = write_csv(importer.folder / "quiet.csv", rows[:1])
    assert importer("check", busy, "--allow-empty").code == 0
    assert importer("check", quiet, "--allow-empty").code == 0


@pytest.mark.parametrize("content", [b"", b"\n\n", b" , \n"], ids=["no byte", "blank lines", "blank cells"])
def test_file_without_header_stays_an_error(importer, content):
    """An export that broke off has no header: --allow-empty does not hide it."""
    broken = importer.folder / "broken.csv"
    broken.write_bytes(content)
    assert importer("check", broken, "--allow-empty").code == 2
    with pytest.raises(errors.UnreadableFileError):
        library.check_file(broken, allow_empty=True)


def test_allow_empty_stands_in_settings_file(importer, sheet):
    """A cron job keeps it in importer.toml. There is nothing to retry afterwards."""
    (importer.folder / "importer.toml").write_text("allow_empty = true\n")
    ended = importer("run", sheet, "--yes", "--json")
    assert (ended.code, json.loads(ended.out)["rows"]) == (0, 0)
    assert importer("retry", ended.folder.name, "--yes").code == 0
