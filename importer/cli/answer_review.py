"""The last question before the sending: all answers in one list, of which each can be changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from importer.cli.console import cut
from importer.cli.prompts import BACK, print_question, read_answer
from importer.fields import get_field_label
from importer.messages import format_row_count, prompt_messages, terminal_messages
from importer.pipeline.questions import (
    Answer,
    BadCells,
    ColumnQuestion,
    FieldQuestion,
    OwnerQuestion,
    RestQuestion,
    SavedMapQuestion,
    SendDecision,
    SheetsQuestion,
    SourceQuestion,
    TaskQuestion,
    UnknownValue,
)

_MAX_WIDTH = 40  # of a header or a value in the list
_MAX_LIST_WIDTH = 80  # of the names of the sheets


def ask_to_send(question: str, answers: Sequence[Answer]) -> SendDecision | Answer:
    """Show all answers of this check, and ask whether to send or which answer to change."""
    _print_answers(answers)
    while True:
        typed = read_answer(f"{question} [y/N]").casefold()
        if typed in ("y", "yes"):
            return SendDecision.SEND
        if typed in ("", "n", "no"):
            return SendDecision.STOP
        if (answer := _find_answer(typed, answers)) is not None:
            return answer
        print_question(prompt_messages.TYPE_YES_NO_OR_NUMBER if answers else prompt_messages.TYPE_YES_OR_NO)


def ask_for_change(answers: Sequence[Answer]) -> SendDecision | Answer:
    """Say that no row can be sent, and ask which answer to change, if there is any."""
    print_question(terminal_messages.NO_ROW_CAN_BE_SENT)
    if not answers:
        return SendDecision.STOP
    _print_answers(answers)
    while typed := read_answer(prompt_messages.WHICH_ANSWER_TO_CHANGE).casefold():
        if (answer := _find_answer(typed, answers)) is not None:
            return answer
    return SendDecision.STOP


def _print_answers(answers: Sequence[Answer]) -> None:
    if not answers:
        return
    print_question(prompt_messages.YOUR_ANSWERS)
    for number, answer in enumerate(answers, 1):
        print_question(f"  {number:>2}  {_describe_answer(answer)}")
    print_question(prompt_messages.HOW_TO_CHANGE_AN_ANSWER)


def _find_answer(typed: str, answers: Sequence[Answer]) -> Answer | None:
    """Return the answer with this number; the last one for `b`."""
    if typed == BACK and answers:
        return answers[-1]
    is_number = typed.isdecimal() and 1 <= int(typed) <= len(answers)
    return answers[int(typed) - 1] if is_number else None


def _describe_answer(answer: Answer) -> str:
    match answer.question:
        case SheetsQuestion():
            sheets = ", ".join(answer.question.list_chosen(answer.value))
            text = prompt_messages.SHEETS_ANSWER.format(sheets=cut(sheets, _MAX_LIST_WIDTH))
        case SavedMapQuestion(path):
            text = prompt_messages.SAVED_MAP_ANSWER.format(path=path, answer=answer.value)
        case FieldQuestion(field):
            column = answer.value or prompt_messages.NO_COLUMN
            text = prompt_messages.FIELD_ANSWER.format(field=get_field_label(field), column=column)
        case RestQuestion() | TaskQuestion():
            text = _describe_kept_columns(answer.question, answer.value)
        case SourceQuestion():
            text = prompt_messages.SOURCE_ANSWER.format(source=answer.value or prompt_messages.IS_LEFT_OUT)
        case ColumnQuestion(name):
            field = get_field_label(answer.value) if answer.value else prompt_messages.IS_LEFT_OUT
            text = prompt_messages.COLUMN_ANSWER.format(column=cut(name, _MAX_WIDTH), field=field)
        case UnknownValue(field, _, value, rows):
            texts = {None: prompt_messages.ROWS_ARE_LEFT_OUT, "": prompt_messages.IS_LEFT_OUT}
            text = prompt_messages.VALUE_ANSWER.format(
                field=get_field_label(field),
                value=cut(value, _MAX_WIDTH),
                rows=format_row_count(rows),
                title=answer.value or texts[answer.value],
            )
        case OwnerQuestion(name, column, rows):
            text = prompt_messages.OWNER_ANSWER.format(
                column=cut(column, _MAX_WIDTH),
                name=cut(name, _MAX_WIDTH),
                rows=format_row_count(rows),
                phone=answer.value or prompt_messages.IS_LEFT_OUT,
            )
        case BadCells(rows):
            text = prompt_messages.BAD_CELLS_ANSWER.format(rows=format_row_count(rows), answer=answer.value)
        case _:
            assert_never(answer.question)
    return text


def _describe_kept_columns(question: RestQuestion | TaskQuestion, value: str | None) -> str:
    if isinstance(question, TaskQuestion):
        return prompt_messages.TASK_ANSWER.format(column=cut(question.name, _MAX_WIDTH), answer=value)
    columns = cut(", ".join(question.names), _MAX_WIDTH)
    return prompt_messages.REST_ANSWER.format(columns=columns, answer=value)
