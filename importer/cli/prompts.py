"""The questions at the terminal. Every question can be skipped, and every answer is a plain value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from importer.cli.console import cut, print_line
from importer.fields import FIELDS, find_field, get_field_label
from importer.messages import format_row_count, prompt_messages
from importer.pipeline.questions import (
    BadCells,
    ColumnQuestion,
    RestQuestion,
    SheetQuestion,
    SourceQuestion,
    TaskQuestion,
    UnknownValue,
)
from importer.untrusted_text import sanitize
from importer.validator.title_lookup import TitleAnswer, match_answer, suggest_titles

_MAX_SUGGESTIONS = 5
_MAX_LISTED_TITLES = 15
KEEP, _DROP, KEEP_ALL, _DROP_ALL, BACK = "", "-", "all", "-all", "b"


def ask_about_saved_map(path: Path) -> bool:
    """Ask whether to read the sheet with the answers for an earlier sheet with the same columns."""
    statement, question = prompt_messages.CONFIRM_SAVED_MAP
    print_question(statement.format(path=path))
    return confirm(question, default=True)


def confirm(question: str, *, default: bool = False) -> bool:
    """Ask for yes or no until the answer is one of them. Enter means `default`.

    Click's own prompt would answer other input with `Error: invalid input`.
    """
    while True:
        match read_answer(f"{question} [{'Y/n' if default else 'y/N'}]").casefold():
            case "":
                return default
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
            case _:
                print_question(prompt_messages.TYPE_YES_OR_NO)


def ask_sheets(sheets: Sequence[SheetQuestion]) -> list[str]:
    """Ask which sheets to read. Returns their names, all for Enter."""
    print_question(prompt_messages.WHICH_SHEETS)
    for number, sheet in enumerate(sheets, 1):
        print_question(f"  {number}  {sheet.name}  ({cut(', '.join(filter(None, sheet.headers)), 60)})")
    while True:
        answers = read_answer(prompt_messages.SHEET_NUMBERS).replace(",", " ").split()
        if all(answer.isdecimal() and 1 <= int(answer) <= len(sheets) for answer in answers):
            chosen = {int(answer) for answer in answers} or range(1, len(sheets) + 1)
            return [sheets[number - 1].name for number in sorted(chosen)]
        print_question(prompt_messages.TYPE_SHEET_NUMBERS.format(last=len(sheets)))


def ask_phone_column(questions: Sequence[ColumnQuestion]) -> str:
    """Ask which column has the phones. Returns its name, or "" to stop."""
    return _ask_one_column(questions, prompt_messages.WHICH_COLUMN_IS_PHONE, prompt_messages.COLUMN_NUMBER)


def ask_name_column(questions: Sequence[ColumnQuestion]) -> str:
    """Ask which column has the names. Returns its name, or "" if none has them."""
    return _ask_one_column(
        questions, prompt_messages.WHICH_COLUMN_IS_NAME, prompt_messages.NAME_COLUMN_NUMBER
    )


def _ask_one_column(questions: Sequence[ColumnQuestion], statement: str, prompt: str) -> str:
    if not questions:
        return ""
    print_question(statement)
    for number, question in enumerate(questions, 1):
        print_question(f"  {number}  {question.name}  ({_format_samples(question)})")
    while True:
        answer = read_answer(prompt, default="0")
        if answer.isdecimal() and int(answer) <= len(questions):
            return questions[int(answer) - 1].name if int(answer) else ""
        print_question(prompt_messages.TYPE_COLUMN_NUMBER.format(last=len(questions)))


def ask_columns(questions: Sequence[ColumnQuestion]) -> dict[str, str]:
    """Ask for the field of each column. Returns field names by column name, "" for a column to leave out."""
    print_question(prompt_messages.format_unsure_columns(len(questions)))
    answers: dict[str, str] = {}
    while len(answers) < len(questions):
        question = questions[len(answers)]
        taken = {field for field in answers.values() if field and not _is_multi_column(field)}
        field = _ask_column(question, taken)
        if field != BACK:
            answers[question.name] = field
        elif answers:
            answers.popitem()
        else:
            print_question(prompt_messages.NO_EARLIER_QUESTION)
    return answers


def ask_about_rest(question: RestQuestion) -> bool:
    """Ask whether to keep the columns that go to no field as additional info."""
    print_question(prompt_messages.format_rest_columns(question.names))
    return confirm(prompt_messages.format_rest_question(len(question.names)), default=True)


def ask_about_tasks(question: TaskQuestion) -> bool:
    """Ask whether to create tasks from a column of dates. Enter means no: a task cannot be deleted."""
    samples = ", ".join(cut(sample, 30) for sample in question.samples)
    print_question(prompt_messages.DUE_COLUMN.format(name=question.name, samples=samples))
    return confirm(prompt_messages.CREATE_TASKS)


def ask_titles(unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
    """Ask what each unknown value means. Returns titles of the account by field and value.

    A title of "" sends the rows without the value. Values to keep are absent.
    """
    answers: list[str | None] = []
    while len(answers) < len(unknown):
        answers = _answer_next_value(unknown, answers)
    found: dict[str, dict[str, str]] = {}
    for value, title in zip(unknown, answers, strict=True):
        if title is not None:
            found.setdefault(value.field, {})[value.value] = title
    return found


def ask_source(question: SourceQuestion) -> str:
    """Ask where the leads come from. Enter accepts the suggestion, `-` leaves it open."""
    print_question(prompt_messages.NO_SOURCE_COLUMN)
    typed = read_answer(
        prompt_messages.WHICH_SOURCE.format(suggestion=question.suggestion), default=question.suggestion
    )
    return "" if typed == _DROP else typed


def ask_about_bad_cells(bad_cells: BadCells) -> bool:
    """Ask whether rows may go in without their cells that cannot be read."""
    print_question(prompt_messages.format_bad_cells(bad_cells.rows))
    for example in bad_cells.examples:
        print_question(f"  {example}")
    return confirm(prompt_messages.format_drop_question(bad_cells.rows))


# --- one column


def _ask_column(question: ColumnQuestion, taken: set[str]) -> str:
    column = question.column
    print_question(
        prompt_messages.UNSURE_COLUMN.format(
            name=question.name, samples=_format_samples(question), reason=column.reason
        )
    )
    default = get_field_label(column.field) if column.field else _DROP
    while True:
        answer = read_answer(
            prompt_messages.WHICH_FIELD.format(default=default), default=column.field or _DROP
        )
        if answer in (_DROP, BACK):
            return answer if answer == BACK else ""
        if answer == "?":
            print_question(f"  {', '.join(f'{field.label} ({field.name})' for field in FIELDS)}")
            continue
        name = _find_field_name(answer)
        if not name:
            print_question(prompt_messages.UNKNOWN_FIELD.format(name=answer))
        elif not _is_multi_column(name) and name in (question.taken | taken):
            print_question(prompt_messages.FIELD_IS_TAKEN.format(field=get_field_label(name)))
        else:
            return name


def _find_field_name(answer: str) -> str:
    """Return the field with this API name or label, or ""."""
    by_label = next((field for field in FIELDS if field.label.lower() == answer.lower()), None)
    found = find_field(answer) or by_label
    return found.name if found else ""


def _is_multi_column(name: str) -> bool:
    field = find_field(name)
    return field is not None and field.takes_many_columns


def _format_samples(question: ColumnQuestion) -> str:
    return ", ".join(cut(sample, 30) for sample in question.column.samples) or prompt_messages.NO_SAMPLES


# --- the values of one field


def _answer_next_value(values: Sequence[UnknownValue], answers: list[str | None]) -> list[str | None]:
    """Ask about the next value. Return the answers after it; one fewer for `b`."""
    value = values[len(answers)]
    of_field = [other for other in values if other.field == value.field]
    position = of_field.index(value)
    if position == 0:
        _print_value_choices(value.field, of_field)
    match _ask_title(value, f"{position + 1} of {len(of_field)}"):
        case "":
            return [*answers, None]
        case "-":
            return [*answers, ""]
        case "all":
            return answers + [None] * (len(of_field) - position)
        case "-all":
            return answers + [""] * (len(of_field) - position)
        case "b":
            if not answers:
                print_question(prompt_messages.NO_EARLIER_QUESTION)
            return answers[:-1]
        case title:
            return [*answers, title]


def _print_value_choices(field: str, values: list[UnknownValue]) -> None:
    label = get_field_label(field)
    rows = sum(value.rows for value in values)
    print_question(prompt_messages.format_unknown_values(label, len(values), rows))
    for line in prompt_messages.VALUE_CHOICES:
        print_question(line)
    if len(values) > 1:
        print_question(prompt_messages.VALUE_CHOICES_FOR_ALL.format(field=label))


def _ask_title(unknown: UnknownValue, position: str) -> str:
    """Ask for the title of one value. Returns it, or one of the answers that are no title, such as `KEEP`."""
    similar = suggest_titles(unknown.value, unknown.titles, limit=_MAX_SUGGESTIONS)
    suggestions = similar or _list_if_short(unknown.titles)
    print_question(
        prompt_messages.UNKNOWN_VALUE.format(
            position=position,
            field=get_field_label(unknown.field),
            value=unknown.value,
            rows=format_row_count(unknown.rows),
        )
    )
    for number, title in enumerate(suggestions, 1):
        print_question(f"  {number}  {title}")
    question = prompt_messages.WHICH_VALUE_TITLE
    if suggestions:
        question = prompt_messages.WHICH_VALUE_NUMBER
    while True:
        answer = read_answer(question)
        if answer in (KEEP, _DROP, KEEP_ALL, _DROP_ALL, BACK):
            return answer
        found = match_answer(answer, suggestions, unknown.titles)
        if found.is_complete or _agrees_to_beginning(found):
            print_question(prompt_messages.VALUE_CHOSEN.format(title=found.titles[0]))
            return found.titles[0]
        if len(found.titles) != 1:
            print_question(_describe_no_choice(answer, found.titles))


def _agrees_to_beginning(found: TitleAnswer) -> bool:
    """Show the one title that begins with an answer, and ask whether it is meant."""
    return len(found.titles) == 1 and confirm(prompt_messages.IS_TITLE_MEANT.format(title=found.titles[0]))


def _list_if_short(titles: Sequence[str]) -> Sequence[str]:
    """Return a short list as it is and nothing of a long one, for values without a suggestion."""
    return titles if len(titles) <= _MAX_LISTED_TITLES else ()


def _describe_no_choice(answer: str, found: Sequence[str]) -> str:
    if not found:
        return prompt_messages.VALUE_NOT_IN_ACCOUNT.format(value=answer)
    return prompt_messages.VALUE_IS_AMBIGUOUS.format(value=answer, titles=", ".join(found[:_MAX_SUGGESTIONS]))


def print_question(text: str) -> None:
    """Print a line of a question, on standard error: standard output is for results."""
    print_line(text, err=True)


def read_answer(question: str, default: str = "") -> str:
    """Return what was typed, or the default for Enter."""
    answer: str = click.prompt(sanitize(question), default=default, show_default=False, err=True)
    return answer.strip()
