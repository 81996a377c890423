"""The questions about owners who are named in the sheet, as a person reads and answers them."""

import os

import click
import pytest

from importer.cli.owner_prompts import ask_owners
from importer.pipeline.questions import OwnerQuestion
from tests.support import leads, write_csv

ROHIT = "+919845000102"
THREE = [
    OwnerQuestion("Rohit", "Attended By", 14, "IN"),
    OwnerQuestion("Kavya", "Attended By", 3, "IN"),
    OwnerQuestion("Suresh", "Attended By", 1, "IN"),
]


def answer(monkeypatch, *typed):
    answers = iter(typed)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(answers))


def test_phones_are_normalized_and_enter_leaves_an_owner_out(monkeypatch):
    answer(monkeypatch, "098450 00102", "", "Kavya: +91 98450-00101")
    assert ask_owners(THREE) == {"Rohit": ROHIT, "Kavya": "", "Suresh": "+919845000101"}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("98450", '"98450" has too few digits for a phone number.'),
        ("Rohit", '"Rohit" is not a phone number.'),
        ("9845000101, 9845000102", "has more than one phone number."),
        ("9.84E+09", "its last digits are lost"),
    ],
)
def test_what_is_not_one_phone_is_asked_again(monkeypatch, capsys, typed, sentence):
    answer(monkeypatch, typed, "9845000102")
    assert ask_owners(THREE[:1]) == {"Rohit": ROHIT}
    assert sentence in capsys.readouterr().err


def test_answers_can_be_taken_back_and_the_rest_left_out(monkeypatch, capsys):
    """`b` at the first question says so and asks it again."""
    answer(monkeypatch, "b", "9845000101", "b", "9845000102", "all")
    assert ask_owners(THREE) == {"Rohit": ROHIT, "Kavya": "", "Suresh": ""}
    assert "This is the first question." in capsys.readouterr().err


def test_phone_of_another_country_is_read_by_the_region(monkeypatch):
    answer(monkeypatch, "050 123 4567")
    assert ask_owners([OwnerQuestion("Omar", "Owner", 1, "AE")]) == {"Omar": "+971501234567"}


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
def test_owners_are_asked_reviewed_and_sent_at_a_terminal(importer, crm, request):
    """A number in the list changes one answer; a control character in a name does nothing."""
    from tests.cli.terminal import Terminal

    rows = [["9820050001", "Rohit"], ["9820050002", "\x1b[31mKavya"], ["9820050003", "Rohit"]]
    write_csv(importer.folder / "x.csv", [["Mobile", "Attended By"], *rows])
    terminal = Terminal(importer.folder, "run", "x.csv", "--default", "source=Walk-in")
    request.addfinalizer(terminal.close)
    terminal.expect("Owners: the sheet has 2 names (3 rows), but the CRM takes the phones of team members.")
    terminal.expect('1 of 2: Attended By "Rohit" (2 rows)')
    terminal.expect("What is Rohit's phone in the CRM? Enter leaves it out: ")
    terminal.type("9845000101")
    terminal.expect("Using +919845000101.")
    terminal.expect("2 of 2: ")
    terminal.type("")
    terminal.expect('1  Attended By "Rohit" (2 rows): +919845000101')
    terminal.expect("(1 row): left out")
    terminal.type("1")
    terminal.expect("What is Rohit's phone in the CRM?")
    terminal.type("9845000102")
    terminal.expect('1  Attended By "Rohit" (2 rows): +919845000102')
    terminal.type("y")
    assert terminal.wait_for_exit() == 0
    assert "\x1b[31mKavya" not in terminal.shown
    assert leads(crm)["+919820050003"]["assignee_user_phone"] == ROHIT
