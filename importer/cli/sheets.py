"""columns, template: how a sheet is read, and a sheet to begin with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from importer import report
from importer.access import find_access
from importer.cli.console import say, say_wait, show_json
from importer.cli.importing import source_of
from importer.cli.options import settings_from, settings_of_reading, typed_again
from importer.cli.words import cut
from importer.errors import NoKey, NothingSent, RunStopped, UsageError, before_the_first_write
from importer.fields import label_of
from importer.guard import typed
from importer.loader.header import column_name
from importer.models import AccountTitles, ColumnChoice, Mapping, active_titles
from importer.pipeline.asking import fetch_titles
from importer.pipeline.mapping import Decided, columns_of, columns_of_origin, kept_map, save_mapping
from importer.pipeline.origin import find_origin, inherited
from importer.settings import Settings
from importer.staging import Sheet, open_file, open_options

_BESIDE_A_MAP = frozenset(Settings.__struct_fields__) - {"map", "column", "set"} | {"config"}
"""What is typed again beside a map: that holds the columns and the defaults, and nothing else."""


@click.command("columns")
@click.argument("file")
@settings_of_reading
@click.option("--json", is_flag=True, default=None, help="As JSON.")
def columns_command(file: str, **flags: Any) -> int:
    """Show which column of FILE goes to which field and why, with samples and how full it is."""
    settings = settings_from(flags)
    with open_file(source_of(file), open_options(settings)) as sheet:
        opened = sheet.opened
        mapping, notices = _as_run_would(sheet, settings)
    for notice in opened.notices + notices:
        say(notice.text, err=settings.json)
    if settings.json:
        show_json(mapping)
    else:
        for column in mapping.columns:
            _show(column)
        if not settings.save:
            _say_what_next(mapping, typed("importer", "check", file) + typed_again(flags))
    if settings.save:
        with before_the_first_write():
            save_mapping(Path(settings.save), mapping)
        back = typed("importer", "run", file, "--map", settings.save) + typed_again(flags, only=_BESIDE_A_MAP)
        say(f"Saved in {settings.save}. Change it as you like and give it back: {back}", err=True)
    return 0


@click.command("template")
@click.argument("out", metavar="OUT.xlsx")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def template_command(out: str, force: bool) -> int:
    """Write an empty sheet to fill in, with the account's values as real Excel dropdown lists."""
    path = Path(out)
    if path.suffix.lower() != ".xlsx":
        better = typed("importer", "template", str(path.with_suffix(".xlsx") if path.name else "leads.xlsx"))
        raise UsageError(
            f"The template is an Excel sheet, and {out} does not end in .xlsx.", f"Try: {better}"
        )
    if path.exists() and not force:
        raise UsageError(
            f"There is a file {out} already, which somebody may have filled in.",
            "Choose another name, or write over it with --force.",
        )
    titles = fetch_titles(find_access(os.environ, Path()), Settings(), say_wait)
    try:
        placed = str(report.write_template(path, active_titles(titles)))
    except (OSError, ValueError) as error:  # the latter for a name that can be none
        said = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"Cannot write {out}: {said}.",
            "Choose a folder that is there and that you may write to.",
        ) from error
    say(f"Written: {placed}. Fill it in and import it: {typed('importer', 'run', placed)}", err=True)
    return 0


def _as_run_would(sheet: Sheet, settings: Settings) -> Decided:
    """The mapping that `run` would take, without its questions: a file of ours has that of its run."""
    titles = _titles_if_known(settings)
    origin = find_origin(sheet, Path(settings.reports))
    settings = inherited(settings, origin)
    return columns_of_origin(sheet.opened, settings, titles, origin) or columns_of(
        sheet.opened, settings, titles, kept=kept_map(sheet.opened, settings), needs_phone=False
    )


def _titles_if_known(settings: Settings) -> AccountTitles:
    """The account's titles help to recognise columns, but looking at a sheet needs no account."""
    try:
        return fetch_titles(find_access(os.environ, Path()), settings, say_wait)
    except NoKey:
        return {}
    except (NothingSent, RunStopped) as error:
        say(f"The account's lists were not asked: {error.message}", err=True)
        return {}


def _say_what_next(mapping: Mapping, check: str) -> None:
    """How to say it better, and the next command; without phones there is none but this one again."""
    if not any(column.field in ("customer_phone", "add_phones") for column in mapping.columns):
        say('No column holds the leads\' phones. Name it: --column "HEADER=customer_phone"', err=True)
        return
    say(
        'Is a column wrong? Add --column "HEADER=FIELD" ("HEADER=" leaves it out), to the next command too.',
        err=True,
    )
    say(f"To check every row: {check}", err=True)


def _show(column: ColumnChoice) -> None:
    samples = " | ".join(cut(sample, 40) for sample in column.samples) or "(empty)"
    say(column.header or f"({column_name(column.index)}, without a header)", bold=True)
    say(f"  -> {label_of(column.field)} ({column.field})" if column.field else "  -> left out")
    say(f"     why: {column.reason}; {column.filled:.0%} filled; {samples}")
