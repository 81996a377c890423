"""Owners by name: each name is asked about once, remembered for the account, and forgotten when the CRM refuses its phone."""

import json

import openpyxl
import pytest

from importer.credentials import Credentials, Secret
from importer.models.row import BLOCK_ROWS, SourceRow
from importer.pipeline.context import RunContext
from importer.pipeline.questions import SendDecision
from importer.pipeline.run import check, run
from importer.reader.source import InMemoryReader, Sheet
from importer.settings import resolve_settings
from importer.state.state_folder import STATE_DIR_VARIABLE
from tests.support import KEY, leads, write_csv

KAVYA, ROHIT, NOBODY = "+919845000101", "+919845000102", "+919845999999"
ROWS = [("9820050001", "Rohit"), ("9820050002", "Kavya"), ("9820050003", "rohit "), ("9820050004", "Suresh")]


class Person:
    """Answers the questions about owners, and agrees to everything else. `changes` are names to answer anew."""

    def __init__(self, phones, changes=()):
        self.phones = phones
        self.changes = list(changes)
        self.asked = []
        self.listed = {}

    def choose_owners(self, questions):
        self.asked.append({question.name: question.rows for question in questions})
        return {question.name: self.phones.get(question.name, "") for question in questions}

    def choose_source(self, question):
        return "Walk-in"

    def confirm_saved_map(self, path):
        return True

    def confirm_send(self, summary, answers):
        self.listed = {answer.question.name: answer.value for answer in answers if answer.key[0] == "owner"}
        if self.changes:
            name, self.phones = self.changes.pop(0)
            return next(answer for answer in answers if answer.key == ("owner", name))
        return SendDecision.SEND


@pytest.fixture
def send(importer, crm):
    """Send a sheet of owners, with somebody at the terminal or without."""

    def start(person=None, rows=ROWS, command=run, **flags):
        sheet = Sheet(
            InMemoryReader(
                ("Mobile", "Attended By"), [SourceRow(at + 2, row) for at, row in enumerate(rows)]
            ),
            file="visits.csv",
            sha256="0" * 64,
        )
        context = RunContext(
            settings=resolve_settings({"reports": str(importer.reports), **flags}),
            credentials=Credentials(crm.base_url, Secret(KEY)),
            prompter=person,
        )
        return command(sheet, context)

    return start


def get_owners(crm):
    return {
        phone: lead.get("assignee_user_phone") or lead.get("additional_info")
        for phone, lead in leads(crm).items()
    }


def read_memory(state_dir):
    return [json.loads(path.read_bytes()) for path in state_dir.glob("*/owners.json")]


def test_each_name_is_asked_once_and_its_phone_is_used_again(send, crm, state_dir):
    """Case and spaces do not matter. Only the name without a phone is asked about again."""
    first = Person({"Rohit": ROHIT, "Kavya": KAVYA})
    assert send(first).counts["accepted"] == 4
    assert first.asked == [{"Rohit": 2, "Kavya": 1, "Suresh": 1}]
    assert get_owners(crm) == {
        "+919820050001": ROHIT,
        "+919820050002": KAVYA,
        "+919820050003": ROHIT,
        "+919820050004": "Attended By: Suresh",
    }
    assert read_memory(state_dir) == [{"kavya": KAVYA, "rohit": ROHIT}]
    second = Person({})
    send(second, [("9820050009", "KAVYA"), ("9820050008", "Suresh")])
    assert second.asked == [{"Suresh": 1}]
    assert second.listed == {"KAVYA": KAVYA, "Suresh": ""}
    assert get_owners(crm)["+919820050009"] == KAVYA


def test_answer_of_an_earlier_sheet_can_be_changed_before_the_sending(send, crm, state_dir):
    """Only the changed name is asked about again, and what was sent last is what is remembered."""
    send(Person({"Rohit": ROHIT, "Kavya": KAVYA}))
    person = Person({}, changes=[("Rohit", {"Rohit": KAVYA}), ("Kavya", {})])
    send(person)
    assert person.asked == [{"Suresh": 1}, {"Rohit": 2}, {"Kavya": 1}]
    assert person.listed == {"Rohit": KAVYA, "Kavya": "", "Suresh": ""}
    assert get_owners(crm)["+919820050001"] == KAVYA
    assert read_memory(state_dir) == [{"rohit": KAVYA}]


def test_without_a_terminal_rows_go_in_without_the_owner(send, crm):
    """A notice names the column, the names, and where the phones can be written."""
    summary = send()
    assert summary.counts["accepted"] == 4
    assert summary.problems == {"assignee_user_phone.unknown_owner": 4}
    (notice,) = summary.ignored
    assert 'The leads of Rohit, Kavya, Suresh get no owner: the column "Attended By" has names' in notice
    assert "[values.assignee_user_phone]" in notice
    assert get_owners(crm)["+919820050001"] == "Attended By: Rohit"


@pytest.mark.parametrize("command", [run, check])
def test_without_a_terminal_earlier_answers_are_used(send, command):
    """A check shows what the run will do."""
    send(Person({"Rohit": ROHIT}))
    summary = send(command=command)
    assert summary.problems == {"assignee_user_phone.unknown_owner": 2}
    assert "The leads of Kavya, Suresh get no owner" in summary.ignored[0]


def test_refused_phone_is_forgotten_and_asked_for_again(send, importer, state_dir):
    """docs/api.md: 404 for an owner whom the CRM does not know. A re-import does not send the wrong phone again."""
    summary = send(Person({"Rohit": ROHIT, "Kavya": NOBODY}))
    assert summary.counts["refused"] == 1
    assert read_memory(state_dir) == [{"rohit": ROHIT}]
    failed = importer.reports / summary.run_id / "failed_rows.csv"
    again = importer("run", failed, "--yes")
    assert again.summary["counts"]["accepted"] == 1
    assert again.summary["problems"] == {"assignee_user_phone.unknown_owner": 1}


def test_phone_with_which_a_row_went_in_is_not_forgotten(send, crm, state_dir, monkeypatch):
    """Another 404 may be about a stage or a group that was deleted during the run."""
    find_member = crm.sandbox.account.find_member
    refusals = iter([True])
    monkeypatch.setattr(
        crm.sandbox.account,
        "find_member",
        lambda phone: None if next(refusals, False) else find_member(phone),
    )
    summary = send(Person({"Rohit": ROHIT, "Kavya": KAVYA}), concurrency=1)
    assert summary.counts["refused"] == 1
    assert read_memory(state_dir)[0]["rohit"] == ROHIT


def test_phones_of_owners_are_not_in_the_remembered_map(importer, send):
    """They have one place, the state of the account, so that a refused one is forgotten."""
    send(Person({"Rohit": ROHIT}))
    assert not [path for path in importer.reports.rglob("*.toml") if ROHIT in path.read_text("utf-8")]


def test_every_row_of_a_long_sheet_is_judged_again(send):
    """The rows are read and written a block at a time."""
    send(Person({"Rohit": ROHIT}))
    rows = [(f"98200{number:05d}", "Rohit") for number in range(1, 2 * BLOCK_ROWS + 10)]
    summary = send(rows=rows, command=check)
    assert "assignee_user_phone.unknown_owner" not in summary.problems
    assert summary.rows == summary.went_in == len(rows)


def test_owners_of_several_sheets_are_resolved_together(importer, crm, send):
    """The column may be at another place in each sheet."""
    send(Person({"Rohit": ROHIT}))
    book = openpyxl.Workbook()
    book.active.append(["Mobile", "Attended By"])
    book.active.append(["9820050011", "Rohit"])
    second = book.create_sheet("Thane")
    second.append(["Name", "Attended By", "Phone"])
    second.append(["Asha Rao", "rohit", "9820050012"])
    book.save(importer.folder / "x.xlsx")
    assert importer("run", "x.xlsx", "--sheet", "all", "--yes").code == 0
    assert {get_owners(crm)[phone] for phone in ("+919820050011", "+919820050012")} == {ROHIT}


def test_saved_map_has_the_phones_of_owners(importer, send, monkeypatch):
    """--save writes the whole reading of the sheet, for runs without a terminal and for other computers."""
    path = importer.folder / "team.toml"
    send(Person({"Rohit": ROHIT}), save=str(path))
    write_csv(importer.folder / "x.csv", [["Mobile", "Attended By"], ["9820050001", "ROHIT"]])
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(importer.folder / "state of another computer"))
    assert importer("check", "x.csv", "--map", path).summary["problems"] == {}
