"""columns, template: how a sheet is read, and a sheet to begin with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import msgspec

from importer.cli.console import print_line, print_json
from importer.cli.flags import read_settings, add_reading_options, repeat_options
from importer.cli.progress import print_wait
from importer.cli.run_commands import find_source
from importer.cli.summary_view import cut
from importer.credentials import find_credentials
from importer.errors import (
    MissingKeyError,
    NothingSentError,
    RunStoppedError,
    UsageError,
    raise_as_nothing_sent,
)
from importer.fields import FIELDS, get_field_label
from importer.loader.table.header_row import format_column_name
from importer.models.mapping import AccountTitles, ColumnChoice, Mapping, Title, get_active_titles
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.decide_mapping import (
    MappingDecision,
    choose_mapping,
    find_remembered_map,
    reuse_mapping,
    save_mapping,
)
from importer.pipeline.lineage import find_origin, inherit_settings
from importer.reader.source import Sheet, make_open_options, open_file
from importer.settings import Settings
from importer.untrusted_text import quote_command

_BESIDE_A_MAP = frozenset(Settings.__struct_fields__) - {"map", "column", "default"} | {"config"}
"""What is typed again beside a map: that holds the columns and the defaults, and nothing else."""


@click.command("columns")
@click.argument("file")
@add_reading_options
@click.option("--json", is_flag=True, default=None, help="As JSON.")
def columns_command(file: str, **flags: Any) -> int:
    """Show which column of FILE goes to which field and why, with samples and how full it is."""
    settings = read_settings(flags)
    with open_file(find_source(file), make_open_options(settings)) as sheet:
        opened = sheet.preview
        mapping, notices = _as_run_would(sheet, settings)
    for notice in opened.notices + notices:
        print_line(notice.text, err=settings.json)
    if settings.json:
        print_json(mapping)
    else:
        for column in mapping.columns:
            _show(column)
        if not settings.save:
            _say_what_next(mapping, quote_command("importer", "check", file) + repeat_options(flags))
    if settings.save:
        with raise_as_nothing_sent():
            save_mapping(Path(settings.save), mapping)
        back = quote_command("importer", "run", file, "--map", settings.save) + repeat_options(
            flags, only=_BESIDE_A_MAP
        )
        print_line(f"Saved in {settings.save}. Change it as you like and give it back: {back}", err=True)
    return 0


@click.command("dropdowns")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def dropdowns_command(**flags: Any) -> int:
    """Show the account's stages, groups, labels, products and source types."""
    titles = fetch_account_titles(find_credentials(os.environ, Path()), Settings(), print_wait)
    if flags["as_json"]:
        print_json(
            {name: list(map(msgspec.structs.asdict, found)) for name, found in group_by_field(titles).items()}
        )
        return 0
    for name, found in group_by_field(titles).items():
        print_line(f"{name} ({len(found)})", bold=True)
        for title in found:
            print_line(f"  {title.title}" + ("" if title.active else "  (disabled)"))
    return 0


@click.command("template")
@click.argument("out", metavar="OUT.xlsx")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def template_command(out: str, force: bool) -> int:
    """Write an empty sheet to fill in, with the account's values as real Excel dropdown lists."""
    path = Path(out)
    if path.suffix.lower() != ".xlsx":
        better = quote_command(
            "importer", "template", str(path.with_suffix(".xlsx") if path.name else "leads.xlsx")
        )
        raise UsageError(
            f"The template is an Excel sheet, and {out} does not end in .xlsx.", f"Try: {better}"
        )
    if path.exists() and not force:
        raise UsageError(
            f"There is a file {out} already, which somebody may have filled in.",
            "Choose another name, or write over it with --force.",
        )
    titles = fetch_account_titles(find_credentials(os.environ, Path()), Settings(), print_wait)
    from importer.report.template import write_template

    try:
        placed = str(write_template(path, get_active_titles(titles)))
    except (OSError, ValueError) as error:  # the latter for a name that can be none
        said = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"Cannot write {out}: {said}.",
            "Choose a folder that is there and that you may write to.",
        ) from error
    print_line(f"Written: {placed}. Fill it in and import it: {quote_command('importer', 'run', placed)}", err=True)
    return 0


def _as_run_would(sheet: Sheet, settings: Settings) -> MappingDecision:
    """The mapping that `run` would take, without its questions: a file of ours has that of its run."""
    titles = _titles_if_known(settings)
    origin = find_origin(sheet, Path(settings.reports))
    settings = inherit_settings(settings, origin)
    return reuse_mapping(sheet.preview, settings, titles, origin) or choose_mapping(
        sheet.preview, settings, titles, kept=find_remembered_map(sheet.preview, settings), needs_phone=False
    )


def _titles_if_known(settings: Settings) -> AccountTitles:
    """The account's titles help to recognise columns, but looking at a sheet needs no account."""
    try:
        return fetch_account_titles(find_credentials(os.environ, Path()), settings, print_wait)
    except MissingKeyError:
        return {}
    except (NothingSentError, RunStoppedError) as error:
        print_line(f"The account's lists were not asked: {error.message}", err=True)
        return {}


def _say_what_next(mapping: Mapping, check: str) -> None:
    """How to say it better, and the next command; without phones there is none but this one again."""
    if not any(column.field in ("customer_phone", "add_phones") for column in mapping.columns):
        print_line('No column holds the leads\' phones. Name it: --column "HEADER=customer_phone"', err=True)
        return
    print_line(
        'Is a column wrong? Add --column "HEADER=FIELD" ("HEADER=" leaves it out), to the next command too.',
        err=True,
    )
    print_line(f"To check every row: {check}", err=True)


def _show(column: ColumnChoice) -> None:
    samples = " | ".join(cut(sample, 40) for sample in column.samples) or "(empty)"
    print_line(column.header or f"({format_column_name(column.index)}, without a header)", bold=True)
    print_line(f"  -> {get_field_label(column.field)} ({column.field})" if column.field else "  -> left out")
    print_line(f"     why: {column.reason}; {column.fill_rate:.0%} filled; {samples}")


def group_by_field(titles: AccountTitles) -> dict[str, tuple[Title, ...]]:
    """The lists under the names of the fields that take them."""
    return {
        field.name: titles.get(field.dropdown, ())
        for field in FIELDS
        if field.dropdown is not None and field.name != "remove_labels"
    }
