"""The run's thread waits for the browser: one answer for each question, and an end when it is cancelled."""

import threading

import pytest

from importer.errors import RunInterruptedError
from importer.pipeline.questions import RestQuestion
from importer.ui.web_prompter import QuestionKind, WebPrompter

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
