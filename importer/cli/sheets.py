"""columns, template: how a sheet is read, and a sheet to begin with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from importer.cli.console import say
from importer.cli.importing import open_options, source_of
from importer.cli.options import settings_from, settings_of_reading
from importer.cli.words import field_label
from importer.errors import CannotWrite, NoKey, NothingSent, UsageError
from importer.loader.mapfile import save_map
from importer.models import AccountTitles, ColumnChoice
from importer.pipeline.mapping import columns_of
from importer.pipeline.sending import fetch_titles
from importer.report import write_template
from importer.settings import Settings, find_access
from importer.staging import open_file


@click.command("columns")
@click.argument("file")
@click.option("--save", metavar="MAP.toml", help="Save the mapping, to be changed and given back by --map.")
@settings_of_reading
def columns_command(file: str, save: str | None, **flags: Any) -> int:
    """Show which column of FILE goes to which field and why, with samples and how full it is."""
    settings = settings_from(flags)
    with open_file(source_of(file), open_options(settings)) as sheet:
        mapping = columns_of(sheet.opened, settings, _titles_if_known(settings))
        notices = sheet.opened.notices
    if settings.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(mapping), indent=2) + b"\n")
    else:
        for notice in notices:
            say(notice.text)
        if mapping.preset:
            say(f"Recognised as: {mapping.preset}")
        for column in mapping.columns:
            _show(column)
    if save:
        save_map(Path(save), mapping)
        say(f"Saved. Change it as you like and give it back: importer run {file} --map {save}", err=True)
    return 0


@click.command("template")
@click.argument("out", metavar="OUT.xlsx")
def template_command(out: str) -> int:
    """Write an empty sheet to fill in, with the account's values as real Excel dropdown lists."""
    path = Path(out)
    if path.suffix.lower() != ".xlsx":
        raise UsageError(
            f"The template is an Excel sheet; {out} does not end in .xlsx.", f"Try {path.stem}.xlsx."
        )
    titles = fetch_titles(find_access(os.environ, Path.cwd()), Settings())
    active = {dropdown.value: tuple(t.title for t in found if t.active) for dropdown, found in titles.items()}
    try:
        write_template(path, active)
    except OSError as error:
        raise CannotWrite(
            f"Cannot write {out}: {error.strerror}.", "Choose a folder that you may write to."
        ) from error
    say(f"Written: {out}. Fill it in and import it: importer run {out}", err=True)
    return 0


def _titles_if_known(settings: Settings) -> AccountTitles:
    """The account's titles help to recognise columns, but looking at a sheet needs no account."""
    try:
        return fetch_titles(find_access(os.environ, Path.cwd()), settings)
    except NoKey:
        return {}
    except NothingSent as error:
        say(f"The account's lists were not asked: {error.message}", err=True)
        return {}


def _show(column: ColumnChoice) -> None:
    goes = field_label(column.field) if column.field else "left out"
    samples = " | ".join(column.samples) or "(empty)"
    say(f"{column.header or '(no header)'}", bold=True)
    say(f"  -> {goes} ({column.field})" if column.field else "  -> left out")
    say(f"     why: {column.reason}; {column.filled:.0%} filled; {samples}")
