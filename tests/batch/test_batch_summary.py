"""batch.json: its exit code, its schema, and the page and the table beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from importer.batch.batch_report import (
    format_batch_headline,
    format_last_line,
    list_problems,
    write_batch_reports,
)
from importer.batch.batch_summary import build_batch_summary, compute_batch_code, format_batch_schema
from importer.batch.job_report import Goal, JobReport, JobState
from importer.models.status import RowStatus
from tests.support import read_csv

DOCS = Path(__file__).parents[2] / "docs"
NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


def make_job(state=JobState.FINISHED, *, accepted=2, invalid=0, skipped=0, pending=0, **fields):
    counts = {status.value: 0 for status in RowStatus}
    counts |= {"accepted": accepted, "invalid": invalid + skipped, "pending": pending}
    values = {"account": "acme", "file": "a.csv", "run_id": "a-1", "folder": "acme/a-1", **fields}
    return JobReport(
        state=state, rows=sum(counts.values()), counts=counts, went_in=accepted, to_fix=invalid,
        exit_code=2 if state is JobState.NOT_CHECKED else int(bool(invalid or skipped)),
        file_to_fix="failed_rows.xlsx" if invalid else "", **values,
    )  # fmt: skip


def build(*jobs, failed=None, goal=Goal.SEND):
    return build_batch_summary(
        Path("m.toml"), jobs, goal=goal, failed_accounts=failed or {}, started=NOW, finished=NOW, is_interrupted=False,
    )  # fmt: skip


DONE, FIX = make_job(), make_job(invalid=1)
UNREAD = make_job(JobState.NOT_CHECKED, accepted=0, folder="")


CHECKED, PLANNED = make_job(JobState.CHECKED), make_job(JobState.PLANNED)


@pytest.mark.parametrize(
    ("jobs", "goal", "has_failed", "code"),
    [
        ([DONE, DONE], Goal.SEND, False, 0),
        ([DONE, FIX], Goal.SEND, False, 1),
        ([UNREAD], Goal.SEND, False, 2),
        ([UNREAD, CHECKED], Goal.SEND, False, 2),
        ([DONE, make_job(JobState.STOPPED)], Goal.SEND, False, 3),
        ([DONE, CHECKED], Goal.SEND, False, 3),
        ([DONE, UNREAD], Goal.SEND, True, 3),
        ([DONE], Goal.SEND, True, 3),
        ([CHECKED, DONE], Goal.CHECK, False, 0),
        ([make_job(JobState.CHECKED, invalid=1)], Goal.CHECK, False, 1),
        ([CHECKED, UNREAD], Goal.CHECK, True, 1),
        ([CHECKED, DONE], Goal.CHECK, True, 1),
        ([CHECKED, make_job(JobState.STOPPED)], Goal.CHECK, False, 3),
        ([PLANNED, DONE], Goal.PLAN, False, 0),
        ([PLANNED, UNREAD], Goal.PLAN, False, 1),
        ([PLANNED, CHECKED], Goal.PLAN, False, 3),
        ([PLANNED, UNREAD], Goal.PLAN, True, 3),
        ([PLANNED, DONE], Goal.PLAN, True, 3),
    ],
)
def test_exit_code_says_how_the_batch_ended(jobs, goal, has_failed, code):
    """0 all in, 1 some not, 2 nothing sent, 3 to be continued, 130 interrupted."""
    found = compute_batch_code(jobs, goal, has_failed_accounts=has_failed, is_interrupted=False)
    assert found == code
    assert compute_batch_code(jobs, goal, has_failed_accounts=has_failed, is_interrupted=True) == 130


@pytest.mark.parametrize(
    ("jobs", "headline"),
    [
        ([CHECKED, PLANNED], "4 of 4 rows can go in (2 files for 1 account)."),
        ([DONE, FIX], "4 of 5 rows went in (2 files for 1 account). 1 row to fix."),
        ([DONE, CHECKED, PLANNED], "2 of 6 rows went in, 4 more can go in (3 files for 1 account)."),
        ([make_job(JobState.STOPPED, pending=3), CHECKED], "2 of 7 rows went in, 2 more can go in (2 files for 1 account)."),
        ([make_job(skipped=1), FIX], "4 of 6 rows went in (2 files for 1 account). 1 row to fix. 1 row was skipped because it is not a lead."),
    ],
)  # fmt: skip
def test_headline_says_what_went_in_and_what_can(jobs, headline):
    """What was only checked has not gone in, and every row is accounted for."""
    summary = build(*jobs, goal=Goal.CHECK)
    assert format_batch_headline(summary) == headline
    assert summary.went_in == sum(account.went_in for account in summary.accounts)


@pytest.mark.parametrize(
    ("jobs", "words"),
    [
        ([FIX], ["Correct each failed_rows.xlsx"]),
        ([DONE, UNREAD], ["Correct each file that could not be read"]),
        ([FIX, UNREAD], ["Correct each failed_rows.xlsx", "Correct each file that could not be read"]),
        ([make_job(skipped=1)], ["Open the report"]),
    ],
)
def test_last_line_says_what_to_correct_and_nothing_else(jobs, words):
    """With only test rows left there is nothing to correct."""
    line = format_last_line(build(*jobs), Goal.SEND)
    assert line.startswith("Not everything went in.")
    every = ("Correct each failed_rows.xlsx", "Correct each file that could not be read", "Open the report")
    assert [one for one in every if one in line] == words


def test_check_does_not_promise_to_continue():
    """It sends nothing, so a file that is partly sent stays so, however often it is run."""
    summary = build(make_job(JobState.STOPPED), goal=Goal.CHECK)
    assert "without --check" in format_last_line(summary, Goal.CHECK)
    assert "it continues" in format_last_line(build(DONE, CHECKED), Goal.SEND)


def test_batch_json_is_as_its_schema_says(tmp_path):
    """The schema in docs/ is that of the code, and rejects other objects."""
    published = (DOCS / "batch.schema.json").read_bytes()
    assert published == format_batch_schema()
    summary = build(DONE, FIX, UNREAD, failed={"acme": "The key was refused."})
    write_batch_reports(tmp_path, summary)
    found = json.loads((tmp_path / "batch.json").read_bytes())
    schema = json.loads(published)
    jsonschema.validate(found, schema, jsonschema.Draft202012Validator)
    for name in ("rows", "jobs", "exit_code"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({key: value for key, value in found.items() if key != name}, schema)
    found["jobs"][0]["state"] = "sleeping"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, schema)


def test_texts_from_outside_are_data(tmp_path):
    """No script from a file name runs on the page, and no formula of it in Excel."""
    name = '=cmd|"/c calc"!A1<script>alert(1)</script>.csv'
    write_batch_reports(tmp_path, build(make_job(file=name, reason="<b>bad</b>")))
    page = (tmp_path / "batch.html").read_text("utf-8")
    assert "<script" not in page
    assert "<b>bad</b>" not in page
    assert "default-src &#39;none&#39;" in page
    (line,) = read_csv(tmp_path / "batch.csv")
    assert line["file"] == f"'{name}"


def test_page_names_what_needs_attention_with_links_into_the_run(tmp_path):
    """A person goes from the page to the report and to the rows to fix."""
    write_batch_reports(tmp_path, build(DONE, FIX, UNREAD))
    page = (tmp_path / "batch.html").read_text("utf-8")
    assert '<a href="acme/a-1/report.html">' in page
    assert '<a href="acme/a-1/failed_rows.xlsx">1</a>' in page
    assert "not checked" in page


def test_job_that_has_stopped_is_named_before_rows_to_fix():
    """An agency with a hundred files to fix reads the first ten lines."""
    stopped = make_job(JobState.STOPPED, account="coral", reason="The account is blocked.")
    assert "The account is blocked." in list_problems(build(FIX, FIX, stopped), Path("reports"))[0]


def test_problems_name_an_account_once():
    """Its files say nothing more than the account does."""
    jobs = [
        make_job(JobState.NOT_CHECKED, account="birla", reason="No key."),
        make_job(JobState.NOT_CHECKED, account="birla", reason="No key."),
    ]
    assert list_problems(build(FIX, *jobs, failed={"birla": "No key."}), Path("reports")) == [
        "  birla: No key.",
        "  acme  a.csv: 1 row to fix in reports/acme/a-1/failed_rows.xlsx",
    ]
