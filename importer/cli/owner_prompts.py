"""The questions about owners of leads who are named in the sheet: which phone does each of them have in the CRM?"""

from __future__ import annotations

from collections.abc import Sequence

from importer.cli.console import cut
from importer.cli.prompts import BACK, KEEP, KEEP_ALL, print_question, read_answer
from importer.issues import Issue, describe_issue
from importer.loader.cells.phones import SinglePhoneReader
from importer.loader.cells.text import CellError
from importer.messages import format_row_count, prompt_messages
from importer.models.mapping import OWNER_FIELD
from importer.pipeline.questions import OwnerQuestion

_MAX_NAME_CHARS = 40


def ask_owners(questions: Sequence[OwnerQuestion]) -> dict[str, str]:
    """Ask for the phone of each owner. Returns phones in E.164 by name, "" for an owner who is left out."""
    _print_choices(questions)
    phones: list[str] = []
    while len(phones) < len(questions):
        phones = _answer_next(questions, phones)
    return {question.name: phone for question, phone in zip(questions, phones, strict=True)}


def _print_choices(questions: Sequence[OwnerQuestion]) -> None:
    rows = sum(question.rows for question in questions)
    print_question(prompt_messages.format_owners(len(questions), rows))
    for line in prompt_messages.OWNER_CHOICES:
        print_question(line)
    if len(questions) > 1:
        print_question(prompt_messages.OWNER_CHOICE_FOR_ALL)


def _answer_next(questions: Sequence[OwnerQuestion], phones: list[str]) -> list[str]:
    """Ask for the next phone. Return the phones after it; one fewer for `b`."""
    answer = _ask_phone(questions[len(phones)], f"{len(phones) + 1} of {len(questions)}")
    if answer == KEEP_ALL:
        return phones + [""] * (len(questions) - len(phones))
    if answer != BACK:
        return [*phones, answer]
    if not phones:
        print_question(prompt_messages.NO_EARLIER_QUESTION)
    return phones[:-1]


def _ask_phone(question: OwnerQuestion, position: str) -> str:
    """Ask until the answer is a phone, or one of the answers that are none. Return it."""
    name = cut(question.name, _MAX_NAME_CHARS)
    print_question(
        prompt_messages.OWNER.format(
            position=position, column=question.column, name=name, rows=format_row_count(question.rows)
        )
    )
    reader = SinglePhoneReader(question.region)
    while True:
        answer = read_answer(prompt_messages.WHICH_OWNER_PHONE.format(name=name))
        if answer in (KEEP, KEEP_ALL, BACK):
            return answer
        phone = reader.read(answer)
        if isinstance(phone, str):
            print_question(prompt_messages.OWNER_PHONE_CHOSEN.format(phone=phone))
            return phone
        if isinstance(phone, CellError):
            issue = Issue(OWNER_FIELD, phone.code, "", answer, phone.hint)
            print_question(f"  {describe_issue(issue)}")
