"""A run's folder that somebody has given another name: every sentence names it as it is called now."""

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
    """A run that was stopped after three rows, its folder renamed since; every further lead is refused the key."""
    reports, name = request.param
    crm.sandbox.faults.restart(FaultPlan(always=InjectedFault.UNAUTHORIZED, from_request=4))
    sheet = write_csv(importer.folder / "x.csv", ROWS)
    importer("run", sheet, "--yes", "--concurrency", "1", "--run-id", "first", "--reports", reports)
    return Path(reports, "first").rename(Path(reports, name))


def said_to_type(text, command="resume"):
    """The words behind `importer` of the command that a text says to type."""
    (line,) = set(re.findall(rf"importer ({command} .*?)\.?$", text, re.MULTILINE))
    return shlex.split(line)


def test_what_a_stopped_resume_says_goes_on(importer, crm, renamed):
    """On the terminal and on the page, also of where the reports lie."""
    ended = importer("resume", renamed)
    assert ended.code == 3
    assert f"Report: {renamed / 'report.html'}" in ended.out
    for text in (ended.err, importer("runs", "--reports", renamed.parent).out):
        assert said_to_type(text)[:2] == ["resume", renamed.name]
    crm.sandbox.faults.restart(FaultPlan())
    assert importer(*said_to_type(ended.err)).code == 1
    assert len(leads(crm)) == 9


def test_what_a_fault_says_goes_on(importer, crm, renamed, monkeypatch):
    """Amid the sending, where the reports folder is not known to who says it from the command."""
    crm.sandbox.faults.restart(FaultPlan())
    with monkeypatch.context() as patched:
        patched.setattr("importer.pipeline.send_and_report.write_reports", lambda *_: 1 / 0)
        ended = importer("resume", renamed)
    assert ended.code == 3
    said = re.search(r"nothing more was sent\. .*?: importer (.*?)\. Run again", ended.err)
    assert importer(*shlex.split(said[1])).code == 1


def test_the_page_and_a_retry_of_it_name_it(importer, crm, renamed):
    crm.sandbox.faults.restart(FaultPlan())
    importer("resume", renamed)
    page = (renamed / "report.html").read_text("utf-8")
    assert re.findall(r"Run <b>(.*?)</b>", page) == [renamed.name]
    assert importer("retry", renamed, "--yes").code == 1
    (retried,) = renamed.parent.glob("2*/summary.json")
    assert json.loads(retried.read_text("utf-8"))["parent"] == renamed.name


def test_its_workbook_is_known_where_it_lies_elsewhere(importer, crm, renamed):
    """It names the run as it was called; another run of the same columns is not taken for it."""
    workbook = renamed / "failed_rows.xlsx"
    there = ("--reports", renamed.parent)
    importer("check", "x.csv", "--column", "Name=city", *there)
    ended = importer("check", workbook.rename(importer.folder / "mended.xlsx"), *there)
    assert "Name   ->  Full name" in ended.out
