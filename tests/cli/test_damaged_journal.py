"""A journal that was changed by hand or by a newer version: every command prints one sentence about it."""

from contextlib import closing

import pytest

from importer.dataframe import read_run_frame
from importer.errors import DamagedJournalError
from importer.journal.database import connect
from tests.journal.records import write_checksums
from tests.support import leads, write_csv

NEWER = 'was written by a newer importer, or changed by hand: this version does not know the problem "brand_new". Update importer and try again.'
HARMS = {
    "a new problem": ("UPDATE rows SET issues = replace(issues, 'too_short', 'brand_new')", NEWER),
    "a new problem of a row that went in": (
        "UPDATE rows SET issues = replace(issues, 'merged', 'brand_new')",
        NEWER,
    ),
    "a new problem of the sending": (
        """UPDATE results SET issues = '[["row","brand_new"]]' WHERE number = 2""",
        NEWER,
    ),
    "problems": ("UPDATE rows SET issues = '[[' WHERE number = 3", "is damaged (row 3: "),
    "cells": ("UPDATE rows SET cells = '\"12' WHERE number = 3", "is damaged (row 3: "),
    "cells taken out": (
        "UPDATE rows SET cells = '' WHERE number = 3",
        "is damaged (row 3: 3 of its 3 cells are missing). Import the file again",
    ),
    "a cell too many": (
        "UPDATE rows SET cells = cells || ',x' WHERE number = 3",
        "is damaged (row 3: it has 4 cells, the sheet 3 columns). Import the file again",
    ),
    "request of a row with a warning": ("UPDATE rows SET payload = NULL WHERE number = 4", "is damaged ("),
    "status": ("UPDATE results SET status = 'odd' WHERE number = 2", "is damaged ("),
    "start": ("UPDATE meta SET value = replace(value, '\"started_at\":\"2', '\"started_at\":\"')", "is damaged ("),
    "start without offset": (
        """UPDATE meta SET value = json_set(value, '$.started_at', '2026-11-25T10:00:00') WHERE key = 'metadata'""",
        "is damaged ('2026-11-25T10:00:00' has no offset)",
    ),
}  # fmt: skip


@pytest.fixture
def ran(importer, crm):
    rows = [["Phone", "Name", "Note"], ["98450 10001", "Asha", "hi"], ["12", "B", ""]]
    rows += [["98450 10002", "Ravi", ""], ["98450 10002", "Ravi Rao", ""]]
    return importer("run", write_csv(importer.folder / "x.csv", rows), "--yes", "--run-id", "first")


def write_in(folder, statement):
    """Change a journal as another version would: each row has its checksum."""
    with closing(connect(folder / "journal.sqlite")) as connection:
        assert connection.execute(statement).rowcount
        write_checksums(connection)


@pytest.mark.parametrize("command", ["report", "retry --yes", "resume"])
@pytest.mark.parametrize("harm", HARMS)
def test_damaged_journal_is_one_sentence_and_nothing_is_lost(importer, crm, ran, harm, command):
    """It exits with 2 and is not an internal error. Existing reports stay unchanged."""
    statement, words = HARMS[harm]
    write_in(ran.folder, statement)
    before = {path.name: path.read_bytes() for path in ran.folder.iterdir() if "sqlite" not in path.name}
    there = leads(crm)
    name, *options = command.split()
    result = importer(name, "first", *options)
    assert (result.code, result.out, len(result.err.splitlines())) == (2, "", 1), result
    assert words in result.err
    assert "reports/first/journal.sqlite" in result.err
    assert {name: (ran.folder / name).read_bytes() for name in before} == before
    assert leads(crm) == there
    assert [path.name for path in importer.reports.glob("[!.n]*")] == ["first"]


@pytest.mark.parametrize("command", ["report", "resume"])
def test_damage_that_only_the_report_page_reads_is_reported(importer, ran, command):
    write_in(ran.folder, "UPDATE rows SET payload = '{' WHERE number = 2")
    result = importer(command, "first")
    assert (result.code, len(result.err.splitlines())) == (2, 1), result
    assert "is damaged (" in result.err


@pytest.mark.parametrize(
    ("statement", "words"),
    [(HARMS["a new problem"][0], "newer importer"), ("UPDATE rows SET cells = '\"12'", "damaged")],
)
def test_data_frame_of_a_damaged_journal_raises(ran, statement, words):
    pytest.importorskip("pandas")
    write_in(ran.folder, statement)
    with pytest.raises(DamagedJournalError, match=words):
        read_run_frame(ran.folder)


def test_runs_reports_a_run_with_rows_without_status(importer, ran):
    """Counts that do not add up to the rows are not shown (docs/guarantees.md, conservation)."""
    write_in(ran.folder, "UPDATE rows SET verdict = 'odd' WHERE number = 3")
    result = importer("runs")
    assert "first  cannot be read: " in result.out
    assert "(rows without a status: 1)" in result.out


def test_resume_with_a_journal_of_a_newer_version_can_continue_later(importer, crm, ran):
    """It exits with 3: the journal has everything, and the newer version can resume it."""
    write_in(ran.folder, HARMS["a new problem"][0])
    write_in(ran.folder, "DELETE FROM results WHERE number = 4")
    write_in(
        ran.folder, "UPDATE meta SET value = replace(value, 'finished', 'interrupted') WHERE key = 'end'"
    )
    result = importer("resume", "first")
    assert result.code == 3
    assert NEWER in result.err
    assert result.err.rstrip().endswith("Continue with: importer resume first")
    write_in(ran.folder, "UPDATE rows SET issues = replace(issues, 'brand_new', 'too_short')")
    assert importer("resume", "first").code == 1
    assert importer("runs").out.count("2 accepted, 1 invalid, 1 duplicate") == 1
