"""The questions at the terminal. Every question can be skipped, and every answer is a plain value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click

from importer.cli.console import print_line
from importer.cli.summary_view import cut
from importer.fields import FIELDS, find_field, get_field_label
from importer.messages import terminal_messages
from importer.messages.terminal_messages import format_row_count
from importer.pipeline.context import ColumnQuestion, UnknownValue
from importer.validator.title_lookup import suggest_titles

_MAX_SUGGESTIONS = 5
_MAX_LISTED_TITLES = 15
_KEEP, _DROP, _KEEP_ALL, _DROP_ALL = "", "-", "all", "-all"


def ask_about_saved_map(path: Path) -> bool:
    """Ask whether to read the sheet with the answers for an earlier sheet with the same columns."""
    statement, question = terminal_messages.CONFIRM_SAVED_MAP
    _print(statement.format(path=path))
    return confirm(question, default=True)


def confirm(question: str, *, default: bool = False) -> bool:
    """Ask for yes or no until the answer is one of them. Enter means `default`.

    Click's own prompt would answer other input with `Error: invalid input`.
    """
    while True:
        match _read_answer(f"{question} [{'Y/n' if default else 'y/N'}]").casefold():
            case "":
                return default
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
            case _:
                _print(terminal_messages.TYPE_YES_OR_NO)


def ask_phone_column(questions: Sequence[ColumnQuestion]) -> str:
    """Ask which column has the phones. Returns its name, or "" to stop."""
    return _ask_one_column(
        questions, terminal_messages.WHICH_COLUMN_IS_PHONE, terminal_messages.COLUMN_NUMBER
    )


def ask_name_column(questions: Sequence[ColumnQuestion]) -> str:
    """Ask which column has the names. Returns its name, or "" if none has them."""
    return _ask_one_column(
        questions, terminal_messages.WHICH_COLUMN_IS_NAME, terminal_messages.NAME_COLUMN_NUMBER
    )


def _ask_one_column(questions: Sequence[ColumnQuestion], statement: str, prompt: str) -> str:
    if not questions:
        return ""
    _print(statement)
    for number, question in enumerate(questions, 1):
        _print(f"  {number}  {question.name}  ({_format_samples(question)})")
    while True:
        answer = _read_answer(prompt, default="0")
        if answer.isdecimal() and int(answer) <= len(questions):
            return questions[int(answer) - 1].name if int(answer) else ""
        _print(terminal_messages.TYPE_COLUMN_NUMBER.format(last=len(questions)))


def ask_columns(questions: Sequence[ColumnQuestion]) -> dict[str, str]:
    """Ask for the field of each column. Returns field names by column name, "" for a column to leave out."""
    _print(terminal_messages.format_unsure_columns(len(questions)))
    taken: set[str] = set()
    answers: dict[str, str] = {}
    for question in questions:
        answers[question.name] = field = _ask_column(question, taken)
        if field and not _is_multi_column(field):
            taken.add(field)
    return answers


def ask_titles(unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
    """Ask what each unknown value means. Returns titles of the account by field and value.

    A title of "" sends the rows without the value. Values to keep are absent.
    """
    answers: dict[str, dict[str, str]] = {}
    for field, values in groupby(sorted(unknown, key=lambda value: value.field), lambda value: value.field):
        if found := dict(_ask_field_titles(field, list(values))):
            answers[field] = found
    return answers


# --- one column


def _ask_column(question: ColumnQuestion, taken: set[str]) -> str:
    column = question.column
    _print(
        terminal_messages.UNSURE_COLUMN.format(
            name=question.name, samples=_format_samples(question), reason=column.reason
        )
    )
    default = get_field_label(column.field) if column.field else _DROP
    while True:
        answer = _read_answer(
            terminal_messages.WHICH_FIELD.format(default=default), default=column.field or _DROP
        )
        if answer == _DROP:
            return ""
        if answer == "?":
            _print(f"  {', '.join(f'{field.label} ({field.name})' for field in FIELDS)}")
            continue
        name = _find_field_name(answer)
        if not name:
            _print(terminal_messages.UNKNOWN_FIELD.format(name=answer))
        elif not _is_multi_column(name) and name in (question.taken | taken):
            _print(terminal_messages.FIELD_IS_TAKEN.format(field=get_field_label(name)))
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
    return ", ".join(cut(sample, 30) for sample in question.column.samples) or terminal_messages.NO_SAMPLES


# --- the values of one field


def _ask_field_titles(field: str, values: list[UnknownValue]) -> Iterator[tuple[str, str]]:
    _print_value_choices(field, values)
    for index, value in enumerate(values):
        match _ask_title(value, f"{index + 1} of {len(values)}"):
            case "":
                continue
            case "-":
                yield value.value, ""
            case "all":
                return
            case "-all":
                yield from ((rest.value, "") for rest in values[index:])
                return
            case title:
                yield value.value, title


def _print_value_choices(field: str, values: list[UnknownValue]) -> None:
    label = get_field_label(field)
    rows = sum(value.rows for value in values)
    _print(terminal_messages.format_unknown_values(label, len(values), rows))
    for line in terminal_messages.VALUE_CHOICES:
        _print(line)
    if len(values) > 1:
        _print(terminal_messages.VALUE_CHOICES_FOR_ALL.format(field=label))


def _ask_title(unknown: UnknownValue, position: str) -> str:
    """Ask for the title of one value. Returns it, or one of `_KEEP`, `_DROP`, `_KEEP_ALL` and `_DROP_ALL`."""
    similar = suggest_titles(unknown.value, unknown.titles, limit=_MAX_SUGGESTIONS)
    suggestions = similar or _list_if_short(unknown.titles)
    _print(
        terminal_messages.UNKNOWN_VALUE.format(
            position=position,
            field=get_field_label(unknown.field),
            value=unknown.value,
            rows=format_row_count(unknown.rows),
        )
    )
    for number, title in enumerate(suggestions, 1):
        _print(f"  {number}  {title}")
    question = terminal_messages.WHICH_VALUE_TITLE
    if suggestions:
        question = terminal_messages.WHICH_VALUE_NUMBER
    while True:
        answer = _read_answer(question)
        if answer in (_KEEP, _DROP, _KEEP_ALL, _DROP_ALL):
            return answer
        found = _find_titles(answer, suggestions, unknown.titles)
        if len(found) == 1:
            _print(terminal_messages.VALUE_CHOSEN.format(title=found[0]))
            return found[0]
        _print(_describe_no_choice(answer, found))


def _find_titles(answer: str, suggestions: Sequence[str], titles: Sequence[str]) -> list[str]:
    """Return the titles that an answer can mean: by number, by full title, or by a part of it."""
    if answer.isdecimal() and 1 <= int(answer) <= len(suggestions):
        return [suggestions[int(answer) - 1]]
    equal = [title for title in titles if title.casefold() == answer.casefold()]
    return equal or [title for title in titles if answer.casefold() in title.casefold()]


def _list_if_short(titles: Sequence[str]) -> Sequence[str]:
    """Return a short list as it is and nothing of a long one, for values without a suggestion."""
    return titles if len(titles) <= _MAX_LISTED_TITLES else ()


def _describe_no_choice(answer: str, found: Sequence[str]) -> str:
    if not found:
        return terminal_messages.VALUE_NOT_IN_ACCOUNT.format(value=answer)
    return terminal_messages.VALUE_IS_AMBIGUOUS.format(
        value=answer, titles=", ".join(found[:_MAX_SUGGESTIONS])
    )


def _print(text: str) -> None:
    print_line(text, err=True)


def _read_answer(question: str, default: str = "") -> str:
    answer: str = click.prompt(question, default=default, show_default=False, err=True)
    return answer.strip()
