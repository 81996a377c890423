"""If a person renames the folder of a run, every sentence uses the new name."""

import json
import re
import shlex
from pathlib import Path

import pytest

from importer.sandbox.faults import FaultPlan, InjectedFault
from tests.support import leads, write_csv

ROWS = [["Phone", "Name"], *[[f"98450200{n:02}", f"N{n}"] for n in range(9)], ["12", "B"]]
FOLDERS = [("reports", "May leads (old)"), ("my runs", "May")]


@pytest.fixture(params=FOLDERS, ids="/".join)
def renamed(request, importer, crm):
    """A run that stopped after three rows because of a refused key, in a folder that was renamed then."""
    reports, name = request.param
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.UNAUTHORIZED, from_request=4))
    sheet = write_csv(importer.folder / "x.csv", ROWS)
    importer("run", sheet, "--yes", "--concurrency", "1", "--run-id", "first", "--reports", reports)
    return Path(reports, "first").rename(Path(reports, name))


def said_to_type(text, command="resume"):
    """Return the arguments of the one `importer` command that a text names."""
    (line,) = set(re.findall(rf"importer ({command} .*?)\.?$", text, re.MULTILINE))
    return shlex.split(line)


def test_command_of_a_stopped_resume_continues_it(importer, crm, renamed):
    """The terminal and the page name the folder, and its reports folder too."""
    result = importer("resume", renamed)
    assert result.code == 3
    assert f"Report: {renamed / 'report.html'}" in result.out
    for text in (result.err, importer("runs", "--reports", renamed.parent).out):
        assert said_to_type(text)[:2] == ["resume", renamed.name]
    crm.sandbox.faults.restart(FaultPlan())
    assert importer(*said_to_type(result.err)).code == 1
    assert len(leads(crm)) == 9


def test_command_of_an_internal_error_continues_the_run(importer, crm, renamed, monkeypatch):
    """The sentence of an error during sending has the reports folder as well."""
    crm.sandbox.faults.restart(FaultPlan())
    with monkeypatch.context() as patched:
        patched.setattr("importer.pipeline.send_and_report.write_reports", lambda *_: 1 / 0)
        result = importer("resume", renamed)
    assert result.code == 3
    message = re.search(r"nothing more was sent\. .*?: importer (.*?)\. Run again", result.err)
    assert importer(*shlex.split(message[1])).code == 1


def test_report_page_and_retry_use_the_new_name(importer, crm, renamed):
    crm.sandbox.faults.restart(FaultPlan())
    importer("resume", renamed)
    page = (renamed / "report.html").read_text("utf-8")
    assert re.findall(r"Run <b>(.*?)</b>", page) == [renamed.name]
    assert importer("retry", renamed, "--yes").code == 1
    (retried,) = renamed.parent.glob("2*/summary.json")
    assert json.loads(retried.read_text("utf-8"))["parent"] == renamed.name


def test_moved_workbook_is_still_recognised(importer, crm, renamed):
    """The workbook has the old name of the run. Another run with the same columns is not taken for it."""
    workbook = renamed / "failed_rows.xlsx"
    there = ("--reports", renamed.parent)
    importer("check", "x.csv", "--column", "Name=city", *there)
    result = importer("check", workbook.rename(importer.folder / "mended.xlsx"), *there)
    assert "Name   ->  Full name" in result.out
