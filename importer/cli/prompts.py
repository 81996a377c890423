"""The questions to the person at the terminal, each with a way out; answers are plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import click

from importer.cli.console import print_line
from importer.cli.summary_view import cut, format_row_count
from importer.fields import FIELDS, find_field, get_field_label
from importer.pipeline.observer import ColumnQuestion, UnknownValue
from importer.validator.title_lookup import suggest_titles

_SHOWN_TITLES = 5
_MOST_TITLES = 15
_LEAVE, _OMIT, _REST, _OMIT_REST = "", "-", "all", "-all"


def ask_about_saved_map(path: Path) -> bool:
    """Whether to read the sheet as an earlier one of its shape."""
    print_line(f"An earlier sheet had the same columns; your answers of then are in {path}.", err=True)
    return confirm("Read this one the same way?", default=True)


def confirm(question: str, *, default: bool = False) -> bool:
    """A yes or a no, asked until it is one; Enter is the `default`. Click's own says `Error: invalid input`."""
    while True:
        said: str = click.prompt(
            f"{question} [{'Y/n' if default else 'y/N'}]", default="", show_default=False, err=True
        )
        match said.strip().casefold():
            case "":
                return default
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
        print_line("  Type y for yes or n for no, then Enter.", err=True)


def ask_phone_column(questions: Sequence[ColumnQuestion]) -> str:
    """The name of the column of phones, or ""."""
    if not questions:
        return ""
    print_line("No column says that it holds the leads' phones. Which one does?", err=True)
    for number, question in enumerate(questions, 1):
        print_line(f"  {number}  {question.name}  ({_samples(question)})", err=True)
    while True:
        said: str = click.prompt(
            "  A number, or 0 to stop here", default="0", show_default=False, err=True
        ).strip()
        if said.isdecimal() and int(said) <= len(questions):
            return questions[int(said) - 1].name if int(said) else ""
        print_line(f"  Type one of the numbers 0 to {len(questions)}, then Enter.", err=True)


def ask_columns(questions: Sequence[ColumnQuestion]) -> dict[str, str]:
    """A field for each column, "" for one that is left out."""
    count = "One column is" if len(questions) == 1 else f"{len(questions)} columns are"
    print_line(
        f"{count} not sure. Enter takes what stands in [ ]; - leaves a column out; ? lists the fields.",
        err=True,
    )
    taken: set[str] = set()
    answers: dict[str, str] = {}
    for question in questions:
        answers[question.name] = field = _ask_column(question, taken)
        if field and not _joins(field):
            taken.add(field)
    return answers


def ask_titles(unknown: Sequence[UnknownValue]) -> dict[str, dict[str, str]]:
    """A title of the account for each value, "" to send its rows without it; values left alone are absent."""
    answers: dict[str, dict[str, str]] = {}
    for field, values in groupby(sorted(unknown, key=lambda value: value.field), lambda value: value.field):
        if found := dict(_ask_titles_of(field, list(values))):
            answers[field] = found
    return answers


# --- one column


def _ask_column(question: ColumnQuestion, taken: set[str]) -> str:
    column = question.column
    print_line(f'Column "{question.name}" ({_samples(question)}): {column.reason}.', err=True)
    default = get_field_label(column.field) if column.field else _OMIT
    while True:
        said: str = click.prompt(
            f"  It goes to [{default}]", default=column.field or _OMIT, show_default=False, err=True
        )
        if said.strip() == _OMIT:
            return ""
        if said.strip() == "?":
            print_line(f"  {', '.join(f'{field.label} ({field.name})' for field in FIELDS)}", err=True)
            continue
        name = _field_meant(said)
        if not name:
            print_line(f'  There is no field "{said}". ? lists the fields.', err=True)
        elif not _joins(name) and name in (question.taken | taken):
            print_line(
                f"  {get_field_label(name)} has its column already. Choose another, or - to leave this one out.",
                err=True,
            )
        else:
            return name


def _field_meant(said: str) -> str:
    """The field of this API name or label, "" where there is none."""
    named = find_field(said)
    by_label = next((field for field in FIELDS if field.label.lower() == said.strip().lower()), None)
    found = named or by_label
    return found.name if found else ""


def _joins(name: str) -> bool:
    field = find_field(name)
    return field is not None and field.takes_many_columns


def _samples(question: ColumnQuestion) -> str:
    return ", ".join(cut(sample, 30) for sample in question.column.samples) or "empty"


# --- the values of one field


def _ask_titles_of(field: str, values: list[UnknownValue]) -> Iterator[tuple[str, str]]:
    label = get_field_label(field)
    rows = sum(value.rows for value in values)
    count = "1 value is" if len(values) == 1 else f"{len(values):,} values are"
    print_line(f"{label}: {count} not in the account ({format_row_count(rows)}).", err=True)
    print_line(
        "  Enter  leaves a value as it is (its rows are refused, or sent without it by --unknown drop)",
        err=True,
    )
    print_line("  -      sends its rows without it", err=True)
    if len(values) > 1:
        print_line(
            f"  all    leaves this one and all the rest of {label};  -all  sends them all without it",
            err=True,
        )
    for at, value in enumerate(values):
        match _ask_title(value, f"{at + 1} of {len(values)}"):
            case "":
                continue
            case "-":
                yield value.value, ""
            case "all":
                return
            case "-all":
                yield from ((rest.value, "") for rest in values[at:])
                return
            case title:
                yield value.value, title


def _ask_title(unknown: UnknownValue, place: str) -> str:
    """A title, or one of the ways out."""
    near = suggest_titles(unknown.value, unknown.titles, limit=_SHOWN_TITLES) or _all_of(unknown.titles)
    print_line(f'{place}: {get_field_label(unknown.field)} "{unknown.value}" ({format_row_count(unknown.rows)})', err=True)
    for number, title in enumerate(near, 1):
        print_line(f"  {number}  {title}", err=True)
    wanted = "A number, or another title" if near else "A title (importer dropdowns lists them)"
    while True:
        said: str = click.prompt(f"  Which is meant? {wanted}", default="", show_default=False, err=True)
        said = said.strip()
        if said in (_LEAVE, _OMIT, _REST, _OMIT_REST):
            return said
        if said.isdecimal() and 1 <= int(said) <= len(near):
            return _taken(near[int(said) - 1])
        found = [title for title in unknown.titles if title.casefold() == said.casefold()]
        found = found or [title for title in unknown.titles if said.casefold() in title.casefold()]
        if len(found) == 1:
            return _taken(found[0])
        print_line(_more_than_one(said, found), err=True)


def _taken(title: str) -> str:
    """The title, shown in full: a number or a part of it was typed."""
    print_line(f'  Taken as "{title}".', err=True)
    return title


def _all_of(titles: Sequence[str]) -> Sequence[str]:
    """Where nothing is near, a short list is shown whole, a long one not at all."""
    return titles if len(titles) <= _MOST_TITLES else ()


def _more_than_one(said: str, found: Sequence[str]) -> str:
    if not found:
        return f'  The account has no "{said}". Type a number, a title, or Enter to leave the value as it is.'
    return f'  More than one title has "{said}": {", ".join(found[:_SHOWN_TITLES])}.'
