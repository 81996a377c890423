"""The command about the columns of a sheet."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec

from importer.cli.console import cut, print_json, print_line, print_wait
from importer.cli.flags import add_reading_options, read_settings, repeat_options
from importer.cli.logging_setup import load_credentials
from importer.cli.run_commands import find_source
from importer.errors import (
    MissingKeyError,
    NothingSentError,
    RunStoppedError,
    raise_as_nothing_sent,
)
from importer.fields import get_field_label
from importer.messages import help_messages, terminal_messages
from importer.models.mapping import (
    AccountTitles,
    ColumnChoice,
    Mapping,
    format_column_name,
)
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.answers import find_remembered_map, forget_mapping, save_mapping
from importer.pipeline.decide_sheets import leave_out_other_sheets, match_as_run_does
from importer.reader.source import make_open_options, open_file
from importer.settings import Settings
from importer.untrusted_text import quote_command

_REPEATED_WITH_MAP = frozenset(Settings.__struct_fields__) - {"map", "column", "default"} | {"config"}
"""The options to type again with a saved map, which only has the columns and the defaults."""


@click.command("columns", help=help_messages.COMMAND_HELP["columns"])
@click.argument("file")
@add_reading_options
@click.option("--json", is_flag=True, default=None, help=help_messages.OPTION_JSON)
@click.option("--forget", is_flag=True, help=help_messages.OPTION_FORGET)
def columns_command(file: str, forget: bool, **flags: Any) -> int:
    """Show which column of a file goes to which field."""
    settings = read_settings(flags)
    with open_file(find_source(file), make_open_options(settings)) as sheet:
        leave_out_other_sheets(sheet, settings)
        opened = sheet.preview
        if forget:
            _forget_answers([find_remembered_map(one, settings) for one in sheet.reader.workbook.sheets])
        mapping, notices = match_as_run_does(sheet, settings, _fetch_titles_if_possible(settings))
    for notice in opened.notices + notices:
        print_line(notice.text, err=settings.json)
    if settings.json:
        print_json(_to_printed_mapping(mapping))
    else:
        _show_columns(mapping)
        if not settings.save:
            _show_next_step(mapping, quote_command("importer", "check", file) + repeat_options(flags))
    if settings.save:
        with raise_as_nothing_sent():
            save_mapping(Path(settings.save), mapping)
        command = quote_command("importer", "run", file, "--map", settings.save)
        command += repeat_options(flags, only=_REPEATED_WITH_MAP)
        print_line(terminal_messages.MAP_SAVED.format(path=settings.save, command=command), err=True)
    return 0


def _forget_answers(found: Iterable[Path | None]) -> None:
    """Delete the remembered answers for each sheet, and say so."""
    paths = [path for path in dict.fromkeys(found) if path is not None]
    if not paths:
        print_line(terminal_messages.NO_ANSWERS_TO_FORGET, err=True)
    for path in paths:
        with raise_as_nothing_sent():
            forget_mapping(path)
        print_line(terminal_messages.ANSWERS_FORGOTTEN.format(path=path), err=True)


def _fetch_titles_if_possible(settings: Settings) -> AccountTitles:
    """Return the account's titles, which help to recognise columns, or none if the account cannot be asked."""
    try:
        return fetch_account_titles(load_credentials(), settings, print_wait)
    except MissingKeyError:
        return {}
    except (NothingSentError, RunStoppedError) as error:
        print_line(terminal_messages.LISTS_NOT_READ.format(reason=error.message), err=True)
        return {}


def _to_printed_mapping(mapping: Mapping) -> dict[str, Any]:
    """Return the mapping as `--json` prints it: `by_sheet` only where several sheets were read."""
    printed: dict[str, Any] = msgspec.to_builtins(mapping)
    return (
        printed if mapping.by_sheet else {name: part for name, part in printed.items() if name != "by_sheet"}
    )


def _show_columns(mapping: Mapping) -> None:
    """Print each column; of several sheets, under the name of its sheet."""
    for name, one in (mapping.by_sheet or {"": mapping}).items():
        if name:
            print_line(terminal_messages.SHEET_TITLE.format(sheet=name), bold=True)
        for column in one.columns:
            _show_column(column)


def _show_next_step(mapping: Mapping, check_command: str) -> None:
    """Print how to correct the mapping and the next command. Without a phone column there is no next command."""
    if not any(column.field in ("customer_phone", "add_phones") for column in mapping.columns):
        print_line(terminal_messages.NO_PHONE_COLUMN, err=True)
        return
    print_line(terminal_messages.CORRECT_A_COLUMN, err=True)
    print_line(terminal_messages.CHECK_WITH.format(command=check_command), err=True)


def _show_column(column: ColumnChoice) -> None:
    samples = " | ".join(cut(sample, 40) for sample in column.samples) or terminal_messages.COLUMN_IS_EMPTY
    unnamed = terminal_messages.COLUMN_WITHOUT_HEADER.format(name=format_column_name(column.index))
    print_line(column.header or unnamed, bold=True)
    target = terminal_messages.COLUMN_LEFT_OUT
    if column.field:
        label = get_field_label(column.field)
        target = terminal_messages.COLUMN_GOES_TO.format(label=label, field=column.field)
    print_line(target)
    print_line(
        terminal_messages.COLUMN_REASON.format(
            reason=column.reason, fill_rate=f"{column.fill_rate:.0%}", samples=samples
        )
    )
