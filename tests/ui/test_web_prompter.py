"""The run's thread waits for the browser: one answer for each question, and an end when it is cancelled."""

import threading
from urllib.parse import urlencode

import pytest

from importer.errors import RunInterruptedError
from importer.models.mapping import build_sheet_column
from importer.pipeline.questions import ColumnQuestion, RestQuestion, UnknownValue
from importer.ui.questions_screen import read_column_name, read_titles
from importer.ui.templates import show_text
from importer.ui.visit import Form
from importer.ui.web_prompter import PendingQuestion, QuestionKind, WebPrompter

WAIT_S = 10


def ask(prompter, ask_it, found):
    """Ask in a thread, and return it when the question is there."""

    def run():
        try:
            found.append(ask_it())
        except RunInterruptedError as error:
            found.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while prompter.question is None and thread.is_alive():
        thread.join(0.005)
    return thread


def test_an_answer_goes_to_its_question_alone():
    """A form of an earlier question, sent late, changes nothing."""
    prompter, found = WebPrompter(), []
    thread = ask(prompter, lambda: prompter.confirm_rest(RestQuestion(("A",))), found)
    first = prompter.question
    assert (first.kind, first.items) == (QuestionKind.REST, (RestQuestion(("A",)),))
    assert prompter.answer(first.number, value=True)
    thread.join(WAIT_S)
    assert not prompter.answer(first.number, value=False)
    thread = ask(prompter, lambda: prompter.choose_sheets([]), found)
    assert not prompter.answer(first.number, value=["old"])
    assert prompter.answer(prompter.question.number, value=["new"])
    thread.join(WAIT_S)
    assert found == [True, ["new"]]


@pytest.mark.parametrize("when", ["at the question", "before it"])
def test_a_cancelled_run_ends_at_its_question(when):
    prompter, found = WebPrompter(), []
    if when == "before it":
        prompter.cancel()
    thread = ask(prompter, lambda: prompter.choose_titles([]), found)
    prompter.cancel()
    thread.join(WAIT_S)
    assert isinstance(found[0], RunInterruptedError)
    assert prompter.question is None


@pytest.mark.parametrize("title", ["Warm lead", "Warm\xa0lead", "Warm\u200blead"])
def test_a_title_is_chosen_as_the_page_shows_it(title):
    """Titles are pasted into a CRM with blanks and marks that a page replaces, also in the values of its forms."""
    item = UnknownValue("lead_stage_name", "Stage", "warm", 3, ("New", title))
    form = Form(urlencode([("item:0", f"title:{show_text(title)}")]))
    question = PendingQuestion(1, QuestionKind.TITLES, (item,))
    assert read_titles(form, question) == {"lead_stage_name": {"warm": title}}


@pytest.mark.parametrize(
    ("number", "name"),
    [("0", "Mobile"), ("1", "Other"), ("2", ""), ("", ""), ("-1", ""), ("x", ""), ("9" * 5000, "")],
    ids=["first", "last", "behind the last", "none", "negative", "text", "5000 digits"],
)
def test_a_column_is_chosen_by_its_number(number, name):
    """A number that the page does not offer chooses none, as the page's own last choice does."""
    items = tuple(
        ColumnQuestion(header, build_sheet_column(0), frozenset()) for header in ("Mobile", "Other")
    )
    question = PendingQuestion(1, QuestionKind.PHONE_COLUMN, items)
    assert read_column_name(Form(urlencode({"column": number})), question) == name
