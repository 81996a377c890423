"""Judge a sheet, show the person the result, and judge it again with each changed answer, until they agree to send."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from importer.errors import NothingSentError, raise_as_nothing_sent
from importer.journal.run_journal import Journal
from importer.messages import run_messages
from importer.pipeline.answer_book import AnswerBook
from importer.pipeline.check_reports import write_check_reports
from importer.pipeline.context import RunContext
from importer.pipeline.questions import Answer, Prompter, SendDecision
from importer.pipeline.run_folder import discard_run


def judge_until_agreed(judge: Callable[[], Journal], context: RunContext, book: AnswerBook | None) -> Journal:
    """Judge the sheet, and again as often as the person changes an answer, until they agree to send.

    `book` has their answers, None if nobody is asked. Raises NothingSentError if they do not agree.
    """
    if book is None:
        return judge()
    while True:
        book.begin_check()
        with ExitStack() as opened:
            journal = opened.enter_context(judge())
            change = _confirm_send(journal, book, context)
            if change is None:
                opened.pop_all()
                return journal
        book.forget(change)
        with raise_as_nothing_sent():
            discard_run(journal.folder)


def _confirm_send(journal: Journal, prompter: Prompter, context: RunContext) -> Answer | None:
    """Show the summary of the check, whose reports can be read, and ask before the first write.

    Return the answer that the person wants to change, or None if they agree. Raises NothingSentError if they do not.
    """
    if not journal.staging.count_rows():  # of no rows nobody need be asked
        return None
    decision = prompter.confirm_send(write_check_reports(journal, context), ())
    if isinstance(decision, Answer):
        return decision
    if decision is SendDecision.STOP:
        raise NothingSentError(*run_messages.SEND_DECLINED.format(folder=journal.folder))
    return None
